#include "apps/aggregate_output.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apps/number_text.h"
#include "apps/terminal_chart.h"
#include "apps/terminal_table.h"
#include "metering/json_encoder.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr std::array<std::string_view, 5> kFieldNames = {"count", "min", "max", "sum", "average"};
constexpr int64_t kDay_ms = 86'400'000;
constexpr int64_t kMostGaps = 100'000;

double field_of(const AggregateRow& row, AggregateField field) {
  switch (field) {
    case AggregateField::kCount:
      return static_cast<double>(row.sample_count);
    case AggregateField::kMin:
      return row.min;
    case AggregateField::kMax:
      return row.max;
    case AggregateField::kSum:
      return Decimal::from_units(row.sum_units).to_double();
    case AggregateField::kAverage:
      break;
  }
  return Decimal::from_units(row.average_units).to_double();
}

std::string time_text(int64_t time_ms) {
  return format_timestamp(EventTime(time_ms));
}

std::string csv_text(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char letter : text) quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return quoted + "\"";
}

/// "2007-01-01T05:00:00Z" in the part that tells neighbours apart.
std::string axis_label(int64_t time_ms, int64_t window_ms, bool several_days) {
  std::string text = time_text(time_ms);
  if (text.size() < 16) return text;
  if (window_ms >= kDay_ms) return text.substr(5, 5);
  if (several_days) return text.substr(5, 5) + " " + text.substr(11, 5);
  return text.substr(11, 5);
}

}  // namespace

std::optional<AggregateField> parse_aggregate_field(std::string_view name) {
  const auto found = std::find(kFieldNames.begin(), kFieldNames.end(), name);
  if (found == kFieldNames.end()) return std::nullopt;
  return static_cast<AggregateField>(found - kFieldNames.begin());
}

std::string_view name_of(AggregateField field) {
  return kFieldNames[static_cast<size_t>(field)];
}

std::string_view unit_of(std::string_view metric_attribute) {
  static constexpr std::pair<std::string_view, std::string_view> kUnits[] = {
      {"ACTIVE_POWER", "kW"},   {"REACTIVE_POWER", "kvar"}, {"VOLTAGE", "V"},         {"INTENSITY", "A"},
      {"WATER_SUMMATION", "l"}, {"WATER_IDD", "l/min"},     {"GAS_SUMMATION", "dm3"}, {"GAS_IDD", "dm3/h"}};
  for (const auto& [attribute, unit] : kUnits) {
    if (attribute == metric_attribute) return unit;
  }
  return {};
}

Aggregate to_aggregate(const AggregateSeries& series, const AggregateRow& row) {
  Aggregate aggregate;
  aggregate.gateway = series.gateway;
  aggregate.metric_type = series.metric_type;
  aggregate.metric_attribute = series.metric_attribute;
  aggregate.window_start = EventTime(row.window_start_ms);
  aggregate.window_end = EventTime(row.window_end_ms);
  aggregate.sample_count = row.sample_count;
  aggregate.min = row.min;
  aggregate.max = row.max;
  aggregate.sum = Decimal::from_units(row.sum_units);
  aggregate.average = Decimal::from_units(row.average_units);
  return aggregate;
}

std::string aggregates_as_json_lines(const AggregateSeries& series, const std::vector<AggregateRow>& rows) {
  std::string out;
  for (const AggregateRow& row : rows) {
    append_aggregate_json(out, to_aggregate(series, row));
    out += '\n';
  }
  return out;
}

std::string aggregates_csv_header() {
  return "gateway,metricType,metricAttribute,windowStart,windowEnd,sampleCount,min,max,sum,average\n";
}

std::string aggregates_as_csv(const AggregateSeries& series, const std::vector<AggregateRow>& rows) {
  const std::string name =
      csv_text(series.gateway) + "," + csv_text(series.metric_type) + "," + csv_text(series.metric_attribute);
  std::string out;
  for (const AggregateRow& row : rows) {
    out += fmt::format("{},{},{},{},", name, time_text(row.window_start_ms), time_text(row.window_end_ms),
                       row.sample_count);
    append_json_number(out, row.min);
    out += ',';
    append_json_number(out, row.max);
    out += fmt::format(",{},{}\n", Decimal::from_units(row.sum_units).text(),
                       Decimal::from_units(row.average_units).text());
  }
  return out;
}

std::string series_as_csv(const std::vector<AggregateSeries>& series) {
  std::string out = "gateway,metricType,metricAttribute\n";
  for (const AggregateSeries& one : series) {
    out += csv_text(one.gateway) + "," + csv_text(one.metric_type) + "," + csv_text(one.metric_attribute) + "\n";
  }
  return out;
}

std::string aggregates_as_table(const std::vector<AggregateRow>& rows, const Terminal& terminal) {
  constexpr auto kRight = TerminalTable::Align::kRight;
  TerminalTable table({{"window start"},
                       {"window end"},
                       {"samples", kRight},
                       {"min", kRight},
                       {"max", kRight},
                       {"average", kRight},
                       {"sum", kRight}});
  for (const AggregateRow& row : rows) {
    table.add_row({time_text(row.window_start_ms), time_text(row.window_end_ms), grouped_text(row.sample_count),
                   value_text(row.min), value_text(row.max), value_text(field_of(row, AggregateField::kAverage)),
                   value_text(field_of(row, AggregateField::kSum))});
  }
  return table.text(terminal);
}

std::string aggregates_as_chart(const AggregateSeries& series, const std::vector<AggregateRow>& rows,
                                AggregateField field, const Terminal& terminal) {
  const std::string_view unit = field == AggregateField::kCount ? "" : unit_of(series.metric_attribute);
  std::vector<ChartPoint> points;
  std::string title =
      fmt::format("{} {} {}, {}", series.gateway, series.metric_type, series.metric_attribute, name_of(field));
  if (!rows.empty()) {
    const int64_t window_ms = rows.front().window_end_ms - rows.front().window_start_ms;
    const bool several_days = rows.back().window_end_ms - rows.front().window_start_ms > kDay_ms;
    title += fmt::format(" of {} windows from {} to {}", elapsed_text(static_cast<double>(window_ms) / 1000),
                         time_text(rows.front().window_start_ms), time_text(rows.back().window_end_ms));
    int64_t expected_ms = rows.front().window_start_ms;
    for (const AggregateRow& row : rows) {
      const int64_t gaps = window_ms > 0 ? (row.window_start_ms - expected_ms) / window_ms : 0;
      for (int64_t gap = 0; gap < std::min(gaps, kMostGaps); ++gap) {
        points.push_back({axis_label(expected_ms + gap * window_ms, window_ms, several_days), std::nullopt});
      }
      points.push_back({axis_label(row.window_start_ms, window_ms, several_days), field_of(row, field)});
      expected_ms = row.window_end_ms;
    }
  }
  return chart_text(points, {title, std::string(unit), 10}, terminal);
}

}  // namespace meterstream
