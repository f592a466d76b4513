#include "apps/signal_stop.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include <unistd.h>

#include "base/check.h"

namespace meterstream {
namespace {

// A signal handler can reach nothing but static storage.
std::atomic<bool> stop_requested{false};
std::atomic<bool> is_installed{false};

void on_signal(int signal_number) {
  if (stop_requested.exchange(true)) _exit(128 + signal_number);
  constexpr char kMessage[] = "\nstopping after the current batch; press Ctrl-C again to end at once\n";
  // Nothing can be done here when the message cannot be written.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
}

void handle(void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

SignalStop::SignalStop() {
  CHECK_MESSAGE(!is_installed.exchange(true), "one SignalStop at a time");
  stop_requested = false;
  handle(on_signal);
}

SignalStop::~SignalStop() {
  handle(SIG_DFL);
  is_installed = false;
}

bool SignalStop::requested() const {
  return stop_requested.load(std::memory_order_relaxed);
}

const std::atomic<bool>& SignalStop::flag() const {
  return stop_requested;
}

bool SignalStop::wait(int milliseconds) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (!requested()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds(0)) return false;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(20)));
  }
  return true;
}

}  // namespace meterstream
