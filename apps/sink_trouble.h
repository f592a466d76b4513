// Purpose: what the tasks of one sink see of their store, told once for all of them: when the first of them waits, and when
//          none waits any more.
// Thread-safety: tell() may be called from several threads.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "stream/sink_task.h"

namespace meterstream {

class SinkTrouble {
 public:
  explicit SinkTrouble(std::string sink) : sink_(std::move(sink)) {}
  void tell(SinkTask::StoreChange change, const std::string& message);

 private:
  std::string sink_;
  std::mutex mutex_;
  int waiting_ = 0;
};

/// For SinkTask::Options::on_store of all tasks of a sink.
std::function<void(SinkTask::StoreChange, const std::string&)> tell_trouble_once(const std::string& sink);

}  // namespace meterstream
