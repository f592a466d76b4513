#include "apps/sink_trouble.h"

#include <memory>
#include <mutex>

#include <fmt/format.h>

namespace meterstream {
namespace {

struct WaitingTasks {
  std::mutex mutex;
  int count = 0;
};

}  // namespace

std::function<void(SinkTask::StoreChange, const std::string&)> tell_trouble_once(const std::string& sink) {
  return [sink, waiting = std::make_shared<WaitingTasks>()](SinkTask::StoreChange change, const std::string& message) {
    const std::scoped_lock lock(waiting->mutex);
    if (change == SinkTask::StoreChange::kAway) {
      if (waiting->count++ == 0) fmt::print(stderr, "sink {} waits: {}\n", sink, message);
      return;
    }
    if (--waiting->count == 0 && change == SinkTask::StoreChange::kBack) fmt::print(stderr, "sink {} goes on\n", sink);
  };
}

}  // namespace meterstream
