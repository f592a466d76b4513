// Purpose: readings on their way into a lake object, or back out of one: columns, and the series they belong to.
// Shapes: all columns have one entry a reading; `series` holds each series once.
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "metering/reading.h"

namespace meterstream {

struct LakeRows {
  std::vector<SeriesKey> series;
  std::vector<uint32_t> series_of;  ///< index into `series`
  std::vector<int64_t> time_ms;     ///< event time, UTC
  std::vector<double> value;
  std::vector<int64_t> offset;
  std::vector<int64_t> ingest_ms;

  [[nodiscard]] size_t size() const { return series_of.size(); }
  /// Keeps the series and all memory.
  void clear_readings();
  void reserve(size_t readings);
  [[nodiscard]] size_t bytes() const;
};

/// Readings of one date: indexes into LakeRows, by series (its text), then event time, then offset.
struct LakeDay {
  int64_t day = 0;
  std::vector<uint32_t> order;
};

/// Ordered by day. Event times must lie in the years 0 to 9999.
std::vector<LakeDay> days_of(const LakeRows& rows);
/// Rank of each series in the order of gateway, type, attribute.
std::vector<uint32_t> series_ranks(std::span<const SeriesKey> series);

}  // namespace meterstream
