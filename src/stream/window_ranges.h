// Purpose: which windows of a hopping view are closed although time has not come to them, as ranges of window starts.
// Cost: 16 bytes for windows that lie side by side, however many.
// Units: starts are UTC ms, ranges [from, to).
// Thread-safety: none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

namespace meterstream {

class WindowRanges {
 public:
  void add(int64_t from_ms, int64_t to_ms) {
    auto next = ranges_.upper_bound(from_ms);
    if (next != ranges_.begin() && std::prev(next)->second >= from_ms) --next;
    while (next != ranges_.end() && next->first <= to_ms) {
      from_ms = std::min(from_ms, next->first);
      to_ms = std::max(to_ms, next->second);
      next = ranges_.erase(next);
    }
    ranges_.emplace(from_ms, to_ms);
  }
  /// `start_ms`, or the end of the range that holds it.
  [[nodiscard]] int64_t first_outside(int64_t start_ms) const {
    const auto next = ranges_.upper_bound(start_ms);
    if (next == ranges_.begin()) return start_ms;
    return std::max(start_ms, std::prev(next)->second);
  }
  void erase_before(int64_t start_ms) {
    while (!ranges_.empty() && ranges_.begin()->first < start_ms) {
      const int64_t to_ms = ranges_.begin()->second;
      ranges_.erase(ranges_.begin());
      if (to_ms > start_ms) ranges_.emplace(start_ms, to_ms);
    }
  }
  /// from, to, from, to, ...
  [[nodiscard]] std::vector<int64_t> list() const {
    std::vector<int64_t> all;
    for (const auto& [from_ms, to_ms] : ranges_) all.insert(all.end(), {from_ms, to_ms});
    return all;
  }

 private:
  std::map<int64_t, int64_t> ranges_;
};

}  // namespace meterstream
