#include "stream/projected_row_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "metering/delimited_encoder.h"
#include "metering/json_encoder.h"

namespace meterstream {
namespace {

// Of a value that is no text, with its quotes.
constexpr size_t kMaxValueBytes = std::max(kMaxJsonNumberBytes, kMaxTimestampBytes) + 2;

// Names are copied in blocks of a size that the compiler knows.
constexpr size_t kBlockBytes = 32;

char* write_text(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

}  // namespace

ProjectedRowWriter::ProjectedRowWriter(const std::vector<ProjectedColumn>& columns, ValueFormat format, char delimiter)
    : times_(columns.size()), is_delimited_(format == ValueFormat::kDelimited), delimiter_(delimiter) {
  for (const ProjectedColumn& column : columns) {
    std::string prefix = json_member(column.name, prefixes_.empty());
    const size_t bytes = prefix.size();
    prefix.resize((bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes, ' ');
    fixed_bytes_ += prefix.size() + kMaxValueBytes;
    prefixes_.push_back({std::move(prefix), bytes});
  }
}

std::string_view ProjectedRowWriter::write(const std::vector<const Column*>& columns, uint32_t row) {
  if (is_delimited_) return write_delimited(columns, row);
  size_t room = fixed_bytes_;
  for (const Column* column : columns) {
    if (column->type == ColumnType::kVarchar) room += max_json_string_bytes(column->strings[row]);
  }
  if (value_.size() < room) value_.resize(room);
  char* at = value_.data();
  if (columns.empty()) *at++ = '{';
  for (size_t index = 0; index < columns.size(); ++index) {
    const Prefix& prefix = prefixes_[index];
    for (size_t block = 0; block < prefix.blocks.size(); block += kBlockBytes)
      std::memcpy(at + block, prefix.blocks.data() + block, kBlockBytes);
    at += prefix.bytes;
    const Column& column = *columns[index];
    if (column.is_null(row)) {
      at = write_text(at, "null");
      continue;
    }
    switch (column.type) {
      case ColumnType::kBoolean:
        at = write_text(at, column.integers[row] != 0 ? "true" : "false");
        break;
      case ColumnType::kBigint:
        at = write_json_number(at, column.integers[row]);
        break;
      case ColumnType::kTimestamp:
        *at++ = '"';
        at = times_[index].write(at, column.integers[row]);
        *at++ = '"';
        break;
      case ColumnType::kDouble:
        at = write_json_number(at, column.doubles[row]);
        break;
      case ColumnType::kVarchar:
        at = write_json_string(at, column.strings[row]);
        break;
    }
  }
  *at++ = '}';
  return {value_.data(), static_cast<size_t>(at - value_.data())};
}

std::string_view ProjectedRowWriter::write_delimited(const std::vector<const Column*>& columns, uint32_t row) {
  value_.clear();
  for (size_t index = 0; index < columns.size(); ++index) {
    if (index > 0) value_ += delimiter_;
    if (!columns[index]->is_null(row)) append_delimited_field(value_, text_of(*columns[index], index, row), delimiter_);
  }
  return value_;
}

/// Of a value that is not NULL, until the next call.
std::string_view ProjectedRowWriter::text_of(const Column& column, size_t index, uint32_t row) {
  field_.clear();
  switch (column.type) {
    case ColumnType::kBoolean:
      return column.integers[row] != 0 ? "true" : "false";
    case ColumnType::kBigint:
      append_json_number(field_, column.integers[row]);
      return field_;
    case ColumnType::kDouble:
      append_json_number(field_, column.doubles[row]);
      return field_;
    case ColumnType::kTimestamp: {
      char text[kMaxTimestampBytes];
      field_.assign(text, times_[index].write(text, column.integers[row]));
      return field_;
    }
    case ColumnType::kVarchar:
      return column.strings[row];
  }
  return field_;
}

}  // namespace meterstream
