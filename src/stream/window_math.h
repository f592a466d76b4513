// Purpose: arithmetic of windows. Windows are [start, end), UTC ms; start is a multiple of the size, or of the advance of
//          hopping windows. A table without a window has one that holds all times and never closes.
#pragma once

#include <cstdint>

namespace meterstream {

/// The size of the window that holds all times. Its start is 0.
inline constexpr int64_t kUnboundedWindowMs = INT64_MAX / 4;

/// Of one result. Those of a session are its first and its last event time.
struct ResultWindow {
  static constexpr int64_t kNotEnded = INT64_MAX;

  int64_t start_ms = 0;
  int64_t end_ms = 0;     ///< kNotEnded: a session that goes on, of which only the beginning is told
  uint64_t revision = 0;  ///< tells apart what is written of the same window
};

/// Start of the window of `size_ms` that holds `time_ms`, also for times before 1970.
constexpr int64_t window_start_of(int64_t time_ms, int64_t size_ms) {
  if (size_ms == kUnboundedWindowMs) return 0;
  const int64_t rest = time_ms % size_ms;
  return time_ms - (rest < 0 ? rest + size_ms : rest);
}

/// Windows with a start below the result are closed: their end + grace is at or below the watermark. Tumbling windows
/// advance by their size.
///
///   size 60 s, grace 10 s: watermark 69.999 s -> 0 (window [0,60) open), watermark 70 s -> 60 s (it is closed)
constexpr int64_t closed_before_of(int64_t watermark_ms, int64_t size_ms, int64_t advance_ms, int64_t grace_ms) {
  if (size_ms == kUnboundedWindowMs) return 0;
  if (watermark_ms < INT64_MIN / 2 + size_ms + grace_ms) return INT64_MIN;
  return window_start_of(watermark_ms - grace_ms - size_ms, advance_ms) + advance_ms;
}

/// Hopping windows and the panes that they are cut into. A pane lies in a window or outside, whole: panes end where a
/// window starts or ends, so there are one or two in each advance.
///
///   size 90 s, advance 60 s: panes [0,30), [30,60), [60,90), ...; window [0,90) has the first three
struct HoppingShape {
  int64_t size_ms = 0;
  int64_t advance_ms = 0;

  [[nodiscard]] constexpr int64_t pane_start_of(int64_t time_ms) const {
    const int64_t start_ms = last_window_of(time_ms);
    const int64_t border_ms = start_ms + size_ms % advance_ms;
    return time_ms < border_ms ? start_ms : border_ms;
  }
  [[nodiscard]] constexpr int64_t pane_end_of(int64_t pane_start_ms) const {
    const int64_t start_ms = last_window_of(pane_start_ms);
    const int64_t border_ms = start_ms + size_ms % advance_ms;
    return pane_start_ms < border_ms ? border_ms : start_ms + advance_ms;
  }
  /// Starts of the first and the last window that hold a pane; those of a time with its pane.
  [[nodiscard]] constexpr int64_t first_window_of(int64_t pane_start_ms) const {
    return window_start_of(pane_end_of(pane_start_ms) - size_ms + advance_ms - 1, advance_ms);
  }
  [[nodiscard]] constexpr int64_t last_window_of(int64_t time_ms) const { return window_start_of(time_ms, advance_ms); }
};

}  // namespace meterstream
