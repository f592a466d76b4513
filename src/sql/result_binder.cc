#include "sql/result_binder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "stream/group_key.h"

namespace meterstream {

Status GroupBinder::add(const ast::Expression& syntax, ExpressionBinder rows, const std::vector<ColumnSchema>& columns,
                        WindowAggregate& window, std::vector<ColumnSchema>& schema) {
  ASSIGN_OR_RETURN(ExpressionPointer bound, rows.bind(syntax));
  const auto error = [&](std::string_view message) { return source_.error_at(syntax.position.offset, message); };
  if (columns_of(*bound).empty()) return error("GROUP BY needs columns; this is the same for every row");
  const std::string text = to_text(*bound, columns);
  if (!can_name_groups(bound->type)) {
    return error(fmt::format("GROUP BY cannot take {}, which is {}; CAST(... AS BIGINT) makes classes of it", text,
                             name_of(bound->type)));
  }
  std::string identity = identity_of(*bound);
  const bool is_column = bound->kind == Expression::Kind::kColumn;
  if (std::ranges::any_of(groups_, [&](const Group& group) { return group.identity == identity; })) {
    return error(fmt::format("{} is in GROUP BY twice", is_column ? "column " + columns[bound->column].name : text));
  }
  schema.push_back({is_column ? columns[bound->column].name : text, bound->type});
  if (is_column) {
    window.group_by.push_back(bound->column);
  } else {
    window.group_by.push_back(columns.size() + window.group_expressions.size());
    window.group_expressions.push_back(std::move(bound));
  }
  groups_.push_back({syntax.kind, std::move(identity)});
  return {};
}

std::optional<size_t> GroupBinder::find(const ast::Expression& syntax, ExpressionBinder rows) const {
  // The same meaning is written with the same kind of expression; without this every part of a SELECT would be bound twice.
  if (std::ranges::none_of(groups_, [&](const Group& group) { return group.kind == syntax.kind; })) return std::nullopt;
  const Result<ExpressionPointer> bound = rows.bind(syntax);
  if (!bound) return std::nullopt;
  const auto found = std::ranges::find(groups_, identity_of(**bound), &Group::identity);
  if (found == groups_.end()) return std::nullopt;
  return static_cast<size_t>(found - groups_.begin());
}

}  // namespace meterstream
