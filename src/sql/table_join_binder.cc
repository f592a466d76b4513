#include "sql/table_join_binder.h"

#include <utility>

#include <fmt/format.h>

#include "sql/expression_binder.h"
#include "sql/join_binder.h"
#include "sql/row_plan.h"
#include "sql/row_scope.h"
#include "sql/select_items.h"

namespace meterstream {
namespace {

class TableJoinBinder {
 public:
  TableJoinBinder(const ast::CreateTable& table, const SourceText& source, const Catalog& catalog)
      : table_(table), source_(source), catalog_(catalog), scope_(source) {}

  Result<BoundView> bind() {
    ASSIGN_OR_RETURN(Sink sink, bind_result_topic(table_, source_));
    RETURN_IF_ERROR(check_clauses());
    ASSIGN_OR_RETURN(spec_.left.table, bind_side(table_.source));
    ASSIGN_OR_RETURN(spec_.right.table, bind_side(join().source));
    RETURN_IF_ERROR(check_sides());
    scope_.add("table", spec_.left.table->name, table_.source_alias, spec_.left.table->columns);
    scope_.add("table", spec_.right.table->name, join().alias, spec_.right.table->columns);
    const ast::Join::Kind kind = join().kind;
    spec_.left.keeps_unmatched = kind == ast::Join::Kind::kLeft || kind == ast::Join::Kind::kFull;
    spec_.right.keeps_unmatched = kind == ast::Join::Kind::kRight || kind == ast::Join::Kind::kFull;
    RETURN_IF_ERROR(bind_condition());
    ExpressionPointer condition;
    if (table_.where) {
      ASSIGN_OR_RETURN(condition, binder("WHERE").bind_condition(*table_.where));
    }
    std::vector<ColumnSchema> output;
    ASSIGN_OR_RETURN(Project project, bind_items(output));
    std::unique_ptr<PlanNode> plan = joined_plan();
    if (condition != nullptr) {
      std::vector<ColumnSchema> schema = plan->schema;
      plan = above(std::move(plan), Filter{std::move(condition)}, std::move(schema));
    }
    plan = above(std::move(plan), std::move(project), output);
    plan = above(std::move(plan), std::move(sink), std::move(output));
    return BoundView{table_.name.text, std::move(plan)};
  }

 private:
  [[nodiscard]] const ast::Join& join() const { return table_.joins.front(); }
  [[nodiscard]] Error error(ast::Position position, std::string_view message) const {
    return source_.error_at(position.offset, message);
  }

  [[nodiscard]] Status check_clauses() const {
    if (table_.is_stream)
      return error(table_.source.position, "a join of tables is a table: CREATE TABLE ... AS SELECT");
    if (table_.joins.size() > 1)
      return error(
          table_.joins[1].position,
          "not supported yet: a join of more than two tables; CREATE TABLE makes one of the first join, which the "
          "next statement joins");
    if (table_.window) return error(table_.window->position, "tables have no windows: their rows replace one another");
    if (!table_.group_by.empty())
      return error(table_.group_by.front().position, "not supported yet: GROUP BY over tables");
    if (table_.partition_by)
      return error(table_.partition_by->position, "a table keeps its primary key; PARTITION BY is for CREATE STREAM");
    if (table_.having) return error(table_.having->position, "HAVING needs groups; WHERE leaves rows out");
    if (table_.emit == ast::Emit::kFinal)
      return error(table_.select_position, "a row of a table is never final; leave EMIT FINAL out");
    if (table_.emit == ast::Emit::kBounds)
      return error(table_.select_position, "EMIT BOUNDS is for sessions; leave it out");
    if (join().within) return error(join().within->position, "tables are joined without WITHIN, whatever came first");
    return {};
  }

  [[nodiscard]] Result<std::shared_ptr<const TableSpec>> bind_side(const ast::Identifier& name) const {
    if (catalog_.kind_of(name) == "a stream")
      return error(
          name.position,
          fmt::format("{} is a stream; a stream is joined with tables when it comes first, after FROM", name.text));
    ASSIGN_OR_RETURN(auto table, joinable_table(name, source_, catalog_));
    if (table->valid_from_column)
      return error(name.position,
                   fmt::format("not supported yet: a join of tables with {}, whose rows have times", name.text));
    return table;
  }

  [[nodiscard]] Status check_sides() const {
    if (spec_.left.table->topic == spec_.right.table->topic)
      return error(join().source.position, "not supported yet: a join of a table with itself");
    const ast::Identifier& called = join().alias ? *join().alias : join().source;
    const bool is_taken = is_same_name(called, spec_.left.table->name) ||
                          (table_.source_alias && is_same_name(called, table_.source_alias->text));
    if (is_taken)
      return error(called.position,
                   fmt::format("{} is joined already; give one of them another name with AS", called.text));
    return {};
  }

  /// ON left key = right key, or, of a foreign key, an expression of the left table = right key.
  Status bind_condition() {
    const TableSpec& left = *spec_.left.table;
    const TableSpec& right = *spec_.right.table;
    const ast::Expression& condition = join().condition;
    const size_t left_key = left.key_column;
    const size_t right_key = left.columns.size() + right.key_column;
    const auto is = [&](const ast::Expression& side, size_t column) {
      if (side.kind != ast::Expression::Kind::kColumn) return false;
      const Result<size_t> found = scope_.find(side);
      return found && *found == column;
    };
    const bool is_equality = condition.kind == ast::Expression::Kind::kComparison && condition.text == "=";
    const bool is_second = is_equality && is(condition.children[1], right_key);
    const ColumnSchema& key = right.columns[right.key_column];
    if (!is_second && !(is_equality && is(condition.children[0], right_key)))
      return error(condition.position,
                   fmt::format("tables are joined by the primary key of the second one: ON {}.{} = {}.{}", left.name,
                               left.columns[left_key].name, right.name, key.name));
    const ast::Expression& given = condition.children[is_second ? 0 : 1];
    ASSIGN_OR_RETURN(ExpressionPointer bound, binder("condition").bind(given));
    const bool is_known = !is_null_literal(*bound);
    if (is_known && columns_of(*bound).empty())
      return error(given.position, fmt::format("this names no column of {}", left.name));
    if (is_known && columns_of(*bound).back() >= left.columns.size())
      return error(given.position,
                   fmt::format("this names a column of {}; it must be of {} alone", right.name, left.name));
    if (!is_known || bound->type != key.type)
      return error(given.position, fmt::format("the primary key of {} is {}, this is {}", right.name, name_of(key.type),
                                               is_known ? name_of(bound->type) : "NULL"));
    if (is(given, left_key)) return {};
    return bind_foreign_key(std::move(bound));
  }

  Status bind_foreign_key(ExpressionPointer bound) {
    if (spec_.right.keeps_unmatched)
      return error(join().position,
                   "RIGHT and FULL JOIN need the primary keys of both tables: the result has a row for each row of the "
                   "left table, by its key");
    // What records have as their key is a text.
    if (bound->type != ColumnType::kVarchar) {
      std::vector<ExpressionPointer> children;
      children.push_back(std::move(bound));
      bound = operation_expression(Operator::kCast, ColumnType::kVarchar, std::move(children));
    }
    spec_.foreign_key = std::move(bound);
    return {};
  }

  [[nodiscard]] ExpressionBinder binder(std::string_view place) const {
    return {source_,
            [this](const ast::Expression& reference) -> Result<ExpressionPointer> {
              ASSIGN_OR_RETURN(const size_t index, scope_.find(reference));
              return column_expression(index, scope_.columns()[index].type);
            },
            [this, place](const ast::Expression& call) -> Result<ExpressionPointer> {
              return error(call.position,
                           fmt::format("{} cannot stand in the {} of a join of tables", call.name.text, place));
            }};
  }

  [[nodiscard]] Result<Project> bind_items(std::vector<ColumnSchema>& output) const {
    Project project;
    std::vector<ast::Identifier> names;
    ExpressionBinder items = binder("SELECT");
    for (const ast::SelectItem& item : table_.items) {
      if (item.star) {
        for (size_t index = 0; index < scope_.columns().size(); ++index) {
          const ColumnSchema& column = scope_.columns()[index];
          RETURN_IF_ERROR(add_item_name({column.name, true, item.position}, source_, names));
          output.push_back(column);
          project.items.push_back({column_expression(index, column.type), item.position.offset});
        }
        continue;
      }
      ASSIGN_OR_RETURN(ExpressionPointer bound, items.bind(item.expression));
      if (is_null_literal(*bound)) return error(item.position, "NULL has no type; say one: CAST(NULL AS DOUBLE)");
      const ast::Identifier name = name_of_item(item, *bound, scope_.columns(), names.size());
      RETURN_IF_ERROR(add_item_name(name, source_, names));
      output.push_back({name.text, bound->type});
      project.items.push_back({std::move(bound), item.position.offset});
    }
    return project;
  }

  [[nodiscard]] std::unique_ptr<PlanNode> joined_plan() const {
    const auto scan_of = [](const std::shared_ptr<const TableSpec>& table) {
      auto scan = std::make_unique<PlanNode>();
      scan->operation = TableScan{table};
      scan->schema = table->columns;
      return scan;
    };
    auto joined = std::make_shared<StreamSpec>();
    joined->name = spec_.left.table->name;
    joined->topic = spec_.left.table->topic;
    joined->format = ValueFormat::kJson;
    joined->columns = scope_.columns();
    joined->key_is_series = false;
    auto plan = above(scan_of(spec_.left.table), TableJoinNode{std::make_shared<TableJoinSpec>(spec_), joined},
                      scope_.columns());
    plan->second = scan_of(spec_.right.table);
    return plan;
  }

  const ast::CreateTable& table_;
  const SourceText& source_;
  const Catalog& catalog_;
  RowScope scope_;
  TableJoinSpec spec_;
};

}  // namespace

Result<BoundView> bind_table_join(const ast::CreateTable& table, const SourceText& source, const Catalog& catalog) {
  return TableJoinBinder(table, source, catalog).bind();
}

}  // namespace meterstream
