// Purpose: the log as a sink with a store of its own sees it: records come from Kafka; rows and positions go to the
//          local store in one write.
// Guarantee: rows and position are one write, so a sink loses nothing and doubles nothing. Records that it appends
//            (rejected ones) are on Kafka before that write: after a crash they may be there twice, with the same id.
// Thread-safety: as KafkaLog. `log` and `local` must outlive it.
// Errors: those of both. Positions belong to a topic, not to its name: one that was deleted and made again starts anew.
#pragma once

#include "connectors/kafka/kafka_log.h"
#include "log/forwarding_log.h"

namespace meterstream {

class KafkaSinkLog final : public ForwardingLog {
 public:
  KafkaSinkLog(KafkaLog& log, KeyValueStore& local) : ForwardingLog(log), topics_(log.kafka_topics()), local_(local) {}

  Status commit(Transaction&& transaction, Durability durability) override;
  Result<std::optional<GroupPosition>> position(std::string_view group, const TopicPartition& source) override;

 private:
  Result<std::string> key_of(std::string_view group, const TopicPartition& source);

  KafkaTopics& topics_;
  KeyValueStore& local_;
};

}  // namespace meterstream
