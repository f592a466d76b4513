// Purpose: holds a producer to a rate.
// Rule: tokens come at `rate` a second, up to what a tenth of a second gives (at least one). A rate of 0 is no limit.
// Units: nanoseconds of a monotonic clock. Thread-safety: none. Pure: time is given.
#pragma once

#include <algorithm>
#include <cstdint>

namespace meterstream {

class TokenBucket {
 public:
  TokenBucket(int64_t rate, int64_t now_ns)
      : rate_(static_cast<double>(rate)), capacity_(std::max(rate_ / 10, 1.0)), filled_ns_(now_ns) {}

  /// How many of `wanted` may go now; they are taken.
  int64_t take(int64_t wanted, int64_t now_ns) {
    if (rate_ <= 0) return wanted;
    fill(now_ns);
    const auto given = std::min(wanted, static_cast<int64_t>(tokens_));
    tokens_ -= static_cast<double>(given);
    return given;
  }
  /// Nanoseconds until at least one may go (0: at once).
  [[nodiscard]] int64_t wait_ns() const {
    if (rate_ <= 0 || tokens_ >= 1) return 0;
    return static_cast<int64_t>((1 - tokens_) / rate_ * 1e9) + 1;
  }

 private:
  void fill(int64_t now_ns) {
    tokens_ = std::min(capacity_, tokens_ + static_cast<double>(now_ns - filled_ns_) * 1e-9 * rate_);
    filled_ns_ = now_ns;
  }

  double rate_;
  double capacity_;
  double tokens_ = 0;
  int64_t filled_ns_;
};

}  // namespace meterstream
