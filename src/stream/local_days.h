// Purpose: windows of whole days as clocks of a place count them: from midnight to midnight there, 23 or 25 hours long when
//          clocks change. They lie side by side without a gap.
// Shapes: windows of several days begin at multiples of them since 1970-01-01.
// Units: UTC ms. Thread-safety: none. Errors: none; the zone must be one that is_time_zone() knows.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace meterstream {

class LocalDays {
 public:
  struct Bounds {
    int64_t start_ms = 0;
    int64_t end_ms = 0;
    bool operator==(const Bounds&) const = default;
  };

  LocalDays(std::string zone, int64_t size_ms) : zone_(std::move(zone)), size_ms_(size_ms) {}

  /// Of the window that holds the time.
  Bounds window_of(int64_t time_ms);

 private:
  int64_t start_of(int64_t number);

  std::string zone_;
  int64_t size_ms_;
  std::unordered_map<int64_t, int64_t> starts_;  ///< of windows by number, those that were asked for
  Bounds last_;
};

}  // namespace meterstream
