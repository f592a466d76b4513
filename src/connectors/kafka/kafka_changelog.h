// Purpose: state and positions of one task in one partition of a compacted topic, mirrored into a local store.
// Records: key = a letter for the space (S kState, T kTable, M positions) and the key in that space; value = the value,
//          null for an erased key. Positions have the key "Mposition/<group>/<topic>/<partition>".
//          docs/formats/kafka-topics.md.
// Guarantee: after restore() the mirror holds what the last committed transaction left, also when its owner died with a
//            transaction pending or this process died between commit and mirror. Where records are framed
//            (kafka_changelog_frame.h) instead of written by transactions: what the last whole commit left, also when its
//            owner died in the middle of the next, or still writes.
//            A mirror that follows an owner elsewhere is at every moment one that restore() brings up to the end.
// Thread-safety: one task's thread. The local store may be shared by several tasks.
// Ownership: consumer, topics and store must outlive the changelog.
// Errors: those of consumer, topics and store. kInvalid for a write outside of the prefixes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/kafka/kafka_changelog_frame.h"
#include "connectors/kafka/kafka_consumer.h"
#include "connectors/kafka/kafka_topics.h"
#include "log/event_log.h"
#include "state/key_value_store.h"

namespace meterstream {

struct KafkaChangelogOptions {
  TopicPartition partition;
  /// The task's own keys in the local store: what begins with one of these. Empty: all of kState and kTable.
  std::vector<std::pair<Space, std::string>> prefixes;
  /// The mirror is written in batches of about this size during restore(); two of them are in memory at a time.
  size_t restore_batch_bytes = size_t{32} << 20;
  /// So much is read at a time.
  size_t read_bytes = size_t{4} << 20;
  /// A mirror that was complete last before so long is not trusted: its erased keys may be gone from the changelog.
  int64_t mirror_age_ms = int64_t{12} * 3600 * 1000;
  /// The changelog's records are not written by transactions: frame them, and take_over() before the first commit.
  bool is_framed = false;
};

class KafkaChangelog {
 public:
  /// `consumer` reads without a group (a member cannot read partitions outside of its assignment).
  KafkaChangelog(KafkaChangelogOptions options, KafkaConsumer& consumer, KafkaTopics& topics, KeyValueStore& local);
  ~KafkaChangelog();

  /// Creates the compacted topic unless it exists, with one partition for each task.
  static Status create_topic(KafkaTopics& topics, std::string_view topic, int32_t partitions);

  struct Restored {
    int64_t entries = 0;
    /// False when the local mirror served and only the tail was read.
    bool is_rebuilt = false;
  };
  /// Brings the mirror up to the end. Waits for pending transactions. Must come before all else.
  Result<Restored> restore();

  struct Followed {
    int64_t entries = 0;
    /// Offsets from what was read to what is committed.
    int64_t behind = 0;
    /// The mirror did not serve: this is the first look after a beginning from the beginning.
    bool is_rebuilt = false;
  };
  /// Instead of restore(), for the copy of a partition whose owner is elsewhere; in turns with keep(), for as long as it
  /// follows. Reads some of what is committed into memory, and waits for no more to come. After an error the next call
  /// begins anew from the mirror.
  Result<Followed> follow();
  /// Writes what was read into the mirror. Nobody else may have written there since the first follow().
  Status keep();

  /// From the mirror.
  Result<std::optional<GroupPosition>> position(std::string_view group, const TopicPartition& source) const;

  /// The records with which a new owner of a framed changelog begins; taken_over() after they are written.
  Result<RecordBatchBuilder> take_over();
  /// kUnavailable: somebody else wrote meanwhile; restore again, in a new object.
  Status taken_over(Offset last);

  /// The changelog records of a transaction; ranges to erase become one record for each key there is.
  Result<RecordBatchBuilder> records(const Transaction& transaction);
  /// After the commit of those records: writes them into the mirror, buffered: what a crash takes away, restore()
  /// brings again. `last` is the offset of the last record. kConflict, of a framed changelog: somebody else wrote
  /// to it; restore again, in a new object.
  Status apply(Transaction&& transaction, Offset last);

  [[nodiscard]] bool is_framed() const { return options_.is_framed; }

  [[nodiscard]] const TopicPartition& partition() const { return options_.partition; }

 private:
  struct Tail;
  class Writing;
  /// How far the mirror is true, and the time up to which that was everything.
  struct Checkpoint {
    Offset next;
    int64_t complete_ms = 0;
  };
  /// nullopt when the mirror must be built anew.
  Result<std::optional<Checkpoint>> checkpoint() const;
  /// Where to read on from; does not write.
  Result<Tail> begin();
  Status follow_once(Followed& followed);
  Status keep_tail(Tail& tail);
  Status wipe();
  /// What is to be written, with its checkpoint.
  BulkBatch take(Tail& tail) const;
  Status write(BulkBatch batch);
  Status read(const RecordSet& records, Tail& tail) const;
  Status check_record(const RecordView& record) const;
  void add(std::string_view key, std::optional<std::string_view> value, Tail& tail) const;
  /// Where a record's key is in the mirror.
  [[nodiscard]] std::pair<Space, std::string> local_key(std::string_view key) const;
  Status add_repairs(RecordBatchBuilder& records, std::string_view headers) const;
  [[nodiscard]] KafkaChangelogFrame frame(bool is_last) const;
  void add_mark(RecordBatchBuilder& records);
  /// True when nothing came between the records of this owner.
  bool advance(Offset last);
  Status check_key(const WriteBatch::Operation& operation) const;
  Status add_range(const WriteBatch& state, size_t index, std::string_view headers, RecordBatchBuilder& records) const;
  [[nodiscard]] std::string encode(const Checkpoint& checkpoint) const;
  [[nodiscard]] std::string name() const;

  KafkaChangelogOptions options_;
  KafkaConsumer& consumer_;
  KafkaTopics& topics_;
  KeyValueStore& local_;
  const std::string meta_prefix_;  ///< of its keys in kMeta
  const std::string checkpoint_key_;
  std::string topic_id_;
  KafkaChangelogWriter writer_;
  uint32_t commit_ = 0;
  Offset next_;         ///< behind what was read and written
  uint32_t count_ = 0;  ///< records of the commit under way
  std::map<std::string, KafkaTornKey, std::less<>> torn_;
  std::unique_ptr<Tail> followed_;
};

}  // namespace meterstream
