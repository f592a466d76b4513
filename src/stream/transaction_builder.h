// Purpose: the records that a task has produced since its last commit.
// Use: name each topic once with topic(); add() then finds its place without comparing names.
// Thread-safety: none; one builder belongs to one task.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "log/event_log.h"

namespace meterstream {

class TransactionBuilder {
 public:
  /// Number of the topic for add(); the same name gives the same number.
  size_t topic(std::string_view name);

  void add(size_t topic, PartitionId partition, std::string_view key, std::string_view value, std::string_view headers,
           IngestTime ingest_time);

  [[nodiscard]] size_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_ == 0; }

  /// Moves all records into `transaction`, by topic number and partition; topics keep their numbers.
  void move_into(Transaction& transaction);

 private:
  struct Topic {
    std::string name;
    /// By partition: batches of about a megabyte, the last one still growing.
    std::vector<std::vector<RecordBatchBuilder>> partitions;
  };
  std::vector<Topic> topics_;
  size_t bytes_ = 0;
};

}  // namespace meterstream
