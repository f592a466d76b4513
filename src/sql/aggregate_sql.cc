#include "sql/aggregate_sql.h"

#include <fmt/format.h>

#include "base/check.h"
#include "sql/parser.h"

namespace meterstream {
namespace {

std::string time_length(int64_t length_ms) {
  constexpr std::pair<int64_t, std::string_view> kUnits[] = {
      {86'400'000, "DAY"}, {3'600'000, "HOUR"}, {60'000, "MINUTE"}, {1'000, "SECOND"}};
  for (const auto& [unit_ms, name] : kUnits) {
    if (length_ms == 0 || length_ms % unit_ms != 0) continue;
    return fmt::format("{} {}{}", length_ms / unit_ms, name, length_ms == unit_ms ? "" : "S");
  }
  return fmt::format("{} MILLISECONDS", length_ms);
}

}  // namespace

std::string window_label(int64_t size_ms) {
  return size_ms % 1'000 == 0 ? fmt::format("{}", size_ms / 1'000) : fmt::format("{}ms", size_ms);
}

std::string aggregate_sql(const AggregateOptions& options) {
  std::string out =
      "CREATE STREAM metrics (\n  gateway VARCHAR,\n  metricType VARCHAR,\n  metricAttribute VARCHAR,\n"
      "  timestamp TIMESTAMP,\n  value DOUBLE\n)";
  out += fmt::format(" WITH (\n  topic = {},\n  value_format = '{}',\n  timestamp = 'timestamp',\n",
                     sql_string(options.source_topic), options.format == ValueFormat::kAvro ? "AVRO" : "JSON");
  if (options.deduplicate_horizon_ms) {
    CHECK(*options.deduplicate_horizon_ms > 0);
    out += fmt::format("  deduplicate = '{}',\n", time_length(*options.deduplicate_horizon_ms));
  }
  out += fmt::format("  partitions = {}\n);\n", options.partitions);
  for (const AggregateOptions::Window& window : options.windows) {
    CHECK(window.size_ms > 0 && options.grace_ms >= 0);
    const std::string label = window_label(window.size_ms);
    out += fmt::format(
        "\nCREATE TABLE metrics_aggregates_{0} WITH (topic = 'metrics-aggregates-{0}', partitions = {1}) AS\n"
        "SELECT\n  WINDOWSTART AS windowStart,\n  WINDOWEND AS windowEnd,\n  COUNT(*) AS sampleCount,\n"
        "  MIN(value) AS min,\n  MAX(value) AS max,\n  SUM(value) AS sum,\n  AVG(value) AS average,\n"
        "  metricType,\n  metricAttribute,\n  gateway\n"
        "FROM metrics\nWINDOW TUMBLING (SIZE {2}, GRACE PERIOD {3})\n"
        "GROUP BY gateway, metricType, metricAttribute\nEMIT {4};\n",
        label, options.partitions, time_length(window.size_ms),
        options.grace_ms == 0 ? "0 SECONDS" : time_length(options.grace_ms),
        options.emit == EmitMode::kFinal ? "FINAL" : "CHANGES");
    if (window.sink_type.empty()) continue;
    out += fmt::format(
        "\nCREATE SINK store_{0} WITH (\n  type = {2},\n  topic = 'metrics-aggregates-{0}',\n"
        "  table = 'metrics_aggregates_{0}',\n  bucket = {1}\n);\n",
        label, sql_string(window.bucket.empty() ? "none" : window.bucket), sql_string(window.sink_type));
  }
  return out;
}

}  // namespace meterstream
