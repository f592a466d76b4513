#include "connectors/kafka/kafka_record_sender.h"

#include <array>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr int kQueueFullPauseMs = 5;
constexpr const char* kInterceptor = "meterstream";

// Notes the first failure, and the offset of a record whose opaque pointer names a place for it. Runs on the library's
// threads.
rd_kafka_resp_err_t note_outcome(rd_kafka_t* /*client*/, rd_kafka_message_t* message, void* failure) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    int32_t none = RD_KAFKA_RESP_ERR_NO_ERROR;
    static_cast<std::atomic<int32_t>*>(failure)->compare_exchange_strong(none, message->err);
  } else if (message->_private != nullptr) {
    static_cast<std::atomic<int64_t>*>(message->_private)->store(message->offset);
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t listen(rd_kafka_t* client, const rd_kafka_conf_t* /*configuration*/, void* failure,
                           char* /*reason*/, size_t /*size*/) {
  return rd_kafka_interceptor_add_on_acknowledgement(client, kInterceptor, &note_outcome, failure);
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

Result<std::unique_ptr<KafkaRecordSender>> KafkaRecordSender::open(
    const std::map<std::string, std::string>& properties) {
  std::unique_ptr<KafkaRecordSender> sender(new KafkaRecordSender());
  ASSIGN_OR_RETURN(KafkaConfiguration configuration, make_configuration(properties));
  rd_kafka_conf_interceptor_add_on_new(configuration.get(), kInterceptor, &listen, &sender->failure_);
  ASSIGN_OR_RETURN(sender->client_, make_client(RD_KAFKA_PRODUCER, std::move(configuration)));
  return sender;
}

KafkaRecordSender::~KafkaRecordSender() {
  // Nothing may be waited for any more.
  if (client_) rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  topics_.clear();
}

rd_kafka_topic_t* KafkaRecordSender::topic(const std::string& name) {
  KafkaTopicHandle& handle = topics_[name];
  if (!handle) handle.reset(rd_kafka_topic_new(client_.get(), name.c_str(), nullptr));
  return handle.get();
}

void KafkaRecordSender::start() {
  wanted_.clear();
  failure_ = RD_KAFKA_RESP_ERR_NO_ERROR;
}

std::atomic<int64_t>* KafkaRecordSender::place_for(KafkaAppend& append) {
  if (!append.wants_offset) return nullptr;
  const size_t number = wanted_.size();
  if (number == places_.size()) places_.emplace_back(-1);
  places_[number].store(-1);
  wanted_.emplace_back(&append, &places_[number]);
  return &places_[number];
}

Status KafkaRecordSender::send(KafkaAppend& append, const KafkaDeadline& deadline) {
  std::atomic<int64_t>* place = place_for(append);
  rd_kafka_topic_t* handle = topic(append.target.topic);
  if (handle == nullptr) return kafka_error(rd_kafka_last_error(), "topic " + append.target.topic);
  for (size_t index = 0; index < append.records.size(); ++index) {
    void* opaque = index + 1 == append.records.size() ? place : nullptr;
    RETURN_IF_ERROR(send_record(handle, append.target.partition.value, append.records[index], opaque, deadline));
  }
  return {};
}

Status KafkaRecordSender::send_record(rd_kafka_topic_t* topic, int32_t partition, const RecordView& record,
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
    const KafkaErrorOwner error(rd_kafka_produceva(client_.get(), fields.data(), count));
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

rd_kafka_resp_err_t KafkaRecordSender::wait(const KafkaDeadline& deadline) {
  return rd_kafka_flush(client_.get(), deadline.left_ms());
}

rd_kafka_resp_err_t KafkaRecordSender::failure() const {
  return static_cast<rd_kafka_resp_err_t>(failure_.load());
}

void KafkaRecordSender::give_offsets() {
  for (const auto& [append, place] : wanted_) append->last = Offset(place->load());
}

}  // namespace meterstream
