#include "connectors/kafka/kafka_survey.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "connectors/kafka/kafka_handles.h"

namespace meterstream {
namespace {

using Metadata = KafkaOwner<const struct rd_kafka_metadata, rd_kafka_metadata_destroy>;
using GroupList = KafkaOwner<const struct rd_kafka_group_list, rd_kafka_group_list_destroy>;
using OffsetsRequest = KafkaOwner<rd_kafka_ListConsumerGroupOffsets_t, rd_kafka_ListConsumerGroupOffsets_destroy>;
using AdminOptions = KafkaOwner<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;

constexpr int kPollMs = 50;

std::string address_of(const rd_kafka_metadata_broker& broker) {
  return fmt::format("{}:{}", broker.host, broker.port);
}

KafkaTopicHealth health_of(const rd_kafka_metadata_topic& topic) {
  KafkaTopicHealth health;
  health.name = topic.topic;
  health.partitions = topic.partition_cnt;
  health.copies = topic.partition_cnt > 0 ? INT32_MAX : 0;
  for (int index = 0; index < topic.partition_cnt; ++index) {
    const rd_kafka_metadata_partition& partition = topic.partitions[index];
    health.copies = std::min(health.copies, static_cast<int32_t>(partition.replica_cnt));
    if (partition.leader < 0) ++health.without_leader;
    if (partition.isr_cnt < partition.replica_cnt) ++health.behind;
  }
  return health;
}

}  // namespace

bool parse_api_version_line(std::string_view line, std::string& broker, std::string& request, int& highest) {
  constexpr std::string_view kKey = "ApiKey ";
  constexpr std::string_view kThread = "]: ";
  const size_t key = line.find(kKey);
  const size_t thread = line.find(kThread);
  const size_t dots = line.rfind("..");
  if (key == std::string_view::npos || thread == std::string_view::npos || dots == std::string_view::npos) return false;
  std::string_view rest = line.substr(thread + kThread.size());
  const size_t broker_end = rest.find(": ");
  const std::string_view name = line.substr(key + kKey.size());
  const size_t name_end = name.find(' ');
  if (broker_end == std::string_view::npos || name_end == std::string_view::npos) return false;
  const char* number = line.data() + dots + 2;
  if (std::from_chars(number, line.data() + line.size(), highest).ec != std::errc()) return false;
  rest = rest.substr(0, broker_end);
  if (const size_t scheme = rest.find("://"); scheme != std::string_view::npos) rest.remove_prefix(scheme + 3);
  broker = rest;
  request = name.substr(0, name_end);
  return true;
}

struct KafkaSurvey::State {
  /// Takes what the brokers said since the last call; false when they said nothing for a moment.
  bool take_answers(std::vector<KafkaBrokerAnswer>& brokers) const {
    bool is_any = false;
    for (KafkaEvent event(rd_kafka_queue_poll(log.get(), kPollMs)); event;
         event.reset(rd_kafka_queue_poll(log.get(), 0))) {
      is_any = true;
      const char* facility = nullptr;
      const char* text = nullptr;
      int level = 0;
      std::string name;
      std::string request;
      int highest = 0;
      if (rd_kafka_event_log(event.get(), &facility, &text, &level) != 0 ||
          !parse_api_version_line(text, name, request, highest)) {
        continue;
      }
      for (KafkaBrokerAnswer& broker : brokers) {
        // The connection by which the cluster was found has no id yet, but the same address.
        if (!name.starts_with(broker.address + "/")) continue;
        broker.has_answered = true;
        broker.requests[request] = highest;
      }
    }
    return is_any;
  }

  Result<Metadata> metadata(bool all_topics) const {
    const struct rd_kafka_metadata* answer = nullptr;
    const rd_kafka_resp_err_t code = rd_kafka_metadata(client.get(), all_topics ? 1 : 0, nullptr, &answer, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, "cluster");
    return Metadata(answer);
  }

  Result<std::vector<KafkaGroupState::Position>> positions(const char* group) const {
    const OffsetsRequest request(rd_kafka_ListConsumerGroupOffsets_new(group, nullptr));
    rd_kafka_ListConsumerGroupOffsets_t* requests[] = {request.get()};
    const AdminOptions options(rd_kafka_AdminOptions_new(client.get(), RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS));
    const KafkaQueue queue(rd_kafka_queue_new(client.get()));
    rd_kafka_ListConsumerGroupOffsets(client.get(), requests, 1, options.get(), queue.get());
    const KafkaEvent event(rd_kafka_queue_poll(queue.get(), timeout_ms));
    const std::string what = fmt::format("offsets of group {}", group);
    if (!event) return kafka_error(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
    if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return kafka_error(rd_kafka_event_error(event.get()), what);
    }
    size_t count = 0;
    const auto* const* groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
    std::vector<KafkaGroupState::Position> found;
    if (count != 1) return found;
    const rd_kafka_topic_partition_list_t* list = rd_kafka_group_result_partitions(groups[0]);
    for (int index = 0; list != nullptr && index < list->cnt; ++index) {
      const rd_kafka_topic_partition_t& position = list->elems[index];
      if (position.offset < 0) continue;
      found.push_back({{position.topic, PartitionId(position.partition)}, Offset(position.offset)});
    }
    return found;
  }

  KafkaClient client;
  KafkaQueue log;
  int timeout_ms = 0;
};

KafkaSurvey::KafkaSurvey(std::unique_ptr<State> state) : state_(std::move(state)) {}
KafkaSurvey::~KafkaSurvey() = default;

Result<std::unique_ptr<KafkaSurvey>> KafkaSurvey::open(const KafkaSettings& settings) {
  ASSIGN_OR_RETURN(auto properties, kafka_configuration(settings, KafkaClientKind::kTopics));
  properties["debug"] = "feature";
  properties["log.queue"] = "true";
  // A connection to each broker, not only to those that are needed.
  properties["enable.sparse.connections"] = "false";
  ASSIGN_OR_RETURN(KafkaConfiguration configuration, make_configuration(properties));
  auto state = std::make_unique<State>();
  ASSIGN_OR_RETURN(state->client, make_client(RD_KAFKA_CONSUMER, std::move(configuration)));
  state->log.reset(rd_kafka_queue_new(state->client.get()));
  const rd_kafka_resp_err_t code = rd_kafka_set_log_queue(state->client.get(), state->log.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, "diagnostics of the client");
  state->timeout_ms = static_cast<int>(settings.request_timeout_ms);
  return std::unique_ptr<KafkaSurvey>(new KafkaSurvey(std::move(state)));
}

Result<std::vector<KafkaBrokerAnswer>> KafkaSurvey::brokers() {
  ASSIGN_OR_RETURN(const Metadata metadata, state_->metadata(false));
  std::vector<KafkaBrokerAnswer> brokers(static_cast<size_t>(metadata->broker_cnt));
  for (size_t index = 0; index < brokers.size(); ++index) {
    brokers[index].id = metadata->brokers[index].id;
    brokers[index].address = address_of(metadata->brokers[index]);
  }
  std::ranges::sort(brokers, {}, &KafkaBrokerAnswer::id);
  const auto has_answered = [](const KafkaBrokerAnswer& broker) { return broker.has_answered; };
  const KafkaDeadline deadline(state_->timeout_ms);
  while (!std::ranges::all_of(brokers, has_answered) && !deadline.is_over()) state_->take_answers(brokers);
  // An answer has many lines.
  while (state_->take_answers(brokers) && !deadline.is_over()) {
  }
  return brokers;
}

Result<std::vector<KafkaTopicHealth>> KafkaSurvey::topics() {
  ASSIGN_OR_RETURN(const Metadata metadata, state_->metadata(true));
  std::vector<KafkaTopicHealth> topics;
  topics.reserve(static_cast<size_t>(metadata->topic_cnt));
  for (int index = 0; index < metadata->topic_cnt; ++index) topics.push_back(health_of(metadata->topics[index]));
  std::ranges::sort(topics, {}, &KafkaTopicHealth::name);
  return topics;
}

Result<std::vector<KafkaGroupState>> KafkaSurvey::groups() {
  const struct rd_kafka_group_list* answer = nullptr;
  const rd_kafka_resp_err_t code = rd_kafka_list_groups(state_->client.get(), nullptr, &answer, state_->timeout_ms);
  const GroupList list(answer);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__PARTIAL) return kafka_error(code, "groups");
  std::vector<KafkaGroupState> groups;
  for (int index = 0; list && index < list->group_cnt; ++index) {
    const rd_kafka_group_info& info = list->groups[index];
    KafkaGroupState group{info.group, info.state, info.member_cnt, {}};
    ASSIGN_OR_RETURN(group.positions, state_->positions(info.group));
    groups.push_back(std::move(group));
  }
  std::ranges::sort(groups, {}, &KafkaGroupState::name);
  return groups;
}

}  // namespace meterstream
