// Purpose: the canonical bytes of a group, which name it in windows, state and changelogs.
// Format: the group's values one after the other: a zigzag varint length, -1 for NULL, and so many bytes. VARCHAR is its
//         UTF-8 (what RecordDecoder gives, too), BOOLEAN one byte, BIGINT and TIMESTAMP eight, little-endian.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "metering/column_batch.h"

namespace meterstream {

struct GroupValue {
  bool is_null = false;
  int64_t integer = 0;    ///< BOOLEAN, BIGINT and TIMESTAMP
  std::string_view text;  ///< VARCHAR; lives as long as the key
};

/// Types that name groups: all but DOUBLE.
bool can_name_groups(ColumnType type);

void append_group_value(std::string& out, const Column& column, uint32_t row);
GroupValue read_group_value(ByteReader& reader, ColumnType type);
/// VARCHAR; without data for NULL.
inline std::string_view read_group_text(ByteReader& reader) {
  const int64_t size = reader.zigzag_varint();
  return size < 0 ? std::string_view() : reader.bytes(static_cast<uint64_t>(size));
}

}  // namespace meterstream
