// Purpose: what the bodies of all requests of a server may hold together, so that many clients cannot take its memory. Private to src/http.
// Units: bytes. Thread-safety: any thread.
#pragma once

#include <atomic>
#include <cstddef>

namespace meterstream {

class BodyBudget {
 public:
  explicit BodyBudget(size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// False: it would be too much, and nothing is taken.
  bool take(size_t bytes) {
    size_t taken = taken_bytes_.load(std::memory_order_relaxed);
    do {
      if (bytes > limit_bytes_ - taken) return false;
    } while (!taken_bytes_.compare_exchange_weak(taken, taken + bytes, std::memory_order_relaxed));
    return true;
  }
  void give_back(size_t bytes) { taken_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  const size_t limit_bytes_;
  std::atomic<size_t> taken_bytes_ = 0;
};

}  // namespace meterstream
