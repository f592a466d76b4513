#include "apps/interrupt.h"

#include <atomic>

namespace meterstream {
namespace {

std::atomic<bool> requested = false;

void note_interrupt(int /*signal*/) {
  requested = true;
}

}  // namespace

Interrupt::Interrupt() {
  requested = false;
  struct sigaction action{};
  action.sa_handler = note_interrupt;
  // Without SA_RESTART: who reads from the terminal is woken.
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &previous_);
}

Interrupt::~Interrupt() {
  sigaction(SIGINT, &previous_, nullptr);
}

bool Interrupt::is_requested() {
  return requested;
}

bool Interrupt::take() {
  return requested.exchange(false);
}

}  // namespace meterstream
