// Purpose: keys and small values of the embedded log in its store. Layout: docs/formats/data-directory.md.
// Big-endian numbers, so that keys sort by topic, partition and offset.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/strong.h"
#include "log/event_log.h"

namespace meterstream {

/// First byte of a key of the log in Space::kMeta; other keys there begin with a lower-case word.
enum class MetaKind : char {
  kGroupPosition = 'G',
  kPartition = 'P',
  kTopic = 'T',
};

inline std::string meta_key(MetaKind kind, std::string_view rest = {}) {
  std::string key(1, static_cast<char>(kind));
  key.append(rest);
  return key;
}

/// The partition's 8 bytes that begin its keys in Space::kLog and end its keys in Space::kMeta.
inline std::string partition_bytes(uint32_t topic_number, PartitionId partition) {
  std::string bytes;
  append_big_endian32(bytes, topic_number);
  append_big_endian32(bytes, static_cast<uint32_t>(partition.value));
  return bytes;
}

/// Key in Space::kLog of the batch whose first record has offset `base`.
inline std::string batch_key(uint32_t topic_number, PartitionId partition, Offset base) {
  std::string key = partition_bytes(topic_number, partition);
  append_big_endian64(key, static_cast<uint64_t>(base.value));
  return key;
}

inline std::string group_position_key(std::string_view group, uint32_t topic_number, PartitionId partition) {
  std::string key = meta_key(MetaKind::kGroupPosition);
  append_sized(key, group);
  return key + partition_bytes(topic_number, partition);
}

/// What the log knows of a partition; written with every append and every retention.
struct PartitionRecord {
  Offset begin;
  Offset end;
  int64_t bytes = 0;  ///< of the batches in [begin, end)
};

std::string encode_partition(const PartitionRecord& record);
std::optional<PartitionRecord> decode_partition(std::string_view bytes);

struct TopicRecord {
  uint32_t number = 0;
  int32_t partitions = 0;
  int64_t retention_ms = -1;
  int64_t retention_bytes = -1;
};

std::string encode_topic(const TopicRecord& record);
std::optional<TopicRecord> decode_topic(std::string_view bytes);

std::string encode_position(const GroupPosition& position);
std::optional<GroupPosition> decode_position(std::string_view bytes);

struct GroupPositionKey {
  std::string_view group;
  uint32_t topic_number = 0;
  PartitionId partition;
};
std::optional<GroupPositionKey> decode_group_position_key(std::string_view key);

}  // namespace meterstream
