// Purpose: rows of aggregates as a table, JSON lines, CSV or a chart.
// Format: JSON as in the topics metrics-aggregates-* (metering/aggregate.h), one object a line; CSV as RFC 4180 with a
//         header; times ISO-8601 UTC. Numbers in JSON and CSV are exact, in tables rounded to 3 decimals.
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/terminal.h"
#include "metering/aggregate.h"
#include "state/aggregate_table.h"

namespace meterstream {

enum class AggregateField : unsigned char { kCount, kMin, kMax, kSum, kAverage };
/// "count", "min", "max", "sum", "average".
std::optional<AggregateField> parse_aggregate_field(std::string_view name);
std::string_view name_of(AggregateField field);

Aggregate to_aggregate(const AggregateSeries& series, const AggregateRow& row);

std::string aggregates_as_json_lines(const AggregateSeries& series, const std::vector<AggregateRow>& rows);
std::string aggregates_csv_header();
std::string aggregates_as_csv(const AggregateSeries& series, const std::vector<AggregateRow>& rows);
/// With a header.
std::string series_as_csv(const std::vector<AggregateSeries>& series);
std::string aggregates_as_table(const std::vector<AggregateRow>& rows, const Terminal& terminal);
/// Rows in order of time; windows without a row are gaps.
std::string aggregates_as_chart(const AggregateSeries& series, const std::vector<AggregateRow>& rows,
                                AggregateField field, const Terminal& terminal);

/// Unit of a metric attribute where it is known ("kW", "V"), else nothing.
std::string_view unit_of(std::string_view metric_attribute);

}  // namespace meterstream
