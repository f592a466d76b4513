// Purpose: the log inside one process, over any KeyValueStore. Keys and values: docs/formats/data-directory.md.
// Concurrency: commits that arrive while one is being written are written together with one sync by the next writer
//              (group commit), in the order of their arrival. Readers never wait for writers.
// Guarantee: as EventLog; offsets have no gaps. Retention moves a partition's begin in the same write that erases.
// Non-guarantee: after a commit failed with kUnavailable because a sync failed or the process died, it may turn out
//                durable once the store is opened again; ask position() to learn which.
// Ownership: store and clock must outlive the log. One log per store at a time.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "log/event_log.h"
#include "log/recent_batches.h"
#include "log/topic_registry.h"

namespace meterstream {

struct EmbeddedLogOptions {
  /// Memory that keeps the latest batches for readers that follow closely; 0 switches it off.
  size_t recent_bytes = size_t{64} << 20;
  /// Waiting commits are written together up to this many bytes.
  size_t group_commit_bytes = size_t{32} << 20;
};

class EmbeddedLog final : public EventLog {
 public:
  /// Recovers topics, ends and positions from the store. kCorrupt when the catalog and the batches disagree.
  static Result<std::unique_ptr<EmbeddedLog>> open(KeyValueStore& store, const Clock& clock,
                                                   EmbeddedLogOptions options = {});
  ~EmbeddedLog() override;

  Result<TopicDescription> create_topic(const TopicConfig& config) override;
  Result<TopicDescription> describe_topic(std::string_view topic) override;
  Result<std::vector<std::string>> topics() override;
  Status read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) override;
  Result<OffsetRange> offsets(const TopicPartition& source) override;
  /// `timeout_ms` is real time, whatever the clock says.
  Result<bool> await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) override;
  Status commit(Transaction&& transaction, Durability durability) override;
  Result<std::optional<GroupPosition>> position(std::string_view group, const TopicPartition& source) override;

  /// With its records and the positions of groups in it. What is being read of it is read to its end or fails with kNotFound or
  /// kOutOfRange; commits that write it fail with kNotFound.
  Status delete_topic(std::string_view topic);

  /// Names of the groups that have a position in it, sorted.
  Result<std::vector<std::string>> groups_in(std::string_view topic);

  struct RetentionResult {
    int64_t records = 0;
    int64_t bytes = 0;
  };
  /// Drops whole batches from the front that a topic's configuration lets go and no group needs. Blocks commits
  /// only while it writes.
  Result<RetentionResult> apply_retention();

 private:
  struct Commit;
  EmbeddedLog(KeyValueStore& store, const Clock& clock, EmbeddedLogOptions options);

  Status check_transaction(const Transaction& transaction, Commit& commit) const;
  Status run_exclusively(const std::function<Status()>& work);
  void write_group(std::deque<Commit*> group);
  void publish(const std::deque<Commit*>& group, WriteBatch& batch);
  std::deque<Commit*> take_group();
  Result<PinnedValue> batch_at(const PartitionHandle& partition, Offset from, Offset& base) const;
  Error out_of_range_at(const PartitionHandle& partition, Offset from) const;
  Result<RetentionResult> apply_retention_to(TopicState& topic, PartitionId partition);

  KeyValueStore& store_;
  const Clock& clock_;
  const EmbeddedLogOptions options_;
  TopicRegistry registry_;
  RecentBatches recent_;

  std::mutex queue_mutex_;
  std::condition_variable queue_changed_;
  std::deque<Commit*> queue_;
  bool writing_ = false;

  std::mutex data_mutex_;
  std::condition_variable data_arrived_;
};

}  // namespace meterstream
