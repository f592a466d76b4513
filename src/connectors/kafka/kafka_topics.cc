#include "connectors/kafka/kafka_topics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/nearest_name.h"
#include "connectors/kafka/kafka_group_offsets.h"
#include "connectors/kafka/kafka_handles.h"
#include "connectors/kafka/kafka_refusal.h"
#include "log/topic_registry.h"

namespace meterstream {
namespace {

using AdminOptions = KafkaOwner<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using NewTopic = KafkaOwner<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using ConfigResource = KafkaOwner<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;
using TopicCollection = KafkaOwner<rd_kafka_TopicCollection_t, rd_kafka_TopicCollection_destroy>;
using Metadata = KafkaOwner<const struct rd_kafka_metadata, rd_kafka_metadata_destroy>;

constexpr int32_t kMaxPartitions = 10'000;
constexpr int kBrokersForThreeCopies = 3;
constexpr auto kPause = std::chrono::milliseconds(20);
constexpr int kLookMs = 100;
// Until every broker has heard of a new topic and who leads it.
constexpr int kSpreadingMs = 5'000;
// How long "there is no such topic" is doubted where there are several brokers.
constexpr int kHearsayMs = 2'000;
constexpr int64_t kNoAnswer = INT64_MIN;

std::string name_of(const TopicPartition& partition) {
  return fmt::format("topic {} partition {}", partition.topic, partition.partition);
}

KafkaPartitionList list_of(const std::vector<TopicPartition>& partitions, int64_t offset) {
  KafkaPartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition.value)->offset = offset;
  }
  return list;
}

std::map<std::string, std::string> settings_of(const TopicConfig& config, const KafkaTopicOptions& options,
                                               int32_t replication) {
  std::map<std::string, std::string> settings = {{"retention.ms", std::to_string(config.retention_ms)},
                                                 {"retention.bytes", std::to_string(config.retention_bytes)},
                                                 {"message.timestamp.type", "CreateTime"},
                                                 {"cleanup.policy", options.is_compacted ? "compact" : "delete"}};
  if (replication >= kBrokersForThreeCopies) settings["min.insync.replicas"] = std::to_string(replication - 1);
  for (const auto& [name, value] : options.configuration) settings[name] = value;
  return settings;
}

int64_t number_in(const std::map<std::string, std::string>& settings, const char* name) {
  const auto found = settings.find(name);
  int64_t number = -1;
  if (found != settings.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  return number;
}

}  // namespace

// What the cluster says of a topic that exists.
struct KafkaTopics::FoundTopic {
  int32_t partitions = 0;
  bool has_leaders = true;
  std::string id;
};

struct KafkaTopics::State {
  using Send = std::function<void(rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>;

  // A question of the administration protocol; when the broker that was asked goes away, another one may know.
  Result<KafkaEvent> ask_until_answered(rd_kafka_admin_op_t operation, std::string_view what, const Send& send) const {
    const KafkaDeadline deadline(timeout_ms);
    for (;;) {
      auto event = ask(operation, what, send);
      if (event || event.error().code != ErrorCode::kUnavailable || deadline.is_over() || refusals->lasting())
        return event;
      std::this_thread::sleep_for(kPause);
    }
  }

  // One request of the administration protocol and its answer.
  Result<KafkaEvent> ask(rd_kafka_admin_op_t operation, std::string_view what, const Send& send) const {
    const AdminOptions options(rd_kafka_AdminOptions_new(client.get(), operation));
    std::array<char, 256> reason{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, reason.data(), reason.size());
    const KafkaQueue queue(rd_kafka_queue_new(client.get()));
    send(options.get(), queue.get());
    const KafkaDeadline deadline(timeout_ms + 1000);
    KafkaEvent event;
    while (!event && !deadline.is_over()) {
      event.reset(rd_kafka_queue_poll(queue.get(), std::min(deadline.left_ms(), kLookMs)));
      if (auto refusal = refusals->lasting(); refusal && !event) return *std::move(refusal);
    }
    if (!event) return kafka_error(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
    if (const rd_kafka_resp_err_t code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return kafka_error(code, what, rd_kafka_event_error_string(event.get()));
    refusals->note_answer();
    return event;
  }

  Result<FoundTopic> look_up(std::string_view name) const {
    const std::string topic(name);
    const std::string what = fmt::format("topic {}", topic);
    RETURN_IF_ERROR(validate_topic_name(topic));
    const char* names[] = {topic.c_str()};
    const TopicCollection collection(rd_kafka_TopicCollection_of_topic_names(names, 1));
    ASSIGN_OR_RETURN(const KafkaEvent event,
                     ask_until_answered(RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, what,
                                        [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                          rd_kafka_DescribeTopics(client.get(), collection.get(), options, queue);
                                        }));
    size_t count = 0;
    const auto* const* topics =
        rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event.get()), &count);
    if (count != 1) return kafka_error(RD_KAFKA_RESP_ERR__BAD_MSG, what);
    if (const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(topics[0]); error != nullptr) {
      if (rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return not_found(
            fmt::format("Kafka: there is no topic {}; create it with: meterstream topics --create {}", topic, topic));
      if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_error(rd_kafka_error_code(error), what, {}, "Describe");
    }
    size_t partitions = 0;
    const auto* const* infos = rd_kafka_TopicDescription_partitions(topics[0], &partitions);
    FoundTopic result;
    result.partitions = static_cast<int32_t>(partitions);
    for (size_t index = 0; index < partitions; ++index) {
      const rd_kafka_Node_t* leader = rd_kafka_TopicPartitionInfo_leader(infos[index]);
      if (leader == nullptr || rd_kafka_Node_id(leader) < 0) result.has_leaders = false;
    }
    if (const rd_kafka_Uuid_t* id = rd_kafka_TopicDescription_topic_id(topics[0]); id != nullptr)
      result.id = rd_kafka_Uuid_base64str(id);
    return result;
  }

  // As ask_list_offsets(), but lets leaders change.
  Result<std::vector<int64_t>> list_offsets(const std::vector<TopicPartition>& sources, int64_t which,
                                            rd_kafka_IsolationLevel_t isolation) const {
    const KafkaDeadline deadline(timeout_ms);
    const KafkaDeadline spreading(std::min(timeout_ms, kSpreadingMs));
    for (;;) {
      rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
      auto offsets = ask_list_offsets(sources, which, isolation, code);
      if (offsets || deadline.is_over()) return offsets;
      const bool may_be_new =
          offsets.error().code == ErrorCode::kUnavailable && !spreading.is_over() && !refusals->lasting();
      if (!is_moving(code) && !may_be_new) return offsets;
      std::this_thread::sleep_for(kPause);
    }
  }

  Result<std::vector<int64_t>> ask_list_offsets(const std::vector<TopicPartition>& partitions, int64_t which,
                                                rd_kafka_IsolationLevel_t isolation, rd_kafka_resp_err_t& code) const {
    const KafkaPartitionList list = list_of(partitions, which);
    const std::string what = "offsets of " + name_of(partitions.front());
    ASSIGN_OR_RETURN(
        const KafkaEvent event,
        ask(RD_KAFKA_ADMIN_OP_LISTOFFSETS, what, [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
          const KafkaErrorOwner ignored(rd_kafka_AdminOptions_set_isolation_level(options, isolation));
          rd_kafka_ListOffsets(client.get(), list.get(), options, queue);
        }));
    size_t count = 0;
    const auto* const* infos =
        rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event.get()), &count);
    std::vector<int64_t> offsets(partitions.size(), kNoAnswer);
    for (size_t index = 0; index < count; ++index) {
      const rd_kafka_topic_partition_t* answer = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[index]);
      const TopicPartition partition{answer->topic, PartitionId(answer->partition)};
      code = answer->err;
      if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_error(code, "offsets of " + name_of(partition), {}, "Describe");
      // Where a broker gave no answer in time the library returns the question, without an error.
      const int64_t time = rd_kafka_ListOffsetsResultInfo_timestamp(infos[index]);
      const bool is_question = which < 0 ? answer->offset < 0 : answer->offset >= 0 && time < 0;
      if (is_question) return kafka_error(RD_KAFKA_RESP_ERR__TIMED_OUT, "offsets of " + name_of(partition));
      const auto place = std::ranges::find(partitions, partition);
      if (place != partitions.end()) offsets[static_cast<size_t>(place - partitions.begin())] = answer->offset;
    }
    if (std::ranges::find(offsets, kNoAnswer) != offsets.end()) return kafka_error(RD_KAFKA_RESP_ERR__PARTIAL, what);
    return offsets;
  }

  Status request_creation(const TopicConfig& config, const KafkaTopicOptions& options, int32_t replication) const {
    const std::string what = fmt::format("creating topic {}", config.name);
    std::array<char, 512> reason{};
    const NewTopic topic(
        rd_kafka_NewTopic_new(config.name.c_str(), config.partitions, replication, reason.data(), reason.size()));
    if (!topic) return invalid(fmt::format("Kafka: {}: {}", what, reason.data()));
    for (const auto& [name, value] : settings_of(config, options, replication))
      rd_kafka_NewTopic_set_config(topic.get(), name.c_str(), value.c_str());
    rd_kafka_NewTopic_t* topics[] = {topic.get()};
    ASSIGN_OR_RETURN(const KafkaEvent event, ask(RD_KAFKA_ADMIN_OP_CREATETOPICS, what,
                                                 [&](rd_kafka_AdminOptions_t* admin, rd_kafka_queue_t* queue) {
                                                   rd_kafka_CreateTopics(client.get(), topics, 1, admin, queue);
                                                 }));
    size_t count = 0;
    const auto* const* results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
    if (count != 1) return kafka_error(RD_KAFKA_RESP_ERR__BAD_MSG, what);
    const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return {};
    const char* text = rd_kafka_topic_result_error_string(results[0]);
    return kafka_error(code, what, text == nullptr ? "" : text, "Create");
  }

  // The client's log goes there, so it lives longer.
  std::unique_ptr<KafkaRefusals> refusals;
  KafkaClient client;
  void remember(std::string_view topic, int32_t partitions) {
    const std::scoped_lock lock(mutex);
    known.insert_or_assign(std::string(topic), partitions);
  }

  std::unique_ptr<KafkaGroupOffsets> group_offsets;
  int timeout_ms = 0;
  int32_t default_replication = 0;
  std::mutex mutex;
  std::map<std::string, int32_t, std::less<>> known;
};

KafkaTopics::KafkaTopics(std::unique_ptr<State> state) : state_(std::move(state)) {}
KafkaTopics::~KafkaTopics() = default;

Result<std::unique_ptr<KafkaTopics>> KafkaTopics::open(const KafkaSettings& settings) {
  ASSIGN_OR_RETURN(const auto properties, kafka_configuration(settings, KafkaClientKind::kTopics));
  ASSIGN_OR_RETURN(KafkaConfiguration configuration, make_configuration(properties));
  auto state = std::make_unique<State>();
  state->refusals = std::make_unique<KafkaRefusals>(properties);
  watch_refusals(*configuration, *state->refusals);
  ASSIGN_OR_RETURN(state->client, make_client(RD_KAFKA_CONSUMER, std::move(configuration)));
  state->group_offsets = std::make_unique<KafkaGroupOffsets>(settings);
  state->timeout_ms = static_cast<int>(settings.request_timeout_ms);
  state->default_replication = settings.replication;
  return std::unique_ptr<KafkaTopics>(new KafkaTopics(std::move(state)));
}

Result<TopicDescription> KafkaTopics::create(const TopicConfig& config, const KafkaTopicOptions& options) {
  RETURN_IF_ERROR(validate_topic_name(config.name));
  if (config.partitions < 1 || config.partitions > kMaxPartitions)
    return invalid(
        fmt::format("topic {}: {} partitions; 1 to {} are allowed", config.name, config.partitions, kMaxPartitions));
  auto existing = state_->look_up(config.name);
  if (!existing && existing.error().code != ErrorCode::kNotFound) return existing.error();
  if (!existing) {
    int32_t replication = options.replication == 0 ? state_->default_replication : options.replication;
    if (replication == 0) {
      ASSIGN_OR_RETURN(const KafkaCluster all, cluster());
      replication = static_cast<int32_t>(std::min<size_t>(all.brokers.size(), kBrokersForThreeCopies));
    }
    RETURN_IF_ERROR(state_->request_creation(config, options, replication));
  }
  // Brokers hear of a new topic one after the other.
  const KafkaDeadline deadline(state_->timeout_ms);
  for (;;) {
    const auto topic = state_->look_up(config.name);
    if (topic && topic->has_leaders) {
      auto description = describe(config.name);
      if (description || description.error().code != ErrorCode::kNotFound || deadline.is_over()) return description;
    } else if (!topic && topic.error().code != ErrorCode::kNotFound) {
      return topic.error();
    }
    if (deadline.is_over())
      return unavailable(
          fmt::format("Kafka: topic {} was created, but has no leader after {} ms; see that the brokers "
                      "run, then try again",
                      config.name, state_->timeout_ms));
    std::this_thread::sleep_for(kPause);
  }
}

Result<TopicDescription> KafkaTopics::describe(std::string_view topic) {
  forget(topic);
  const auto found = state_->look_up(topic);
  if (!found && found.error().code == ErrorCode::kNotFound) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, list());
    const std::string hint = did_you_mean(topic, names);
    return not_found(found.error().message + (hint.empty() ? "" : "." + hint));
  }
  if (!found) return found.error();
  const int32_t count = found->partitions;
  state_->remember(topic, count);
  ASSIGN_OR_RETURN(const auto settings, configuration(topic));
  std::vector<TopicPartition> all;
  all.reserve(static_cast<size_t>(count));
  for (int32_t index = 0; index < count; ++index) all.push_back({std::string(topic), PartitionId(index)});
  TopicDescription description;
  description.config = {std::string(topic), count, number_in(settings, "retention.ms"),
                        number_in(settings, "retention.bytes")};
  ASSIGN_OR_RETURN(description.partitions, offsets(all, End::kStable));
  return description;
}

Result<std::vector<std::string>> KafkaTopics::list() {
  const struct rd_kafka_metadata* answer = nullptr;
  const rd_kafka_resp_err_t code = rd_kafka_metadata(state_->client.get(), 1, nullptr, &answer, state_->timeout_ms);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, "list of topics");
  const Metadata metadata(answer);
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(metadata->topic_cnt));
  for (int index = 0; index < metadata->topic_cnt; ++index) {
    const std::string_view name = metadata->topics[index].topic;
    if (!name.starts_with("__")) names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

Result<KafkaCluster> KafkaTopics::cluster() {
  ASSIGN_OR_RETURN(const KafkaEvent event,
                   state_->ask_until_answered(RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER, "cluster",
                                              [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                                rd_kafka_DescribeCluster(state_->client.get(), options, queue);
                                              }));
  const rd_kafka_DescribeCluster_result_t* answer = rd_kafka_event_DescribeCluster_result(event.get());
  KafkaCluster result;
  if (const char* id = rd_kafka_DescribeCluster_result_cluster_id(answer); id != nullptr) result.id = id;
  size_t count = 0;
  const auto* const* nodes = rd_kafka_DescribeCluster_result_nodes(answer, &count);
  result.brokers.reserve(count);
  for (size_t index = 0; index < count; ++index)
    result.brokers.push_back({rd_kafka_Node_id(nodes[index]), fmt::format("{}:{}", rd_kafka_Node_host(nodes[index]),
                                                                          rd_kafka_Node_port(nodes[index]))});
  if (const rd_kafka_Node_t* controller = rd_kafka_DescribeCluster_result_controller(answer); controller != nullptr)
    result.controller = rd_kafka_Node_id(controller);
  return result;
}

Result<std::map<std::string, std::string>> KafkaTopics::configuration(std::string_view topic) {
  const std::string what = fmt::format("settings of topic {}", topic);
  const ConfigResource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, std::string(topic).c_str()));
  rd_kafka_ConfigResource_t* resources[] = {resource.get()};
  ASSIGN_OR_RETURN(const KafkaEvent event,
                   state_->ask_until_answered(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, what,
                                              [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                                rd_kafka_DescribeConfigs(state_->client.get(), resources, 1, options,
                                                                         queue);
                                              }));
  size_t count = 0;
  const auto* const* answers =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  if (count != 1) return kafka_error(RD_KAFKA_RESP_ERR__BAD_MSG, what);
  if (const rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(answers[0]); code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return kafka_error(code, what, {}, "DescribeConfigs");
  size_t entries = 0;
  const auto* const* values = rd_kafka_ConfigResource_configs(answers[0], &entries);
  std::map<std::string, std::string> settings;
  for (size_t index = 0; index < entries; ++index) {
    const char* value = rd_kafka_ConfigEntry_value(values[index]);
    settings[rd_kafka_ConfigEntry_name(values[index])] = value == nullptr ? "" : value;
  }
  return settings;
}

// A topic that was just made is not known to every broker yet.
Result<KafkaTopics::FoundTopic> KafkaTopics::look_up_patiently(std::string_view topic) {
  auto found = state_->look_up(topic);
  if (found || found.error().code != ErrorCode::kNotFound) return found;
  ASSIGN_OR_RETURN(const KafkaCluster all, cluster());
  const KafkaDeadline deadline(all.brokers.size() > 1 ? kHearsayMs : 0);
  while (!found && found.error().code == ErrorCode::kNotFound && !deadline.is_over()) {
    std::this_thread::sleep_for(kPause);
    found = state_->look_up(topic);
  }
  return found;
}

Result<std::string> KafkaTopics::topic_id(std::string_view topic) {
  ASSIGN_OR_RETURN(FoundTopic found, look_up_patiently(topic));
  return std::move(found.id);
}

Result<int32_t> KafkaTopics::partitions(std::string_view topic) {
  {
    const std::scoped_lock lock(state_->mutex);
    if (const auto known = state_->known.find(topic); known != state_->known.end()) return known->second;
  }
  ASSIGN_OR_RETURN(const FoundTopic found, look_up_patiently(topic));
  state_->remember(topic, found.partitions);
  return found.partitions;
}

Status KafkaTopics::check(const TopicPartition& partition) {
  ASSIGN_OR_RETURN(int32_t count, partitions(partition.topic));
  if (partition.partition.value >= count) {
    // Partitions may have been added.
    forget(partition.topic);
    ASSIGN_OR_RETURN(count, partitions(partition.topic));
  }
  if (partition.partition.value >= 0 && partition.partition.value < count) return {};
  return invalid(fmt::format("Kafka: topic {} has partitions 0 to {}, no partition {}", partition.topic, count - 1,
                             partition.partition));
}

void KafkaTopics::forget(std::string_view topic) {
  const std::scoped_lock lock(state_->mutex);
  if (const auto known = state_->known.find(topic); known != state_->known.end()) state_->known.erase(known);
}

Result<std::vector<Offset>> KafkaTopics::ends(const std::vector<TopicPartition>& partitions, End end) {
  std::vector<Offset> ends;
  if (partitions.empty()) return ends;
  const auto isolation =
      end == End::kStable ? RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED : RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED;
  ASSIGN_OR_RETURN(const std::vector<int64_t> numbers,
                   state_->list_offsets(partitions, RD_KAFKA_OFFSET_SPEC_LATEST, isolation));
  ends.reserve(numbers.size());
  for (const int64_t number : numbers) ends.emplace_back(number);
  return ends;
}

Result<std::vector<OffsetRange>> KafkaTopics::offsets(const std::vector<TopicPartition>& partitions, End end) {
  std::vector<OffsetRange> ranges;
  if (partitions.empty()) return ranges;
  ASSIGN_OR_RETURN(const std::vector<int64_t> begins, state_->list_offsets(partitions, RD_KAFKA_OFFSET_SPEC_EARLIEST,
                                                                           RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED));
  ASSIGN_OR_RETURN(const std::vector<Offset> ends, this->ends(partitions, end));
  ranges.reserve(partitions.size());
  for (size_t index = 0; index < partitions.size(); ++index)
    ranges.push_back({Offset(begins[index]), std::max(Offset(begins[index]), ends[index])});
  return ranges;
}

Result<Offset> KafkaTopics::offset_at(const TopicPartition& partition, IngestTime time) {
  ASSIGN_OR_RETURN(
      const std::vector<int64_t> offsets,
      state_->list_offsets({partition}, std::max<int64_t>(time.value, 0), RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED));
  if (offsets.front() >= 0) return Offset(offsets.front());
  ASSIGN_OR_RETURN(const std::vector<Offset> ends, this->ends({partition}, End::kStable));
  return ends.front();
}

Result<std::optional<GroupPosition>> KafkaTopics::group_position(std::string_view group, const TopicPartition& source) {
  return state_->group_offsets->position(group, source);
}

Status KafkaTopics::delete_records(const TopicPartition& partition, Offset before) {
  const std::string what = "deleting records of " + name_of(partition);
  const KafkaPartitionList list = list_of({partition}, before.value);
  using Request = KafkaOwner<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy>;
  const Request request(rd_kafka_DeleteRecords_new(list.get()));
  rd_kafka_DeleteRecords_t* requests[] = {request.get()};
  ASSIGN_OR_RETURN(const KafkaEvent event, state_->ask(RD_KAFKA_ADMIN_OP_DELETERECORDS, what,
                                                       [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                                         rd_kafka_DeleteRecords(state_->client.get(), requests, 1,
                                                                                options, queue);
                                                       }));
  const rd_kafka_topic_partition_list_t* answer =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  for (int index = 0; index < answer->cnt; ++index) {
    if (answer->elems[index].err != RD_KAFKA_RESP_ERR_NO_ERROR)
      return kafka_error(answer->elems[index].err, what, {}, "Delete");
  }
  return {};
}

Status KafkaTopics::remove(std::string_view topic) {
  const std::string what = fmt::format("deleting topic {}", topic);
  using Request = KafkaOwner<rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy>;
  const Request request(rd_kafka_DeleteTopic_new(std::string(topic).c_str()));
  rd_kafka_DeleteTopic_t* requests[] = {request.get()};
  ASSIGN_OR_RETURN(
      const KafkaEvent event,
      state_->ask(RD_KAFKA_ADMIN_OP_DELETETOPICS, what, [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
        rd_kafka_DeleteTopics(state_->client.get(), requests, 1, options, queue);
      }));
  size_t count = 0;
  const auto* const* results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  forget(topic);
  if (count == 1 && rd_kafka_topic_result_error(results[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return kafka_error(rd_kafka_topic_result_error(results[0]), what, {}, "Delete");
  return {};
}

}  // namespace meterstream
