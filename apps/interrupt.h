// Purpose: Ctrl-C as a question that can be answered and asked again, for a shell that goes on behind it. SIGTERM ends the program as ever.
// Thread-safety: is_requested() and take() from any thread; one object at a time.
#pragma once

#include <csignal>

namespace meterstream {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Whether Ctrl-C came since the last take().
  static bool is_requested();
  /// The same, and forgets it.
  static bool take();

 private:
  struct sigaction previous_{};
};

}  // namespace meterstream
