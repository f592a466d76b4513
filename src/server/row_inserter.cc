#include "server/row_inserter.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "metering/avro_encoder.h"
#include "metering/avro_row_encoder.h"
#include "metering/timestamp.h"
#include "sql/binder.h"
#include "stream/projected_row_writer.h"
#include "stream/table_feed.h"
#include "stream/transaction_builder.h"

namespace meterstream {
namespace {

Status check(const CatalogSource& source) {
  const auto* declared = std::get_if<ast::CreateStream>(&source.definition);
  if (declared != nullptr && declared->is_source) {
    return invalid(fmt::format("{} is a SOURCE, which is only read; declare it without SOURCE to write into it",
                               source.name.text));
  }
  if (source.stream != nullptr || source.table != nullptr) return {};
  return invalid(
      fmt::format("{} {} is computed; rows go into what it is computed from", name_of(source.kind), source.name.text));
}

std::optional<size_t> column_of(const std::vector<ColumnSchema>& columns, std::string_view name) {
  for (size_t index = 0; index < columns.size(); ++index) {
    if (equals_ignoring_case(columns[index].name, name)) return index;
  }
  return std::nullopt;
}

/// False: the value is of another type.
bool fill(Column& cell, const QueryValue& value, std::deque<std::string>& texts) {
  if (std::holds_alternative<std::monostate>(value)) return true;
  const auto* flag = std::get_if<bool>(&value);
  const auto* integer = std::get_if<int64_t>(&value);
  const auto* number = std::get_if<double>(&value);
  const auto* text = std::get_if<std::string>(&value);
  cell.validity.clear();
  switch (cell.type) {
    case ColumnType::kBoolean:
      if (flag == nullptr) return false;
      cell.integers = {*flag ? 1 : 0};
      return true;
    case ColumnType::kBigint:
      if (integer == nullptr) return false;
      cell.integers = {*integer};
      return true;
    case ColumnType::kTimestamp: {
      if (integer != nullptr) {
        cell.integers = {*integer};
        return true;
      }
      const auto time = text == nullptr ? std::nullopt : parse_timestamp(*text);
      if (!time) return false;
      cell.integers = {time->value};
      return true;
    }
    case ColumnType::kDouble:
      if (integer == nullptr && (number == nullptr || !std::isfinite(*number))) return false;
      cell.doubles = {integer != nullptr ? static_cast<double>(*integer) : *number};
      return true;
    case ColumnType::kVarchar:
      if (text == nullptr) return false;
      cell.strings = {texts.emplace_back(*text)};
      return true;
  }
  return false;
}

/// The key that a record of a stream of readings has; nothing when a part is missing.
std::optional<std::string> series_key(const std::vector<ColumnSchema>& columns, const std::vector<Column>& cells) {
  std::string key;
  for (const std::string_view part : {"gateway", "metricType", "metricAttribute"}) {
    const auto index = column_of(columns, part);
    if (!index || columns[*index].type != ColumnType::kVarchar || cells[*index].is_null(0)) return std::nullopt;
    if (!key.empty()) key += '.';
    key += cells[*index].strings[0];
  }
  return key;
}

/// Values of one source.
class Encoder {
 public:
  Encoder(const CatalogSource& source, const Clock& clock) : source_(source), clock_(clock) {
    for (size_t index = 0; index < columns().size(); ++index) {
      if (index != key_column()) value_columns_.push_back({columns()[index].name, nullptr});
    }
  }

  Status open(SchemaStore& schemas) {
    if (source_.stream == nullptr || source_.stream->format != ValueFormat::kAvro) return {};
    is_reading_ = columns() == reading_columns();
    if (!is_reading_) {
      std::vector<ColumnSchema> written;
      for (size_t index = 0; index < columns().size(); ++index) {
        if (index != key_column()) written.push_back(columns()[index]);
      }
      ASSIGN_OR_RETURN(const std::string schema, avro_schema_of(source_.name.text, written));
      ASSIGN_OR_RETURN(schema_, schemas.register_schema(source_.topic + "-value", schema));
      return {};
    }
    ASSIGN_OR_RETURN(schema_, schemas.register_schema(kMetricAvroSubject, kMetricAvroSchema));
    return {};
  }

  Status add(InsertedRow row, int32_t partitions, size_t topic, TransactionBuilder& output) {
    std::vector<Column>& cells = row.cells;
    if (source_.stream != nullptr) {
      Column& time = cells[source_.stream->timestamp_column];
      if (time.is_null(0)) {
        time.validity.clear();
        time.integers = {clock_.now().value};
      }
    }
    std::optional<std::string> key;
    if (key_column() && !cells[*key_column()].is_null(0)) key = std::string(cells[*key_column()].strings[0]);
    if (!key_column()) key = series_key(columns(), cells);
    if (source_.table != nullptr && !key) {
      return invalid(
          fmt::format("a row of table {} needs its primary key, {}", source_.name.text, columns()[*key_column()].name));
    }
    ASSIGN_OR_RETURN(const std::string value, value_of(cells));
    const PartitionId partition = key ? partition_for_key(*key, partitions) : PartitionId(0);
    output.add(topic, partition, key ? std::string_view(*key) : std::string_view(), value, {}, IngestTime(0));
    return {};
  }

 private:
  [[nodiscard]] const std::vector<ColumnSchema>& columns() const { return source_.rows->columns; }
  [[nodiscard]] const std::optional<size_t>& key_column() const { return source_.rows->key_column; }

  Result<std::string> value_of(const std::vector<Column>& cells) {
    if (is_reading_) {
      for (size_t index = 0; index < cells.size(); ++index) {
        if (cells[index].is_null(0))
          return invalid(fmt::format("a reading needs all its columns; {} is missing", columns()[index].name));
      }
      std::string value;
      const SeriesKey series{std::string(cells[0].strings[0]), std::string(cells[1].strings[0]),
                             std::string(cells[2].strings[0])};
      append_metric_avro(value, EncodedSeries(*schema_, series), EventTime(cells[3].integers[0]), cells[4].doubles[0]);
      return value;
    }
    std::vector<const Column*> written;
    for (size_t index = 0; index < cells.size(); ++index) {
      if (index != key_column()) written.push_back(&cells[index]);
    }
    if (schema_) {
      std::string value;
      append_avro_row(value, *schema_, written, 0);
      return value;
    }
    return std::string(
        ProjectedRowWriter(value_columns_, source_.rows->format, source_.rows->delimiter).write(written, 0));
  }

  const CatalogSource& source_;
  const Clock& clock_;
  std::vector<ProjectedColumn> value_columns_;
  std::optional<SchemaId> schema_;  ///< of AVRO
  bool is_reading_ = false;         ///< with the schema of readings
};

}  // namespace

Status RowInserter::insert(const CatalogSource& source, std::vector<InsertedRow> rows) {
  RETURN_IF_ERROR(check(source));
  if (rows.empty()) return {};
  Encoder encoder(source, clock_);
  RETURN_IF_ERROR(encoder.open(schemas_));
  const auto topic = source.table != nullptr ? create_table_topic(*source.table, log_)
                                             : log_.create_topic({source.topic, source.stream->partitions});
  RETURN_IF_ERROR(topic);
  TransactionBuilder output;
  const size_t number = output.topic(source.topic);
  for (InsertedRow& row : rows) RETURN_IF_ERROR(encoder.add(std::move(row), topic->config.partitions, number, output));
  Transaction transaction;
  output.move_into(transaction);
  return log_.commit(std::move(transaction), Durability::kSync);
}

Status RowInserter::insert(const CatalogSource& source, const std::vector<std::map<std::string, QueryValue>>& rows) {
  RETURN_IF_ERROR(check(source));
  const std::vector<ColumnSchema>& columns = source.rows->columns;
  std::vector<InsertedRow> made;
  for (size_t number = 0; number < rows.size(); ++number) {
    InsertedRow& row = made.emplace_back();
    for (const ColumnSchema& column : columns) row.cells.push_back(null_column(column.type, 1));
    for (const auto& [name, value] : rows[number]) {
      const auto index = column_of(columns, name);
      if (!index)
        return not_found(
            fmt::format("row {}: {} {} has no column {}", number, name_of(source.kind), source.name.text, name));
      if (!fill(row.cells[*index], value, row.texts)) {
        return invalid(fmt::format("row {}: column {} is {}, this is another type", number, columns[*index].name,
                                   name_of(columns[*index].type)));
      }
    }
  }
  return insert(source, std::move(made));
}

}  // namespace meterstream
