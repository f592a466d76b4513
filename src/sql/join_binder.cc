#include "sql/join_binder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sql/expression_binder.h"
#include "sql/table_binder.h"

namespace meterstream {
namespace {

Result<std::shared_ptr<const TableSpec>> find_table(const ast::Identifier& name, const SourceText& source,
                                                    const Catalog& catalog) {
  if (auto table = catalog.table(name); table != nullptr) return table;
  const std::string_view kind = catalog.kind_of(name);
  if (kind == "a stream") return source.error_at(name.position.offset, "not supported yet: a join of two streams");
  if (kind == "a table") {
    return source.error_at(
        name.position.offset,
        fmt::format("not supported yet: a join with a table that is computed; {} is. Tables that are "
                    "declared with PRIMARY KEY can be joined",
                    name.text));
  }
  return unknown_table(name, source, catalog);
}

bool is_column(const ast::Expression& side, size_t column, const RowScope& scope) {
  if (side.kind != ast::Expression::Kind::kColumn) return false;
  const Result<size_t> found = scope.find(side);
  return found && *found == column;
}

}  // namespace

Result<LookupSpec> bind_join(const ast::Join& join, RowScope& scope, const SourceText& source, const Catalog& catalog) {
  LookupSpec lookup;
  lookup.keeps_unmatched = join.kind == ast::Join::Kind::kLeft;
  ASSIGN_OR_RETURN(lookup.table, find_table(join.source, source, catalog));
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
  if (is_null_literal(*bound) || bound->type != ColumnType::kVarchar) {
    return source.error_at(given.position.offset,
                           fmt::format("the key of {} is VARCHAR, this is {}; CAST(... AS VARCHAR) makes it one",
                                       lookup.table->name, is_null_literal(*bound) ? "NULL" : name_of(bound->type)));
  }
  lookup.key = std::move(bound);
  return lookup;
}

}  // namespace meterstream
