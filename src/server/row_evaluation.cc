#include "server/row_evaluation.h"

#include "metering/timestamp.h"

namespace meterstream {

DecodeRequest decode_request(const QuerySource& source, const std::vector<bool>& needed) {
  DecodeRequest request;
  request.takes_json_texts = true;
  request.columns = source.columns;
  request.needed = needed;
  request.delimiter = source.delimiter;
  request.absent_column = source.key_column;
  if (source.key_column) request.needed[*source.key_column] = false;
  return request;
}

void add_keys(const QuerySource& source, std::span<const RecordView> records, ColumnBatch& batch) {
  if (!source.key_column) return;
  Column& keys = batch.columns[*source.key_column];
  keys.strings.clear();
  keys.validity.clear();
  bool has_null = false;
  for (size_t row = 0; row < batch.rows; ++row) {
    const RecordView& record = records[batch.record_index[row]];
    keys.strings.push_back(record.has_key() ? record.key : std::string_view());
    has_null |= !record.has_key();
  }
  if (!has_null) return;
  for (size_t row = 0; row < batch.rows; ++row)
    keys.validity.push_back(records[batch.record_index[row]].has_key() ? 1 : 0);
}

QueryValue value_of(const Column& column, size_t row) {
  if (column.is_null(row)) return std::monostate();
  switch (column.type) {
    case ColumnType::kBoolean:
      return column.integers[row] != 0;
    case ColumnType::kBigint:
      return column.integers[row];
    case ColumnType::kTimestamp:
      return format_timestamp(EventTime(column.integers[row]));
    case ColumnType::kDouble:
      return column.doubles[row];
    case ColumnType::kVarchar:
      return std::string(column.strings[row]);
  }
  return std::monostate();
}

void append_rows(const BoundQuery& query, ColumnBatch& batch, std::vector<QueryRow>& rows) {
  if (batch.rows == 0) return;
  int64_t faults = 0;
  std::vector<size_t> passing;
  passing.reserve(batch.rows);
  if (query.condition == nullptr) {
    for (size_t row = 0; row < batch.rows; ++row) passing.push_back(row);
  } else {
    const Column condition = evaluate(*query.condition, batch, faults);
    for (size_t row = 0; row < batch.rows; ++row) {
      if (!condition.is_null(row) && condition.integers[row] != 0) passing.push_back(row);
    }
  }
  if (passing.empty()) return;
  const size_t first = rows.size();
  rows.resize(first + passing.size());
  for (size_t index = 0; index < passing.size(); ++index) rows[first + index].reserve(query.values.size());
  for (const auto& value : query.values) {
    if (value->kind == Expression::Kind::kColumn) {
      const Column& column = batch.columns[value->column];
      for (size_t index = 0; index < passing.size(); ++index)
        rows[first + index].push_back(value_of(column, passing[index]));
      continue;
    }
    const Column column = evaluate(*value, batch, faults);
    for (size_t index = 0; index < passing.size(); ++index)
      rows[first + index].push_back(value_of(column, passing[index]));
  }
}

std::vector<QueryRows::Column> columns_of(const BoundQuery& query) {
  std::vector<QueryRows::Column> columns;
  columns.reserve(query.columns.size());
  for (const ColumnSchema& column : query.columns) columns.push_back({column.name, std::string(name_of(column.type))});
  return columns;
}

}  // namespace meterstream
