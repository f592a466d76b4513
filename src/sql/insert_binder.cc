#include "sql/insert_binder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sql/binder.h"
#include "sql/expression_binder.h"

namespace meterstream {
namespace {

/// The columns that an INSERT names, in its order.
Result<std::vector<size_t>> insert_columns(const ast::InsertValues& syntax, std::string_view target,
                                           const std::vector<ColumnSchema>& all, const SourceText& source) {
  std::vector<size_t> columns;
  for (size_t i = 0; syntax.columns.empty() && i < all.size(); ++i) columns.push_back(i);
  for (const ast::Identifier& name : syntax.columns) {
    const auto found =
        std::ranges::find_if(all, [&](const ColumnSchema& column) { return is_same_name(name, column.name); });
    if (found == all.end()) {
      std::vector<std::string> names;
      names.reserve(all.size());
      for (const ColumnSchema& column : all) names.push_back(column.name);
      const std::string nearest = nearest_name(name.text, names);
      return source.error_at(name.position.offset,
                             fmt::format("unknown column {}; {}", name.text,
                                         nearest.empty() ? fmt::format("{} has {}", target, fmt::join(names, ", "))
                                                         : "did you mean " + nearest + "?"));
    }
    const auto index = static_cast<size_t>(found - all.begin());
    if (std::ranges::find(columns, index) != columns.end())
      return source.error_at(name.position.offset, fmt::format("column {} is given twice", name.text));
    columns.push_back(index);
  }
  return columns;
}

Result<Column> value_of(const ast::Expression& syntax, const ColumnSchema& column, const SourceText& source,
                        std::deque<std::string>& texts) {
  const auto refuse = [&](std::string_view what) {
    return [&source, what](const ast::Expression& reference) -> Result<ExpressionPointer> {
      return source.error_at(reference.position.offset, fmt::format("VALUES takes constants, no {}", what));
    };
  };
  ExpressionBinder binder(source, refuse("columns"), refuse("such calls"));
  ASSIGN_OR_RETURN(ExpressionPointer bound, binder.bind(syntax));
  if (is_null_literal(*bound)) return null_column(column.type, 1);
  const bool is_text_of_time = bound->type == ColumnType::kVarchar && column.type == ColumnType::kTimestamp;
  const bool is_whole_number = bound->type == ColumnType::kBigint && column.type == ColumnType::kDouble;
  if (bound->type != column.type && !is_text_of_time && !is_whole_number) {
    return source.error_at(syntax.position.offset, fmt::format("column {} is {}, this is {}", column.name,
                                                               name_of(column.type), name_of(bound->type)));
  }
  if (bound->type != column.type) {
    std::vector<ExpressionPointer> children;
    children.push_back(std::move(bound));
    bound = operation_expression(Operator::kCast, column.type, std::move(children));
  }
  ColumnBatch batch;
  batch.rows = 1;
  int64_t faults = 0;
  Column value = evaluate(*bound, batch, faults);
  if (faults > 0) return source.error_at(syntax.position.offset, fmt::format("this is no {}", name_of(column.type)));
  // A text may be the expression's or the batch's, which end here.
  for (std::string_view& text : value.strings) text = texts.emplace_back(text);
  return value;
}

}  // namespace

Result<std::vector<InsertedRow>> bind_rows(const ast::InsertValues& syntax, std::string_view target,
                                           const std::vector<ColumnSchema>& columns, const SourceText& source) {
  ASSIGN_OR_RETURN(const std::vector<size_t> given, insert_columns(syntax, target, columns, source));
  std::vector<InsertedRow> rows;
  for (const std::vector<ast::Expression>& values : syntax.rows) {
    if (values.size() != given.size()) {
      return source.error_at(values.front().position.offset,
                             fmt::format("the row has {} values for {} columns", values.size(), given.size()));
    }
    InsertedRow& row = rows.emplace_back();
    for (const ColumnSchema& column : columns) row.cells.push_back(null_column(column.type, 1));
    for (size_t i = 0; i < values.size(); ++i) {
      ASSIGN_OR_RETURN(row.cells[given[i]], value_of(values[i], columns[given[i]], source, row.texts));
    }
  }
  return rows;
}

}  // namespace meterstream
