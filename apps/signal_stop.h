// Purpose: turns Ctrl-C and SIGTERM into a flag that long jobs look at; the second signal ends the process at once.
// Thread-safety: requested() may be called from any thread. At most one object at a time.
// Guarantee: everything committed before an immediate end is kept; the log recovers at the next start.
#pragma once

#include <atomic>

namespace meterstream {

class SignalStop {
 public:
  SignalStop();
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;

  [[nodiscard]] bool requested() const;
  /// For parts that take a flag; true once a signal came.
  [[nodiscard]] const std::atomic<bool>& flag() const;
  /// Sleeps up to `milliseconds`, less when a signal comes; true when it came.
  [[nodiscard]] bool wait(int milliseconds) const;
};

}  // namespace meterstream
