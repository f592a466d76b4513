#include "stream/transaction_builder.h"

namespace meterstream {
namespace {
constexpr size_t kBatchBytes = size_t{1} << 20;
constexpr size_t kRoomBehindBatch = size_t{16} << 10;  // for the record that makes it full
}  // namespace

size_t TransactionBuilder::topic(std::string_view name) {
  for (size_t i = 0; i < topics_.size(); ++i) {
    if (topics_[i].name == name) return i;
  }
  topics_.push_back({std::string(name), {}});
  return topics_.size() - 1;
}

void TransactionBuilder::add(size_t topic, PartitionId partition, std::string_view key, std::string_view value,
                             std::string_view headers, IngestTime ingest_time) {
  auto& partitions = topics_[topic].partitions;
  const auto index = static_cast<size_t>(partition.value);
  if (index >= partitions.size()) partitions.resize(index + 1);
  std::vector<RecordBatchBuilder>& batches = partitions[index];
  // A reader takes a batch whole, so that the results of a million groups must not be one.
  if (batches.empty()) {
    batches.emplace_back();
  } else if (batches.back().bytes() >= kBatchBytes) {
    batches.emplace_back().reserve(kBatchBytes + kRoomBehindBatch);
  }
  batches.back().add(key, value, headers, ingest_time);
  bytes_ += key.size() + value.size() + headers.size() + 16;
}

void TransactionBuilder::move_into(Transaction& transaction) {
  for (Topic& topic : topics_) {
    for (size_t i = 0; i < topic.partitions.size(); ++i) {
      for (RecordBatchBuilder& records : topic.partitions[i]) {
        transaction.appends.push_back({{topic.name, PartitionId(static_cast<int32_t>(i))}, std::move(records)});
      }
    }
    topic.partitions.clear();
  }
  bytes_ = 0;
}

}  // namespace meterstream
