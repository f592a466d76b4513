// Purpose: what the tasks of one sink see of their store, told once for all of them: when the first of them waits, and when
//          none waits any more.
// Thread-safety: the function may be called from several threads.
#pragma once

#include <functional>
#include <string>

#include "stream/sink_task.h"

namespace meterstream {

/// For SinkTask::Options::on_store of all tasks of a sink.
std::function<void(SinkTask::StoreChange, const std::string&)> tell_trouble_once(const std::string& sink);

}  // namespace meterstream
