// Purpose: when a worker begins its commits, so that no result waits longer than the interval for the end of the next one.
// Rule: a commit begins as much earlier as commits took lately, at most half of the interval.
// Units: monotonic nanoseconds.
// Thread-safety: one thread's.
#pragma once

#include <algorithm>
#include <cstdint>

namespace meterstream {

class CommitCadence {
 public:
  CommitCadence(int64_t interval_ms, int64_t now_ns)
      : interval_ns_(interval_ms > kLongestMs ? kLongestMs * kNsPerMs : interval_ms * kNsPerMs), begun_ns_(now_ns) {}

  [[nodiscard]] bool is_due(int64_t now_ns) const {
    return now_ns - begun_ns_ >= interval_ns_ - std::min(taken_ns_, interval_ns_ / 2);
  }
  void begun(int64_t now_ns) { begun_ns_ = now_ns; }
  /// Follows a slow commit at once, and forgets it over the next ones.
  void ended(int64_t now_ns) {
    const int64_t taken_ns = now_ns - begun_ns_;
    taken_ns_ = std::max(taken_ns, taken_ns_ - (taken_ns_ - taken_ns) / kMemory);
  }

 private:
  static constexpr int64_t kNsPerMs = 1'000'000;
  static constexpr int64_t kLongestMs = int64_t{365} * 24 * 3600 * 1000;
  static constexpr int64_t kMemory = 4;

  int64_t interval_ns_;
  int64_t begun_ns_;
  int64_t taken_ns_ = 0;
};

}  // namespace meterstream
