#include "sql/batch_text.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sql/batch_function.h"
#include "sql/expression_binder.h"

namespace meterstream {
namespace {

/// "c3, c4, c5"
std::string columns_text(size_t begin, size_t end) {
  std::string text;
  for (size_t column = begin; column < end; ++column) text += fmt::format("{}c{}", text.empty() ? "" : ", ", column);
  return text;
}

bool begins_like(std::string_view name, std::string_view prefix) {
  return name.size() > prefix.size() &&
         std::ranges::equal(name.substr(0, prefix.size()), prefix, {}, [](char character) {
           return static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
         });
}

/// The names of relations that the plan reads.
std::vector<std::string_view> relations_of(const PlanNode& plan) {
  std::vector<std::string_view> names;
  for (const PlanNode* node = &plan; node != nullptr; node = node->input.get()) {
    if (const auto* scan = std::get_if<Scan>(&node->operation)) names.emplace_back(scan->stream->name);
    if (const auto* scan = std::get_if<TableScan>(&node->operation)) names.emplace_back(scan->table->name);
    if (const auto* lookup = std::get_if<Lookup>(&node->operation)) names.emplace_back(lookup->spec.table->name);
    if (const auto* join = std::get_if<StreamJoinNode>(&node->operation)) {
      names.emplace_back(join->spec->left.stream->name);
      names.emplace_back(join->spec->right.stream->name);
    }
    if (const auto* join = std::get_if<TableJoinNode>(&node->operation)) {
      names.emplace_back(join->spec->left.table->name);
      names.emplace_back(join->spec->right.table->name);
    }
  }
  return names;
}

/// A step is a relation `stepN` whose columns are c0, c1, ...
class PlanWriter {
 public:
  explicit PlanWriter(const BatchDialect& dialect) : dialect_(dialect) {}
  Result<std::string> write(const PlanNode& plan) {
    for (const std::vector<std::string_view> names = relations_of(plan);
         std::ranges::any_of(names, [&](std::string_view name) { return begins_like(name, prefix_); });)
      prefix_ += '_';
    ASSIGN_OR_RETURN(const std::string last,
                     std::visit([&](const auto& operation) { return step(operation, plan); }, plan.operation));
    std::string query = fmt::format("WITH {}\n{}", fmt::join(steps_, ",\n"), last);
    RETURN_IF_ERROR(dialect_.check_names(query));
    return query;
  }

 private:
  Status input_of(const PlanNode& node) {
    ASSIGN_OR_RETURN(std::string text, std::visit([&](const auto& operation) { return step(operation, *node.input); },
                                                  node.input->operation));
    steps_.push_back(fmt::format("{}{} AS (\n  {})", prefix_, steps_.size() + 1, text));
    return {};
  }
  [[nodiscard]] std::string event_millis() const { return dialect_.millis_of(fmt::format("c{}", time_column_)); }
  [[nodiscard]] std::string input() const { return fmt::format("{}{}", prefix_, steps_.size()); }

  Result<std::string> step(const Scan& scan, const PlanNode& node) {
    time_column_ = scan.stream->timestamp_column;
    return fmt::format("SELECT {} FROM {}", named(node.schema), dialect_.quoted_name(scan.stream->name));
  }

  static std::string_view kind_of(bool keeps_left, bool keeps_right) {
    if (keeps_left) return keeps_right ? "FULL " : "LEFT ";
    return keeps_right ? "RIGHT " : "";
  }

  Result<std::string> step(const StreamJoinNode& join, const PlanNode& node) {
    const StreamJoinSpec& spec = *join.spec;
    const size_t first = node.input->schema.size();
    const auto time_of = [this](const StreamJoinSpec::Side& side, size_t begin) {
      return dialect_.millis_of(fmt::format("c{}", begin + side.stream->timestamp_column));
    };
    const auto relation = [this](const StreamJoinSpec::Side& side, size_t begin) {
      return fmt::format("(SELECT {} FROM {})", named(side.stream->columns, begin),
                         dialect_.quoted_name(side.stream->name));
    };
    time_column_ = spec.left.stream->timestamp_column;
    ASSIGN_OR_RETURN(const std::string left, batch_text(*spec.left.key, dialect_));
    ASSIGN_OR_RETURN(const std::string right,
                     batch_text(*shifted(*spec.right.key, static_cast<std::ptrdiff_t>(first)), dialect_));
    const std::string_view kind = kind_of(spec.left.keeps_unmatched, spec.right.keeps_unmatched);
    return fmt::format("SELECT {} FROM {} {}JOIN {} ON {} = {} AND {} BETWEEN {} - {} AND {} + {}",
                       columns_text(0, node.schema.size()), relation(spec.left, 0), kind, relation(spec.right, first),
                       left, right, time_of(spec.right, first), time_of(spec.left, 0), spec.before_ms,
                       time_of(spec.left, 0), spec.after_ms);
  }

  Result<std::string> step(const TableScan& scan, const PlanNode& node) {
    return fmt::format("SELECT {} FROM {}", named(node.schema), dialect_.quoted_name(scan.table->name));
  }

  Result<std::string> step(const TableJoinNode& join, const PlanNode& node) {
    const TableJoinSpec& spec = *join.spec;
    const size_t first = spec.left.table->columns.size();
    const std::string_view kind = kind_of(spec.left.keeps_unmatched, spec.right.keeps_unmatched);
    const auto relation = [this](const TableSpec& table, size_t begin) {
      return fmt::format("(SELECT {} FROM {})", named(table.columns, begin), dialect_.quoted_name(table.name));
    };
    std::string left = fmt::format("c{}", spec.left.table->key_column);
    const std::string right = fmt::format("c{}", first + spec.right.table->key_column);
    if (spec.foreign_key != nullptr) {
      ASSIGN_OR_RETURN(const std::string key, batch_text(*spec.foreign_key, dialect_));
      left = dialect_.cast(key, ColumnType::kVarchar);
    }
    return fmt::format("SELECT {} FROM {} {}JOIN {} ON {} = {}", columns_text(0, node.schema.size()),
                       relation(*spec.left.table, 0), kind, relation(*spec.right.table, first), left,
                       spec.foreign_key == nullptr ? right : dialect_.cast(right, ColumnType::kVarchar));
  }

  [[nodiscard]] std::string named(const std::vector<ColumnSchema>& columns, size_t first = 0) const {
    std::string text;
    for (size_t i = 0; i < columns.size(); ++i)
      text += fmt::format("{}{} AS c{}", i == 0 ? "" : ", ", dialect_.quoted_name(columns[i].name), first + i);
    return text;
  }

  Result<std::string> step(const Lookup& lookup, const PlanNode& node) {
    RETURN_IF_ERROR(input_of(node));
    const TableSpec& table = *lookup.spec.table;
    const size_t first = node.input->schema.size();
    ASSIGN_OR_RETURN(const std::string key, batch_text(*lookup.spec.key, dialect_));
    const std::string relation =
        fmt::format("SELECT {} FROM {}", named(table.columns, first), dialect_.quoted_name(table.name));
    const std::string table_key = fmt::format("c{}", first + table.key_column);
    const std::string columns = columns_text(0, node.schema.size());
    if (table.valid_from_column) {
      const TimedLookup timed{input(),
                              relation,
                              table_key,
                              fmt::format("c{}", first + *table.valid_from_column),
                              key,
                              fmt::format("c{}", time_column_),
                              lookup.spec.keeps_unmatched};
      return fmt::format("SELECT {} FROM {}", columns, dialect_.timed_join(timed));
    }
    return fmt::format("SELECT {} FROM {} {}JOIN ({}) ON {} = {}", columns, input(),
                       lookup.spec.keeps_unmatched ? "LEFT " : "", relation, key, table_key);
  }

  Result<std::string> step(const Lag&, const PlanNode&) {
    return invalid(fmt::format("{} has no counterpart of LAG: a relation does not tell in which order its rows came",
                               dialect_.name()));
  }

  Result<std::string> step(const Filter& filter, const PlanNode& node) {
    RETURN_IF_ERROR(input_of(node));
    ASSIGN_OR_RETURN(const std::string condition, batch_text(*filter.condition, dialect_));
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
        ASSIGN_OR_RETURN(text, batch_text(*window.group_expressions[group - columns], dialect_));
      }
      items += fmt::format("{} AS c{}, ", text, column++);
      groups += fmt::format("{}{}", groups.empty() ? "" : ", ", text);
    }
    std::string source = input();
    if (window.is_session) {
      const std::string time = fmt::format("c{}", time_column_);
      items += fmt::format("MIN({0}) AS c{1}, MAX({0}) AS c{2}", time, column, column + 1);
      source = sessions_of(window, source, groups);
      groups += ", session";
    } else if (window.size_ms == kUnboundedWindowMs) {
      items += fmt::format("NULL AS c{}, NULL AS c{}", column, column + 1);
    } else {
      items += fmt::format("{} AS c{}, {} AS c{}", dialect_.time_of("start_ms"), column,
                           dialect_.time_of(end_of(window)), column + 1);
      groups += window.time_zone.empty() ? ", start_ms" : ", start_ms, end_ms";
      source = windows_of(window, source);
    }
    column += 2;
    const BatchWindow bounds{event_millis(), fmt::format("({})", end_of(window))};
    for (const AggregateSpec& aggregate : window.aggregates) {
      if (window.is_session && aggregate.function == AggregateFunction::kTimeWeightedAverage) {
        return invalid(fmt::format("{} has no counterpart of {} of a session, which ends at its last reading",
                                   dialect_.name(), name_of(aggregate.function)));
      }
      ASSIGN_OR_RETURN(const std::string text, batch_text(aggregate, bounds, dialect_));
      items += fmt::format(", {} AS c{}", text, column++);
    }
    return fmt::format("SELECT {} FROM {} GROUP BY {}", items, source, groups);
  }

  static std::string end_of(const WindowAggregate& window) {
    return window.time_zone.empty() ? fmt::format("start_ms + {}", window.size_ms) : "end_ms";
  }

  /// Each row with the start of its window, once for each that holds it.
  [[nodiscard]] std::string windows_of(const WindowAggregate& window, const std::string& rows) const {
    const std::string time = event_millis();
    const auto floor_of = [](const std::string& value, int64_t step) {
      return fmt::format("({0} - (({0}) % {1} + {1}) % {1})", value, step);
    };
    if (!window.time_zone.empty()) {
      // Days are counted by local time, and their bounds set back to UTC.
      const std::string start = floor_of(local_millis(window.time_zone), window.size_ms);
      return fmt::format("(SELECT *, {} AS start_ms, {} AS end_ms FROM {})", utc_millis(start, window.time_zone),
                         utc_millis(fmt::format("{} + {}", start, window.size_ms), window.time_zone), rows);
    }
    if (window.advance_ms == 0)
      return fmt::format("(SELECT *, {} AS start_ms FROM {})", floor_of(time, window.size_ms), rows);
    const std::string first = fmt::format(
        "{} + {}", floor_of(fmt::format("({} - {})", time, window.size_ms), window.advance_ms), window.advance_ms);
    return fmt::format("(SELECT *, {} AS start_ms FROM {})",
                       dialect_.each_of(first, floor_of(time, window.advance_ms), window.advance_ms), rows);
  }

  [[nodiscard]] std::string local_millis(std::string_view zone) const {
    if (const auto offset_ms = fixed_offset_ms(zone)) return fmt::format("({} + {})", event_millis(), *offset_ms);
    return dialect_.local_millis(fmt::format("c{}", time_column_), zone);
  }
  [[nodiscard]] std::string utc_millis(const std::string& local_millis, std::string_view zone) const {
    if (const auto offset_ms = fixed_offset_ms(zone)) return fmt::format("({} - {})", local_millis, *offset_ms);
    return dialect_.utc_millis(local_millis, zone);
  }

  /// Each row with the number of its session in the group: that of the rows so far which came after a longer gap.
  [[nodiscard]] std::string sessions_of(const WindowAggregate& window, const std::string& rows,
                                        const std::string& groups) const {
    const std::string time = event_millis();
    const std::string order = fmt::format("OVER (PARTITION BY {} ORDER BY c{}", groups, time_column_);
    return fmt::format(
        "(SELECT *, SUM(begins) {0} ROWS UNBOUNDED PRECEDING) AS session FROM "
        "(SELECT *, CASE WHEN {1} - LAG({1}) {0}) <= {2} THEN 0 ELSE 1 END AS begins FROM {3}))",
        order, time, window.size_ms, rows);
  }

  Result<std::string> step(const Project& project, const PlanNode& node) {
    RETURN_IF_ERROR(input_of(node));
    std::string items;
    for (size_t i = 0; i < project.items.size(); ++i) {
      ASSIGN_OR_RETURN(const std::string text, batch_text(*project.items[i].expression, dialect_));
      items += fmt::format("{}{} AS {}", i == 0 ? "" : ", ", text, dialect_.quoted_name(node.schema[i].name));
    }
    return fmt::format("SELECT {} FROM {}", items, input());
  }

  /// What is written somewhere is what was selected.
  Result<std::string> step(const Sink& sink, const PlanNode& node) {
    if (sink.emit == EmitMode::kBounds)
      return invalid(fmt::format("{} has no counterpart of EMIT BOUNDS: a relation does not tell how far time had come",
                                 dialect_.name()));
    return std::visit([&](const auto& operation) { return step(operation, *node.input); }, node.input->operation);
  }

  const BatchDialect& dialect_;
  std::string prefix_ = "step";
  std::vector<std::string> steps_;
  size_t time_column_ = 0;
};

}  // namespace

Result<std::string> batch_text(const PlanNode& plan, const BatchDialect& dialect) {
  return PlanWriter(dialect).write(plan);
}

}  // namespace meterstream
