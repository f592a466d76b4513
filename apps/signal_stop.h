// Purpose: turns Ctrl-C and SIGTERM into a flag that long jobs look at; the second signal ends the process at once.
// Thread-safety: requested() may be called from any thread. At most one object at a time.
// Guarantee: everything committed before an immediate end is kept; the log recovers at the next start.
#pragma once

#include <array>
#include <atomic>
#include <csignal>

namespace meterstream {

class SignalStop {
 public:
  enum class Announcement : unsigned char {
    kMessage,  ///< the signal is answered with a message: the end may take a while
    kNone,     ///< the end comes at once
  };
  explicit SignalStop(Announcement announcement = Announcement::kMessage);
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;

  [[nodiscard]] bool requested() const;
  /// For parts that take a flag; true once a signal came.
  [[nodiscard]] const std::atomic<bool>& flag() const;
  /// Sleeps up to `milliseconds`, less when a signal comes; true when it came.
  [[nodiscard]] bool wait(int milliseconds) const;

 private:
  /// What SIGINT and SIGTERM did before.
  std::array<struct sigaction, 2> previous_{};
};

}  // namespace meterstream
