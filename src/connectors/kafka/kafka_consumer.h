// Purpose: reads partitions of Kafka topics, each from any offset, alone or as a member of a consumer group.
// Use alone: open(), then read() any partition. As a member: open() with a group, subscribe(), then poll() again and
//     again on one thread, which calls the listener; read() only partitions that are assigned.
// Guarantee: committed records only, in offset order, none skipped in silence: a position that the log does not hold is
//            kOutOfRange. Offsets have gaps (transaction markers, compaction).
// Thread-safety: all methods may be called concurrently; reads of different partitions do not wait for each other.
// Blocking: read() waits for a fetch that is under way, at most the request timeout; see `end_age_ms`.
// Errors of read(), besides: kCancelled: a member must poll() before there can be more.
// Errors: kOutOfRange (the message tells how many records are gone), kNotFound (topic deleted), kInvalid (permission,
//         partition), kConflict (partition not assigned to this member, member fenced), kCorrupt (CRC), kUnavailable.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "connectors/kafka/kafka_settings.h"
#include "connectors/kafka/kafka_writer.h"
#include "log/event_log.h"

namespace meterstream {

struct KafkaConsumerOptions {
  /// Member of this group; empty reads without one.
  std::string group;
  /// Static membership: a member that comes back with the same id within the session timeout keeps its partitions.
  std::string instance_id;
  int64_t session_timeout_ms = 10'000;
  /// A member that does not poll for so long loses its partitions.
  int64_t max_poll_interval_ms = 300'000;
};

/// Called by poll() and close() on their thread. A callback may use the consumer, except poll() and close().
struct KafkaAssignmentListener {
  using Callback = std::function<void(const std::vector<TopicPartition>&)>;
  /// Also with none, when the member gets nothing.
  Callback assigned;
  /// Last chance to commit; the partitions are given away when it returns.
  Callback revoked;
  /// Somebody else may own them already: nothing can be committed any more.
  Callback lost;
};

/// The member's place in its group, for the transaction that commits its offsets (KIP-447).
class KafkaGroupMetadata;

class KafkaConsumer {
 public:
  /// Does not wait for the cluster.
  static Result<std::unique_ptr<KafkaConsumer>> open(const KafkaSettings& settings, KafkaConsumerOptions options = {});
  /// Closes. Record sets that were read stay valid.
  ~KafkaConsumer();

  Status subscribe(const std::vector<std::string>& topics, KafkaAssignmentListener listener);
  /// Serves the group for up to `timeout_ms`. kConflict: fenced by another member with the same instance id, or fatal;
  /// the consumer must be made anew.
  Status poll(int64_t timeout_ms);
  /// Gives all partitions back (listener.revoked) and leaves the group. Nothing can be read afterwards.
  Status close();
  /// Partitions assigned by the group now.
  [[nodiscard]] std::vector<TopicPartition> assignment() const;
  [[nodiscard]] const std::string& group() const;
  /// kInvalid without a group.
  [[nodiscard]] Result<std::shared_ptr<const KafkaGroupMetadata>> group_metadata() const;
  /// Commits offsets without a transaction. kConflict when this member has lost its place. While the group shares its
  /// partitions out anew brokers take none: then nothing is committed, without an error.
  Status commit(std::span<const KafkaGroupOffset> offsets, int64_t timeout_ms);

  /// As EventLog::read(). The cluster is asked whether an empty result is the real end when the last answer is older
  /// than `end_age_ms`; with 0 always, which costs a round trip for each empty read.
  Status read(const TopicPartition& source, Offset from, size_t max_bytes, int64_t end_age_ms, RecordSet& out);
  /// [first offset, last stable offset), not older than `age_ms`.
  Result<OffsetRange> offsets(const TopicPartition& source, int64_t age_ms);
  Result<bool> await_data(const TopicPartition& source, Offset from, int64_t timeout_ms);
  /// Stops fetching a partition and frees what was fetched ahead. The next read() of it begins anew.
  void release(const TopicPartition& source);

 private:
  struct State;
  explicit KafkaConsumer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace meterstream
