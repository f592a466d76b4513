#include "sql/duckdb_text.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "metering/decimal.h"
#include "sql/parser.h"

namespace meterstream {
namespace {

std::string quoted_name(std::string_view name) {
  return to_sql(ast::Identifier{std::string(name), true, {}});
}

/// "c3, c4, c5"
std::string columns_text(size_t begin, size_t end) {
  std::string text;
  for (size_t column = begin; column < end; ++column) text += fmt::format("{}c{}", text.empty() ? "" : ", ", column);
  return text;
}

/// A step is a relation `stepN` whose columns are c0, c1, ...
class DuckDbWriter {
 public:
  Result<std::string> write(const PlanNode& plan) {
    ASSIGN_OR_RETURN(const std::string last,
                     std::visit([&](const auto& operation) { return step(operation, plan); }, plan.operation));
    return fmt::format("WITH {}\n{}", fmt::join(steps_, ",\n"), last);
  }

 private:
  Status input_of(const PlanNode& node) {
    ASSIGN_OR_RETURN(std::string text, std::visit([&](const auto& operation) { return step(operation, *node.input); },
                                                  node.input->operation));
    steps_.push_back(fmt::format("step{} AS (\n  {})", steps_.size() + 1, text));
    return {};
  }
  [[nodiscard]] std::string input() const { return fmt::format("step{}", steps_.size()); }

  Result<std::string> step(const Scan& scan, const PlanNode& node) {
    time_column_ = scan.stream->timestamp_column;
    return fmt::format("SELECT {} FROM {}", named(node.schema), quoted_name(scan.stream->name));
  }

  static std::string named(const std::vector<ColumnSchema>& columns, size_t first = 0) {
    std::string text;
    for (size_t i = 0; i < columns.size(); ++i)
      text += fmt::format("{}{} AS c{}", i == 0 ? "" : ", ", quoted_name(columns[i].name), first + i);
    return text;
  }

  Result<std::string> step(const Lookup& lookup, const PlanNode& node) {
    RETURN_IF_ERROR(input_of(node));
    const TableSpec& table = *lookup.spec.table;
    const size_t first = node.input->schema.size();
    ASSIGN_OR_RETURN(const std::string key, duckdb_text(*lookup.spec.key));
    std::string condition = fmt::format("{} = c{}", key, first + table.key_column);
    if (table.valid_from_column)
      condition += fmt::format(" AND c{} >= c{}", time_column_, first + *table.valid_from_column);
    return fmt::format("SELECT {} FROM {} {}{}JOIN (SELECT {} FROM {}) ON {}", columns_text(0, node.schema.size()),
                       input(), table.valid_from_column ? "ASOF " : "", lookup.spec.keeps_unmatched ? "LEFT " : "",
                       named(table.columns, first), quoted_name(table.name), condition);
  }

  Result<std::string> step(const Lag&, const PlanNode&) {
    return invalid("DuckDB has no counterpart of LAG: a relation does not tell in which order its rows came");
  }

  Result<std::string> step(const Filter& filter, const PlanNode& node) {
    RETURN_IF_ERROR(input_of(node));
    ASSIGN_OR_RETURN(const std::string condition, duckdb_text(*filter.condition));
    return fmt::format("SELECT * FROM {} WHERE {}", input(), condition);
  }

  Result<std::string> step(const WindowAggregate& window, const PlanNode& node) {
    RETURN_IF_ERROR(input_of(node));
    const size_t columns = node.input->schema.size();
    std::string items;
    std::string groups;
    size_t column = 0;
    for (const size_t group : window.group_by) {
      std::string text = fmt::format("c{}", group);
      if (group >= columns) {
        ASSIGN_OR_RETURN(text, duckdb_text(*window.group_expressions[group - columns]));
      }
      items += fmt::format("{} AS c{}, ", text, column++);
      groups += fmt::format("{}{}", groups.empty() ? "" : ", ", text);
    }
    std::string source = input();
    if (window.size_ms == kUnboundedWindowMs) {
      items += fmt::format("NULL AS c{}, NULL AS c{}", column, column + 1);
    } else {
      items +=
          fmt::format("epoch_ms(start_ms) AS c{}, epoch_ms(start_ms + {}) AS c{}", column, window.size_ms, column + 1);
      groups += ", start_ms";
      source = windows_of(window, source);
    }
    column += 2;
    for (const AggregateSpec& aggregate : window.aggregates) {
      ASSIGN_OR_RETURN(const std::string text, aggregate_text(aggregate));
      items += fmt::format(", {} AS c{}", text, column++);
    }
    return fmt::format("SELECT {} FROM {} GROUP BY {}", items, source, groups);
  }

  /// Each row with the start of its window, once for each that holds it.
  [[nodiscard]] std::string windows_of(const WindowAggregate& window, const std::string& rows) const {
    const std::string time = fmt::format("epoch_ms(c{})", time_column_);
    const auto floor_of = [](const std::string& value, int64_t step) {
      return fmt::format("({0} - (({0}) % {1} + {1}) % {1})", value, step);
    };
    if (window.advance_ms == 0)
      return fmt::format("(SELECT *, {} AS start_ms FROM {})", floor_of(time, window.size_ms), rows);
    return fmt::format("(SELECT *, unnest(generate_series({} + {}, {}, {})) AS start_ms FROM {})",
                       floor_of(fmt::format("({} - {})", time, window.size_ms), window.advance_ms), window.advance_ms,
                       floor_of(time, window.advance_ms), window.advance_ms, rows);
  }

  static Result<std::string> aggregate_text(const AggregateSpec& aggregate) {
    if (aggregate.argument == nullptr) return std::string("COUNT(*)");
    ASSIGN_OR_RETURN(std::string argument, duckdb_text(*aggregate.argument));
    const bool is_double = aggregate.argument->type == ColumnType::kDouble;
    // What cannot be summed exactly is left out; columns that hold it are rejected before.
    if (is_double && aggregate.argument->kind != Expression::Kind::kColumn)
      argument = fmt::format("CASE WHEN abs({0}) < {1} THEN {0} END", argument, Decimal::kMaxReading);
    const std::string exact = is_double ? fmt::format("CAST({} AS DECIMAL(38, 9))", argument) : argument;
    switch (aggregate.function) {
      case AggregateFunction::kSum:
        return fmt::format("TRY_CAST(SUM({}) AS {})", exact, is_double ? "DOUBLE" : "BIGINT");
      case AggregateFunction::kAverage:
        return fmt::format("ROUND(AVG({}), 9)", exact);
      default:
        return fmt::format("{}({})", name_of(aggregate.function), argument);
    }
  }

  Result<std::string> step(const Project& project, const PlanNode& node) {
    RETURN_IF_ERROR(input_of(node));
    std::string items;
    for (size_t i = 0; i < project.items.size(); ++i) {
      ASSIGN_OR_RETURN(const std::string text, duckdb_text(*project.items[i].expression));
      items += fmt::format("{}{} AS {}", i == 0 ? "" : ", ", text, quoted_name(node.schema[i].name));
    }
    return fmt::format("SELECT {} FROM {}", items, input());
  }

  /// What is written somewhere is what was selected.
  Result<std::string> step(const Sink&, const PlanNode& node) {
    return std::visit([&](const auto& operation) { return step(operation, *node.input); }, node.input->operation);
  }

  std::vector<std::string> steps_;
  size_t time_column_ = 0;
};

}  // namespace

Result<std::string> duckdb_text(const PlanNode& plan) {
  return DuckDbWriter().write(plan);
}

}  // namespace meterstream
