#include "sql/query_binder.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "metering/timestamp.h"
#include "sql/binder.h"
#include "sql/expression_binder.h"
#include "sql/row_scope.h"

namespace meterstream {
namespace {

constexpr size_t kMostKeys = 1000;

bool is_word(const ast::Identifier& name, std::string_view word) {
  return !name.quoted && equals_ignoring_case(name.text, word);
}

bool is_window_bound(const ast::Expression& expression) {
  return expression.kind == ast::Expression::Kind::kColumn &&
         (is_word(expression.name, "WINDOWSTART") || is_word(expression.name, "WINDOWEND"));
}

/// Bounds of windows compare with milliseconds, too, as in ksqlDB.
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

/// As the key of a record has the value; nothing when it is not known which text that is.
std::optional<std::string> key_text(const Expression& literal, ColumnType type) {
  if (literal.kind != Expression::Kind::kLiteral || literal.type != type) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(&literal.literal)) return *text;
  if (const auto* flag = std::get_if<bool>(&literal.literal)) return std::string(*flag ? "true" : "false");
  if (const auto* integer = std::get_if<int64_t>(&literal.literal)) {
    if (type == ColumnType::kTimestamp) return format_timestamp(EventTime(*integer));
    if (type == ColumnType::kBigint) return std::to_string(*integer);
  }
  return std::nullopt;
}

/// What the parts that AND joins say about columns.
class Restrictions {
 public:
  Restrictions(const QuerySource& source, BoundQuery& query) : source_(source), query_(query) {}

  void add(const Expression& condition) {
    if (condition.kind != Expression::Kind::kOperation) return;
    const auto& children = condition.children;
    switch (condition.operation) {
      case Operator::kAnd:
        for (const ExpressionPointer& child : children) add(*child);
        return;
      case Operator::kIn:
        if (children[0]->kind != Expression::Kind::kColumn) return;
        add_values(*children[0], {children.begin() + 1, children.end()});
        return;
      case Operator::kEqual:
      case Operator::kLess:
      case Operator::kLessOrEqual:
      case Operator::kGreater:
      case Operator::kGreaterOrEqual: {
        const bool is_turned = children[1]->kind == Expression::Kind::kColumn;
        const Expression& column = is_turned ? *children[1] : *children[0];
        const ExpressionPointer& value = is_turned ? children[0] : children[1];
        if (column.kind != Expression::Kind::kColumn || value->kind != Expression::Kind::kLiteral) return;
        if (condition.operation == Operator::kEqual) add_values(column, {&value, &value + 1});
        if (source_.window_start == column.column) bound(condition.operation, is_turned, *value);
        return;
      }
      default:
        return;
    }
  }

  void finish() {
    std::vector<size_t> parts = source_.group_columns;
    if (source_.key_column) parts = {*source_.key_column};
    if (parts.empty()) return;
    std::vector<std::string> keys = {""};
    for (size_t part = 0; part < parts.size(); ++part) {
      const auto known = values_.find(parts[part]);
      if (known == values_.end() || keys.size() * known->second.size() > kMostKeys) return;
      std::vector<std::string> longer;
      for (const std::string& key : keys) {
        for (const std::string& value : known->second)
          longer.push_back(part == 0 ? value : fmt::format("{}.{}", key, value));
      }
      keys = std::move(longer);
    }
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    query_.keys = std::move(keys);
  }

 private:
  void add_values(const Expression& column, std::span<const ExpressionPointer> literals) {
    std::vector<std::string> texts;
    for (const ExpressionPointer& literal : literals) {
      auto text = key_text(*literal, source_.columns[column.column].type);
      if (!text) return;
      texts.push_back(*std::move(text));
    }
    // Of two restrictions of one column either will do.
    values_.try_emplace(column.column, std::move(texts));
  }

  void bound(Operator operation, bool is_turned, const Expression& value) {
    const auto* time = std::get_if<int64_t>(&value.literal);
    if (time == nullptr) return;
    const bool is_equal = operation == Operator::kEqual;
    const bool is_less = operation == Operator::kLess || operation == Operator::kLessOrEqual;
    if (is_equal || is_less == is_turned) query_.first_window_ms = std::max(query_.first_window_ms, *time);
    if (is_equal || is_less != is_turned) query_.last_window_ms = std::min(query_.last_window_ms, *time);
  }

  const QuerySource& source_;
  BoundQuery& query_;
  std::map<size_t, std::vector<std::string>> values_;
};

class QueryBinder {
 public:
  QueryBinder(const ast::Query& query, std::shared_ptr<const QuerySource> from, const SourceText& text)
      : select_(query.select), from_(std::move(from)), text_(text), scope_(text) {
    query_.source = from_;
    query_.limit = query.limit;
    query_.emits_changes = select_.emit == ast::Emit::kChanges;
    scope_.add(from_->is_table ? "table" : "stream", from_->name, select_.source_alias, from_->columns);
  }

  Result<BoundQuery> bind() {
    RETURN_IF_ERROR(check_clauses());
    ExpressionBinder binder(
        text_, [this](const ast::Expression& reference) { return column(reference); },
        [this](const ast::Expression& call) -> Result<ExpressionPointer> {
          return error(call.position,
                       fmt::format("{} cannot stand in a query, which has no groups; CREATE TABLE ... AS SELECT "
                                   "computes aggregates",
                                   call.name.text));
        });
    if (select_.where) {
      ast::Expression where = *select_.where;
      give_times(where);
      ASSIGN_OR_RETURN(ExpressionPointer condition, binder.bind_condition(where));
      Restrictions restrictions(*from_, query_);
      restrictions.add(*condition);
      restrictions.finish();
      query_.condition = std::move(condition);
    }
    RETURN_IF_ERROR(bind_items(binder));
    query_.needed.assign(from_->columns.size(), false);
    if (query_.condition != nullptr) need(*query_.condition);
    for (const auto& value : query_.values) need(*value);
    return std::move(query_);
  }

 private:
  [[nodiscard]] Error error(ast::Position position, std::string_view message) const {
    return text_.error_at(position.offset, message);
  }

  Status check_clauses() const {
    if (!select_.joins.empty()) {
      return error(
          select_.joins.front().position,
          "not supported yet: JOIN in a query; CREATE STREAM ... AS SELECT joins, and a query reads its result");
    }
    if (select_.window)
      return error(select_.window->position,
                   "not supported yet: WINDOW in a query; CREATE TABLE ... AS SELECT has windows");
    if (!select_.group_by.empty())
      return error(select_.group_by.front().position,
                   "not supported yet: GROUP BY in a query; CREATE TABLE ... AS SELECT computes aggregates");
    if (select_.partition_by)
      return error(select_.partition_by->position,
                   "a query writes no records; CREATE STREAM ... AS SELECT has PARTITION BY");
    if (select_.having)
      return error(select_.having->position, "a query has no groups for HAVING; WHERE leaves rows out");
    if (select_.emit == ast::Emit::kFinal || select_.emit == ast::Emit::kBounds)
      return error(select_.select_position, "a query gives rows at once; leave EMIT FINAL out");
    return {};
  }

  Result<ExpressionPointer> column(const ast::Expression& reference) const {
    if (is_window_bound(reference) && !scope_.has_column(reference)) {
      const bool is_start = is_word(reference.name, "WINDOWSTART");
      const std::optional<size_t> index = is_start ? from_->window_start : from_->window_end;
      if (index) return column_expression(*index, ColumnType::kTimestamp);
      return error(reference.position,
                   from_->is_windowed
                       ? fmt::format("table {} does not keep {}; select it when the table is created: {} AS {}",
                                     from_->name, reference.name.text, is_start ? "WINDOWSTART" : "WINDOWEND",
                                     is_start ? "windowStart" : "windowEnd")
                       : fmt::format("{} has no windows", from_->name));
    }
    ASSIGN_OR_RETURN(const size_t index, scope_.find(reference));
    return column_expression(index, from_->columns[index].type);
  }

  Status bind_items(ExpressionBinder& binder) {
    for (const ast::SelectItem& item : select_.items) {
      if (item.star) {
        for (size_t index = 0; index < from_->columns.size(); ++index) {
          query_.columns.push_back(from_->columns[index]);
          query_.values.push_back(column_expression(index, from_->columns[index].type));
        }
        continue;
      }
      ASSIGN_OR_RETURN(ExpressionPointer value, binder.bind(item.expression));
      if (is_null_literal(*value)) return error(item.position, "NULL has no type; say one: CAST(NULL AS DOUBLE)");
      std::string name = item.alias ? item.alias->text : fmt::format("KSQL_COL_{}", query_.columns.size());
      if (!item.alias && value->kind == Expression::Kind::kColumn) name = from_->columns[value->column].name;
      query_.columns.push_back({std::move(name), value->type});
      query_.values.push_back(std::move(value));
    }
    return {};
  }

  void need(const Expression& expression) {
    for (const size_t column : columns_of(expression)) query_.needed[column] = true;
  }

  const ast::CreateTable& select_;
  std::shared_ptr<const QuerySource> from_;
  const SourceText& text_;
  RowScope scope_;
  BoundQuery query_;
};

}  // namespace

QuerySource query_source(const ViewSpec& view, std::string name, const std::vector<ColumnSchema>& schema) {
  // Of beginnings and ends of sessions the latest record of a group tells how it is.
  const bool has_bounds = view.emit == EmitMode::kBounds;
  QuerySource source{.name = std::move(name),
                     .is_table = !view.is_stream() || view.table_join != nullptr,
                     .columns = schema,
                     .topic = view.topic,
                     .format = view.result_format,
                     .delimiter = view.result_delimiter,
                     .is_windowed = !view.is_stream() && !view.is_unbounded() && !has_bounds};
  std::vector<std::optional<size_t>> groups(view.group_by.size());
  for (size_t index = 0; index < view.output.size(); ++index) {
    const OutputColumn& output = view.output[index];
    if (output.from == OutputColumn::From::kGroupKey) groups[output.index] = index;
    if (output.from == OutputColumn::From::kWindowStart && !source.window_start && !has_bounds)
      source.window_start = index;
    if (output.from == OutputColumn::From::kWindowEnd && !source.window_end && !has_bounds) source.window_end = index;
  }
  if (std::ranges::all_of(groups, [](const auto& group) { return group.has_value(); })) {
    for (const auto& group : groups) source.group_columns.push_back(*group);
  }
  return source;
}

QuerySource query_source(const StreamSpec& stream) {
  return {.name = stream.name,
          .columns = stream.columns,
          .topic = stream.topic,
          .format = stream.format,
          .delimiter = stream.delimiter,
          .key_column = stream.key_column};
}

QuerySource query_source(const TableSpec& table) {
  return {.name = table.name,
          .is_table = true,
          .columns = table.columns,
          .topic = table.topic,
          .format = table.format,
          .delimiter = table.delimiter,
          .key_column = table.key_column};
}

Result<BoundQuery> bind_query(const ast::Query& query, std::shared_ptr<const QuerySource> from,
                              const SourceText& source) {
  return QueryBinder(query, std::move(from), source).bind();
}

std::string to_text(const BoundQuery& query) {
  const QuerySource& source = *query.source;
  std::string text;
  if (query.emits_changes || !source.is_table) {
    text = fmt::format("{} topic {} {}\n", query.emits_changes ? "follow" : "read", source.topic,
                       query.emits_changes ? "as records come" : "from its beginning to its end as it is now");
  } else if (query.keys) {
    text = fmt::format("look up {} key(s) in table {}\n", query.keys->size(), source.name);
  } else {
    text = fmt::format("read all rows of table {}\n", source.name);
  }
  if (query.keys && query.first_window_ms != INT64_MIN)
    text += fmt::format("  windows from {}\n", format_timestamp(EventTime(query.first_window_ms)));
  if (query.keys && query.last_window_ms != INT64_MAX)
    text += fmt::format("  windows to {}\n", format_timestamp(EventTime(query.last_window_ms)));
  if (query.condition != nullptr) text += fmt::format("filter {}\n", to_text(*query.condition, source.columns));
  std::vector<std::string> values;
  values.reserve(query.values.size());
  for (size_t index = 0; index < query.values.size(); ++index)
    values.push_back(fmt::format("{} AS {}", to_text(*query.values[index], source.columns), query.columns[index].name));
  text += fmt::format("project {}\n", fmt::join(values, ", "));
  if (query.limit) text += fmt::format("limit {}\n", *query.limit);
  return text;
}

}  // namespace meterstream
