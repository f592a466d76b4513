#include "metering/column_batch.h"

namespace meterstream {

std::string_view name_of(ColumnType type) {
  switch (type) {
    case ColumnType::kBoolean:
      return "BOOLEAN";
    case ColumnType::kBigint:
      return "BIGINT";
    case ColumnType::kTimestamp:
      return "TIMESTAMP";
    case ColumnType::kDouble:
      return "DOUBLE";
    case ColumnType::kVarchar:
      return "VARCHAR";
  }
  return "UNKNOWN";
}

Column null_column(ColumnType type, size_t rows) {
  Column column;
  column.type = type;
  switch (type) {
    case ColumnType::kVarchar:
      column.strings.resize(rows);
      break;
    case ColumnType::kDouble:
      column.doubles.resize(rows);
      break;
    default:
      column.integers.resize(rows);
  }
  column.validity.assign(rows, 0);
  return column;
}

void ColumnBatch::clear() {
  rows = 0;
  for (Column& column : columns) {
    column.integers.clear();
    column.doubles.clear();
    column.strings.clear();
    column.validity.clear();
  }
  record_index.clear();
  group_keys.clear();
  rejected.clear();
  arena.clear();
}

}  // namespace meterstream
