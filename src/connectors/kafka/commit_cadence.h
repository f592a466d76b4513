// Purpose: when a worker begins its commits, so that no result waits longer than the interval for the end of the next one.
// Rules: a commit begins as much earlier as commits took lately, at most half of the interval. While more is left to read than
//        two seconds of work the results are old anyway, and commits come once a second: brokers then need less time for them.
// Units: monotonic nanoseconds.
// Thread-safety: one thread's.
#pragma once

#include <algorithm>
#include <cstdint>

namespace meterstream {

class CommitCadence {
 public:
  CommitCadence(int64_t interval_ms, int64_t now_ns)
      : interval_ns_(interval_ms > kLongestMs ? kLongestMs * kNsPerMs : interval_ms * kNsPerMs),
        begun_ns_(now_ns),
        progressed_ns_(now_ns) {}

  [[nodiscard]] bool is_due(int64_t now_ns) const {
    if (is_behind_ && interval_ns_ > 0) return now_ns - begun_ns_ >= std::max(interval_ns_, kBehindNs);
    return now_ns - begun_ns_ >= interval_ns_ - std::min(taken_ns_, interval_ns_ / 2);
  }
  void begun(int64_t now_ns) { begun_ns_ = now_ns; }
  /// `records`: read since the worker began; `lag`: known to be left to read.
  void progressed(int64_t now_ns, int64_t records, int64_t lag) {
    const int64_t elapsed_ns = now_ns - progressed_ns_;
    const int64_t worked = records - records_;
    // A task that was given back takes its records with it.
    is_behind_ = elapsed_ns > 0 && worked > 0 && lag / 2 > worked * kSecondNs / elapsed_ns;
    progressed_ns_ = now_ns;
    records_ = records;
  }
  /// Follows a slow commit at once, and forgets it over the next ones.
  void ended(int64_t now_ns) {
    const int64_t taken_ns = now_ns - begun_ns_;
    taken_ns_ = std::max(taken_ns, taken_ns_ - (taken_ns_ - taken_ns) / kMemory);
  }

 private:
  static constexpr int64_t kNsPerMs = 1'000'000;
  static constexpr int64_t kLongestMs = int64_t{365} * 24 * 3600 * 1000;
  static constexpr int64_t kMemory = 4;
  static constexpr int64_t kSecondNs = 1'000'000'000;
  static constexpr int64_t kBehindNs = kSecondNs;

  int64_t interval_ns_;
  int64_t begun_ns_;
  int64_t taken_ns_ = 0;
  int64_t progressed_ns_ = 0;
  int64_t records_ = 0;
  bool is_behind_ = false;
};

}  // namespace meterstream
