#include "stream/view_spec.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace meterstream {
namespace {

std::string_view name_of(OutputColumn::From from) {
  switch (from) {
    case OutputColumn::From::kGroupKey:
      return "key";
    case OutputColumn::From::kWindowStart:
      return "window start";
    case OutputColumn::From::kWindowEnd:
      return "window end";
    case OutputColumn::From::kAggregate:
      return "aggregate";
    case OutputColumn::From::kCalculation:
      return "calculation";
  }
  return "?";
}

// Names may hold any character, so they are written with their length.
std::string sized(std::string_view name) {
  return fmt::format("{}:{}", name.size(), name);
}

std::string definition_of(const StreamSpec& stream) {
  std::string text = fmt::format("from topic {} {}\n", sized(stream.topic), to_text(stream.format, stream.delimiter));
  for (const ColumnSchema& column : stream.columns) {
    text += fmt::format("column {} {}\n", sized(column.name), meterstream::name_of(column.type));
  }
  text += fmt::format("event time column {}\n", stream.timestamp_column);
  if (stream.key_column) text += fmt::format("key column {}\n", *stream.key_column);
  if (stream.deduplicate) text += fmt::format("deduplicate {} ms\n", stream.deduplicate_horizon_ms);
  return text;
}

/// In a join two columns may have one name; a definition tells them apart.
std::vector<ColumnSchema> named_apart(std::vector<ColumnSchema> columns) {
  for (size_t index = columns.size(); index-- > 1;) {
    const auto earlier = columns.begin() + static_cast<ptrdiff_t>(index);
    const bool is_taken = std::any_of(columns.begin(), earlier,
                                      [&](const ColumnSchema& column) { return column.name == columns[index].name; });
    if (is_taken) columns[index].name += fmt::format("#{}", index);
  }
  return columns;
}

}  // namespace

std::string definition_of(const TableSpec& table) {
  std::string text = fmt::format("table from topic {}\n", sized(table.topic));
  for (const ColumnSchema& column : table.columns) {
    text += fmt::format("column {} {}\n", sized(column.name), meterstream::name_of(column.type));
  }
  text += fmt::format("key column {}\n", table.key_column);
  if (table.is_computed) text += "computed\n";
  if (table.format != ValueFormat::kJson) text += to_text(table.format, table.delimiter) + '\n';
  if (table.valid_from_column) text += fmt::format("valid from column {}\n", *table.valid_from_column);
  return text;
}

std::string definition_of(const TableJoinSpec& join) {
  std::string text = fmt::format("join left{} {}join right{} {}", join.left.keeps_unmatched ? ", kept," : "",
                                 definition_of(*join.left.table), join.right.keeps_unmatched ? ", kept," : "",
                                 definition_of(*join.right.table));
  if (join.foreign_key != nullptr)
    text += fmt::format("join by foreign key {}\n", to_text(*join.foreign_key, join.left.table->columns));
  return text;
}

std::string definition_of(const StreamJoinSpec& join) {
  const auto side = [](std::string_view name, const StreamJoinSpec::Side& one) {
    return fmt::format("{} by {}{} {}", name, to_text(*one.key, one.stream->columns),
                       one.keeps_unmatched ? ", kept," : "", definition_of(*one.stream));
  };
  return side("join left", join.left) + side("join right", join.right) +
         fmt::format("within {} ms before, {} ms after, grace {} ms\n", join.before_ms, join.after_ms, join.grace_ms);
}

std::string_view name_of(AggregateFunction function) {
  switch (function) {
    case AggregateFunction::kCountAll:
    case AggregateFunction::kCount:
      return "COUNT";
    case AggregateFunction::kMin:
      return "MIN";
    case AggregateFunction::kMax:
      return "MAX";
    case AggregateFunction::kSum:
      return "SUM";
    case AggregateFunction::kAverage:
      return "AVG";
    case AggregateFunction::kVariancePopulation:
      return "VAR_POP";
    case AggregateFunction::kVarianceSample:
      return "VAR_SAMP";
    case AggregateFunction::kDeviationPopulation:
      return "STDDEV_POP";
    case AggregateFunction::kDeviationSample:
      return "STDDEV_SAMP";
    case AggregateFunction::kCountDistinct:
      return "COUNT_DISTINCT";
    case AggregateFunction::kLatestByOffset:
      return "LATEST_BY_OFFSET";
    case AggregateFunction::kEarliestByOffset:
      return "EARLIEST_BY_OFFSET";
    case AggregateFunction::kIncrease:
      return "INCREASE";
    case AggregateFunction::kRate:
      return "RATE";
    case AggregateFunction::kTimeWeightedAverage:
      return "TIME_WEIGHTED_AVG";
    case AggregateFunction::kPercentile:
      return "PERCENTILE";
    case AggregateFunction::kTopK:
      return "TOPK";
    case AggregateFunction::kTopKDistinct:
      return "TOPKDISTINCT";
    case AggregateFunction::kHistogram:
      return "HISTOGRAM";
  }
  return "?";
}

std::vector<ColumnSchema> ViewSpec::row_columns() const {
  std::vector<ColumnSchema> columns = source->columns;
  for (const LookupSpec& lookup : lookups)
    columns.insert(columns.end(), lookup.table->columns.begin(), lookup.table->columns.end());
  for (const LagSpec& lag : lags) columns.push_back({"LAG", lag.value->type});
  return columns;
}

bool is_spread(AggregateFunction function) {
  return function >= AggregateFunction::kVariancePopulation && function <= AggregateFunction::kDeviationSample;
}

bool is_sampled(const AggregateSpec& aggregate) {
  if (aggregate.function >= AggregateFunction::kCountDistinct) return true;
  return aggregate.argument != nullptr && aggregate.argument->type == ColumnType::kVarchar;
}

bool gives_json(const AggregateSpec& aggregate) {
  switch (aggregate.function) {
    case AggregateFunction::kLatestByOffset:
    case AggregateFunction::kEarliestByOffset:
      return aggregate.parameter.has_value();
    case AggregateFunction::kTopK:
    case AggregateFunction::kTopKDistinct:
    case AggregateFunction::kHistogram:
      return true;
    default:
      return false;
  }
}

ColumnType type_of(const AggregateSpec& aggregate) {
  if (gives_json(aggregate)) return ColumnType::kVarchar;
  switch (aggregate.function) {
    case AggregateFunction::kCountAll:
    case AggregateFunction::kCount:
    case AggregateFunction::kCountDistinct:
      return ColumnType::kBigint;
    case AggregateFunction::kMin:
    case AggregateFunction::kMax:
    case AggregateFunction::kSum:
    case AggregateFunction::kLatestByOffset:
    case AggregateFunction::kEarliestByOffset:
    case AggregateFunction::kIncrease:
      return aggregate.argument->type;
    default:
      return ColumnType::kDouble;
  }
}

std::string to_text(const AggregateSpec& aggregate, const std::vector<ColumnSchema>& columns) {
  return fmt::format("{}({}{})", name_of(aggregate.function),
                     aggregate.argument == nullptr ? "*" : to_text(*aggregate.argument, columns),
                     aggregate.parameter ? fmt::format(", {}", *aggregate.parameter) : "");
}

std::vector<size_t> ViewSpec::columns_read() const {
  std::set<size_t> read;
  const auto add = [&](const std::shared_ptr<const Expression>& expression) {
    if (expression == nullptr) return;
    for (const size_t column : columns_of(*expression)) read.insert(column);
  };
  for (const LookupSpec& lookup : lookups) add(lookup.key);
  for (const LagSpec& lag : lags) {
    add(lag.value);
    add(lag.first);
  }
  add(filter);
  add(partition_by);
  for (const ProjectedColumn& column : projection) add(column.expression);
  for (const auto& expression : group_expressions) add(expression);
  for (const AggregateSpec& aggregate : aggregates) add(aggregate.argument);
  return {read.begin(), read.end()};
}

ColumnSchema ViewSpec::group_column(size_t group) const {
  const std::vector<ColumnSchema> columns = row_columns();
  const size_t index = group_by[group];
  if (index < columns.size()) return columns[index];
  const Expression& expression = *group_expressions[index - columns.size()];
  return {to_text(expression, columns), expression.type};
}

bool ViewSpec::groups_by_texts() const {
  return std::ranges::all_of(group_by, [&](size_t column) {
    return column < source->columns.size() && column != source->key_column &&
           source->columns[column].type == ColumnType::kVarchar;
  });
}

std::vector<ColumnSchema> ViewSpec::result_columns() const {
  std::vector<ColumnSchema> columns;
  columns.reserve(group_by.size() + 2 + aggregates.size());
  for (size_t group = 0; group < group_by.size(); ++group) columns.push_back(group_column(group));
  columns.push_back({"WINDOWSTART", ColumnType::kTimestamp});
  columns.push_back({"WINDOWEND", ColumnType::kTimestamp});
  const std::vector<ColumnSchema> rows = row_columns();
  for (const AggregateSpec& aggregate : aggregates) columns.push_back({to_text(aggregate, rows), type_of(aggregate)});
  return columns;
}

std::string ViewSpec::definition() const {
  const std::vector<ColumnSchema> columns = named_apart(row_columns());
  const std::vector<ColumnSchema> results =
      having == nullptr && calculations.empty() ? std::vector<ColumnSchema>() : named_apart(result_columns());
  std::string text = fmt::format("view {} to topic {}\n", sized(name), sized(topic)) + definition_of(*source);
  text += fmt::format("{} {} ms, {}{}grace {} ms, emit {}\n", is_session() ? "session gap" : "window", window_size_ms,
                      is_hopping() ? fmt::format("advance {} ms, ", advance_ms) : "",
                      has_local_days() ? fmt::format("days of {}, ", sized(time_zone)) : "", grace_ms,
                      emit == EmitMode::kFinal    ? "final"
                      : emit == EmitMode::kBounds ? "bounds"
                                                  : "changes");
  if (join != nullptr) text += definition_of(*join);
  if (table_join != nullptr) text += definition_of(*table_join);
  for (const LookupSpec& lookup : lookups) {
    text += fmt::format("{} by {} in {}", lookup.keeps_unmatched ? "look up" : "look up or drop",
                        to_text(*lookup.key, columns), definition_of(*lookup.table));
  }
  for (const LagSpec& lag : lags) {
    text += fmt::format("lag of {}{} or {}\n", to_text(*lag.value, columns),
                        lag.rows == 1 ? "" : fmt::format(" {} rows before", lag.rows),
                        lag.first == nullptr ? "NULL" : to_text(*lag.first, columns));
  }
  if (filter != nullptr) text += fmt::format("filter {}\n", to_text(*filter, columns));
  for (const size_t column : group_by) text += fmt::format("group by {}\n", column);
  for (const auto& expression : group_expressions)
    text += fmt::format("group expression {}\n", to_text(*expression, columns));
  for (const AggregateSpec& aggregate : aggregates) text += fmt::format("aggregate {}\n", to_text(aggregate, columns));
  for (const ProjectedColumn& column : projection) {
    text += fmt::format("project {} from {}\n", sized(column.name), to_text(*column.expression, columns));
  }
  if (partition_by != nullptr) text += fmt::format("partition by {}\n", to_text(*partition_by, columns));
  if (result_format != ValueFormat::kJson)
    text += fmt::format("results {}\n", to_text(result_format, result_delimiter));
  if (having != nullptr) text += fmt::format("having {}\n", to_text(*having, results));
  for (const auto& calculation : calculations) text += fmt::format("calculation {}\n", to_text(*calculation, results));
  for (const OutputColumn& column : output) {
    text += fmt::format("output {} from {} {}\n", sized(column.name), name_of(column.from), column.index);
  }
  return text;
}

}  // namespace meterstream
