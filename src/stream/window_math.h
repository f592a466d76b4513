// Purpose: arithmetic of tumbling windows. Windows are [start, end), start a multiple of the size, UTC ms. A table without a
//          window has one that holds all times and never closes.
#pragma once

#include <cstdint>

namespace meterstream {

/// The size of the window that holds all times. Its start is 0.
inline constexpr int64_t kUnboundedWindowMs = INT64_MAX / 4;

/// Start of the window of `size_ms` that holds `time_ms`, also for times before 1970.
constexpr int64_t window_start_of(int64_t time_ms, int64_t size_ms) {
  if (size_ms == kUnboundedWindowMs) return 0;
  const int64_t rest = time_ms % size_ms;
  return time_ms - (rest < 0 ? rest + size_ms : rest);
}

/// Windows with a start below the result are closed: their end + grace is at or below the watermark.
///
///   size 60 s, grace 10 s: watermark 69.999 s -> 0 (window [0,60) open), watermark 70 s -> 60 s (it is closed)
constexpr int64_t closed_before_of(int64_t watermark_ms, int64_t size_ms, int64_t grace_ms) {
  if (watermark_ms < INT64_MIN / 2 + grace_ms) return INT64_MIN;
  return window_start_of(watermark_ms - grace_ms, size_ms);
}

}  // namespace meterstream
