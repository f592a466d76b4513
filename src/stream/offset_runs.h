// Purpose: offsets of the records that were read and not settled yet, in order, as runs without gaps.
// Thread-safety: none.
#pragma once

#include <cstdint>
#include <deque>

#include "base/strong.h"

namespace meterstream {

class OffsetRuns {
 public:
  /// `offset` is above all that were added.
  void add(Offset offset);
  /// Removes the offsets below `limit`; how many there were.
  int64_t take_below(Offset limit);
  void clear() { runs_.clear(); }
  [[nodiscard]] bool empty() const { return runs_.empty(); }

 private:
  /// Offsets [first, end).
  struct Run {
    int64_t first = 0;
    int64_t end = 0;
  };
  std::deque<Run> runs_;
};

}  // namespace meterstream
