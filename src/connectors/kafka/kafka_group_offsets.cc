#include "connectors/kafka/kafka_group_offsets.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "connectors/kafka/kafka_topics.h"

namespace meterstream {
namespace {

constexpr auto kPause = std::chrono::milliseconds(20);
// Of one question: the next one may go to another broker.
constexpr int kQuestionMs = 2'000;

/// A refusal comes as a message of the consumer, of which there are no others.
Status look_at_errors(rd_kafka_t* client, std::string_view what) {
  using Message = KafkaOwner<rd_kafka_message_t, rd_kafka_message_destroy>;
  while (const Message message{rd_kafka_consumer_poll(client, 0)}) {
    if (error_code_of(message->err) == ErrorCode::kInvalid)
      return kafka_error(message->err, what, rd_kafka_message_errstr(message.get()));
  }
  return {};
}

}  // namespace

Result<rd_kafka_t*> KafkaGroupOffsets::client_of(std::string_view group) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = clients_.find(group); found != clients_.end()) return found->second.get();
  ASSIGN_OR_RETURN(auto properties, kafka_configuration(settings_, KafkaClientKind::kConsumer));
  properties["group.id"] = group;
  ASSIGN_OR_RETURN(KafkaConfiguration configuration, make_configuration(properties));
  ASSIGN_OR_RETURN(KafkaClient client, make_client(RD_KAFKA_CONSUMER, std::move(configuration)));
  rd_kafka_poll_set_consumer(client.get());
  return clients_.emplace(group, std::move(client)).first->second.get();
}

Result<std::optional<GroupPosition>> KafkaGroupOffsets::position(std::string_view group, const TopicPartition& source) {
  const std::string what =
      fmt::format("offset of group {} in topic {} partition {}", group, source.topic, source.partition.value);
  ASSIGN_OR_RETURN(rd_kafka_t* const client, client_of(group));
  const KafkaDeadline deadline(settings_.request_timeout_ms);
  for (;;) {
    RETURN_IF_ERROR(look_at_errors(client, what));
    const KafkaPartitionList list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), source.topic.c_str(), source.partition.value);
    rd_kafka_resp_err_t code = rd_kafka_committed(client, list.get(), std::min(deadline.left_ms(), kQuestionMs));
    const rd_kafka_topic_partition_t& committed = list->elems[0];
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = committed.err;
    if (code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) return std::nullopt;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (committed.offset < 0) return std::nullopt;
      const auto* metadata = static_cast<const char*>(committed.metadata);
      return decode_offset_metadata(
          Offset(committed.offset),
          metadata == nullptr ? std::string_view() : std::string_view(metadata, committed.metadata_size));
    }
    if (error_code_of(code) != ErrorCode::kUnavailable || deadline.is_over()) return kafka_error(code, what);
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace meterstream
