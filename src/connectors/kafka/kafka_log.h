// Purpose: EventLog on a Kafka cluster.
// Use: connect() for programs that read and write topics (console, replay, track); the constructor for a worker that
//      shares a consumer and a producer among its tasks, each with a changelog of its own.
// Guarantee: EventLog's. Transactions are Kafka's; state goes to the changelog in the same transaction.
//            With a writer that is not atomic: results are durable before the changelog says that they are made, so a
//            commit that fails half-way is made again, and its appends may be there twice.
//            With a pipeline commit() only adds to its next commit: what is told as committed may still fail, and then
//            neither the log nor its task may be used any more.
//            Without a changelog positions are the committed offsets of Kafka's groups, and state is kInvalid.
// Non-guarantee: dense offsets; TopicDescription::bytes.
// Thread-safety: EventLog's, with a changelog only one thread may commit and ask for positions.
// Errors: EventLog's. After a commit failed with kUnavailable and the producer is not usable any more, its outcome is
//         unknown: make a new producer and log, restore, and ask position().
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "connectors/kafka/kafka_changelog.h"
#include "connectors/kafka/kafka_commit_pipeline.h"
#include "connectors/kafka/kafka_consumer.h"
#include "connectors/kafka/kafka_producer.h"
#include "connectors/kafka/kafka_topics.h"
#include "log/event_log.h"

namespace meterstream {

struct KafkaLogParts {
  std::shared_ptr<KafkaTopics> topics;
  std::shared_ptr<KafkaConsumer> consumer;
  /// Null: a transactional one is made at the first commit, with KafkaLogOptions::transactional_id.
  std::shared_ptr<KafkaWriter> producer;
  /// Null: no state, positions in Kafka's groups. Must be restored already.
  std::shared_ptr<KafkaChangelog> changelog;
  /// The member of KafkaLogOptions::group whose place lets offsets be committed; null: `consumer`, when it is one.
  std::shared_ptr<KafkaConsumer> member;
  /// What makes this log's commits, together with those of others; null: commit() does it at once.
  KafkaCommitPipeline* pipeline = nullptr;
};

struct KafkaLogOptions {
  KafkaSettings settings;
  /// Empty: a random one.
  std::string transactional_id;
  /// With a changelog: the lowest `next` of each source is also committed as this group's offset, so that tools see it
  /// and zombies are fenced. The member of this group gives its place. Empty: none.
  std::string group;
  /// How old the knowledge may be that a partition is at its end; see KafkaConsumer::read(). With 0, for bounded runs,
  /// a commit also returns only when its records can be read, a few milliseconds after they are durable.
  int64_t end_age_ms = 0;
  /// How old the answers of offsets() may be; at least `end_age_ms`. A question waits behind the fetch under way.
  int64_t offsets_age_ms = 0;
};

class KafkaLog final : public EventLog {
 public:
  /// For programs without a group. Does not wait for the cluster.
  static Result<std::unique_ptr<KafkaLog>> connect(const KafkaSettings& settings, std::string transactional_id = {});
  /// For following topics: whether a partition is at its end may be known from `end_age_ms` ago.
  static Result<std::unique_ptr<KafkaLog>> connect_follower(const KafkaSettings& settings, int64_t end_age_ms);
  KafkaLog(KafkaLogParts parts, KafkaLogOptions options);
  ~KafkaLog() override;

  Result<TopicDescription> create_topic(const TopicConfig& config) override;
  Result<TopicDescription> describe_topic(std::string_view topic) override;
  Result<std::vector<std::string>> topics() override;
  Status read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) override;
  Result<OffsetRange> offsets(const TopicPartition& source) override;
  Result<bool> await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) override;
  /// Always durable on all in-sync replicas, whatever `durability` says.
  Status commit(Transaction&& transaction, Durability durability) override;
  Result<std::optional<GroupPosition>> position(std::string_view group, const TopicPartition& source) override;

  /// With a changelog that is not written by transactions: to be called before the first commit.
  Status take_over();

  /// For what the port does not know: compacted topics, settings, the cluster.
  [[nodiscard]] KafkaTopics& kafka_topics() { return *parts_.topics; }

 private:
  Status check_transaction(const Transaction& transaction) const;
  Result<std::shared_ptr<KafkaWriter>> producer();
  [[nodiscard]] bool waits_for_visibility() const { return options_.end_age_ms == 0; }
  Result<KafkaCommitPart> prepare(Transaction&& transaction) const;
  Result<std::vector<KafkaGroupCommit>> group_commits(const Transaction& transaction) const;

  KafkaLogParts parts_;
  KafkaLogOptions options_;
  std::mutex producer_mutex_;
};

}  // namespace meterstream
