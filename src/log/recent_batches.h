// Purpose: the latest batches of a log in memory, so that a reader close to the end neither asks the store nor copies.
// Thread-safety: all methods may be called concurrently.
// Ownership: shares the bytes with its readers; a batch that leaves lives on as long as somebody reads it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "base/strong.h"
#include "state/key_value_store.h"

namespace meterstream {

class RecentBatches {
 public:
  explicit RecentBatches(size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}

  /// A batch of records [base, end) at the end of its partition.
  void add(uint32_t topic_number, PartitionId partition, Offset base, Offset end, PinnedValue batch);
  /// The batch that holds `offset`, and its base.
  struct Found {
    Offset base;
    PinnedValue batch;
  };
  [[nodiscard]] std::optional<Found> find(uint32_t topic_number, PartitionId partition, Offset offset) const;

 private:
  using PartitionKey = std::pair<uint32_t, PartitionId>;
  struct Entry {
    Offset end;
    PinnedValue batch;
  };

  const size_t capacity_bytes_;
  mutable std::mutex mutex_;
  size_t bytes_ = 0;
  std::map<PartitionKey, std::map<Offset, Entry>> partitions_;
  std::deque<std::pair<PartitionKey, Offset>> oldest_first_;
};

}  // namespace meterstream
