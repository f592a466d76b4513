#include "sql/table_binder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sql/expression_binder.h"
#include "sql/option_reader.h"
#include "stream/projected_row_writer.h"

namespace meterstream {
namespace {

constexpr int64_t kMostPartitions = 1024;
constexpr size_t kMostColumns = 64;

Status bind_table_columns(const ast::CreateStream& syntax, const SourceText& source, TableSpec& table) {
  std::optional<size_t> key;
  for (const ast::ColumnDefinition& column : syntax.columns) {
    const auto error = [&](std::string_view message) { return source.error_at(column.position.offset, message); };
    for (const ColumnSchema& earlier : table.columns) {
      if (is_same_name(column.name, earlier.name))
        return error(fmt::format("column {} is declared twice", column.name.text));
    }
    if (column.key) return error("a table has a PRIMARY KEY; KEY alone is for streams");
    if (column.primary_key) {
      if (key) return error("not supported yet: a primary key of several columns; join them into one text");
      if (column.type != ColumnType::kVarchar)
        return error(fmt::format("not supported yet: a primary key that is {}; it is the record's key, a VARCHAR",
                                 name_of(column.type)));
      key = table.columns.size();
    }
    table.columns.push_back({column.name.text, column.type});
  }
  if (!key) {
    return source.error_at(
        syntax.name.position.offset,
        "a table needs columns with a primary key: CREATE TABLE name (id VARCHAR PRIMARY KEY, ...). Or "
        "compute it: CREATE TABLE name AS SELECT ...");
  }
  if (table.columns.size() > kMostColumns)
    return source.error_at(syntax.columns[kMostColumns].position.offset, "a table has at most 64 columns");
  table.key_column = *key;
  return {};
}

Status bind_valid_from(OptionReader& options, TableSpec& table) {
  const ast::Option* option = options.take({"timestamp"});
  if (option == nullptr) return {};
  std::vector<std::string> names;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    names.push_back(table.columns[i].name);
    if (!equals_ignoring_case(table.columns[i].name, option->value)) continue;
    if (table.columns[i].type != ColumnType::kTimestamp) {
      return options.error(*option, fmt::format("column {} is {}; a row is valid from a TIMESTAMP on",
                                                table.columns[i].name, name_of(table.columns[i].type)));
    }
    table.valid_from_column = i;
    return {};
  }
  const std::string nearest = nearest_name(option->value, names);
  return options.error(*option, fmt::format("the table has no column {}{}", shown(option->value),
                                            nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
}

/// The columns that an INSERT names, in its order.
Result<std::vector<size_t>> insert_columns(const ast::InsertValues& syntax, const TableSpec& table,
                                           const SourceText& source) {
  std::vector<size_t> columns;
  for (size_t i = 0; syntax.columns.empty() && i < table.columns.size(); ++i) columns.push_back(i);
  for (const ast::Identifier& name : syntax.columns) {
    const auto found = std::ranges::find_if(
        table.columns, [&](const ColumnSchema& column) { return is_same_name(name, column.name); });
    if (found == table.columns.end()) {
      std::vector<std::string> names;
      names.reserve(table.columns.size());
      for (const ColumnSchema& column : table.columns) names.push_back(column.name);
      const std::string nearest = nearest_name(name.text, names);
      return source.error_at(
          name.position.offset,
          fmt::format("unknown column {}; {}", name.text,
                      nearest.empty() ? fmt::format("table {} has {}", table.name, fmt::join(names, ", "))
                                      : "did you mean " + nearest + "?"));
    }
    const auto index = static_cast<size_t>(found - table.columns.begin());
    if (std::ranges::find(columns, index) != columns.end())
      return source.error_at(name.position.offset, fmt::format("column {} is given twice", name.text));
    columns.push_back(index);
  }
  return columns;
}

class InsertBinder {
 public:
  InsertBinder(std::shared_ptr<const TableSpec> table, const SourceText& source)
      : table_(std::move(table)), source_(source) {
    for (size_t i = 0; i < table_->columns.size(); ++i) {
      // The key is the record's key and not in its value.
      if (i != table_->key_column) value_columns_.push_back({table_->columns[i].name, nullptr});
    }
  }

  Result<InsertSpec> bind(const std::vector<ast::Expression>& values, const std::vector<size_t>& columns) const {
    if (values.size() != columns.size()) {
      return source_.error_at(values.front().position.offset,
                              fmt::format("the row has {} values for {} columns", values.size(), columns.size()));
    }
    std::vector<Column> row;
    for (const ColumnSchema& column : table_->columns) row.push_back(null_column(column.type, 1));
    ColumnBatch batch;
    batch.rows = 1;
    for (size_t i = 0; i < values.size(); ++i) {
      ASSIGN_OR_RETURN(row[columns[i]], value_of(values[i], table_->columns[columns[i]], batch));
    }
    const Column& key = row[table_->key_column];
    if (key.is_null(0)) {
      return source_.error_at(values.front().position.offset, fmt::format("the row has no {}, which is the primary key",
                                                                          table_->columns[table_->key_column].name));
    }
    InsertSpec insert{table_, std::string(key.strings[0]), {}};
    std::vector<const Column*> written;
    for (const Column& column : row) {
      if (&column != &key) written.push_back(&column);
    }
    insert.value = ProjectedRowWriter(value_columns_).write(written, 0);
    return insert;
  }

 private:
  Result<Column> value_of(const ast::Expression& syntax, const ColumnSchema& column, ColumnBatch& batch) const {
    const auto refuse = [&](std::string_view what) {
      return [this, what](const ast::Expression& reference) -> Result<ExpressionPointer> {
        return source_.error_at(reference.position.offset, fmt::format("VALUES takes constants, no {}", what));
      };
    };
    ExpressionBinder binder(source_, refuse("columns"), refuse("such calls"));
    ASSIGN_OR_RETURN(ExpressionPointer bound, binder.bind(syntax));
    if (is_null_literal(*bound)) return null_column(column.type, 1);
    const bool is_text_of_time = bound->type == ColumnType::kVarchar && column.type == ColumnType::kTimestamp;
    const bool is_whole_number = bound->type == ColumnType::kBigint && column.type == ColumnType::kDouble;
    if (bound->type != column.type && !is_text_of_time && !is_whole_number) {
      return source_.error_at(syntax.position.offset, fmt::format("column {} is {}, this is {}", column.name,
                                                                  name_of(column.type), name_of(bound->type)));
    }
    if (bound->type != column.type) {
      std::vector<ExpressionPointer> children;
      children.push_back(std::move(bound));
      bound = operation_expression(Operator::kCast, column.type, std::move(children));
    }
    int64_t faults = 0;
    Column value = evaluate(*bound, batch, faults);
    if (faults > 0) return source_.error_at(syntax.position.offset, fmt::format("this is no {}", name_of(column.type)));
    // A text may be the expression's, which ends here.
    for (std::string_view& text : value.strings) text = batch.arena.emplace_back(text);
    return value;
  }

  std::shared_ptr<const TableSpec> table_;
  const SourceText& source_;
  std::vector<ProjectedColumn> value_columns_;
};

}  // namespace

Result<std::shared_ptr<const TableSpec>> bind_declared_table(const ast::CreateStream& syntax, const SourceText& source,
                                                             const StreamSpec& defaults) {
  auto table = std::make_shared<TableSpec>();
  table->name = syntax.name.text;
  OptionReader options(syntax.options, source);
  ASSIGN_OR_RETURN(const auto topic, options.topic());
  table->topic = topic.value_or(table->name);
  const std::string fault = topic_name_fault(table->topic);
  if (!fault.empty()) {
    return source.error_at(syntax.name.position.offset, fault + "; give the topic: WITH (topic = '...')");
  }
  RETURN_IF_ERROR(options.choice({"value_format"}, {"JSON"}));
  RETURN_IF_ERROR(bind_table_columns(syntax, source, *table));
  RETURN_IF_ERROR(bind_valid_from(options, *table));
  ASSIGN_OR_RETURN(const auto partitions, options.integer({"partitions"}, 1, kMostPartitions));
  table->partitions = static_cast<int32_t>(partitions.value_or(defaults.partitions));
  RETURN_IF_ERROR(options.finish());
  return std::shared_ptr<const TableSpec>(std::move(table));
}

Error unknown_table(const ast::Identifier& name, const SourceText& source, const Catalog& catalog) {
  const std::string nearest = nearest_name(name.text, catalog.table_names());
  return source.error_at(
      name.position.offset,
      fmt::format("unknown table {}; {}", name.text,
                  nearest.empty() ? "declare it first with CREATE TABLE name (id VARCHAR PRIMARY KEY, ...)"
                                  : "did you mean " + nearest + "?"));
}

Result<std::vector<InsertSpec>> bind_insert(const ast::InsertValues& syntax, const SourceText& source,
                                            const Catalog& catalog) {
  const auto table = catalog.table(syntax.target);
  if (table == nullptr) {
    const std::string_view kind = catalog.kind_of(syntax.target);
    if (kind == "a stream") {
      return source.error_at(syntax.target.position.offset,
                             "not supported yet: INSERT INTO a stream; write readings with meterstream replay");
    }
    if (kind == "a table") {
      return source.error_at(
          syntax.target.position.offset,
          fmt::format("table {} is computed; rows go into what it is computed from", syntax.target.text));
    }
    return unknown_table(syntax.target, source, catalog);
  }
  ASSIGN_OR_RETURN(const std::vector<size_t> columns, insert_columns(syntax, *table, source));
  const InsertBinder binder(table, source);
  std::vector<InsertSpec> inserts;
  for (const std::vector<ast::Expression>& row : syntax.rows) {
    ASSIGN_OR_RETURN(InsertSpec insert, binder.bind(row, columns));
    inserts.push_back(std::move(insert));
  }
  return inserts;
}

}  // namespace meterstream
