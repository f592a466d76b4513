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
class KafkaGroupMetadata;

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

/// Offsets of one group. With a member's place the broker refuses them once the member has lost it.
struct KafkaGroupCommit {
  std::string group;
  std::shared_ptr<const KafkaGroupMetadata> member;
  std::vector<KafkaGroupOffset> offsets;
  /// The member itself; null without one. Outlives the commit.
  KafkaConsumer* consumer = nullptr;
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
