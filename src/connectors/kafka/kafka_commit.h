// Purpose: what one commit writes to a cluster: the records, state, positions and offsets of one log's transaction, or of
//          several logs that share a writer. Together they cost the round trips of one.
// Guarantee: the writer's, for all parts together. Without an atomic writer all results are durable before the first
//            changelog says that they are made.
// Thread-safety: none; write() may run on a thread of its own while nobody else touches the commit.
// Ownership: of everything in it, and of the changelogs together with the logs.
// Errors of write(): the writer's. Then no part counts: each task must be made anew from its last commit.
//        Of apply(): those of KafkaChangelog::apply.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/kafka/kafka_changelog.h"
#include "connectors/kafka/kafka_topics.h"
#include "connectors/kafka/kafka_writer.h"
#include "log/event_log.h"
#include "log/record_batch.h"

namespace meterstream {

/// A record batch with the views of its records, as a writer takes them.
struct KafkaRecordBatch {
  static Result<KafkaRecordBatch> parse(RecordBatchBuilder& builder, IngestTime now);

  std::string bytes;
  std::vector<RecordView> records;
};

/// The transaction of one log.
struct KafkaCommitPart {
  [[nodiscard]] bool is_empty() const { return appends.empty() && groups.empty(); }

  std::vector<KafkaRecordBatch> batches;
  /// Of the batches; the changelog's is the last.
  std::vector<KafkaAppend> appends;
  std::vector<KafkaGroupCommit> groups;
  /// Its mirror is given `transaction`; null when no state and no position changes.
  std::shared_ptr<KafkaChangelog> changelog;
  Transaction transaction;
};

class KafkaCommit {
 public:
  void add(KafkaCommitPart part);
  [[nodiscard]] bool is_empty() const { return parts_.empty(); }

  /// Blocks until the cluster has answered; with `visible_within_ms` above 0 also until the records can be read, but not
  /// longer than that.
  Status write(KafkaWriter& writer, KafkaTopics& topics, int64_t visible_within_ms);
  /// After write(): brings the mirrors of the changelogs up to date. Once.
  Status apply();

 private:
  [[nodiscard]] std::vector<KafkaGroupCommit> groups() const;

  std::vector<KafkaCommitPart> parts_;
};

}  // namespace meterstream
