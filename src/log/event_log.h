// Purpose: port of the durable log that everything reads and writes: embedded (RocksDB) or Kafka.
// Shapes: a topic has partitions 0..n-1; a partition is a sequence of records with offsets [begin, end).
// Time base: records carry ingest time (arrival, UTC ms). Event time is inside the value and not the log's business.
// Guarantee: commit() makes appended records, group positions and state durable together, or none of them.
//            A reader sees only committed records, in offset order. Non-guarantee: offsets may have gaps on Kafka.
// Thread-safety: all methods may be called concurrently. read() never waits for data; await_data() does.
// Errors: kNotFound (topic), kInvalid (bad name or partition), kConflict (fenced: another owner committed this group),
//         kOutOfRange (position below begin: the message tells how many records are gone), kUnavailable (retry),
//         kCorrupt (CRC mismatch; the message names topic, partition and offset).
// Source: Kafka's log semantics (KIP-98 transactions); the on-disk form of the embedded log is in docs/formats/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"
#include "base/result.h"
#include "log/record_batch.h"
#include "state/key_value_store.h"

namespace meterstream {

struct TopicConfig {
  std::string name;
  int32_t partitions = 4;
  /// Records older than this by ingest time may go; -1 keeps all. Never below what a registered group needs.
  int64_t retention_ms = -1;
  /// Bytes of a partition above which its oldest batches may go; -1 keeps all.
  int64_t retention_bytes = -1;
  /// Only the latest record of each key need stay. The embedded log keeps all.
  bool is_compacted = false;
};

struct TopicPartition {
  std::string topic;
  PartitionId partition;
  auto operator<=>(const TopicPartition&) const = default;
};

/// Offsets [begin, end).
struct OffsetRange {
  Offset begin;
  Offset end;
  bool operator==(const OffsetRange&) const = default;
};

struct TopicDescription {
  TopicConfig config;
  std::vector<OffsetRange> partitions;
  /// Bytes of the record batches on disk.
  int64_t bytes = 0;
};

/// Where a group goes on: the next offset to read, the lowest offset it may need again to rebuild state, and bytes of
/// the group's own that are committed with them.
struct GroupPosition {
  Offset next;
  Offset recovery;
  std::string metadata;
};

/// Records of one partition that one read gave, with what keeps their bytes alive.
struct RecordSet {
  std::vector<RecordView> records;
  std::vector<std::shared_ptr<const void>> owners;
  /// Offset to read from next.
  Offset next;

  void clear() {
    records.clear();
    owners.clear();
  }
};

/// What one commit makes durable. Appends go to the end of their partitions in the order given.
struct Transaction {
  struct Append {
    TopicPartition target;
    RecordBatchBuilder records;
  };
  struct Position {
    std::string group;
    TopicPartition source;
    GroupPosition position;
  };
  std::vector<Append> appends;
  std::vector<Position> positions;
  /// Writes to Space::kState and Space::kTable only.
  WriteBatch state;
};

class EventLog {
 public:
  virtual ~EventLog() = default;

  /// Creates the topic unless it exists; an existing topic is never altered. Returns it as it is.
  virtual Result<TopicDescription> create_topic(const TopicConfig& config) = 0;
  virtual Result<TopicDescription> describe_topic(std::string_view topic) = 0;
  /// Ordered by name.
  virtual Result<std::vector<std::string>> topics() = 0;

  /// Clears `out` and fills it with whole batches from `from` on, stopping after `max_bytes` (at least one batch when
  /// there is one). Records before `from` are left out. At the end of the partition `out` stays empty. `out.next` may move on
  /// without records, over marks of transactions; the end is where it does not.
  virtual Status read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) = 0;
  virtual Result<OffsetRange> offsets(const TopicPartition& source) = 0;
  /// Waits until some record at or after `from` exists or `timeout_ms` passed; true when there is one.
  virtual Result<bool> await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) = 0;

  /// All or nothing; synchronous and durable when it returns. Records with ingest_time 0 get the log's clock.
  virtual Status commit(Transaction&& transaction, Durability durability) = 0;
  virtual Result<std::optional<GroupPosition>> position(std::string_view group, const TopicPartition& source) = 0;
};

/// Kafka's partitioner: murmur2 of the key, as Java's DefaultPartitioner computes it.
PartitionId partition_for_key(std::string_view key, int32_t partitions);

}  // namespace meterstream
