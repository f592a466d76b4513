#include "sql/query_groups.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sql/aggregate_binder.h"
#include "sql/binder.h"
#include "sql/expression_binder.h"
#include "sql/stream_plan.h"

namespace meterstream {
namespace {

/// The first call of an aggregate; null: there is none.
const ast::Expression* find_aggregate(
    const ast::Expression& expression, bool (*is_meant)(AggregateFunction) = [](AggregateFunction) { return true; }) {
  if (expression.kind == ast::Expression::Kind::kCall) {
    const auto function = aggregate_function(expression.name);
    if (function && is_meant(*function)) return &expression;
  }
  for (const ast::Expression& child : expression.children) {
    if (const ast::Expression* found = find_aggregate(child, is_meant)) return found;
  }
  return nullptr;
}

bool needs_places(AggregateFunction function) {
  return function == AggregateFunction::kLatestByOffset || function == AggregateFunction::kEarliestByOffset;
}

Status refuse_places(const ast::CreateTable& select, const SourceText& text) {
  const ast::Expression* found = nullptr;
  for (const ast::SelectItem& item : select.items) {
    if (found == nullptr && !item.star) found = find_aggregate(item.expression, needs_places);
  }
  if (found == nullptr && select.having) found = find_aggregate(*select.having, needs_places);
  if (found == nullptr) return {};
  return text.error_at(found->position.offset,
                       fmt::format("{} takes values by their places in the log of one stream; rows of tables and of "
                                   "joins have none. MAX of a time tells which is the latest",
                                   found->name.text));
}

/// All columns of the output as calculations, in their order.
void calculate_all(ViewSpec& view) {
  const std::vector<ColumnSchema> columns = view.result_columns();
  std::vector<std::shared_ptr<const Expression>> calculations;
  for (OutputColumn& output : view.output) {
    const size_t groups = view.group_by.size();
    size_t column = 0;
    switch (output.from) {
      case OutputColumn::From::kCalculation:
        calculations.push_back(view.calculations[output.index]);
        continue;
      case OutputColumn::From::kGroupKey:
        column = output.index;
        break;
      case OutputColumn::From::kWindowStart:
        column = groups;
        break;
      case OutputColumn::From::kWindowEnd:
        column = groups + 1;
        break;
      case OutputColumn::From::kAggregate:
        column = groups + 2 + output.index;
        break;
    }
    calculations.push_back(column_expression(column, columns[column].type));
  }
  view.calculations = std::move(calculations);
}

}  // namespace

bool is_grouped(const ast::CreateTable& select) {
  if (!select.group_by.empty() || select.having || select.window) return true;
  return std::ranges::any_of(select.items, [](const ast::SelectItem& item) {
    return !item.star && find_aggregate(item.expression) != nullptr;
  });
}

Result<BoundQuery> bind_groups(const ast::Query& query, const QuerySource& rows, bool has_joins,
                               const SourceText& text) {
  if (rows.is_table || has_joins) RETURN_IF_ERROR(refuse_places(query.select, text));
  auto stream = std::make_shared<StreamSpec>();
  stream->name = rows.name;
  stream->columns = rows.columns;
  stream->timestamp_column = rows.timestamp_column.value_or(0);
  Catalog catalog;
  const ast::Identifier source{rows.name, true, query.select.source.position};
  catalog.add_stream(source, std::move(stream));
  ast::CreateTable select = query.select;
  select.source = source;
  select.name = {"query", true, select.select_position};
  select.is_stream = false;
  select.emit = ast::Emit::kDefault;
  ASSIGN_OR_RETURN(BoundView bound, bind_query_groups(select, text, catalog));
  BoundQuery result;
  result.columns = bound.plan->schema;
  BoundProgram program;
  program.views.push_back(std::move(bound));
  ViewSpec view = std::move(plan_streams(program).views.front());
  result.has_windows = select.window.has_value();
  // One window, which is told at the end.
  if (!result.has_windows) view.window_size_ms = 1;
  view.emit = EmitMode::kFinal;
  calculate_all(view);
  result.row_columns = rows.columns;
  result.condition = view.filter;
  result.limit = query.limit;
  result.emits_changes = query.select.emit == ast::Emit::kChanges;
  result.groups = std::make_shared<const ViewSpec>(std::move(view));
  return result;
}

std::string groups_text(const ViewSpec& groups) {
  std::vector<std::string> names;
  names.reserve(groups.group_by.size());
  for (size_t group = 0; group < groups.group_by.size(); ++group) names.push_back(groups.group_column(group).name);
  std::vector<std::string> aggregates;
  aggregates.reserve(groups.aggregates.size());
  for (const AggregateSpec& aggregate : groups.aggregates)
    aggregates.push_back(to_text(aggregate, groups.row_columns()));
  std::string text = names.empty()
                         ? fmt::format("group all rows: {}\n", fmt::join(aggregates, ", "))
                         : fmt::format("group by {}: {}\n", fmt::join(names, ", "), fmt::join(aggregates, ", "));
  if (groups.having != nullptr) text += fmt::format("having {}\n", to_text(*groups.having, groups.result_columns()));
  return text;
}

}  // namespace meterstream
