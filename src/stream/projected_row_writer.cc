#include "stream/projected_row_writer.h"

#include "metering/json_encoder.h"
#include "stream/column_json.h"

namespace meterstream {
ProjectedRowWriter::ProjectedRowWriter(const std::vector<ProjectedColumn>& columns) {
  for (const ProjectedColumn& column : columns) prefixes_.push_back(json_member(column.name, prefixes_.empty()));
}

std::string_view ProjectedRowWriter::write(const std::vector<Column>& columns, uint32_t row) {
  value_ = columns.empty() ? "{" : "";
  for (size_t index = 0; index < columns.size(); ++index) {
    value_ += prefixes_[index];
    append_json_value(value_, columns[index], row);
  }
  value_ += '}';
  return value_;
}

}  // namespace meterstream
