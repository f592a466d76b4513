#include "log/log_keys.h"

namespace meterstream {
namespace {
constexpr uint8_t kVersion = 1;  // first byte of every value
}

std::string encode_partition(const PartitionRecord& record) {
  std::string bytes(1, static_cast<char>(kVersion));
  append_little_endian(bytes, record.begin.value);
  append_little_endian(bytes, record.end.value);
  append_little_endian(bytes, record.bytes);
  return bytes;
}

std::optional<PartitionRecord> decode_partition(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.little_endian<uint8_t>();
  PartitionRecord record;
  record.begin = Offset(reader.little_endian<int64_t>());
  record.end = Offset(reader.little_endian<int64_t>());
  record.bytes = reader.little_endian<int64_t>();
  if (!reader.ok() || reader.remaining() != 0 || version != kVersion) return std::nullopt;
  if (record.begin.value < 0 || record.end < record.begin) return std::nullopt;
  return record;
}

std::string encode_topic(const TopicRecord& record) {
  std::string bytes(1, static_cast<char>(kVersion));
  append_little_endian(bytes, record.number);
  append_little_endian(bytes, record.partitions);
  append_little_endian(bytes, record.retention_ms);
  append_little_endian(bytes, record.retention_bytes);
  return bytes;
}

std::optional<TopicRecord> decode_topic(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.little_endian<uint8_t>();
  TopicRecord record;
  record.number = reader.little_endian<uint32_t>();
  record.partitions = reader.little_endian<int32_t>();
  record.retention_ms = reader.little_endian<int64_t>();
  record.retention_bytes = reader.little_endian<int64_t>();
  if (!reader.ok() || reader.remaining() != 0 || version != kVersion || record.partitions < 1) return std::nullopt;
  return record;
}

std::string encode_position(const GroupPosition& position) {
  std::string bytes(1, static_cast<char>(kVersion));
  append_little_endian(bytes, position.next.value);
  append_little_endian(bytes, position.recovery.value);
  bytes.append(position.metadata);
  return bytes;
}

std::optional<GroupPosition> decode_position(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.little_endian<uint8_t>();
  GroupPosition position;
  position.next = Offset(reader.little_endian<int64_t>());
  position.recovery = Offset(reader.little_endian<int64_t>());
  if (!reader.ok() || version != kVersion) return std::nullopt;
  position.metadata = std::string(reader.bytes(reader.remaining()));
  return position;
}

std::optional<GroupPositionKey> decode_group_position_key(std::string_view key) {
  ByteReader reader(key);
  if (reader.bytes(1) != meta_key(MetaKind::kGroupPosition)) return std::nullopt;
  GroupPositionKey decoded;
  decoded.group = reader.sized_bytes();
  const std::string_view rest = reader.bytes(reader.remaining());
  if (!reader.ok() || rest.size() != 8) return std::nullopt;
  decoded.topic_number = load_big_endian32(rest.data());
  decoded.partition = PartitionId(static_cast<int32_t>(load_big_endian32(rest.data() + 4)));
  return decoded;
}

}  // namespace meterstream
