// Purpose: the only way the product reads time, so that tests and simulations own it.
// Thread-safety: SystemClock is stateless; a ManualClock may be read and moved from several threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/strong.h"

namespace meterstream {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall-clock time, UTC, milliseconds.
  [[nodiscard]] virtual IngestTime now() const = 0;
  /// Nanoseconds of a clock that never goes back; its zero is arbitrary.
  [[nodiscard]] virtual int64_t monotonic_ns() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] IngestTime now() const override;
  [[nodiscard]] int64_t monotonic_ns() const override;
};

/// Stands still until somebody moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(IngestTime start) : now_ms_(start.value) {}
  [[nodiscard]] IngestTime now() const override { return IngestTime(now_ms_.load()); }
  [[nodiscard]] int64_t monotonic_ns() const override { return now_ms_.load() * 1'000'000; }
  void advance(int64_t by_ms) { now_ms_.fetch_add(by_ms); }

 private:
  std::atomic<int64_t> now_ms_;
};

}  // namespace meterstream
