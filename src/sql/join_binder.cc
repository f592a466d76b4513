#include "sql/join_binder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sql/expression_binder.h"
#include "sql/table_binder.h"

namespace meterstream {
namespace {

const PlanNode& node_below(const PlanNode& plan) {
  const PlanNode* node = plan.input.get();
  while (!std::holds_alternative<WindowAggregate>(node->operation) &&
         !std::holds_alternative<TableJoinNode>(node->operation))
    node = node->input.get();
  return *node;
}

/// Columns of the node below Project that are the primary key of its rows; none when there is no single one.
std::vector<size_t> key_columns(const PlanNode& node) {
  const auto* join = std::get_if<TableJoinNode>(&node.operation);
  if (join == nullptr) return {0};
  const TableJoinSpec& spec = *join->spec;
  const size_t right_key = spec.left.table->columns.size() + spec.right.table->key_column;
  if (spec.foreign_key != nullptr) return {spec.left.table->key_column};
  if (spec.right.keeps_unmatched) return spec.left.keeps_unmatched ? std::vector<size_t>() : std::vector{right_key};
  if (spec.left.keeps_unmatched) return {spec.left.table->key_column};
  return {spec.left.table->key_column, right_key};
}

/// The latest result of each group; its primary key is the group.
Result<std::shared_ptr<const TableSpec>> computed_table(const ast::Identifier& name, const PlanNode& plan,
                                                        const SourceText& source) {
  const auto refuse = [&](std::string_view why) {
    return source.error_at(name.position.offset, fmt::format("not supported yet: a join with {}, {}", name.text, why));
  };
  const PlanNode& rows = node_below(plan);
  const auto* aggregate = std::get_if<WindowAggregate>(&rows.operation);
  if (aggregate != nullptr && aggregate->size_ms != kUnboundedWindowMs) {
    return refuse(
        "which has a result for each window of a group; join a table without WINDOW, or make a stream of its "
        "topic: CREATE STREAM ... WITH (topic = '...', value_format = 'JSON') and join that WITHIN some time");
  }
  if (aggregate != nullptr && aggregate->group_by.size() != 1)
    return refuse("whose primary key has several columns; GROUP BY one text of them");
  auto table = std::make_shared<TableSpec>();
  table->name = name.text;
  table->is_computed = true;
  table->columns = plan.schema;
  const auto& sink = std::get<Sink>(plan.operation);
  table->topic = sink.topic;
  table->partitions = sink.partitions;
  const auto& project = std::get<Project>(plan.input->operation);
  const std::vector<size_t> keys = key_columns(rows);
  const auto key = std::ranges::find_if(project.items, [&](const Project::Item& item) {
    return item.expression->kind == Expression::Kind::kColumn &&
           std::ranges::find(keys, item.expression->column) != keys.end();
  });
  if (key == project.items.end())
    return refuse(aggregate != nullptr
                      ? "whose SELECT leaves out what it groups by, which is its primary key; select it"
                      : "whose SELECT has no primary key; select that of a table whose rows are all there");
  table->key_column = static_cast<size_t>(key - project.items.begin());
  const ColumnType type = table->columns[table->key_column].type;
  if (type != ColumnType::kVarchar && type != ColumnType::kBigint)
    return refuse(fmt::format("whose primary key is {}; GROUP BY CAST(... AS VARCHAR)", name_of(type)));
  return std::shared_ptr<const TableSpec>(std::move(table));
}

}  // namespace

Result<std::shared_ptr<const TableSpec>> joinable_table(const ast::Identifier& name, const SourceText& source,
                                                        const Catalog& catalog) {
  if (auto table = catalog.table(name); table != nullptr) return table;
  const auto plan = catalog.plan(name);
  if (plan != nullptr && catalog.kind_of(name) == "a table") return computed_table(name, *plan, source);
  return unknown_table(name, source, catalog);
}

namespace {

bool is_column(const ast::Expression& side, size_t column, const RowScope& scope) {
  if (side.kind != ast::Expression::Kind::kColumn) return false;
  const Result<size_t> found = scope.find(side);
  return found && *found == column;
}

}  // namespace

Result<LookupSpec> bind_join(const ast::Join& join, RowScope& scope, const SourceText& source, const Catalog& catalog) {
  LookupSpec lookup;
  lookup.keeps_unmatched = join.kind == ast::Join::Kind::kLeft;
  ASSIGN_OR_RETURN(lookup.table, joinable_table(join.source, source, catalog));
  if (join.within) {
    return source.error_at(
        join.within->position.offset,
        fmt::format("{} is a table: leave WITHIN out, it is for joins of two streams", lookup.table->name));
  }
  if (join.kind == ast::Join::Kind::kFull || join.kind == ast::Join::Kind::kRight) {
    return source.error_at(
        join.position.offset,
        "a stream has no row for what is only in a table; RIGHT and FULL JOIN are for two streams or "
        "two tables");
  }
  const ast::Identifier& called = join.alias ? *join.alias : join.source;
  if (scope.has_source(called)) {
    return source.error_at(called.position.offset,
                           fmt::format("{} is joined already; give one of them another name with AS", called.text));
  }
  const size_t first = scope.columns().size();
  // Twice the same table: only the alias tells them apart.
  const bool is_known = scope.has_source(join.source);
  scope.add("table", lookup.table->name, join.alias, lookup.table->columns);
  if (is_known) scope.hide_name(lookup.table->name);
  const ColumnSchema& key = lookup.table->columns[lookup.table->key_column];
  const size_t key_column = first + lookup.table->key_column;
  const ast::Expression& condition = join.condition;
  const bool is_equality = condition.kind == ast::Expression::Kind::kComparison && condition.text == "=";
  const bool is_left = is_equality && is_column(condition.children[0], key_column, scope);
  if (!is_left && !(is_equality && is_column(condition.children[1], key_column, scope))) {
    return source.error_at(condition.position.offset,
                           fmt::format("a table is joined by its primary key: ON ... = {}.{}", called.text, key.name));
  }
  const ast::Expression& given = condition.children[is_left ? 1 : 0];
  ExpressionBinder binder(
      source,
      [&](const ast::Expression& reference) -> Result<ExpressionPointer> {
        ASSIGN_OR_RETURN(const size_t index, scope.find(reference));
        if (index < first) return column_expression(index, scope.columns()[index].type);
        return source.error_at(
            reference.position.offset,
            fmt::format("column {} is of the table itself; the other side of = names columns of what "
                        "stands before JOIN",
                        reference.name.text));
      },
      [&](const ast::Expression& call) -> Result<ExpressionPointer> {
        return source.error_at(call.position.offset,
                               fmt::format("{} cannot stand in the condition of a join", call.name.text));
      });
  ASSIGN_OR_RETURN(ExpressionPointer bound, binder.bind(given));
  if (is_null_literal(*bound) || bound->type != key.type) {
    return source.error_at(
        given.position.offset,
        fmt::format("the key of {0} is {1}, this is {2}; CAST(... AS {1}) makes it one", lookup.table->name,
                    name_of(key.type), is_null_literal(*bound) ? "NULL" : name_of(bound->type)));
  }
  // What records have as their key is a text.
  if (key.type != ColumnType::kVarchar) {
    std::vector<ExpressionPointer> children;
    children.push_back(std::move(bound));
    bound = operation_expression(Operator::kCast, ColumnType::kVarchar, std::move(children));
  }
  lookup.key = std::move(bound);
  return lookup;
}

}  // namespace meterstream
