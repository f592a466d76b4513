#include "connectors/kafka/kafka_producer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "connectors/kafka/kafka_handles.h"

namespace meterstream {
namespace {

constexpr int kQueueFullPauseMs = 5;
constexpr auto kRetryPause = std::chrono::milliseconds(20);
constexpr const char* kInterceptor = "meterstream";

// The offset of a record whose opaque pointer names a place for it. Runs on the library's threads.
rd_kafka_resp_err_t note_offset(rd_kafka_t* /*client*/, rd_kafka_message_t* message, void* /*opaque*/) {
  if (message->_private != nullptr && message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
    static_cast<std::atomic<int64_t>*>(message->_private)->store(message->offset);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t listen(rd_kafka_t* client, const rd_kafka_conf_t* /*configuration*/, void* /*opaque*/,
                           char* /*reason*/, size_t /*size*/) {
  return rd_kafka_interceptor_add_on_acknowledgement(client, kInterceptor, &note_offset, nullptr);
}

// nullptr when the bytes are no headers.
rd_kafka_headers_t* headers_of(std::string_view encoded) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(4);
  ByteReader reader(encoded);
  while (reader.ok() && reader.remaining() > 0) {
    const std::string_view name = reader.sized_bytes();
    const std::string_view value = reader.sized_bytes();
    if (reader.ok())
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
  }
  if (reader.ok()) return headers;
  rd_kafka_headers_destroy(headers);
  return nullptr;
}

}  // namespace

struct KafkaProducer::State {
  ~State() {
    // Nothing may be waited for any more.
    if (client) rd_kafka_purge(client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    topics.clear();
  }

  rd_kafka_topic_t* topic(const std::string& name) {
    KafkaTopicHandle& handle = topics[name];
    if (!handle) handle.reset(rd_kafka_topic_new(client.get(), name.c_str(), nullptr));
    return handle.get();
  }

  Error failure(rd_kafka_error_t* error, std::string_view what);
  Error abort(Error cause);
  Status produce(KafkaAppend& append, std::atomic<int64_t>* place, const KafkaDeadline& deadline);
  Status produce_record(rd_kafka_topic_t* topic, int32_t partition, const RecordView& record, void* opaque,
                        const KafkaDeadline& deadline);
  Status send_offsets(const KafkaGroupCommit& group, const KafkaDeadline& deadline);
  Status finish(const KafkaDeadline& deadline);
  // Calls again while the library says that it helps. Gives the last error, or null.
  template <class Call>
  KafkaErrorOwner insist(const KafkaDeadline& deadline, const Call& call) {
    for (;;) {
      KafkaErrorOwner error(call(deadline.left_ms()));
      if (!error || rd_kafka_error_is_retriable(error.get()) == 0 || deadline.left_ms() == 0) return error;
      std::this_thread::sleep_for(kRetryPause);
    }
  }

  std::string id;
  int64_t timeout_ms = 0;
  std::mutex mutex;
  std::atomic<bool> is_usable = true;
  /// Where offsets are noted; late answers may still do so, therefore they live as long as the client.
  std::deque<std::atomic<int64_t>> places;
  KafkaClient client;
  std::map<std::string, KafkaTopicHandle, std::less<>> topics;
};

// Ends the transaction as the error demands it.
Error KafkaProducer::State::failure(rd_kafka_error_t* error, std::string_view what) {
  const std::string place = fmt::format("{} ({})", what, id);
  rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  std::string text = rd_kafka_error_string(error);
  if (rd_kafka_error_is_fatal(error) != 0) {
    is_usable = false;
    std::array<char, 512> reason{};
    if (const auto fatal = rd_kafka_fatal_error(client.get(), reason.data(), reason.size());
        fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
      code = fatal;
      text = reason.data();
    }
    return kafka_error(code, place, text);
  }
  Error result = kafka_error(code, place, text);
  if (rd_kafka_error_txn_requires_abort(error) != 0) return abort(std::move(result));
  is_usable = false;
  return result;
}

Error KafkaProducer::State::abort(Error cause) {
  const KafkaDeadline deadline(timeout_ms);
  const KafkaErrorOwner error =
      insist(deadline, [&](int left_ms) { return rd_kafka_abort_transaction(client.get(), left_ms); });
  if (error) is_usable = false;
  return cause;
}

Status KafkaProducer::State::produce_record(rd_kafka_topic_t* topic, int32_t partition, const RecordView& record,
                                            void* opaque, const KafkaDeadline& deadline) {
  std::array<rd_kafka_vu_t, 8> fields{};
  size_t count = 0;
  const auto field = [&](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
    fields[count].vtype = type;
    return fields[count++];
  };
  field(RD_KAFKA_VTYPE_RKT).u.rkt = topic;
  field(RD_KAFKA_VTYPE_PARTITION).u.i32 = partition;
  field(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
  rd_kafka_vu_t& value = field(RD_KAFKA_VTYPE_VALUE);
  value.u.mem.ptr = const_cast<char*>(record.value.data());
  value.u.mem.size = record.value.size();
  rd_kafka_vu_t& key = field(RD_KAFKA_VTYPE_KEY);
  key.u.mem.ptr = const_cast<char*>(record.key.data());
  key.u.mem.size = record.key.size();
  field(RD_KAFKA_VTYPE_TIMESTAMP).u.i64 = record.ingest_time.value;
  field(RD_KAFKA_VTYPE_OPAQUE).u.ptr = opaque;
  rd_kafka_headers_t* headers = nullptr;
  if (!record.headers.empty()) {
    headers = headers_of(record.headers);
    if (headers == nullptr) return invalid("Kafka: the headers of a record cannot be read");
    field(RD_KAFKA_VTYPE_HEADERS).u.headers = headers;
  }
  for (;;) {
    const KafkaErrorOwner error(rd_kafka_produceva(client.get(), fields.data(), count));
    if (!error) return {};
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error.get());
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || deadline.left_ms() == 0) {
      if (headers != nullptr) rd_kafka_headers_destroy(headers);
      return kafka_error(code, fmt::format("writing topic {} partition {}", rd_kafka_topic_name(topic), partition),
                         rd_kafka_error_string(error.get()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kQueueFullPauseMs));
  }
}

Status KafkaProducer::State::produce(KafkaAppend& append, std::atomic<int64_t>* place, const KafkaDeadline& deadline) {
  rd_kafka_topic_t* handle = topic(append.target.topic);
  if (handle == nullptr) return kafka_error(rd_kafka_last_error(), "topic " + append.target.topic);
  for (size_t index = 0; index < append.records.size(); ++index) {
    void* opaque = index + 1 == append.records.size() ? place : nullptr;
    RETURN_IF_ERROR(produce_record(handle, append.target.partition.value, append.records[index], opaque, deadline));
  }
  return {};
}

Status KafkaProducer::State::send_offsets(const KafkaGroupCommit& group, const KafkaDeadline& deadline) {
  const KafkaPartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(group.offsets.size())));
  for (const KafkaGroupOffset& offset : group.offsets) {
    rd_kafka_topic_partition_t* entry =
        rd_kafka_topic_partition_list_add(list.get(), offset.source.topic.c_str(), offset.source.partition.value);
    entry->offset = offset.next.value;
    if (!offset.metadata.empty()) {
      entry->metadata = rd_kafka_mem_malloc(client.get(), offset.metadata.size());
      std::ranges::copy(offset.metadata, static_cast<char*>(entry->metadata));
      entry->metadata_size = offset.metadata.size();
    }
  }
  std::shared_ptr<const KafkaGroupMetadata> member = group.member;
  if (!member)
    member = std::make_shared<const KafkaGroupMetadata>(rd_kafka_consumer_group_metadata_new(group.group.c_str()));
  const KafkaErrorOwner error = insist(deadline, [&](int left_ms) {
    return rd_kafka_send_offsets_to_transaction(client.get(), list.get(), member->get(), left_ms);
  });
  if (error) return failure(error.get(), fmt::format("offsets of group {}", group.group));
  return {};
}

Status KafkaProducer::State::finish(const KafkaDeadline& deadline) {
  const KafkaErrorOwner error =
      insist(deadline, [&](int left_ms) { return rd_kafka_commit_transaction(client.get(), left_ms); });
  if (!error) return {};
  if (rd_kafka_error_is_retriable(error.get()) != 0 && rd_kafka_error_txn_requires_abort(error.get()) == 0) {
    is_usable = false;
    return unavailable(
        fmt::format("Kafka: no answer to a commit ({}) for {} ms, so that its outcome is unknown; see "
                    "that the brokers run. A new producer settles it",
                    id, timeout_ms));
  }
  return failure(error.get(), "commit");
}

KafkaProducer::KafkaProducer(std::unique_ptr<State> state) : state_(std::move(state)) {}
KafkaProducer::~KafkaProducer() = default;

bool KafkaProducer::is_usable() const {
  return state_->is_usable;
}

const std::string& KafkaProducer::transactional_id() const {
  return state_->id;
}

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(const KafkaSettings& settings,
                                                           std::string transactional_id) {
  if (transactional_id.empty()) return invalid("Kafka: a producer needs a transactional id");
  ASSIGN_OR_RETURN(auto properties, kafka_configuration(settings, KafkaClientKind::kProducer));
  properties["transactional.id"] = transactional_id;
  ASSIGN_OR_RETURN(KafkaConfiguration configuration, make_configuration(properties));
  rd_kafka_conf_interceptor_add_on_new(configuration.get(), kInterceptor, &listen, nullptr);
  auto state = std::make_unique<State>();
  state->id = std::move(transactional_id);
  state->timeout_ms = settings.request_timeout_ms;
  ASSIGN_OR_RETURN(state->client, make_client(RD_KAFKA_PRODUCER, std::move(configuration)));
  const KafkaDeadline deadline(settings.request_timeout_ms);
  const KafkaErrorOwner error = state->insist(
      deadline, [&](int left_ms) { return rd_kafka_init_transactions(state->client.get(), std::max(left_ms, 1)); });
  if (error)
    return kafka_error(rd_kafka_error_code(error.get()), fmt::format("start of the producer {}", state->id),
                       rd_kafka_error_string(error.get()));
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(std::move(state)));
}

Status KafkaProducer::commit(std::span<KafkaAppend> appends, std::span<const KafkaGroupCommit> groups) {
  const std::scoped_lock lock(state_->mutex);
  State& state = *state_;
  if (!state.is_usable)
    return unavailable(
        fmt::format("Kafka: the producer {} is out of use after an earlier error; make a new one", state.id));
  const KafkaDeadline deadline(state.timeout_ms);
  const KafkaErrorOwner begun(rd_kafka_begin_transaction(state.client.get()));
  if (begun) return state.failure(begun.get(), "begin of a transaction");
  size_t wanted = 0;
  std::vector<std::atomic<int64_t>*> places(appends.size());
  for (size_t index = 0; index < appends.size(); ++index) {
    if (appends[index].wants_offset) {
      if (wanted == state.places.size()) state.places.emplace_back(-1);
      places[index] = &state.places[wanted++];
      places[index]->store(-1);
    }
    if (const Status produced = state.produce(appends[index], places[index], deadline); !produced)
      return state.abort(produced.error());
  }
  // The records must be in the log before the group's offsets are accepted: who takes over the group then sees them
  // pending, and waits for their outcome.
  if (!groups.empty() && !appends.empty()) {
    if (const auto code = rd_kafka_flush(state.client.get(), deadline.left_ms()); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return state.abort(kafka_error(code, fmt::format("writing ({})", state.id)));
  }
  for (const KafkaGroupCommit& group : groups) RETURN_IF_ERROR(state.send_offsets(group, deadline));
  RETURN_IF_ERROR(state.finish(deadline));
  for (size_t index = 0; index < appends.size(); ++index) {
    if (places[index] != nullptr) appends[index].last = Offset(places[index]->load());
  }
  return {};
}

}  // namespace meterstream
