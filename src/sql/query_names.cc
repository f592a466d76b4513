#include "sql/query_names.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "metering/timestamp.h"
#include "sql/aggregate_binder.h"
#include "sql/binder.h"
#include "sql/expression_binder.h"

namespace meterstream {
namespace {

bool is_word(const ast::Identifier& name, std::string_view word) {
  return !name.quoted && equals_ignoring_case(name.text, word);
}

bool is_number(ColumnType type) {
  return type == ColumnType::kBigint || type == ColumnType::kDouble;
}

}  // namespace

bool is_window_bound(const ast::Expression& expression) {
  return expression.kind == ast::Expression::Kind::kColumn &&
         (is_word(expression.name, "WINDOWSTART") || is_word(expression.name, "WINDOWEND"));
}

void give_times(ast::Expression& expression) {
  using Kind = ast::Expression::Kind;
  for (ast::Expression& child : expression.children) give_times(child);
  const bool compares =
      expression.kind == Kind::kComparison || expression.kind == Kind::kBetween || expression.kind == Kind::kIn;
  if (!compares || std::ranges::none_of(expression.children, is_window_bound)) return;
  for (ast::Expression& child : expression.children) {
    if (child.kind != Kind::kInteger || child.text.size() > 15) continue;
    child.text = format_timestamp(EventTime(std::stoll(child.text)));
    child.kind = Kind::kString;
  }
}

QueryNames::QueryNames(const ast::CreateTable& select, const std::vector<std::shared_ptr<const QuerySource>>& sources,
                       const SourceText& text)
    : select_(select), sources_(sources), text_(text), scope_(text) {
  add_source(0);
}

void QueryNames::add_source(size_t source) {
  const QuerySource& added = *sources_[source];
  const auto& alias = source == 0 ? select_.source_alias : select_.joins[source - 1].alias;
  begins_.push_back(scope_.columns().size());
  // Twice the same one: only the alias tells them apart.
  const bool is_known = scope_.has_source({added.name, true, {}});
  scope_.add(added.is_table ? "table" : "stream", added.name, alias, added.columns);
  if (is_known) scope_.hide_name(added.name);
}

void QueryNames::make_rows() {
  auto rows = std::make_shared<QuerySource>(*sources_.front());
  rows->columns = scope_.columns();
  for (size_t source = 0; source < sources_.size(); ++source) {
    const auto& alias = source == 0 ? select_.source_alias : select_.joins[source - 1].alias;
    const std::string& called = alias ? alias->text : sources_[source]->name;
    for (size_t index = 0; index < sources_[source]->columns.size(); ++index) {
      const std::string& name = sources_[source]->columns[index].name;
      const auto is_same = [&](const ColumnSchema& other) { return equals_ignoring_case(other.name, name); };
      if (std::ranges::count_if(scope_.columns(), is_same) == 1) continue;
      rows->columns[begins_[source] + index].name = sources_.size() == 1 ? name : fmt::format("{}.{}", called, name);
    }
  }
  rows_ = std::move(rows);
}

Result<ast::CreateTable> QueryNames::resolve(std::vector<QueryJoin>& joins) {
  for (size_t join = 0; join < select_.joins.size(); ++join) RETURN_IF_ERROR(bind_join(join, joins));
  make_rows();
  ast::CreateTable resolved = select_;
  resolved.joins.clear();
  resolved.source_alias.reset();
  const bool has_window = select_.window.has_value();
  if (resolved.where) {
    give_times(*resolved.where);
    RETURN_IF_ERROR(resolve(*resolved.where, false));
  }
  for (ast::Expression& group : resolved.group_by) RETURN_IF_ERROR(resolve(group, false));
  if (resolved.having) {
    give_times(*resolved.having);
    RETURN_IF_ERROR(resolve(*resolved.having, has_window));
  }
  for (ast::SelectItem& item : resolved.items) {
    if (item.star) continue;
    if (item.expression.kind == ast::Expression::Kind::kColumn && !item.alias) {
      std::string name = item.expression.name.text;
      const bool is_bound = is_window_bound(item.expression) && (has_window || !scope_.has_column(item.expression));
      if (!is_bound) {
        ASSIGN_OR_RETURN(const size_t column, scope_.find(item.expression));
        name = scope_.columns()[column].name;
      }
      item.alias = ast::Identifier{std::move(name), false, item.position};
    }
    RETURN_IF_ERROR(resolve(item.expression, has_window));
  }
  return resolved;
}

Status QueryNames::bind_join(size_t number, std::vector<QueryJoin>& joins) {
  using Kind = ast::Join::Kind;
  const ast::Join& syntax = select_.joins[number];
  if (syntax.within)
    return error(syntax.within->position,
                 "a query joins the rows that there are now; leave WITHIN out, or let CREATE STREAM ... AS SELECT join "
                 "rows as they come");
  const ast::Identifier& called = syntax.alias ? *syntax.alias : syntax.source;
  if (scope_.has_source(called)) {
    return error(called.position,
                 fmt::format("{} is joined already; give one of them another name with AS", called.text));
  }
  QueryJoin join{.source = sources_[number + 1]};
  join.keeps_left = syntax.kind == Kind::kLeft || syntax.kind == Kind::kFull;
  join.keeps_right = syntax.kind != Kind::kInner && syntax.kind != Kind::kLeft;
  const size_t first = scope_.columns().size();
  add_source(number + 1);
  RETURN_IF_ERROR(bind_keys(syntax.condition, first, join));
  joins.push_back(std::move(join));
  return {};
}

Status QueryNames::bind_keys(const ast::Expression& condition, size_t first, QueryJoin& join) {
  if (condition.kind == ast::Expression::Kind::kAnd) {
    for (const ast::Expression& part : condition.children) RETURN_IF_ERROR(bind_keys(part, first, join));
    return {};
  }
  const auto refuse = [&] {
    return error(condition.position,
                 fmt::format("a join is on equalities of what is before JOIN with columns of {}, joined by AND: "
                             "ON a.x = b.y; WHERE takes other conditions",
                             join.source->name));
  };
  if (condition.kind != ast::Expression::Kind::kComparison || condition.text != "=") return refuse();
  ExpressionBinder binder(
      text_,
      [this](const ast::Expression& reference) -> Result<ExpressionPointer> {
        ASSIGN_OR_RETURN(const size_t column, meaning_of(reference));
        return column_expression(column, scope_.columns()[column].type);
      },
      [this](const ast::Expression& call) -> Result<ExpressionPointer> {
        return error(call.position, fmt::format("{} cannot stand in the condition of a join", call.name.text));
      });
  ASSIGN_OR_RETURN(const ExpressionPointer bound, binder.bind_condition(condition));
  if (bound->kind != Expression::Kind::kOperation || bound->operation != Operator::kEqual) return refuse();
  const auto stands = [&](const Expression& side, bool is_behind) {
    const std::vector<size_t> columns = columns_of(side);
    return !columns.empty() &&
           std::ranges::all_of(columns, [&](size_t column) { return (column >= first) == is_behind; });
  };
  const Expression* left = bound->children[0].get();
  const Expression* right = bound->children[1].get();
  if (stands(*left, true)) std::swap(left, right);
  if (!stands(*left, false) || !stands(*right, true)) return refuse();
  if (left->type != right->type && !(is_number(left->type) && is_number(right->type))) return refuse();
  join.keys.push_back({clone(*left), shifted(*right, -static_cast<std::ptrdiff_t>(first))});
  return {};
}

/// Bounds of windows are columns of tables under whatever name: without a qualifier, of the first table of windows.
Result<size_t> QueryNames::meaning_of(const ast::Expression& reference) const {
  if (!is_window_bound(reference) || scope_.has_column(reference)) return scope_.find(reference);
  const bool is_start = is_word(reference.name, "WINDOWSTART");
  const bool is_qualified = !reference.qualifier.text.empty();
  if (is_qualified && !scope_.has_source(reference.qualifier)) return scope_.find(reference);
  const QuerySource* windowed = nullptr;
  for (size_t source = 0; source < begins_.size(); ++source) {
    const QuerySource& own = *sources_[source];
    const auto& alias = source == 0 ? select_.source_alias : select_.joins[source - 1].alias;
    const bool is_meant = !is_qualified || is_same_name(reference.qualifier, alias ? alias->text : own.name) ||
                          is_same_name(reference.qualifier, own.name);
    if (!is_meant || !own.is_windowed) continue;
    const std::optional<size_t> column = is_start ? own.window_start : own.window_end;
    if (column) return begins_[source] + *column;
    windowed = &own;
  }
  if (windowed != nullptr) {
    return error(reference.position,
                 fmt::format("table {} does not keep {}; select it when the table is created: {} AS {}", windowed->name,
                             reference.name.text, is_start ? "WINDOWSTART" : "WINDOWEND",
                             is_start ? "windowStart" : "windowEnd"));
  }
  return error(reference.position, fmt::format("{} has no windows", sources_.front()->name));
}

Status QueryNames::resolve(ast::Expression& expression, bool keeps_bounds) const {
  for (ast::Expression& child : expression.children) RETURN_IF_ERROR(resolve(child, keeps_bounds));
  if (expression.kind != ast::Expression::Kind::kColumn) return {};
  if (keeps_bounds && is_window_bound(expression) && expression.qualifier.text.empty()) return {};
  ASSIGN_OR_RETURN(const size_t column, meaning_of(expression));
  expression.name = {rows_->columns[column].name, true, expression.name.position};
  expression.qualifier = {};
  return {};
}

}  // namespace meterstream
