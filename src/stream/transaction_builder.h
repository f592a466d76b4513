// Purpose: the records and counters that a pass has produced since its last commit.
// Thread-safety: none; one builder belongs to one task.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "log/event_log.h"

namespace meterstream {

class TransactionBuilder {
 public:
  void add(std::string_view topic, PartitionId partition, std::string_view key, std::string_view value,
           std::string_view headers, IngestTime ingest_time);

  [[nodiscard]] size_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_ == 0; }

  /// Moves everything into `transaction`, ordered by topic and partition; the builder is empty afterwards.
  void move_into(Transaction& transaction);

 private:
  std::map<std::string, std::map<PartitionId, RecordBatchBuilder>, std::less<>> topics_;
  size_t bytes_ = 0;
};

}  // namespace meterstream
