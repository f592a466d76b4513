#include "connectors/kafka/kafka_sink_log.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {

Result<std::string> KafkaSinkLog::key_of(std::string_view group, const TopicPartition& source) {
  ASSIGN_OR_RETURN(const std::string topic_id, topics_.topic_id(source.topic));
  return fmt::format("kafka/sink/{}/{}/{}/{}", group, source.topic, topic_id, source.partition);
}

Status KafkaSinkLog::commit(Transaction&& transaction, Durability durability) {
  WriteBatch batch = std::move(transaction.state);
  for (const Transaction::Position& position : transaction.positions) {
    ASSIGN_OR_RETURN(std::string key, key_of(position.group, position.source));
    std::string value;
    append_little_endian(value, position.position.next.value);
    append_little_endian(value, position.position.recovery.value);
    append_sized(value, position.position.metadata);
    batch.put(Space::kMeta, std::move(key), std::move(value));
  }
  if (!transaction.appends.empty()) {
    Transaction rejected;
    rejected.appends = std::move(transaction.appends);
    RETURN_IF_ERROR(inner().commit(std::move(rejected), durability));
  }
  return local_.write(batch, durability);
}

Result<std::optional<GroupPosition>> KafkaSinkLog::position(std::string_view group, const TopicPartition& source) {
  ASSIGN_OR_RETURN(const std::string key, key_of(group, source));
  ASSIGN_OR_RETURN(const auto value, local_.get(Space::kMeta, key));
  if (!value) return std::optional<GroupPosition>();
  ByteReader reader(value->bytes);
  GroupPosition position;
  position.next = Offset(reader.little_endian<int64_t>());
  position.recovery = Offset(reader.little_endian<int64_t>());
  position.metadata = reader.sized_bytes();
  if (!reader.ok()) return corrupt(fmt::format("the position {} of a sink cannot be read", key));
  return std::optional<GroupPosition>(std::move(position));
}

}  // namespace meterstream
