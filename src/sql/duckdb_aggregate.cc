// Aggregates in DuckDB's words.
#include <fmt/format.h>

#include "metering/decimal.h"
#include "sql/duckdb_text.h"

namespace meterstream {
namespace {

/// Decimals, whose sums have no order.
std::string exact_text(const std::string& argument, ColumnType type) {
  return type == ColumnType::kDouble ? fmt::format("CAST({} AS DECIMAL(38, 9))", argument) : argument;
}

/// A list of one list, which is the readings of a group by time, of each time the greatest; `body` is what is made of that
/// list, u.
std::string over_readings(const std::string& value, const std::string& time, const std::string& body) {
  return fmt::format(
      "list_transform(list_transform([list(struct_pack(t := {1}, x := {0}) ORDER BY {1}, {0}) FILTER ({0} IS NOT "
      "NULL)], "
      "lambda r: list_filter(r, lambda e, i: i = len(r) OR r[i + 1].t <> e.t)), lambda u: {2})[1]",
      value, time, body);
}

/// What the register of the list u counted; NULL for fewer than two readings.
std::string increase_text(const std::optional<double>& modulus) {
  const std::string rollover =
      modulus ? fmt::format(" WHEN u[i].x >= 0 AND u[i].x < {0} AND u[i + 1].x >= 0 THEN u[i + 1].x - u[i].x + {0}",
                            *modulus)
              : "";
  return fmt::format(
      "CASE WHEN len(u) > 1 THEN list_sum(list_transform(range(1, len(u)), lambda i: CASE WHEN u[i + 1].x >= u[i].x "
      "THEN u[i + 1].x - u[i].x{} ELSE 0 END)) END",
      rollover);
}

}  // namespace

Result<std::string> duckdb_text(const AggregateSpec& aggregate, const DuckDbWindow& window) {
  if (aggregate.argument == nullptr) return std::string("COUNT(*)");
  ASSIGN_OR_RETURN(std::string argument, duckdb_text(*aggregate.argument));
  const ColumnType type = aggregate.argument->type;
  // What cannot be summed exactly is left out; columns that hold it are rejected before.
  if (type == ColumnType::kDouble && aggregate.argument->kind != Expression::Kind::kColumn)
    argument = fmt::format("CASE WHEN abs({0}) < {1} THEN {0} END", argument, Decimal::kMaxReading);
  const std::string exact = exact_text(argument, type);
  const std::string most = aggregate.parameter ? fmt::format("{}", *aggregate.parameter) : "";
  const std::string_view result = type == ColumnType::kDouble ? "DOUBLE" : "BIGINT";
  switch (aggregate.function) {
    case AggregateFunction::kSum:
      return fmt::format("TRY_CAST(SUM({}) AS {})", exact, result);
    case AggregateFunction::kAverage:
      return fmt::format("ROUND(AVG({}), 9)", exact);
    case AggregateFunction::kCountDistinct:
      return fmt::format("COUNT(DISTINCT {})", argument);
    case AggregateFunction::kPercentile:
      return fmt::format("quantile_cont(CAST({} AS DOUBLE), {})", argument, most);
    case AggregateFunction::kTopK:
      return fmt::format("(list({0} ORDER BY {0} DESC) FILTER ({0} IS NOT NULL))[1:{1}]", argument, most);
    case AggregateFunction::kTopKDistinct:
      return fmt::format("(list(DISTINCT {0} ORDER BY {0} DESC) FILTER ({0} IS NOT NULL))[1:{1}]", argument, most);
    case AggregateFunction::kIncrease:
      return over_readings(exact, window.time,
                           fmt::format("TRY_CAST({} AS {})", increase_text(aggregate.parameter), result));
    case AggregateFunction::kRate:
      return over_readings(
          exact, window.time,
          fmt::format("CAST({} AS DOUBLE) / ((u[len(u)].t - u[1].t) / 1000)", increase_text(aggregate.parameter)));
    case AggregateFunction::kTimeWeightedAverage:
      return over_readings(
          fmt::format("CAST({} AS DOUBLE)", argument), window.time,
          fmt::format(
              "list_sum(list_transform(range(1, len(u) + 1), lambda i: (CASE WHEN i < len(u) THEN u[i + 1].t ELSE {0} "
              "END - u[i].t) * u[i].x)) / ({0} - u[1].t)",
              window.end));
    case AggregateFunction::kLatestByOffset:
    case AggregateFunction::kEarliestByOffset:
      return invalid(
          fmt::format("DuckDB has no counterpart of {}: a relation does not tell in which order its rows came",
                      name_of(aggregate.function)));
    default:
      return fmt::format("{}({})", name_of(aggregate.function), argument);
  }
}

}  // namespace meterstream
