#include "stream/projected_row_writer.h"

#include "metering/json_encoder.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

void append_value(std::string& out, const Column& column, uint32_t row) {
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

}  // namespace

ProjectedRowWriter::ProjectedRowWriter(const std::vector<ProjectedColumn>& columns) {
  for (const ProjectedColumn& column : columns) prefixes_.push_back(json_member(column.name, prefixes_.empty()));
}

std::string_view ProjectedRowWriter::write(const std::vector<Column>& columns, uint32_t row) {
  value_.clear();
  for (size_t index = 0; index < columns.size(); ++index) {
    value_ += prefixes_[index];
    append_value(value_, columns[index], row);
  }
  value_ += '}';
  return value_;
}

}  // namespace meterstream
