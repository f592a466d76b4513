#include "connectors/kafka/kafka_consumer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <shared_mutex>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "connectors/kafka/kafka_handles.h"
#include "connectors/kafka/kafka_partition_reader.h"

namespace meterstream {
namespace {

// The library wants a group even where nobody joins it.
constexpr const char* kNoGroup = "meterstream-without-group";
constexpr int64_t kServeIntervalMs = 1000;
// A member hears with a heartbeat's answer that others came or went.
constexpr int64_t kHeartbeatMs = 300;
constexpr int kLeaveSliceMs = 50;

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::vector<TopicPartition> partitions_of(const rd_kafka_topic_partition_list_t& list) {
  std::vector<TopicPartition> partitions;
  partitions.reserve(static_cast<size_t>(list.cnt));
  for (int index = 0; index < list.cnt; ++index)
    partitions.push_back({list.elems[index].topic, PartitionId(list.elems[index].partition)});
  std::ranges::sort(partitions);
  return partitions;
}

}  // namespace

struct KafkaConsumer::State {
  using Reader = std::shared_ptr<KafkaPartitionReader>;

  static void on_rebalance(rd_kafka_t* client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list,
                           void* opaque) {
    auto* state = static_cast<State*>(opaque);
    state->distrust_places();
    ++state->rebalances;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
      state->assign(client, *list);
    else
      state->revoke(client, *list);
  }

  // The library pauses all partitions before it calls, and resumes them when it is answered.
  void distrust_places() {
    const std::shared_lock lock(mutex);
    for (const auto& [partition, reader] : readers) reader->distrust_place();
  }

  void assign(rd_kafka_t* handle, rd_kafka_topic_partition_list_t& list) {
    const std::vector<TopicPartition> partitions = partitions_of(list);
    bool knows_end = true;
    for (int index = 0; index < list.cnt; ++index) {
      const TopicPartition partition{list.elems[index].topic, PartitionId(list.elems[index].partition)};
      const auto reader = std::make_shared<KafkaPartitionReader>(client, asking, partition, timeout_ms, true);
      {
        const std::unique_lock lock(mutex);
        readers[partition] = reader;
      }
      // Nothing is fetched before the first read says where to begin. The end is given as a number: the library looks
      // up a symbolic one later, and when a seek comes before the answer it would jump to the end again.
      const auto range = knows_end ? reader->offsets(0) : Result<OffsetRange>(unavailable(""));
      knows_end = range.has_value();
      list.elems[index].offset = range ? range->end.value : 0;
    }
    note(KafkaErrorOwner(rd_kafka_incremental_assign(handle, &list)), "taking partitions");
    if (listener.assigned) listener.assigned(partitions);
  }

  void revoke(rd_kafka_t* handle, rd_kafka_topic_partition_list_t& list) {
    const std::vector<TopicPartition> partitions = partitions_of(list);
    const bool is_lost = rd_kafka_assignment_lost(handle) != 0;
    const auto& callback = is_lost ? listener.lost : listener.revoked;
    if (callback && !partitions.empty()) callback(partitions);
    for (const TopicPartition& partition : partitions) drop(partition);
    note(KafkaErrorOwner(rd_kafka_incremental_unassign(handle, &list)), "giving partitions back");
  }

  // Gives the group's partitions back through the listener. The library itself would wait without an end.
  Status leave_group() {
    const KafkaQueue queue(rd_kafka_queue_new(client.get()));
    if (const KafkaErrorOwner error(rd_kafka_consumer_close_queue(client.get(), queue.get())); error)
      return kafka_error(rd_kafka_error_code(error.get()), "leaving group " + options.group);
    int64_t seen = rebalances;
    KafkaDeadline deadline(kClientEndMs);
    while (rd_kafka_consumer_closed(client.get()) == 0) {
      if (rd_kafka_message_t* message = rd_kafka_consume_queue(queue.get(), kLeaveSliceMs)) {
        rd_kafka_message_destroy(message);
      }
      // What the listener does takes its own time.
      if (std::exchange(seen, rebalances) != seen) deadline = KafkaDeadline(kClientEndMs);
      if (deadline.is_over())
        return unavailable(fmt::format(
            "Kafka: group {}: leaving it took more than {} ms; it does without this member when the session is over",
            options.group, kClientEndMs));
    }
    return {};
  }

  static void note(const KafkaErrorOwner& error, std::string_view what) {
    if (error) spdlog::warn("Kafka: {}: {}", what, rd_kafka_error_string(error.get()));
  }

  void drop(const TopicPartition& partition) {
    Reader reader;
    {
      const std::unique_lock lock(mutex);
      const auto found = readers.find(partition);
      if (found == readers.end()) return;
      reader = std::move(found->second);
      readers.erase(found);
    }
    reader->close();
  }

  Result<Reader> reader_of(const TopicPartition& partition) {
    {
      const std::shared_lock lock(mutex);
      if (const auto found = readers.find(partition); found != readers.end()) return found->second;
    }
    if (is_closed) return conflict("Kafka: the consumer is closed");
    if (!options.group.empty())
      return conflict(fmt::format("Kafka: topic {} partition {} is not assigned to this member of group {}",
                                  partition.topic, partition.partition, options.group));
    const std::unique_lock lock(mutex);
    Reader& reader = readers[partition];
    if (!reader) reader = std::make_shared<KafkaPartitionReader>(client, asking, partition, timeout_ms, false);
    return reader;
  }

  // Without a group nobody calls poll(), but errors queue up there.
  void serve_if_due() {
    if (!options.group.empty()) return;
    const int64_t now = now_ms();
    int64_t last = served_ms.load(std::memory_order_relaxed);
    if (now - last < kServeIntervalMs || !served_ms.compare_exchange_strong(last, now)) return;
    while (rd_kafka_message_t* message = rd_kafka_consumer_poll(client.get(), 0)) {
      spdlog::debug("Kafka: {}", rd_kafka_message_errstr(message));
      rd_kafka_message_destroy(message);
    }
  }

  Status look_at(const rd_kafka_message_t& message) const {
    const char* text = rd_kafka_message_errstr(&message);
    const std::string what = fmt::format("group {}", options.group);
    std::array<char, 512> reason{};
    if (const auto fatal = rd_kafka_fatal_error(client.get(), reason.data(), reason.size());
        fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
      return conflict(fmt::format("Kafka: {}: this member is out: {}", what, reason.data()));
    const ErrorCode code = error_code_of(message.err);
    // A broker that stops in the middle of a handshake looks like this, too. Wrong settings are told at the start.
    const bool may_pass = message.err == RD_KAFKA_RESP_ERR__SSL;
    if (!may_pass && (code == ErrorCode::kNotFound || code == ErrorCode::kInvalid))
      return kafka_error(message.err, what, text == nullptr ? "" : text);
    spdlog::debug("Kafka: {}: {}", what, text == nullptr ? "" : text);
    return {};
  }

  KafkaConsumerOptions options;
  int64_t timeout_ms = 0;
  std::shared_ptr<rd_kafka_t> client;
  /// For offsets: a broker answers a connection in order, and a fetch may wait for records.
  std::shared_ptr<rd_kafka_t> asking;
  KafkaAssignmentListener listener;
  std::atomic<bool> is_closed = false;
  std::atomic<int64_t> served_ms = 0;
  int64_t rebalances = 0;  // of the thread that polls
  mutable std::shared_mutex mutex;
  std::map<TopicPartition, Reader> readers;
};

KafkaConsumer::KafkaConsumer(std::unique_ptr<State> state) : state_(std::move(state)) {}

KafkaConsumer::~KafkaConsumer() {
  const Status closed = close();
  if (!closed) spdlog::debug("{}", closed.error().message);
}

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::open(const KafkaSettings& settings,
                                                           KafkaConsumerOptions options) {
  ASSIGN_OR_RETURN(auto properties, kafka_configuration(settings, KafkaClientKind::kConsumer));
  properties["group.id"] = options.group.empty() ? kNoGroup : options.group;
  if (!options.group.empty()) {
    properties["partition.assignment.strategy"] = "cooperative-sticky";
    properties["session.timeout.ms"] = std::to_string(options.session_timeout_ms);
    properties["heartbeat.interval.ms"] =
        std::to_string(std::clamp<int64_t>(options.session_timeout_ms / 5, 100, kHeartbeatMs));
    properties["max.poll.interval.ms"] =
        std::to_string(std::max(options.max_poll_interval_ms, options.session_timeout_ms));
    if (!options.instance_id.empty()) properties["group.instance.id"] = options.instance_id;
  }
  ASSIGN_OR_RETURN(KafkaConfiguration configuration, make_configuration(properties));
  auto state = std::make_unique<State>();
  rd_kafka_conf_set_opaque(configuration.get(), state.get());
  rd_kafka_conf_set_rebalance_cb(configuration.get(), &State::on_rebalance);
  ASSIGN_OR_RETURN(KafkaClient client, make_client(RD_KAFKA_CONSUMER, std::move(configuration)));
  rd_kafka_poll_set_consumer(client.get());
  ASSIGN_OR_RETURN(auto asking_properties, kafka_configuration(settings, KafkaClientKind::kTopics));
  asking_properties["isolation.level"] = "read_committed";
  ASSIGN_OR_RETURN(KafkaConfiguration asking_configuration, make_configuration(asking_properties));
  ASSIGN_OR_RETURN(state->asking, make_client(RD_KAFKA_CONSUMER, std::move(asking_configuration)));
  state->client = std::move(client);
  state->options = std::move(options);
  state->timeout_ms = settings.request_timeout_ms;
  return std::unique_ptr<KafkaConsumer>(new KafkaConsumer(std::move(state)));
}

Status KafkaConsumer::subscribe(const std::vector<std::string>& topics, KafkaAssignmentListener listener) {
  if (state_->options.group.empty()) return invalid("Kafka: a consumer without a group cannot subscribe");
  state_->listener = std::move(listener);
  const KafkaPartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
  for (const std::string& topic : topics)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t code = rd_kafka_subscribe(state_->client.get(), list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, "joining group " + state_->options.group);
  return {};
}

Status KafkaConsumer::poll(int64_t timeout_ms) {
  using Message = KafkaOwner<rd_kafka_message_t, rd_kafka_message_destroy>;
  const int64_t end_ms = now_ms() + timeout_ms;
  do {
    const int64_t left_ms = std::max<int64_t>(end_ms - now_ms(), 0);
    const Message message(rd_kafka_consumer_poll(state_->client.get(), static_cast<int>(left_ms)));
    if (!message) return {};
    RETURN_IF_ERROR(state_->look_at(*message));
  } while (now_ms() < end_ms);
  return {};
}

Status KafkaConsumer::close() {
  if (state_->is_closed.exchange(true)) return {};
  const bool is_member = !state_->options.group.empty();
  Status closed = is_member ? state_->leave_group() : Status();
  std::vector<TopicPartition> left;
  {
    const std::shared_lock lock(state_->mutex);
    left.reserve(state_->readers.size());
    for (const auto& [partition, reader] : state_->readers) left.push_back(partition);
  }
  for (const TopicPartition& partition : left) state_->drop(partition);
  if (is_member) return closed;
  const rd_kafka_resp_err_t code = rd_kafka_consumer_close(state_->client.get());
  return code == RD_KAFKA_RESP_ERR_NO_ERROR ? Status() : kafka_error(code, "closing a consumer");
}

std::vector<TopicPartition> KafkaConsumer::assignment() const {
  std::vector<TopicPartition> partitions;
  if (state_->options.group.empty()) return partitions;
  const std::shared_lock lock(state_->mutex);
  partitions.reserve(state_->readers.size());
  for (const auto& [partition, reader] : state_->readers) partitions.push_back(partition);
  return partitions;
}

const std::string& KafkaConsumer::group() const {
  return state_->options.group;
}

Result<std::shared_ptr<const KafkaGroupMetadata>> KafkaConsumer::group_metadata() const {
  if (state_->options.group.empty()) return invalid("Kafka: a consumer without a group has no place in one");
  rd_kafka_consumer_group_metadata_t* metadata = rd_kafka_consumer_group_metadata(state_->client.get());
  if (metadata == nullptr) return conflict(fmt::format("Kafka: no member of group {}", state_->options.group));
  auto place = std::make_shared<const KafkaGroupMetadata>(metadata);
  // Brokers check nothing when these are missing, so that a member that was thrown out could still commit.
  const char* member = rd_kafka_consumer_group_metadata_member_id(metadata);
  if (rd_kafka_consumer_group_metadata_generation_id(metadata) < 0 || member == nullptr || *member == '\0')
    return conflict(
        fmt::format("Kafka: no member of group {} any more; another process has taken over", state_->options.group));
  return place;
}

Status KafkaConsumer::commit(std::span<const KafkaGroupOffset> offsets, int64_t timeout_ms) {
  if (state_->options.group.empty()) return invalid("Kafka: a consumer without a group has no offsets to commit");
  if (offsets.empty()) return {};
  rd_kafka_t* client = state_->client.get();
  if (rd_kafka_consumer_closed(client) != 0)
    return conflict(fmt::format("Kafka: this process has left group {}", state_->options.group));
  const KafkaQueue answers(rd_kafka_queue_new(client));
  const KafkaPartitionList list = offset_list(client, offsets);
  const std::string what = "offsets of group " + state_->options.group;
  rd_kafka_resp_err_t code = rd_kafka_commit_queue(client, list.get(), answers.get(), nullptr, nullptr);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, what);
  const KafkaEvent answer(rd_kafka_queue_poll(answers.get(), static_cast<int>(timeout_ms)));
  if (!answer) return kafka_error(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
  code = rd_kafka_event_error(answer.get());
  const rd_kafka_topic_partition_list_t* committed = rd_kafka_event_topic_partition_list(answer.get());
  for (int index = 0; committed != nullptr && code == RD_KAFKA_RESP_ERR_NO_ERROR && index < committed->cnt; ++index)
    code = committed->elems[index].err;
  // The broker has looked at the member's place before it says this.
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS) return {};
  return kafka_error(code, what);
}

Status KafkaConsumer::read(const TopicPartition& source, Offset from, size_t max_bytes, int64_t end_age_ms,
                           RecordSet& out) {
  out.clear();
  out.next = from;
  state_->serve_if_due();
  ASSIGN_OR_RETURN(const State::Reader reader, state_->reader_of(source));
  return reader->read(from, max_bytes, end_age_ms, out);
}

Result<OffsetRange> KafkaConsumer::offsets(const TopicPartition& source, int64_t age_ms) {
  ASSIGN_OR_RETURN(const State::Reader reader, state_->reader_of(source));
  return reader->offsets(age_ms);
}

Result<bool> KafkaConsumer::await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) {
  state_->serve_if_due();
  ASSIGN_OR_RETURN(const State::Reader reader, state_->reader_of(source));
  return reader->await_data(from, timeout_ms);
}

void KafkaConsumer::release(const TopicPartition& source) {
  if (state_->options.group.empty()) state_->drop(source);
}

}  // namespace meterstream
