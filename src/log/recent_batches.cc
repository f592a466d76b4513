#include "log/recent_batches.h"

namespace meterstream {

void RecentBatches::add(uint32_t topic_number, PartitionId partition, Offset base, Offset end, PinnedValue batch) {
  const size_t size = batch.bytes.size();
  if (size > capacity_bytes_) return;
  const PartitionKey key{topic_number, partition};
  const std::scoped_lock lock(mutex_);
  while (bytes_ + size > capacity_bytes_ && !oldest_first_.empty()) {
    auto& entries = partitions_[oldest_first_.front().first];
    const auto oldest = entries.find(oldest_first_.front().second);
    bytes_ -= oldest->second.batch.bytes.size();
    entries.erase(oldest);
    oldest_first_.pop_front();
  }
  partitions_[key].emplace(base, Entry{end, std::move(batch)});
  oldest_first_.emplace_back(key, base);
  bytes_ += size;
}

std::optional<RecentBatches::Found> RecentBatches::find(uint32_t topic_number, PartitionId partition,
                                                        Offset offset) const {
  const std::scoped_lock lock(mutex_);
  const auto entries = partitions_.find({topic_number, partition});
  if (entries == partitions_.end()) return std::nullopt;
  auto entry = entries->second.upper_bound(offset);
  if (entry == entries->second.begin()) return std::nullopt;
  --entry;
  if (offset >= entry->second.end) return std::nullopt;
  return Found{entry->first, entry->second.batch};
}

}  // namespace meterstream
