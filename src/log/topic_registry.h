// Purpose: the topics of an embedded log and, in memory, where their partitions begin and end.
// Thread-safety: all methods may be called concurrently. A PartitionState's begin, end and bytes are written by one
//                committer at a time and read by anybody; its group floors have their own mutex.
// Ownership: a TopicState lives, at the same address, as long as the registry.
// Errors: as EventLog says.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "log/event_log.h"
#include "log/log_keys.h"

namespace meterstream {

struct PartitionState {
  std::atomic<int64_t> begin = 0;
  std::atomic<int64_t> end = 0;
  std::atomic<int64_t> bytes = 0;

  std::mutex floors_mutex;
  /// Per group the lowest offset that it may need again.
  std::map<std::string, int64_t, std::less<>> floors;
};

struct TopicState {
  TopicConfig config;
  uint32_t number = 0;
  std::unique_ptr<PartitionState[]> partitions;
  /// Set while no commit is written; its records are gone.
  std::atomic<bool> is_deleted = false;

  [[nodiscard]] TopicDescription describe() const;
};

/// A partition that exists, looked up once.
struct PartitionHandle {
  TopicState* topic = nullptr;
  PartitionId id;
  [[nodiscard]] PartitionState& state() const { return topic->partitions[id.value]; }
};

class TopicRegistry {
 public:
  explicit TopicRegistry(KeyValueStore& store) : store_(store) {}

  /// Reads topics, partitions and group positions from the store, and checks them against the batches there.
  Status load();
  Result<const TopicState*> create(const TopicConfig& config);
  /// With its records and the positions of groups in it. Only while no commit is written.
  Status remove(TopicState& topic);
  /// kNotFound with the names that exist.
  Result<TopicState*> find(std::string_view topic) const;
  Result<PartitionHandle> find(const TopicPartition& partition) const;
  [[nodiscard]] std::vector<TopicState*> all() const;

 private:
  Status load_topics();
  Status load_partitions();
  Status load_positions();
  Status check_end(const TopicState& topic, PartitionId partition) const;

  KeyValueStore& store_;
  std::mutex create_mutex_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<TopicState>, std::less<>> topics_;
  /// Deleted ones, which others may still point to.
  std::vector<std::unique_ptr<TopicState>> deleted_;
  uint32_t next_number_ = 1;
};

/// kInvalid unless Kafka would take the name: 1 to 249 of [a-zA-Z0-9._-], and neither "." nor "..".
Status validate_topic_name(std::string_view name);

}  // namespace meterstream
