#include "apps/sink_trouble.h"

#include <fmt/format.h>

namespace meterstream {

void SinkTrouble::tell(SinkTask::StoreChange change, const std::string& message) {
  const std::scoped_lock lock(mutex_);
  if (change == SinkTask::StoreChange::kAway) {
    if (waiting_++ == 0) fmt::print(stderr, "sink {} waits: {}\n", sink_, message);
    return;
  }
  if (--waiting_ == 0 && change == SinkTask::StoreChange::kBack) fmt::print(stderr, "sink {} goes on\n", sink_);
}

std::function<void(SinkTask::StoreChange, const std::string&)> tell_trouble_once(const std::string& sink) {
  return [trouble = std::make_shared<SinkTrouble>(sink)](SinkTask::StoreChange change, const std::string& message) {
    trouble->tell(change, message);
  };
}

}  // namespace meterstream
