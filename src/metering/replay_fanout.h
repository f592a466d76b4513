// Purpose: one recorded row as the readings of many households, as the reference data generator does it.
// Rule: household h reports every value of the row plus 0.001 * h (so that series differ), unless `raw`; its
// gateway is
//       "household-<h>". Times move by whole days.
// Shapes: series are ordered by household, then register. Pure: no I/O, no clock, no state between rows, so a
// replay
//         goes on after an interruption by skipping to a line.
// Thread-safety: immutable after creation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "metering/indexed_reading.h"
#include "metering/reading.h"
#include "metering/reading_reader.h"

namespace meterstream {

struct FanoutConfig {
  /// Households first..last, both included.
  int64_t first_household = 1;
  int64_t last_household = 1;
  /// Values as they are in the file.
  bool raw = false;
  int64_t day_offset = 0;
  std::string gateway_prefix = "household-";
};

class ReplayFanout {
 public:
  /// kInvalid for an empty or negative range of households, or more than 4 billion series.
  static Result<ReplayFanout> create(const std::vector<MetricRegister>& registers, FanoutConfig config);

  [[nodiscard]] const std::vector<SeriesKey>& series() const { return series_; }
  [[nodiscard]] int64_t day_offset() const { return config_.day_offset; }
  /// At most this many readings come from one row.
  [[nodiscard]] size_t readings_per_row() const { return series_.size(); }
  /// Appends the readings of one row; absent values give none.
  void append_row(const DatasetBatch& batch, size_t row, std::vector<IndexedReading>& out) const;

 private:
  ReplayFanout(const std::vector<MetricRegister>& registers, FanoutConfig config);

  FanoutConfig config_;
  size_t width_;
  std::vector<SeriesKey> series_;
};

}  // namespace meterstream
