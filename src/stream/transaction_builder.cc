#include "stream/transaction_builder.h"

namespace meterstream {

void TransactionBuilder::add(std::string_view topic, PartitionId partition, std::string_view key,
                             std::string_view value, std::string_view headers, IngestTime ingest_time) {
  auto found = topics_.find(topic);
  if (found == topics_.end()) found = topics_.try_emplace(std::string(topic)).first;
  found->second[partition].add(key, value, headers, ingest_time);
  bytes_ += key.size() + value.size() + headers.size() + 16;
}

void TransactionBuilder::move_into(Transaction& transaction) {
  for (auto& [topic, partitions] : topics_) {
    for (auto& [partition, records] : partitions) {
      if (!records.empty()) transaction.appends.push_back({{topic, partition}, std::move(records)});
    }
  }
  topics_.clear();
  bytes_ = 0;
}

}  // namespace meterstream
