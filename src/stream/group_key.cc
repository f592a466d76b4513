#include "stream/group_key.h"

namespace meterstream {

bool can_name_groups(ColumnType type) {
  return type != ColumnType::kDouble;
}

void append_group_value(std::string& out, const Column& column, uint32_t row) {
  if (column.is_null(row)) {
    append_varint(out, zigzag(-1));
    return;
  }
  switch (column.type) {
    case ColumnType::kVarchar:
      append_varint(out, zigzag(static_cast<int64_t>(column.strings[row].size())));
      out.append(column.strings[row]);
      return;
    case ColumnType::kBoolean:
      append_varint(out, zigzag(1));
      out.push_back(column.integers[row] != 0 ? '\1' : '\0');
      return;
    default:
      append_varint(out, zigzag(sizeof(int64_t)));
      append_little_endian(out, column.integers[row]);
      return;
  }
}

GroupValue read_group_value(ByteReader& reader, ColumnType type) {
  GroupValue value;
  const int64_t size = reader.zigzag_varint();
  if (size < 0) {
    value.is_null = true;
    return value;
  }
  switch (type) {
    case ColumnType::kVarchar:
      value.text = reader.bytes(static_cast<uint64_t>(size));
      break;
    case ColumnType::kBoolean:
      value.integer = reader.little_endian<uint8_t>();
      break;
    default:
      value.integer = reader.little_endian<int64_t>();
      break;
  }
  return value;
}

}  // namespace meterstream
