// Purpose: topics, offsets and group positions of a Kafka cluster: the questions that need no consumer or producer.
// Guarantee: create never alters a topic that exists. Topics made here keep all records (retention.ms=-1) and stamp them
//            with the time of arrival that the writer gives, unless the configuration says otherwise.
// Thread-safety: all methods may be called concurrently. Each waits for the cluster, at most the request timeout.
// Errors: kNotFound (topic), kInvalid (name, partition, permission), kUnavailable (cluster away: retry).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/kafka/kafka_settings.h"
#include "log/event_log.h"

namespace meterstream {

struct KafkaTopicOptions {
  /// The latest record of each key stays for ever: changelogs and tables.
  bool is_compacted = false;
  /// 0: KafkaSettings::replication. With three copies or more min.insync.replicas is one less.
  int32_t replication = 0;
  /// Topic settings of Kafka that go with the request, such as {"max.message.bytes", "10485760"}.
  std::map<std::string, std::string> configuration;
};

struct KafkaCluster {
  std::string id;
  struct Broker {
    int32_t id = 0;
    std::string address;  ///< host:port
  };
  std::vector<Broker> brokers;
  int32_t controller = -1;
};

class KafkaTopics {
 public:
  /// Does not wait for the cluster.
  static Result<std::unique_ptr<KafkaTopics>> open(const KafkaSettings& settings);
  ~KafkaTopics();

  Result<TopicDescription> create(const TopicConfig& config, const KafkaTopicOptions& options = {});
  /// TopicDescription::bytes is 0: the protocol does not tell.
  Result<TopicDescription> describe(std::string_view topic);
  /// Ordered by name, without Kafka's internal topics.
  Result<std::vector<std::string>> list();
  Result<KafkaCluster> cluster();
  /// All settings of a topic as they are in force.
  Result<std::map<std::string, std::string>> configuration(std::string_view topic);
  /// Changes with each topic that is created, also under the same name.
  Result<std::string> topic_id(std::string_view topic);

  /// Number of partitions; remembered for topics that were seen, until forget().
  Result<int32_t> partitions(std::string_view topic);
  /// kNotFound or kInvalid unless the partition exists; takes no time for topics that were seen.
  Status check(const TopicPartition& partition);
  void forget(std::string_view topic);

  enum class End : uint8_t {
    kStable,  ///< last stable offset: what a reader of committed records reaches now
    kHigh,    ///< high watermark: also pending transactions
  };
  /// One range for each of `partitions`, which must exist.
  Result<std::vector<OffsetRange>> offsets(const std::vector<TopicPartition>& partitions, End end);
  /// The ends only, in one round trip less.
  Result<std::vector<Offset>> ends(const std::vector<TopicPartition>& partitions, End end);

  /// First offset whose record arrived at or after `time`; the end when there is none.
  Result<Offset> offset_at(const TopicPartition& partition, IngestTime time);

  /// What the group committed; nullopt for nothing. Waits while a transaction that changes it is pending.
  Result<std::optional<GroupPosition>> group_position(std::string_view group, const TopicPartition& source);

  /// Records below `before` are gone afterwards.
  Status delete_records(const TopicPartition& partition, Offset before);
  Status remove(std::string_view topic);

 private:
  struct State;
  struct FoundTopic;
  Result<FoundTopic> look_up_patiently(std::string_view topic);
  explicit KafkaTopics(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// How a GroupPosition travels in the metadata of a committed offset of Kafka: text of at most 4096 bytes.
std::string encode_offset_metadata(const GroupPosition& position);
/// An offset committed by another program has no such metadata: recovery is then `next`.
GroupPosition decode_offset_metadata(Offset next, std::string_view metadata);

}  // namespace meterstream
