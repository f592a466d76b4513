#include "sql/logical_plan.h"

#include <fmt/format.h>

#include "metering/duration.h"

namespace meterstream {
namespace {

std::string schema_text(const std::vector<ColumnSchema>& schema) {
  std::string out;
  for (const ColumnSchema& column : schema) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", column.name, name_of(column.type));
  }
  return out;
}

std::string node_text(const Scan& scan, const PlanNode& node) {
  return fmt::format("Scan stream {}, topic {}, event time {} ({})", scan.stream->name, scan.stream->topic,
                     scan.stream->columns[scan.stream->timestamp_column].name, schema_text(node.schema));
}

std::string node_text(const StreamJoinNode& join, const PlanNode& node) {
  const StreamJoinSpec& spec = *join.spec;
  const std::string_view kind = join_kind(spec.left.keeps_unmatched, spec.right.keeps_unmatched);
  return fmt::format("StreamJoin {} by {} = {}, within {} before and {} after, grace {}", kind,
                     to_text(*spec.left.key, node.input->schema), to_text(*spec.right.key, node.second->schema),
                     format_duration(spec.before_ms), format_duration(spec.after_ms), format_duration(spec.grace_ms));
}

std::string node_text(const TableScan& scan, const PlanNode& node) {
  return fmt::format("Scan table {}, topic {} ({})", scan.table->name, scan.table->topic, schema_text(node.schema));
}

std::string node_text(const TableJoinNode& join, const PlanNode&) {
  const TableJoinSpec& spec = *join.spec;
  const std::string_view kind = join_kind(spec.left.keeps_unmatched, spec.right.keeps_unmatched);
  const auto key_of = [](const TableSpec& table) { return table.columns[table.key_column].name; };
  const std::string left =
      spec.foreign_key == nullptr ? key_of(*spec.left.table) : to_text(*spec.foreign_key, spec.left.table->columns);
  return fmt::format("TableJoin {} by {} = {}", kind, left, key_of(*spec.right.table));
}

std::string node_text(const Lookup& lookup, const PlanNode& node) {
  const TableSpec& table = *lookup.spec.table;
  return fmt::format("Lookup {} by {} in table {}, topic {}{}", lookup.spec.keeps_unmatched ? "left" : "inner",
                     to_text(*lookup.spec.key, node.schema), table.name, table.topic,
                     table.valid_from_column ? ", valid from " + table.columns[*table.valid_from_column].name : "");
}

std::string node_text(const Lag& lag, const PlanNode& node) {
  std::string out = "Lag";
  for (const LagSpec& one : lag.lags) {
    out += fmt::format("{} {} or {}", out.size() > 3 ? "," : "", to_text(*one.value, node.schema),
                       one.first == nullptr ? "NULL" : to_text(*one.first, node.schema));
  }
  return out;
}

std::string node_text(const Filter& filter, const PlanNode& node) {
  return "Filter " + to_text(*filter.condition, node.schema);
}

std::string node_text(const WindowAggregate& aggregate, const PlanNode& node) {
  const std::vector<ColumnSchema>& columns = node.input->schema;
  std::string groups;
  for (const size_t column : aggregate.group_by) {
    groups += groups.empty() ? "" : ", ";
    groups += column < columns.size() ? columns[column].name
                                      : to_text(*aggregate.group_expressions[column - columns.size()], columns);
  }
  std::string functions;
  for (const AggregateSpec& one : aggregate.aggregates) {
    functions += (functions.empty() ? "" : ", ") + to_text(one, columns);
  }
  const std::string window =
      aggregate.size_ms == kUnboundedWindowMs ? "of all times"
      : aggregate.is_session                  ? "session with gaps up to " + format_duration(aggregate.size_ms)
      : aggregate.advance_ms == 0
          ? "tumbling " + format_duration(aggregate.size_ms) +
                (aggregate.time_zone.empty() ? "" : " in " + aggregate.time_zone)
          : fmt::format("hopping {} by {}", format_duration(aggregate.size_ms), format_duration(aggregate.advance_ms));
  const std::string grace =
      aggregate.size_ms == kUnboundedWindowMs ? "" : ", grace " + format_duration(aggregate.grace_ms);
  return fmt::format("WindowAggregate {}{}, by {}: {}", window, grace, groups, functions);
}

std::string node_text(const Project& project, const PlanNode& node) {
  std::string out;
  for (size_t i = 0; i < project.items.size(); ++i) {
    out += fmt::format("{}{} AS {} {}", i == 0 ? "" : ", ", to_text(*project.items[i].expression, node.input->schema),
                       node.schema[i].name, name_of(node.schema[i].type));
  }
  return "Project " + out;
}

std::string node_text(const Sink& sink, const PlanNode& node) {
  std::string text = fmt::format("Sink topic {} with {} partitions, emit {}", sink.topic, sink.partitions,
                                 sink.emit == EmitMode::kFinal    ? "final"
                                 : sink.emit == EmitMode::kBounds ? "bounds"
                                                                  : "changes");
  if (sink.format != ValueFormat::kJson) text += ", " + to_text(sink.format, sink.delimiter);
  if (sink.partition_by != nullptr)
    text += fmt::format(", partition by {}", to_text(*sink.partition_by, node.input->input->schema));
  return text;
}

}  // namespace

namespace {

const WindowAggregate* aggregate_of(const BoundView& view) {
  for (const PlanNode* node = view.plan.get(); node != nullptr; node = node->input.get()) {
    if (const auto* aggregate = std::get_if<WindowAggregate>(&node->operation)) return aggregate;
  }
  return nullptr;
}

}  // namespace

std::string_view join_kind(bool keeps_left, bool keeps_right) {
  if (keeps_left) return keeps_right ? "full" : "left";
  return keeps_right ? "right" : "inner";
}

const StreamJoinNode* stream_join_of(const PlanNode& plan) {
  for (const PlanNode* node = &plan; node != nullptr; node = node->input.get()) {
    if (const auto* join = std::get_if<StreamJoinNode>(&node->operation)) return join;
  }
  return nullptr;
}

bool is_table_join(const BoundView& view) {
  for (const PlanNode* node = view.plan.get(); node != nullptr; node = node->input.get()) {
    if (std::holds_alternative<TableJoinNode>(node->operation)) return true;
  }
  return false;
}

bool is_stream(const BoundView& view) {
  return aggregate_of(view) == nullptr && !is_table_join(view);
}

bool has_windows(const BoundView& view) {
  const WindowAggregate* aggregate = aggregate_of(view);
  return aggregate != nullptr && aggregate->size_ms != kUnboundedWindowMs && !aggregate->is_session &&
         aggregate->time_zone.empty();
}

namespace {

void append_text(const PlanNode& plan, size_t indent, std::string& out) {
  for (const PlanNode* node = &plan; node != nullptr; node = node->input.get(), indent += 2) {
    out.append(indent, ' ');
    out += std::visit([&](const auto& operation) { return node_text(operation, *node); }, node->operation);
    out += "\n";
    if (node->second == nullptr) continue;
    append_text(*node->input, indent + 2, out);
    return append_text(*node->second, indent + 2, out);
  }
}

}  // namespace

std::string to_text(const PlanNode& plan) {
  std::string out;
  append_text(plan, 0, out);
  return out;
}

}  // namespace meterstream
