#include "sql/query_binder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sql/aggregate_binder.h"
#include "sql/binder.h"
#include "sql/expression_binder.h"
#include "sql/query_groups.h"
#include "sql/query_names.h"
#include "sql/query_places.h"
#include "sql/row_scope.h"

namespace meterstream {
namespace {

class QueryBinder {
 public:
  QueryBinder(const ast::Query& query, std::shared_ptr<const QuerySource> from, const SourceText& text)
      : select_(query.select), from_(std::move(from)), text_(text), scope_(text) {
    query_.source = from_;
    query_.row_columns = from_->columns;
    query_.limit = query.limit;
    query_.emits_changes = select_.emit == ast::Emit::kChanges;
    scope_.add(from_->is_table ? "table" : "stream", from_->name, select_.source_alias, from_->columns);
  }

  Result<BoundQuery> bind() {
    ExpressionBinder binder(
        text_, [this](const ast::Expression& reference) { return column(reference); },
        [this](const ast::Expression& call) -> Result<ExpressionPointer> {
          if (aggregate_function(call.name)) {
            return error(call.position,
                         fmt::format("the aggregate {} cannot stand inside WHERE; HAVING takes it", call.name.text));
          }
          return error(call.position,
                       fmt::format("not supported yet: function {} in a query; docs/sql.md lists those that there are",
                                   call.name.text));
        });
    if (select_.where) {
      ast::Expression where = *select_.where;
      give_times(where);
      ASSIGN_OR_RETURN(ExpressionPointer condition, binder.bind_condition(where));
      query_.condition = std::move(condition);
    }
    RETURN_IF_ERROR(bind_items(binder));
    return std::move(query_);
  }

 private:
  [[nodiscard]] Error error(ast::Position position, std::string_view message) const {
    return text_.error_at(position.offset, message);
  }

  Result<ExpressionPointer> column(const ast::Expression& reference) const {
    if (is_window_bound(reference) && !scope_.has_column(reference)) {
      const bool is_start = equals_ignoring_case(reference.name.text, "WINDOWSTART");
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
          .key_column = stream.key_column,
          .timestamp_column = stream.timestamp_column};
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

namespace {

Status check_clauses(const ast::CreateTable& select, const QuerySource& source, const SourceText& text) {
  const auto error = [&](ast::Position position, std::string_view message) {
    return text.error_at(position.offset, message);
  };
  if (select.emit == ast::Emit::kFinal || select.emit == ast::Emit::kBounds)
    return error(select.select_position, "a query gives rows at once; leave EMIT FINAL out");
  if (select.partition_by)
    return error(select.partition_by->position,
                 "a query writes no records; CREATE STREAM ... AS SELECT has PARTITION BY");
  if (!select.window) return {};
  if (source.is_table || !select.joins.empty() || !source.timestamp_column) {
    return error(select.window->position,
                 fmt::format("WINDOW in a query is for the rows of one stream with event time; {}",
                             source.is_windowed ? "GROUP BY WINDOWSTART has the windows of a table"
                                                : "GROUP BY a part "
                                                  "of a time, such as FORMAT_TIMESTAMP(time, 'yyyy-MM-dd HH')"));
  }
  return {};
}

void find_needed(BoundQuery& query) {
  query.needed.assign(query.row_columns.size(), false);
  const auto need = [&](const Expression& expression, size_t first) {
    for (const size_t column : columns_of(expression)) query.needed[first + column] = true;
  };
  if (query.condition != nullptr) need(*query.condition, 0);
  for (const auto& value : query.values) need(*value, 0);
  size_t first = query.source->columns.size();
  for (const QueryJoin& join : query.joins) {
    for (const QueryJoin::Key& key : join.keys) {
      need(*key.left, 0);
      need(*key.right, first);
    }
    first += join.source->columns.size();
  }
  if (query.groups == nullptr) return;
  for (const size_t column : query.groups->columns_read()) query.needed[column] = true;
  for (const size_t column : query.groups->group_by) {
    if (column < query.needed.size()) query.needed[column] = true;
  }
  if (query.has_windows) query.needed[*query.source->timestamp_column] = true;
}

}  // namespace

Result<BoundQuery> bind_query(const ast::Query& query, const std::vector<std::shared_ptr<const QuerySource>>& from,
                              const SourceText& source) {
  RETURN_IF_ERROR(check_clauses(query.select, *from.front(), source));
  const bool has_groups = is_grouped(query.select);
  BoundQuery bound;
  if (from.size() == 1 && !has_groups) {
    ASSIGN_OR_RETURN(bound, QueryBinder(query, from.front(), source).bind());
  } else {
    QueryNames names(query.select, from, source);
    std::vector<QueryJoin> joins;
    ast::Query resolved = query;
    ASSIGN_OR_RETURN(resolved.select, names.resolve(joins));
    if (has_groups) {
      ASSIGN_OR_RETURN(bound, bind_groups(resolved, *names.rows(), !joins.empty(), source));
    } else {
      ASSIGN_OR_RETURN(bound, QueryBinder(resolved, names.rows(), source).bind());
    }
    bound.source = from.front();
    bound.joins = std::move(joins);
  }
  find_places(bound);
  find_needed(bound);
  return bound;
}

BoundQuery scan_of(const BoundQuery& query, size_t source) {
  BoundQuery scan;
  if (source == 0) {
    scan = query;
    scan.joins.clear();
    scan.condition = nullptr;
    scan.values.clear();
    scan.groups = nullptr;
  } else {
    scan.source = query.joins[source - 1].source;
    scan.places = query.joins[source - 1].places;
  }
  size_t first = source == 0 ? 0 : query.source->columns.size();
  for (size_t before = 1; before < source; ++before) first += query.joins[before - 1].source->columns.size();
  const auto begin = query.needed.begin() + static_cast<std::ptrdiff_t>(first);
  scan.needed.assign(begin, begin + static_cast<std::ptrdiff_t>(scan.source->columns.size()));
  scan.row_columns = scan.source->columns;
  scan.limit.reset();
  return scan;
}

namespace {

std::string join_text(const BoundQuery& query, const QueryJoin& join) {
  std::vector<std::string> keys;
  keys.reserve(join.keys.size());
  for (const QueryJoin::Key& key : join.keys)
    keys.push_back(
        fmt::format("{} = {}", to_text(*key.left, query.row_columns), to_text(*key.right, join.source->columns)));
  const std::string_view kind = join.keeps_left    ? join.keeps_right ? "full join" : "left join"
                                : join.keeps_right ? "right join"
                                                   : "join";
  const std::string rows =
      join.source->is_table
          ? places_text(*join.source, join.places)
          : fmt::format("read topic {} from its beginning to its end as it is now\n", join.source->topic);
  return fmt::format("{} {} where {}\n  {}", kind, join.source->name, fmt::join(keys, " AND "), rows);
}

}  // namespace

std::string to_text(const BoundQuery& query) {
  const QuerySource& source = *query.source;
  std::string text;
  if (query.emits_changes || !source.is_table) {
    text = fmt::format("{} topic {} {}\n", query.emits_changes ? "follow" : "read", source.topic,
                       query.emits_changes ? "as records come" : "from its beginning to its end as it is now");
  } else {
    text = places_text(source, query.places);
  }
  for (const QueryJoin& join : query.joins) text += join_text(query, join);
  if (query.condition != nullptr) text += fmt::format("filter {}\n", to_text(*query.condition, query.row_columns));
  if (query.groups != nullptr) text += groups_text(*query.groups);
  std::vector<std::string> values;
  const std::vector<ColumnSchema> inputs = query.groups != nullptr ? query.groups->result_columns() : query.row_columns;
  const auto& shown = query.groups != nullptr ? query.groups->calculations : query.values;
  values.reserve(shown.size());
  for (size_t index = 0; index < shown.size(); ++index)
    values.push_back(fmt::format("{} AS {}", to_text(*shown[index], inputs), query.columns[index].name));
  text += fmt::format("project {}\n", fmt::join(values, ", "));
  if (query.limit) text += fmt::format("limit {}\n", *query.limit);
  return text;
}

}  // namespace meterstream
