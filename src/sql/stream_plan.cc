#include "sql/stream_plan.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "sql/binder.h"
#include "sql/logical_plan.h"
#include "sql/parser.h"

namespace meterstream {
namespace {

/// Where a column of the WindowAggregate comes from.
OutputColumn output_of(size_t column, const WindowAggregate& window) {
  const size_t groups = window.group_by.size();
  OutputColumn output;
  if (column < groups) {
    output.from = OutputColumn::From::kGroupKey;
    output.index = column;
  } else if (column < groups + 2) {
    output.from = column == groups ? OutputColumn::From::kWindowStart : OutputColumn::From::kWindowEnd;
  } else {
    output.from = OutputColumn::From::kAggregate;
    output.index = column - groups - 2;
  }
  return output;
}

/// Scan, with or without a Filter above it.
void lower_input(const PlanNode& input, ViewSpec& view) {
  const PlanNode* node = &input;
  if (const auto* filter = std::get_if<Filter>(&node->operation)) {
    view.filter = filter->condition;
    node = node->input.get();
  }
  view.source = std::get<Scan>(node->operation).stream;
}

Result<ViewSpec> lower(const BoundView& bound, const SourceText& source) {
  ViewSpec view;
  view.name = bound.name;
  const PlanNode* node = bound.plan.get();
  const auto& sink = std::get<Sink>(node->operation);
  view.topic = sink.topic;
  view.partitions = sink.partitions;
  view.emit = sink.emit;

  node = node->input.get();
  const auto& project = std::get<Project>(node->operation);
  const std::vector<ColumnSchema>& names = node->schema;
  node = node->input.get();
  if (is_stream(bound)) {
    for (size_t i = 0; i < project.items.size(); ++i)
      view.projection.push_back({names[i].name, project.items[i].expression});
    lower_input(*node, view);
    return view;
  }
  const auto& window = std::get<WindowAggregate>(node->operation);
  for (size_t i = 0; i < project.items.size(); ++i) {
    const Expression& expression = *project.items[i].expression;
    if (expression.kind != Expression::Kind::kColumn) {
      return source.error_at(project.items[i].position,
                             "not supported yet: a calculation with results of aggregates; select them one by one");
    }
    OutputColumn output = output_of(expression.column, window);
    output.name = names[i].name;
    view.output.push_back(std::move(output));
  }
  view.group_by = window.group_by;
  view.aggregates = window.aggregates;
  view.window_size_ms = window.size_ms;
  view.advance_ms = window.advance_ms;
  view.grace_ms = window.grace_ms;

  lower_input(*node->input, view);
  for (size_t i = 0; i < view.group_by.size(); ++i) {
    const ColumnSchema& column = view.source->columns[view.group_by[i]];
    if (column.type == ColumnType::kVarchar) continue;
    return source.error_at(
        bound.group_by_positions[i],
        fmt::format("not supported yet: GROUP BY {}, which is {} and not VARCHAR", column.name, name_of(column.type)));
  }
  return view;
}

}  // namespace

Result<Program> plan_streams(const BoundProgram& bound, const SourceText& source) {
  Program program;
  program.streams = bound.streams;
  program.sinks = bound.sinks;
  program.settings = bound.settings;
  for (const BoundView& view : bound.views) {
    ASSIGN_OR_RETURN(ViewSpec lowered, lower(view, source));
    program.views.push_back(std::move(lowered));
  }
  return program;
}

Result<Program> compile_sql(std::string_view text, std::string_view file_name, const StreamSpec& stream_defaults) {
  const SourceText source(text, file_name);
  ASSIGN_OR_RETURN(const ast::Script script, parse_sql(source));
  Catalog catalog(stream_defaults);
  ASSIGN_OR_RETURN(const BoundProgram bound, bind_script(script, source, catalog));
  return plan_streams(bound, source);
}

}  // namespace meterstream
