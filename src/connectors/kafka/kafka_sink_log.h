// Purpose: the log as a sink with a store of its own sees it: records come from Kafka; rows and positions go to the
//          local store in one write.
// Guarantee: rows and position are one write, so a sink loses nothing and doubles nothing. Records that it appends
//            (rejected ones) are on Kafka before that write: after a crash they may be there twice, with the same id.
// Thread-safety: as KafkaLog. `log`, `topics` and `local` must outlive it.
// Errors: those of both. Positions belong to a topic, not to its name: one that was deleted and made again starts anew.
#pragma once

#include "connectors/kafka/kafka_log.h"

namespace meterstream {

class KafkaSinkLog final : public EventLog {
 public:
  KafkaSinkLog(KafkaLog& log, KeyValueStore& local) : log_(log), local_(local) {}

  Result<TopicDescription> create_topic(const TopicConfig& config) override { return log_.create_topic(config); }
  Result<TopicDescription> describe_topic(std::string_view topic) override { return log_.describe_topic(topic); }
  Result<std::vector<std::string>> topics() override { return log_.topics(); }
  Status read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) override {
    return log_.read(source, from, max_bytes, out);
  }
  Result<OffsetRange> offsets(const TopicPartition& source) override { return log_.offsets(source); }
  Result<bool> await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) override {
    return log_.await_data(source, from, timeout_ms);
  }
  Status commit(Transaction&& transaction, Durability durability) override;
  Result<std::optional<GroupPosition>> position(std::string_view group, const TopicPartition& source) override;

 private:
  Result<std::string> key_of(std::string_view group, const TopicPartition& source);

  KafkaLog& log_;
  KeyValueStore& local_;
};

}  // namespace meterstream
