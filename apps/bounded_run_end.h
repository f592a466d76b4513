// Purpose: when a process that shares partitions in a group may end a bounded run. Partitions change hands: while one is on
//          its way to a worker, nobody here holds it, and all that is held may be at its end without it.
// Rule: the run ends when every partition was finished here. Where some were not, other processes hold them, or nobody
//       does yet: then it ends once everything held has been at its end for `settle_ms` without a break, which is longer
//       than a group takes to give the partitions of a dead member to others.
// Time base: monotonic clock, ms. Thread-safety: none.
#pragma once

#include <cstdint>
#include <optional>

namespace meterstream {

class BoundedRunEnd {
 public:
  explicit BoundedRunEnd(int64_t settle_ms) : settle_ms_(settle_ms) {}

  /// To be asked again and again. `held_are_at_end`: all that is held now is finished; `unfinished`: partitions that
  /// were never finished here.
  bool is_reached(bool held_are_at_end, int64_t unfinished, int64_t now_ms) {
    if (!held_are_at_end) {
      since_ms_.reset();
      return false;
    }
    if (unfinished == 0) return true;
    if (!since_ms_) since_ms_ = now_ms;
    return now_ms - *since_ms_ >= settle_ms_;
  }

 private:
  const int64_t settle_ms_;
  std::optional<int64_t> since_ms_;
};

}  // namespace meterstream
