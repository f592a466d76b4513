// Purpose: port of what makes a KafkaLog's commit durable: records of any partitions and the offsets of consumer groups.
//          KafkaProducer does it by transactions, KafkaPlainProducer without.
// Thread-safety: commits queue behind each other. Each blocks until the cluster has answered.
// Errors of commit: kUnavailable (when is_usable() is still true: try again; otherwise the outcome is unknown: make a new
//         writer and read the position), kConflict (fenced: drop the task), kInvalid (record too large, no permission),
//         kNotFound (topic deleted).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/record.h"
#include "log/event_log.h"

namespace meterstream {

class KafkaConsumer;

/// Records for one partition, in order.
struct KafkaAppend {
  TopicPartition target;
  std::span<const RecordView> records;
  /// Set by commit() when `wants_offset`: offset of the last record.
  Offset last;
  bool wants_offset = false;
  /// Where a commit is not atomic: written only when everything before it is durable.
  bool follows_others = false;
};

struct KafkaGroupOffset {
  TopicPartition source;
  Offset next;
  std::string metadata;
};

/// Offsets of one group.
struct KafkaGroupCommit {
  std::string group;
  std::vector<KafkaGroupOffset> offsets;
  /// The member whose offsets they are; null without one. Outlives the commit. Its place in the group goes with them, as
  /// it is when they are sent, and the broker refuses them once the member has lost it. So partitions that the member
  /// has to give back are in a commit that is settled before the listener returns.
  KafkaConsumer* member = nullptr;
};

class KafkaWriter {
 public:
  virtual ~KafkaWriter() = default;

  virtual Status commit(std::span<KafkaAppend> appends, std::span<const KafkaGroupCommit> groups) = 0;
  /// False after a fatal error or a commit of unknown outcome: make a new one.
  [[nodiscard]] virtual bool is_usable() const = 0;
  /// Whether a commit is all or nothing for readers of committed records.
  [[nodiscard]] virtual bool is_atomic() const = 0;
};

}  // namespace meterstream
