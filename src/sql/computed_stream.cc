#include "sql/computed_stream.h"

#include <optional>

#include "sql/binder.h"

namespace meterstream {

const StreamSpec& source_of(const PlanNode& plan) {
  if (const StreamJoinNode* join = stream_join_of(plan)) return *join->joined;
  const PlanNode* scan = &plan;
  while (scan->input) scan = scan->input.get();
  return *std::get<Scan>(scan->operation).stream;
}

bool keeps_series(const std::vector<ColumnSchema>& columns, const Project& project, const StreamSpec& source) {
  for (size_t index = 0; index < columns.size(); ++index) {
    const ast::Identifier name{columns[index].name, false, {}};
    const bool is_part =
        is_same_name(name, "gateway") || is_same_name(name, "metricType") || is_same_name(name, "metricAttribute");
    if (!is_part) continue;
    const Expression& expression = *project.items[index].expression;
    const bool is_same = expression.kind == Expression::Kind::kColumn && expression.column < source.columns.size() &&
                         is_same_name(name, source.columns[expression.column].name);
    if (!is_same) return false;
  }
  return source.key_is_series;
}

namespace {

/// The time that is there in every row; of a full join there is none.
std::optional<size_t> time_of_pairs(const StreamJoinSpec& join) {
  if (!join.right.keeps_unmatched) return join.left.stream->timestamp_column;
  if (join.left.keeps_unmatched) return std::nullopt;
  return join.left.stream->columns.size() + join.right.stream->timestamp_column;
}

/// The column that is the key of PARTITION BY; nothing when it is not selected as it is.
std::optional<size_t> partition_column(const Project& project, const Expression& key) {
  for (size_t index = 0; index < project.items.size(); ++index) {
    if (identity_of(*project.items[index].expression) == identity_of(key)) return index;
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<const StreamSpec> computed_stream(const BoundView& view, const Sink& sink, const StreamSpec& defaults) {
  const auto& project = std::get<Project>(view.plan->input->operation);
  const StreamJoinNode* join = stream_join_of(*view.plan);
  const StreamSpec& source = source_of(*view.plan);
  const std::optional<size_t> source_time = join == nullptr ? source.timestamp_column : time_of_pairs(*join->spec);
  const std::vector<ColumnSchema>& columns = view.plan->schema;
  std::vector<size_t> times;
  std::optional<size_t> event_time;
  for (size_t index = 0; index < columns.size(); ++index) {
    if (columns[index].type != ColumnType::kTimestamp) continue;
    times.push_back(index);
    const Expression& expression = *project.items[index].expression;
    const bool is_source_time = expression.kind == Expression::Kind::kColumn && expression.column == source_time;
    if (is_source_time && !event_time) event_time = index;
  }
  if (!event_time && times.size() == 1) event_time = times.front();
  if (!event_time) return nullptr;
  auto stream = std::make_shared<StreamSpec>(defaults);
  stream->name = view.name;
  stream->topic = sink.topic;
  stream->format = sink.format;
  stream->delimiter = sink.delimiter;
  stream->columns = columns;
  stream->timestamp_column = *event_time;
  stream->deduplicate = false;
  stream->key_column.reset();
  stream->key_is_series = sink.partition_by == nullptr && keeps_series(columns, project, source);
  if (sink.partition_by != nullptr) stream->key_column = partition_column(project, *sink.partition_by);
  stream->value_has_key = true;
  stream->partitions = sink.partitions;
  return stream;
}

}  // namespace meterstream
