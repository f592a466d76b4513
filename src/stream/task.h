// Purpose: a unit of work that one thread at a time drives: a pass over some partitions, or a sink.
// Thread-safety: open, step and finish from one thread at a time; status() from any thread.
// Errors: what was committed stays. After an error drop the task and open a new one, which goes on from the last commit,
//         unless the task's own header says that step() may be called again. A commit that failed (kUnavailable: the
//         transaction was aborted, the disk was full) always means that: what was to be committed is gone from the task.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "stream/view_accounting.h"

namespace meterstream {

/// What a task tells about itself after a commit or a step.
struct TaskStatus {
  struct View {
    std::string name;
    ViewAccounting accounting;
  };
  std::string name;
  int64_t records = 0;  ///< read by this run
  int64_t lag = 0;      ///< records behind the ends of its partitions, when it last looked
  int64_t watermark_ms = INT64_MIN;
  int64_t open_windows = 0;
  int64_t state_bytes = 0;
  int64_t window_bytes = 0;  ///< of state_bytes: pages of open windows in memory
  int64_t commits = 0;
  std::vector<View> views;
};

class Task {
 public:
  enum class Step : uint8_t {
    kWorked,     ///< there was something to do
    kExhausted,  ///< its input was at the end
    kWaiting,    ///< what it writes to is away; there may be more to do later
  };

  virtual ~Task() = default;
  /// Recovers state. Call once, before the first step.
  virtual Status open() = 0;
  /// A bounded amount of work, tens of milliseconds unless it waits_for() something; commits by itself when due.
  virtual Result<Step> step() = 0;
  /// Commits. With `close`, first closes what is open, as a bounded run does.
  virtual Status finish(bool close) = 0;
  /// Topics it reads and topics it writes: a bounded run finishes writers before readers.
  [[nodiscard]] virtual std::vector<std::string> inputs() const = 0;
  [[nodiscard]] virtual std::vector<std::string> outputs() const = 0;
  /// In a bounded run it shall not begin before those that write what it reads have finished.
  [[nodiscard]] virtual bool needs_whole_inputs() const { return false; }
  /// What step() may have to wait for for seconds, such as a store that is slow or away: tasks with the same name share a
  /// thread with no others. Empty for a task that waits for nothing.
  [[nodiscard]] virtual std::string waits_for() const { return {}; }

  [[nodiscard]] TaskStatus status() const {
    const std::scoped_lock lock(published_mutex_);
    return published_;
  }

 protected:
  void publish(TaskStatus status) {
    const std::scoped_lock lock(published_mutex_);
    published_ = std::move(status);
  }

 private:
  mutable std::mutex published_mutex_;
  TaskStatus published_;
};

}  // namespace meterstream
