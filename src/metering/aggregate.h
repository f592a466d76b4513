// Purpose: the aggregate of one series over one window, and its JSON form in the topics metrics-aggregates-*.
// Format:
// {"windowStart":"2007-01-01T00:00:00Z","windowEnd":"2007-01-01T00:01:00Z","sampleCount":2,"min":1.5,"max":2,
//         "sum":3.5,"average":1.75,"metricType":"ELECTRICITY","metricAttribute":"ACTIVE_POWER",
//         "gateway":"household-1"} with the fields in this order (docs/formats/metrics-topic.md).
// Time base: windows are [window_start, window_end), UTC.
// Thread-safety: values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"
#include "metering/decimal.h"

namespace meterstream {

struct Aggregate {
  std::string gateway;
  std::string metric_type;
  std::string metric_attribute;
  EventTime window_start;
  EventTime window_end;
  int64_t sample_count = 0;
  double min = 0;
  double max = 0;
  Decimal sum;
  Decimal average;

  bool operator==(const Aggregate&) const = default;
};

void append_aggregate_json(std::string& out, const Aggregate& aggregate);

/// Fields in any order, others are ignored; all of Aggregate's must be there. sum and average are read as
/// decimals, never through a double. kInvalid says which field is wrong.
Result<Aggregate> parse_aggregate_json(std::string_view json);

}  // namespace meterstream
