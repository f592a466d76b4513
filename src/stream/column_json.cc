#include "stream/column_json.h"

#include "metering/json_encoder.h"
#include "metering/timestamp.h"

namespace meterstream {

void append_json_value(std::string& out, const Column& column, uint32_t row) {
  if (column.is_null(row)) {
    out += "null";
    return;
  }
  switch (column.type) {
    case ColumnType::kBoolean:
      out += column.integers[row] != 0 ? "true" : "false";
      return;
    case ColumnType::kBigint:
      append_json_number(out, column.integers[row]);
      return;
    case ColumnType::kTimestamp:
      out += '"';
      append_timestamp(out, EventTime(column.integers[row]));
      out += '"';
      return;
    case ColumnType::kDouble:
      append_json_number(out, column.doubles[row]);
      return;
    case ColumnType::kVarchar:
      append_json_string(out, column.strings[row]);
      return;
  }
}

}  // namespace meterstream
