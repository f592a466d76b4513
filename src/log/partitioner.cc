#include "log/partitioner.h"

#include "base/bytes.h"
#include "base/check.h"
#include "log/event_log.h"

namespace meterstream {

uint32_t murmur2(std::string_view bytes) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  uint32_t hash = kSeed ^ static_cast<uint32_t>(bytes.size());
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 4; left -= 4, at += 4) {
    uint32_t word = load_little_endian<uint32_t>(at) * kMultiplier;
    word ^= word >> 24;
    hash = (hash * kMultiplier) ^ (word * kMultiplier);
  }
  if (left > 0) {
    for (size_t index = left; index-- > 0;) hash ^= uint32_t{static_cast<uint8_t>(at[index])} << (8 * index);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  return hash ^ (hash >> 15);
}

PartitionId partition_for_key(std::string_view key, int32_t partitions) {
  CHECK(partitions > 0);
  if (partitions == 1) return PartitionId(0);
  return PartitionId(static_cast<int32_t>(murmur2(key) & 0x7fffffff) % partitions);
}

}  // namespace meterstream
