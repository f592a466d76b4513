#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "sql/aggregate_binder.h"
#include "sql/binder.h"
#include "sql/expression_binder.h"
#include "sql/join_binder.h"
#include "sql/option_reader.h"
#include "sql/parser.h"
#include "sql/result_binder.h"
#include "sql/row_plan.h"
#include "sql/row_scope.h"
#include "sql/select_items.h"
#include "sql/stream_join_binder.h"
#include "sql/table_join_binder.h"
#include "sql/window_binder.h"

namespace meterstream {
namespace {

bool is_window_bound(const ast::Identifier& name) {
  return !name.quoted &&
         (equals_ignoring_case(name.text, "WINDOWSTART") || equals_ignoring_case(name.text, "WINDOWEND"));
}

class SelectBinder {
 public:
  enum class Groups : uint8_t { kNeeded, kOptional };

  SelectBinder(const ast::CreateTable& table, const SourceText& source, const Catalog& catalog,
               Groups need = Groups::kNeeded)
      : table_(table), source_(source), catalog_(catalog), need_(need), scope_(source), groups_(source) {}

  Result<BoundView> bind() {
    ASSIGN_OR_RETURN(Sink sink, bind_result_topic(table_, source_));
    RETURN_IF_ERROR(bind_source());
    scope_.add("stream", stream_->name, table_.source_alias, stream_->columns);
    RETURN_IF_ERROR(bind_joins());
    if (table_.is_stream) return bind_stream(std::move(sink));
    if (table_.partition_by)
      return error(table_.partition_by->position,
                   "a table's key is what it groups by; PARTITION BY is for CREATE STREAM");
    RETURN_IF_ERROR(bind_window(table_, source_, window_));
    ASSIGN_OR_RETURN(ExpressionPointer condition,
                     bind_where([this](const ast::Expression& reference) { return refuse_call(reference, "WHERE"); }));
    RETURN_IF_ERROR(bind_groups());
    std::vector<ColumnSchema> output;
    ASSIGN_OR_RETURN(Project project, bind_items(output));
    ASSIGN_OR_RETURN(std::shared_ptr<const Expression> having, bind_having());
    if (window_.aggregates.empty() && need_ == Groups::kNeeded) {
      return source_.error_at(table_.select_position.offset,
                              "SELECT needs at least one aggregate: COUNT, MIN, MAX, SUM or AVG");
    }
    auto plan = row_plan(std::move(condition));
    plan = above(std::move(plan), std::move(window_), schema_);
    if (having != nullptr) plan = above(std::move(plan), Filter{std::move(having)}, std::move(schema_));
    plan = above(std::move(plan), std::move(project), output);
    plan = above(std::move(plan), std::move(sink), std::move(output));
    return BoundView{table_.name.text, std::move(plan)};
  }

 private:
  /// WHERE, bound before SELECT so that messages come in the order of the text's meaning.
  Result<ExpressionPointer> bind_where(const ExpressionBinder::Resolve& call) {
    if (!table_.where) return ExpressionPointer();
    ExpressionBinder binder(source_, row_column("WHERE"), call);
    return binder.bind_condition(*table_.where);
  }

  /// The rows that find their partners and pass WHERE.
  std::unique_ptr<PlanNode> row_plan(ExpressionPointer condition) {
    return plan_rows({stream_, std::move(stream_join_), std::move(lookups_), std::move(lags_), std::move(condition)});
  }

  Status bind_joins() {
    for (const ast::Join& join : table_.joins) {
      if (catalog_.kind_of(join.source) == "a stream") {
        ASSIGN_OR_RETURN(stream_join_, bind_stream_join(table_, join, stream_, scope_, source_, catalog_));
        continue;
      }
      ASSIGN_OR_RETURN(LookupSpec lookup, bind_join(join, scope_, source_, catalog_));
      lookups_.push_back(std::move(lookup));
    }
    return {};
  }

  Result<BoundView> bind_stream(Sink sink) {
    if (table_.window)
      return error(table_.window->position, "a stream has no windows; CREATE TABLE computes over them");
    if (!table_.group_by.empty())
      return error(table_.group_by.front().position, "a stream has no groups; CREATE TABLE computes over them");
    if (table_.having)
      return error(table_.having->position, "a stream has no groups for HAVING; WHERE leaves rows out");
    if (table_.emit == ast::Emit::kFinal)
      return error(table_.select_position, "a stream gives each row at once; leave EMIT FINAL out");
    if (table_.emit == ast::Emit::kBounds)
      return error(table_.select_position, "a stream gives each row at once; leave EMIT BOUNDS out");
    const auto call = [this](const ast::Expression& reference) -> Result<ExpressionPointer> {
      if (is_same_name(reference.name, "LAG") && stream_join_)
        return error(
            reference.position,
            "not supported yet: LAG of a join of streams: its rows have no order; CREATE STREAM ... AS SELECT over "
            "its result takes them as they were written");
      if (is_same_name(reference.name, "LAG")) return lag(reference);
      return refuse_call(reference, "the SELECT of a stream");
    };
    ASSIGN_OR_RETURN(ExpressionPointer condition, bind_where(call));
    ASSIGN_OR_RETURN(sink.partition_by, bind_partition_key());
    ExpressionBinder binder(source_, row_column("the SELECT of a stream"), call);
    Project project;
    std::vector<ast::Identifier> names;
    std::vector<ColumnSchema> output;
    for (const ast::SelectItem& item : table_.items) {
      if (item.star) {
        for (size_t index = 0; index < scope_.columns().size(); ++index) {
          const ColumnSchema& column = scope_.columns()[index];
          RETURN_IF_ERROR(add_name({column.name, true, item.position}, names));
          output.push_back(column);
          project.items.push_back({column_expression(index, column.type), item.position.offset});
        }
        continue;
      }
      ASSIGN_OR_RETURN(ExpressionPointer bound, binder.bind(item.expression));
      if (is_null_literal(*bound)) return error(item.position, "NULL has no type; say one: CAST(NULL AS DOUBLE)");
      const ast::Identifier name = name_of_item(item, *bound, scope_.columns(), names.size());
      RETURN_IF_ERROR(add_name(name, names));
      output.push_back({name.text, bound->type});
      project.items.push_back({std::move(bound), item.position.offset});
    }
    auto plan = row_plan(std::move(condition));
    plan = above(std::move(plan), std::move(project), output);
    plan = above(std::move(plan), std::move(sink), std::move(output));
    return BoundView{table_.name.text, std::move(plan)};
  }

  /// The key of the record, a text as all keys are; null without PARTITION BY.
  Result<std::shared_ptr<const Expression>> bind_partition_key() {
    if (!table_.partition_by) return std::shared_ptr<const Expression>();
    ASSIGN_OR_RETURN(ExpressionPointer key, row_binder("PARTITION BY").bind(*table_.partition_by));
    const ast::Position position = table_.partition_by->position;
    if (is_null_literal(*key)) return error(position, "PARTITION BY NULL leaves all rows without a key; name a column");
    if (key->type == ColumnType::kDouble)
      return error(position, "not supported yet: a key that is DOUBLE; CAST it AS BIGINT or ROUND it");
    if (key->type != ColumnType::kVarchar) {
      std::vector<ExpressionPointer> children;
      children.push_back(std::move(key));
      key = operation_expression(Operator::kCast, ColumnType::kVarchar, std::move(children));
    }
    return std::shared_ptr<const Expression>(std::move(key));
  }

  /// LAG(value), LAG(value, rows), LAG(value, rows, first): a column behind those of the sources.
  Result<ExpressionPointer> lag(const ast::Expression& call) {
    if (call.star || call.children.empty() || call.children.size() > 3)
      return error(
          call.position,
          "LAG takes a value, how many rows before, and what it is for the first rows of a key: LAG(value, 1, 0)");
    ExpressionBinder binder = row_binder("LAG");
    LagSpec spec;
    if (call.children.size() > 1) {
      ASSIGN_OR_RETURN(spec.rows, lag_rows(call.children[1]));
    }
    ASSIGN_OR_RETURN(spec.value, binder.bind(call.children[0]));
    if (is_null_literal(*spec.value)) return error(call.position, "LAG of NULL is always NULL; name a column");
    if (call.children.size() == 3) {
      ASSIGN_OR_RETURN(spec.first, binder.bind(call.children[2]));
      if (is_null_literal(*spec.first)) spec.first = nullptr;
      if (spec.value->type == ColumnType::kDouble && spec.first != nullptr && spec.first->type == ColumnType::kBigint) {
        std::vector<ExpressionPointer> children;
        children.push_back(clone(*spec.first));
        spec.first = operation_expression(Operator::kCast, ColumnType::kDouble, std::move(children));
      }
      if (spec.first != nullptr && spec.first->type != spec.value->type) {
        return error(call.children[2].position, fmt::format("LAG's value is {} and its first is {}; CAST one of them",
                                                            name_of(spec.value->type), name_of(spec.first->type)));
      }
    }
    const ColumnType type = spec.value->type;
    lags_.push_back(std::move(spec));
    return column_expression(scope_.columns().size() + lags_.size() - 1, type);
  }

  Result<size_t> lag_rows(const ast::Expression& given) const {
    constexpr size_t kMostRows = 1000;
    size_t rows = 0;
    const char* const end = given.text.data() + given.text.size();
    const bool is_number = given.kind == ast::Expression::Kind::kInteger &&
                           std::from_chars(given.text.data(), end, rows) == std::from_chars_result{end, std::errc()};
    if (is_number && rows >= 1 && rows <= kMostRows) return rows;
    return error(given.position, fmt::format("LAG goes back 1 to {} rows, a constant", kMostRows));
  }

  Status add_name(const ast::Identifier& name, std::vector<ast::Identifier>& names) const {
    return add_item_name(name, source_, names);
  }

  [[nodiscard]] Error error(ast::Position position, std::string_view message) const {
    return source_.error_at(position.offset, message);
  }

  Status bind_source() {
    stream_ = catalog_.stream(table_.source);
    if (stream_ != nullptr) return {};
    if (catalog_.kind_of(table_.source) == "a table") {
      return error(table_.source.position, "not supported yet: a table computed from a table");
    }
    if (catalog_.kind_of(table_.source) == "a stream") {
      return error(
          table_.source.position,
          fmt::format("stream {} has no event time: its SELECT has no TIMESTAMP column, or several and not its "
                      "source's event time",
                      table_.source.text));
    }
    const std::string nearest = nearest_name(table_.source.text, catalog_.stream_names());
    return error(table_.source.position, fmt::format("unknown stream {}; {}", table_.source.text,
                                                     nearest.empty() ? "declare it first with CREATE STREAM"
                                                                     : "did you mean " + nearest + "?"));
  }

  /// For expressions over the rows: WHERE, SELECT of a stream and the arguments of aggregates.
  ExpressionBinder::Resolve row_column(std::string_view place) {
    return [this, place](const ast::Expression& reference) -> Result<ExpressionPointer> {
      const bool is_column = scope_.has_column(reference);
      if (!is_column && is_window_bound(reference.name) && reference.qualifier.text.empty()) {
        return error(reference.position,
                     fmt::format("{} is known after grouping only, not in {}", reference.name.text, place));
      }
      ASSIGN_OR_RETURN(const size_t index, scope_.find(reference));
      return column_expression(index, scope_.columns()[index].type);
    };
  }

  ExpressionBinder row_binder(std::string_view place) {
    return {source_, row_column(place),
            [this, place](const ast::Expression& reference) { return refuse_call(reference, place); }};
  }

  [[nodiscard]] Error refuse_call(const ast::Expression& reference, std::string_view place) const {
    if (is_same_name(reference.name, "LAG")) {
      return error(reference.position,
                   fmt::format("LAG cannot stand inside {}; it is for the SELECT and WHERE of CREATE "
                               "STREAM ... AS SELECT",
                               place));
    }
    if (!aggregate_function(reference.name)) return unknown_function(reference);
    return error(reference.position,
                 fmt::format("the aggregate {} cannot stand inside {}", reference.name.text, place));
  }

  Error unknown_function(const ast::Expression& call) const {
    std::vector<std::string_view> names = aggregate_function_names();
    std::ranges::copy(scalar_function_names(), std::back_inserter(names));
    const std::string nearest = nearest_name(call.name.text, names);
    return error(call.position, fmt::format("not supported yet: function {}; {}", call.name.text,
                                            nearest.empty() ? "docs/sql.md lists those that there are"
                                                            : "did you mean " + nearest + "?"));
  }

  Status bind_groups() {
    if (table_.group_by.empty() && need_ == Groups::kNeeded) {
      return error(table_.source.position, "an aggregating table needs GROUP BY with the columns that name a series");
    }
    for (const ast::Expression& group : table_.group_by) {
      RETURN_IF_ERROR(groups_.add(group, row_binder("GROUP BY"), scope_.columns(), window_, schema_));
    }
    schema_.push_back({"WINDOWSTART", ColumnType::kTimestamp});
    schema_.push_back({"WINDOWEND", ColumnType::kTimestamp});
    return {};
  }

  Result<ExpressionPointer> grouped_column(const ast::Expression& reference) {
    const size_t groups = window_.group_by.size();
    if (is_window_bound(reference.name) && reference.qualifier.text.empty()) {
      if (!table_.window) {
        return error(reference.position, fmt::format("{} needs a window: WINDOW TUMBLING (SIZE ...) after the source",
                                                     reference.name.text));
      }
      const size_t index = groups + (equals_ignoring_case(reference.name.text, "WINDOWSTART") ? 0 : 1);
      return column_expression(index, ColumnType::kTimestamp);
    }
    ASSIGN_OR_RETURN(const size_t index, scope_.find(reference));
    for (size_t group = 0; group < groups; ++group) {
      if (window_.group_by[group] == index) return column_expression(group, schema_[group].type);
    }
    return error(reference.position,
                 fmt::format("column {} must be in GROUP BY or inside an aggregate", scope_.columns()[index].name));
  }

  Result<ExpressionPointer> aggregate(const ast::Expression& call) {
    const auto function = aggregate_function(call.name);
    if (!function) return refuse_call(call, "an aggregating table");
    ASSIGN_OR_RETURN(
        AggregateSpec spec,
        AggregateBinder(source_, row_binder("an aggregate"), table_.window.has_value()).bind(*function, call));
    if (gives_json(spec) && &call != selected_) {
      return error(call.position,
                   fmt::format("{} gives a JSON {}, which SELECT can take as it is and nothing else can",
                               call.name.text, *function == AggregateFunction::kHistogram ? "object" : "array"));
    }
    const ColumnType type = type_of(spec);
    const std::string identity = spec.argument == nullptr ? "*" : identity_of(*spec.argument);
    const size_t first = window_.group_by.size() + 2;
    for (size_t i = 0; i < window_.aggregates.size(); ++i) {
      const AggregateSpec& known = window_.aggregates[i];
      if (known.function == spec.function && known.parameter == spec.parameter && argument_identities_[i] == identity) {
        return column_expression(first + i, type);
      }
    }
    schema_.push_back({to_text(spec, scope_.columns()), type});
    argument_identities_.push_back(identity);
    window_.aggregates.push_back(std::move(spec));
    return column_expression(schema_.size() - 1, type);
  }

  /// For expressions over results: SELECT and HAVING.
  ExpressionBinder result_binder() {
    ExpressionBinder binder(
        source_, [this](const ast::Expression& reference) { return grouped_column(reference); },
        [this](const ast::Expression& call) { return aggregate(call); });
    if (window_.group_expressions.empty()) return binder;
    binder.set_known([this](const ast::Expression& part) -> Result<ExpressionPointer> {
      const std::optional<size_t> group = groups_.find(part, row_binder("GROUP BY"));
      return group ? column_expression(*group, schema_[*group].type) : nullptr;
    });
    return binder;
  }

  Result<std::shared_ptr<const Expression>> bind_having() {
    if (!table_.having) return std::shared_ptr<const Expression>();
    ExpressionBinder binder = result_binder();
    ASSIGN_OR_RETURN(ExpressionPointer condition, binder.bind_condition(*table_.having));
    return std::shared_ptr<const Expression>(std::move(condition));
  }

  Result<Project> bind_items(std::vector<ColumnSchema>& output) {
    Project project;
    std::vector<ast::Identifier> names;
    ExpressionBinder binder = result_binder();
    for (const ast::SelectItem& item : table_.items) {
      if (item.star) {
        return error(item.position, "'*' has no meaning in an aggregating table; name the columns and aggregates");
      }
      selected_ = &item.expression;
      ASSIGN_OR_RETURN(ExpressionPointer bound, binder.bind(item.expression));
      selected_ = nullptr;
      if (is_null_literal(*bound)) return error(item.position, "NULL has no type; say one: CAST(NULL AS DOUBLE)");
      const ast::Identifier name = name_of_item(item, *bound, schema_, names.size());
      RETURN_IF_ERROR(add_name(name, names));
      output.push_back({name.text, bound->type});
      project.items.push_back({std::move(bound), item.position.offset});
    }
    return project;
  }

  const ast::CreateTable& table_;
  const SourceText& source_;
  const Catalog& catalog_;
  const Groups need_;
  std::shared_ptr<const StreamSpec> stream_;
  RowScope scope_;
  std::optional<StreamJoinNode> stream_join_;
  std::vector<LookupSpec> lookups_;
  std::vector<LagSpec> lags_;
  WindowAggregate window_;
  GroupBinder groups_;
  std::vector<ColumnSchema> schema_;  ///< of window_
  std::vector<std::string> argument_identities_;
  const ast::Expression* selected_ = nullptr;  ///< the item of SELECT that is bound now
};

}  // namespace

Result<BoundView> bind_table(const ast::CreateTable& table, const SourceText& source, const Catalog& catalog) {
  const bool joins_tables = catalog.kind_of(table.source) == "a table" && !table.joins.empty();
  return joins_tables ? bind_table_join(table, source, catalog) : SelectBinder(table, source, catalog).bind();
}

Result<BoundView> bind_query_groups(const ast::CreateTable& select, const SourceText& source, const Catalog& catalog) {
  return SelectBinder(select, source, catalog, SelectBinder::Groups::kOptional).bind();
}

}  // namespace meterstream
