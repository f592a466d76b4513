#include "connectors/kafka/kafka_handles.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "connectors/kafka/kafka_refusal.h"

namespace meterstream {
namespace {

void forward_log(const rd_kafka_t* /*client*/, int level, const char* facility, const char* text) {
  const std::string_view kind(facility);
  // One set of settings serves all kinds of clients, and each warns of what is not its own.
  if (kind == "CONFWARN") return;
  if (level <= 3) {
    // What fails is told by the call that needs it.
    constexpr std::array<std::string_view, 7> kTold = {"FAIL",       "ERROR", "TXNERR", "ADDPARTS",
                                                       "ADDOFFSETS", "FATAL", "SSL"};
    if (std::ranges::find(kTold, kind) != kTold.end())
      spdlog::debug("Kafka client: {}: {}", kind, text);
    else
      spdlog::warn("Kafka client: {}: {}", kind, text);
  } else if (level <= 5) {
    spdlog::debug("Kafka client: {}: {}", kind, text);
  } else {
    spdlog::trace("Kafka client: {}: {}", kind, text);
  }
}

void note_and_forward_log(const rd_kafka_t* client, int level, const char* facility, const char* text) {
  if (std::string_view(facility) == "FAIL") static_cast<KafkaRefusals*>(rd_kafka_opaque(client))->note(text);
  forward_log(client, level, facility, text);
}

std::string_view advice_for(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
      return "see that the brokers run and that --kafka names an address of theirs, then try again";
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return "see the security settings under [kafka.librdkafka]";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return "this user lacks a right on the topic; grant it: kafka-acls --add --allow-principal User:NAME --operation "
             "Describe, Read, Write or Create --topic TOPIC";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return "this user lacks the right Read on the consumer group; grant it: kafka-acls --add --allow-principal "
             "User:NAME --operation Read --group GROUP";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return "this user lacks a right on the cluster itself; grant it: kafka-acls --add --allow-principal User:NAME "
             "--operation Describe or IdempotentWrite --cluster";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return "this user lacks the right Write on the transactional id; grant it: kafka-acls --add --allow-principal "
             "User:NAME --operation Write --operation Describe --resource-pattern-type prefixed --transactional-id "
             "BEGIN-OF-ID";
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
      return "the topic does not exist, or was deleted";
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return "raise max.message.bytes of the topic";
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return "too few brokers hold the partition; start the missing ones";
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      return "another process has taken over";
    default:
      return {};
  }
}

}  // namespace

ErrorCode error_code_of(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND:
      return ErrorCode::kNotFound;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING:
    case RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_FENCED_MEMBER_EPOCH:
    case RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_INVALID_TXN_STATE:
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
      return ErrorCode::kConflict;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
      return ErrorCode::kCorrupt;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return ErrorCode::kOutOfRange;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return ErrorCode::kConflict;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR__UNKNOWN_GROUP:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__NOT_CONFIGURED:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE:
      return ErrorCode::kInvalid;
    default:
      return ErrorCode::kUnavailable;
  }
}

bool is_moving(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
      return true;
    default:
      return false;
  }
}

Error kafka_error(rd_kafka_resp_err_t code, std::string_view what, std::string_view reason, std::string_view right) {
  std::string message = fmt::format("Kafka: {}: {}", what, rd_kafka_err2str(code));
  if (!reason.empty()) message += fmt::format(" ({})", reason);
  if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && !right.empty()) {
    // A transaction fails as a whole; the library tells only its log which topic it was.
    const bool is_one_of_many = right == "Write";
    message += fmt::format(
        "; this user lacks the right {} on {}; grant it: kafka-acls --add --allow-principal User:NAME --operation {} "
        "--topic TOPIC",
        right,
        is_one_of_many ? "a topic that is written (results, late or rejected records, changelog; see --verbose)"
                       : "the topic",
        right);
  } else if (const std::string_view advice = advice_for(code); !advice.empty()) {
    message += fmt::format("; {}", advice);
  }
  return {error_code_of(code), std::move(message)};
}

Result<KafkaConfiguration> make_configuration(const std::map<std::string, std::string>& properties) {
  KafkaConfiguration configuration(rd_kafka_conf_new());
  std::array<char, 512> reason{};
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(configuration.get(), name.c_str(), value.c_str(), reason.data(), reason.size()) !=
        RD_KAFKA_CONF_OK)
      // The value may be a secret.
      return invalid(
          fmt::format("Kafka: setting {}: {}; see [kafka.librdkafka] in the configuration", name, reason.data()));
  }
  rd_kafka_conf_set_log_cb(configuration.get(), &forward_log);
  return configuration;
}

void watch_refusals(rd_kafka_conf_t& configuration, KafkaRefusals& refusals) {
  rd_kafka_conf_set_opaque(&configuration, &refusals);
  rd_kafka_conf_set_log_cb(&configuration, &note_and_forward_log);
}

// The library waits without an end for its threads, and some waited for brokers that were away.
void end_client(rd_kafka_t* client) {
  const auto ended = std::make_shared<std::promise<void>>();
  const std::future<void> end = ended->get_future();
  // What receives its messages may end before it.
  rd_kafka_set_log_level(client, 0);
  std::thread([client, ended] {
    rd_kafka_destroy(client);
    ended->set_value();
  }).detach();
  if (end.wait_for(std::chrono::milliseconds(kClientEndMs)) == std::future_status::ready) return;
  spdlog::warn("Kafka: a client did not end within {} ms and is left behind; please report this", kClientEndMs);
}

Result<KafkaClient> make_client(rd_kafka_type_t type, KafkaConfiguration configuration) {
  std::array<char, 512> reason{};
  rd_kafka_t* client = rd_kafka_new(type, configuration.get(), reason.data(), reason.size());
  if (client == nullptr) {
    const bool is_file = std::string_view(reason.data()).starts_with("ssl.");
    return invalid(fmt::format("Kafka: the client could not start: {}; {}see [kafka.librdkafka]", reason.data(),
                               is_file ? "does the file exist, is it PEM, and may this user read it? " : ""));
  }
  // The client owns it now.
  [[maybe_unused]] const rd_kafka_conf_t* given = configuration.release();
  return KafkaClient(client);
}

KafkaPartitionList offset_list(rd_kafka_t* client, std::span<const KafkaGroupOffset> offsets) {
  KafkaPartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const KafkaGroupOffset& offset : offsets) {
    rd_kafka_topic_partition_t* entry =
        rd_kafka_topic_partition_list_add(list.get(), offset.source.topic.c_str(), offset.source.partition.value);
    entry->offset = offset.next.value;
    if (offset.metadata.empty()) continue;
    entry->metadata = rd_kafka_mem_malloc(client, offset.metadata.size());
    std::ranges::copy(offset.metadata, static_cast<char*>(entry->metadata));
    entry->metadata_size = offset.metadata.size();
  }
  return list;
}

// The connection of the first question may end when its answer names the brokers. The second makes one that stays.
void await_broker(rd_kafka_t* client, rd_kafka_topic_t* topic, int within_ms) {
  constexpr int kFirstSliceMs = 20;
  constexpr int kLongestSliceMs = 1'000;
  constexpr auto kPause = std::chrono::milliseconds(2);
  const KafkaDeadline deadline(within_ms);
  int answers = 0;
  for (int slice_ms = kFirstSliceMs; answers < 2 && !deadline.is_over();
       slice_ms = std::min(slice_ms * 2, kLongestSliceMs)) {
    const rd_kafka_metadata_t* answer = nullptr;
    if (rd_kafka_metadata(client, 0, topic, &answer, std::min(deadline.left_ms(), slice_ms)) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    rd_kafka_metadata_destroy(answer);
    ++answers;
  }
}

}  // namespace meterstream
