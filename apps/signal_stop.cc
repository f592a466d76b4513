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
std::atomic<bool> announces{true};
constexpr std::array kSignals = {SIGINT, SIGTERM};

void on_signal(int signal_number) {
  if (stop_requested.exchange(true)) _exit(128 + signal_number);
  if (!announces) return;
  constexpr char kMessage[] = "\nstopping after the current batch; press Ctrl-C again to end at once\n";
  // Nothing can be done here when the message cannot be written.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
}

}  // namespace

SignalStop::SignalStop(Announcement announcement) {
  CHECK_MESSAGE(!is_installed.exchange(true), "one SignalStop at a time");
  stop_requested = false;
  announces = announcement == Announcement::kMessage;
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &previous_[i]);
}

SignalStop::~SignalStop() {
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &previous_[i], nullptr);
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
