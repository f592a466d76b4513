// Purpose: reads one partition through a queue of its own; the part of KafkaConsumer that knows where it stands.
// Thread-safety: methods may be called concurrently; each holds the reader's lock while it works or waits.
// Blocking, errors: as KafkaConsumer's methods of the same names.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/kafka/kafka_handles.h"
#include "log/event_log.h"

namespace meterstream {

class KafkaPartitionReader {
 public:
  /// `is_member`: the group assigns and unassigns the partition; otherwise the reader does.
  KafkaPartitionReader(std::shared_ptr<rd_kafka_t> client, std::shared_ptr<rd_kafka_t> asking, TopicPartition source,
                       int64_t timeout_ms, bool is_member);
  ~KafkaPartitionReader();

  Status read(Offset from, size_t max_bytes, int64_t end_age_ms, RecordSet& out);
  Result<OffsetRange> offsets(int64_t age_ms);
  Result<bool> await_data(Offset from, int64_t timeout_ms);
  /// The library paused the partition for the group: where it goes on is not trusted, the next read says it anew. Does not
  /// wait for the lock. Must come before the pause ends.
  void distrust_place() { is_distrusted_ = true; }
  /// Drops what was fetched ahead and, without a group, stops fetching. Later calls are kConflict.
  void close();

 private:
  struct Messages;
  using Time = std::chrono::steady_clock::time_point;

  Status position_at(int64_t from);
  [[nodiscard]] KafkaPartitionList place_at(int64_t offset) const;
  Status seek(int64_t from);
  Status assign(int64_t from);
  Status reassign(int64_t from);
  void unassign();
  /// kCancelled while the group waits for poll(): until then it gives nothing.
  [[nodiscard]] Status check_group() const;
  /// Up to `count` messages into taken_; waits only for the first one.
  void take(size_t count, int64_t wait_ms);
  /// Keeps the records of what was taken; learns from marks of the end. Gives the error when no record is before it;
  /// after an error that was stale the reader has no position.
  Status sort_out_taken();
  Status failure_at(const rd_kafka_message_t& message);
  [[nodiscard]] Error damaged_at(int64_t offset, std::string_view what) const;
  Error out_of_range_at(int64_t offset);
  /// Gives the records of what was taken, and takes note of where they end. There may be none at `low_` or behind it.
  Status fill(RecordSet& out);
  Status append_records(const rd_kafka_message_t& message, Messages& owner, std::vector<RecordView>& records);
  void learn_place();
  void heed_distrust();
  Result<OffsetRange> ask_offsets();
  /// Also asks again who leads: what a client has heard once it believes for long.
  [[nodiscard]] bool topic_exists() const;
  [[nodiscard]] std::string name() const;
  [[nodiscard]] size_t batch_size(size_t max_bytes) const;

  const std::shared_ptr<rd_kafka_t> client_;
  const std::shared_ptr<rd_kafka_t> asking_;
  const TopicPartition source_;
  const int64_t timeout_ms_;
  const bool is_member_;
  KafkaQueue queue_;
  KafkaQueue group_queue_;  ///< what poll() serves; null without a group

  std::atomic<bool> is_distrusted_ = false;
  std::mutex mutex_;
  bool is_closed_ = false;
  bool is_assigned_ = false;
  bool is_positioned_ = false;
  bool is_stopped_ = false;  ///< by an error
  /// The last thing taken since it was positioned is a record.
  bool follows_record_ = false;
  /// Offsets that all mean where the reader stands: behind the last record it gave, and behind marks after that.
  int64_t low_ = 0;
  int64_t high_ = 0;
  std::vector<rd_kafka_message_t*> taken_;
  double message_bytes_ = 16384;
  OffsetRange known_{};
  std::optional<Time> known_at_;
};

}  // namespace meterstream
