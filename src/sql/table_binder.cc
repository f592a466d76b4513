#include "sql/table_binder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sql/format_option.h"
#include "sql/insert_binder.h"
#include "sql/insert_query_binder.h"
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
  ASSIGN_OR_RETURN(const FormatOption format, bind_format(options, {ValueFormat::kJson, ValueFormat::kDelimited}));
  table->format = format.format;
  table->delimiter = format.delimiter;
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
  RETURN_IF_ERROR(check_writable(syntax.target, source, catalog));
  ASSIGN_OR_RETURN(std::vector<InsertedRow> rows, bind_rows(syntax, "table " + table->name, table->columns, source));
  std::vector<ProjectedColumn> value_columns;
  for (size_t i = 0; i < table->columns.size(); ++i) {
    // The key is the record's key and not in its value.
    if (i != table->key_column) value_columns.push_back({table->columns[i].name, nullptr});
  }
  ProjectedRowWriter writer(value_columns, table->format, table->delimiter);
  std::vector<InsertSpec> inserts;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::vector<Column>& row = rows[i].cells;
    const Column& key = row[table->key_column];
    if (key.is_null(0)) {
      return source.error_at(
          syntax.rows[i].front().position.offset,
          fmt::format("the row has no {}, which is the primary key", table->columns[table->key_column].name));
    }
    std::vector<const Column*> written;
    for (const Column& column : row) {
      if (&column != &key) written.push_back(&column);
    }
    inserts.push_back({table, std::string(key.strings[0]), std::string(writer.write(written, 0))});
  }
  return inserts;
}

}  // namespace meterstream
