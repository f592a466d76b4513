#include "sql/stream_plan.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sql/batch_text.h"
#include "sql/binder.h"
#include "sql/logical_plan.h"
#include "sql/operators_text.h"
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

/// Scan or StreamJoinNode, perhaps with Lookups, Lag and Filter above it.
void lower_input(const PlanNode& input, ViewSpec& view) {
  const PlanNode* node = &input;
  if (const auto* filter = std::get_if<Filter>(&node->operation)) {
    view.filter = filter->condition;
    node = node->input.get();
  }
  if (const auto* lag = std::get_if<Lag>(&node->operation)) {
    view.lags = lag->lags;
    node = node->input.get();
  }
  for (; std::holds_alternative<Lookup>(node->operation); node = node->input.get())
    view.lookups.insert(view.lookups.begin(), std::get<Lookup>(node->operation).spec);
  if (const auto* join = std::get_if<TableJoinNode>(&node->operation)) {
    view.source = join->joined;
    view.table_join = join->spec;
    return;
  }
  if (const auto* join = std::get_if<StreamJoinNode>(&node->operation)) {
    view.source = join->joined;
    view.join = join->spec;
    return;
  }
  view.source = std::get<Scan>(node->operation).stream;
}

/// The columns of Project as the engine computes them: as they are where they can be.
void lower_output(const Project& project, const std::vector<ColumnSchema>& names, const WindowAggregate& window,
                  ViewSpec& view) {
  for (size_t i = 0; i < project.items.size(); ++i) {
    const std::shared_ptr<const Expression>& expression = project.items[i].expression;
    OutputColumn output{{}, OutputColumn::From::kCalculation, view.calculations.size()};
    if (expression->kind == Expression::Kind::kColumn) {
      output = output_of(expression->column, window);
    } else {
      view.calculations.push_back(expression);
    }
    output.name = names[i].name;
    view.output.push_back(std::move(output));
  }
}

ViewSpec lower(const BoundView& bound) {
  ViewSpec view;
  view.name = bound.name;
  const PlanNode* node = bound.plan.get();
  const auto& sink = std::get<Sink>(node->operation);
  view.topic = sink.topic;
  view.partitions = sink.partitions;
  view.emit = sink.emit;
  view.result_format = sink.format;
  view.result_delimiter = sink.delimiter;
  view.partition_by = sink.partition_by;

  node = node->input.get();
  const auto& project = std::get<Project>(node->operation);
  const std::vector<ColumnSchema>& names = node->schema;
  node = node->input.get();
  if (is_stream(bound) || is_table_join(bound)) {
    for (size_t i = 0; i < project.items.size(); ++i)
      view.projection.push_back({names[i].name, project.items[i].expression});
    lower_input(*node, view);
    return view;
  }
  if (const auto* having = std::get_if<Filter>(&node->operation)) {
    view.having = having->condition;
    node = node->input.get();
  }
  const auto& window = std::get<WindowAggregate>(node->operation);
  lower_output(project, names, window, view);
  view.group_by = window.group_by;
  view.group_expressions = window.group_expressions;
  view.aggregates = window.aggregates;
  view.window_size_ms = window.size_ms;
  view.advance_ms = window.advance_ms;
  view.session_gap_ms = window.is_session ? window.size_ms : 0;
  view.time_zone = window.time_zone;
  view.grace_ms = window.grace_ms;
  lower_input(*node->input, view);
  return view;
}

using Plans = std::vector<std::shared_ptr<const PlanNode>>;

/// The rows of all plans, whose columns may stand in any order.
Result<std::string> text_of_all(const Plans& plans, const BatchDialect& dialect) {
  if (plans.size() == 1) return batch_text(*plans[0], dialect);
  std::vector<ColumnSchema> columns;
  const auto is_in = [](const std::vector<ColumnSchema>& list, const std::string& name) {
    return std::ranges::any_of(list, [&](const ColumnSchema& each) { return each.name == name; });
  };
  for (const auto& plan : plans) {
    for (const ColumnSchema& column : plan->schema) {
      if (!is_in(columns, column.name)) columns.push_back(column);
    }
  }
  std::string all;
  for (const auto& plan : plans) {
    ASSIGN_OR_RETURN(const std::string text, batch_text(*plan, dialect));
    if (!all.empty()) all += "\nUNION ALL\n";
    std::vector<std::string> cells;
    for (const ColumnSchema& column : columns) {
      const std::string name = dialect.quoted_name(column.name);
      cells.push_back(is_in(plan->schema, column.name) ? name
                                                       : fmt::format("{} AS {}", dialect.null(column.type), name));
    }
    all += fmt::format("SELECT {}\nFROM ({}) AS written", fmt::join(cells, ", "), text);
  }
  return all;
}

/// Of a stream that several queries write into: of all of them.
Explanation explain(const BoundView& view) {
  Plans plans = view.insertions;
  if (view.plan != nullptr) plans.insert(plans.begin(), view.plan);
  std::string plan_text;
  std::string operators;
  for (const auto& plan : plans) {
    if (!plan_text.empty()) plan_text += "\n";
    if (!operators.empty()) operators += "\n";
    plan_text += to_text(*plan);
    operators += operators_text(lower({view.name, plan}));
  }
  return {view.name, std::move(plan_text), std::move(operators), text_of_all(plans, duckdb_dialect()),
          text_of_all(plans, spark_dialect())};
}

}  // namespace

Program plan_streams(const BoundProgram& bound) {
  Program program;
  program.streams = bound.streams;
  program.sinks = bound.sinks;
  program.inserts = bound.inserts;
  for (const BoundView& view : bound.explained) program.explanations.push_back(explain(view));
  program.settings = bound.settings;
  for (const BoundView& view : bound.views) program.views.push_back(lower(view));
  return program;
}

std::string to_text(const Explanation& explanation) {
  const auto query = [](const Result<std::string>& text) { return text ? *text : text.error().message; };
  return fmt::format(
      "Logical plan\n{}\nStream engine\n{}\nDuckDB\n{}\n\nSpark, in ANSI mode with a session in UTC\n{}\n",
      explanation.plan, explanation.operators, query(explanation.duckdb), query(explanation.spark));
}

Result<Program> SqlSession::compile(std::string_view text, std::string_view file_name) {
  const SourceText source(text, file_name);
  ASSIGN_OR_RETURN(const ast::Script script, parse_sql(source));
  ASSIGN_OR_RETURN(const BoundProgram bound, bind_script(script, source, catalog_));
  return plan_streams(bound);
}

Result<Program> compile_sql(std::string_view text, std::string_view file_name, const StreamSpec& stream_defaults) {
  return SqlSession(stream_defaults).compile(text, file_name);
}

}  // namespace meterstream
