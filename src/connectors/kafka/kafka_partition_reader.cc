#include "connectors/kafka/kafka_partition_reader.h"

#include <algorithm>
#include <deque>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "connectors/kafka/kafka_record_set.h"

namespace meterstream {
namespace {

constexpr size_t kMaxBatch = 20'000;
constexpr int64_t kWaitSliceMs = 50;
constexpr int64_t kStartMs = 300;
// So long "there is no such topic" is doubted: brokers hear of a new one one after the other.
constexpr int kHearsayMs = 2'000;
constexpr auto kPause = std::chrono::milliseconds(5);

int64_t ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
}

bool is_unknown(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
         code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

// Headers as RecordView has them; empty when there are none.
std::string encode_headers(const rd_kafka_headers_t* headers) {
  std::string encoded;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t index = 0; rd_kafka_header_get_all(headers, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++index) {
    append_sized(encoded, name);
    append_sized(encoded, {static_cast<const char*>(value), value == nullptr ? 0 : size});
  }
  return encoded;
}

std::string_view view_of(const void* bytes, size_t size) {
  return bytes == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(bytes), size);
}

}  // namespace

// Messages of one read. The client must outlive them.
struct KafkaPartitionReader::Messages {
  explicit Messages(std::shared_ptr<rd_kafka_t> owner) : client(std::move(owner)) {}
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;
  ~Messages() {
    for (rd_kafka_message_t* message : messages) rd_kafka_message_destroy(message);
  }

  std::shared_ptr<rd_kafka_t> client;
  std::vector<rd_kafka_message_t*> messages;
  std::deque<std::string> headers;
};

KafkaPartitionReader::KafkaPartitionReader(std::shared_ptr<rd_kafka_t> client, std::shared_ptr<rd_kafka_t> asking,
                                           TopicPartition source, int64_t timeout_ms, bool is_member)
    : client_(std::move(client)),
      asking_(std::move(asking)),
      source_(std::move(source)),
      timeout_ms_(timeout_ms),
      is_member_(is_member),
      queue_(rd_kafka_queue_get_partition(client_.get(), source_.topic.c_str(), source_.partition.value)),
      group_queue_(is_member ? rd_kafka_queue_get_consumer(client_.get()) : nullptr),
      is_assigned_(is_member) {
  // From now on its messages come through this queue only.
  if (queue_) rd_kafka_queue_forward(queue_.get(), nullptr);
}

KafkaPartitionReader::~KafkaPartitionReader() {
  close();
}

void KafkaPartitionReader::close() {
  const std::scoped_lock lock(mutex_);
  is_closed_ = true;
  is_positioned_ = false;
  for (rd_kafka_message_t* message : std::exchange(taken_, {})) rd_kafka_message_destroy(message);
  if (!is_member_) unassign();
}

std::string KafkaPartitionReader::name() const {
  return fmt::format("topic {} partition {}", source_.topic, source_.partition);
}

Status KafkaPartitionReader::read(Offset from, size_t max_bytes, int64_t end_age_ms, RecordSet& out) {
  const std::scoped_lock lock(mutex_);
  out.clear();
  out.next = from;
  RETURN_IF_ERROR(position_at(from.value));
  const Time start = std::chrono::steady_clock::now();
  take(batch_size(max_bytes), 0);
  for (;;) {
    RETURN_IF_ERROR(sort_out_taken());
    if (taken_.empty()) RETURN_IF_ERROR(position_at(from.value));
    if (!taken_.empty()) {
      RETURN_IF_ERROR(fill(out));
      if (!out.records.empty()) return {};
    }
    if (!known_at_ || known_.end.value <= high_) {
      if (!known_at_ || end_age_ms <= 0 || ms_since(*known_at_) > end_age_ms) {
        RETURN_IF_ERROR(ask_offsets());
        if (from > known_.end || high_ < known_.begin.value) return out_of_range_at(from.value);
      }
    }
    learn_place();
    if (known_.end.value <= high_) {
      out.next = Offset(high_);
      return {};
    }
    // There is more: a fetch is under way, unless the group waits for poll(): until then it fetches nothing.
    RETURN_IF_ERROR(check_group());
    if (ms_since(start) >= timeout_ms_)
      return unavailable(
          fmt::format("Kafka: {}: no answer for {} ms at offset {}; see that the brokers run, then try "
                      "again",
                      name(), timeout_ms_, high_));
    take(batch_size(max_bytes), kWaitSliceMs);
  }
}

Result<OffsetRange> KafkaPartitionReader::offsets(int64_t age_ms) {
  const std::scoped_lock lock(mutex_);
  if (known_at_ && age_ms > 0 && ms_since(*known_at_) <= age_ms) return known_;
  return ask_offsets();
}

Result<bool> KafkaPartitionReader::await_data(Offset from, int64_t timeout_ms) {
  const std::scoped_lock lock(mutex_);
  RETURN_IF_ERROR(position_at(from.value));
  const Time start = std::chrono::steady_clock::now();
  for (;;) {
    const int64_t left_ms = timeout_ms - ms_since(start);
    take(1, std::clamp<int64_t>(left_ms, 0, kWaitSliceMs));
    RETURN_IF_ERROR(sort_out_taken());
    if (!taken_.empty()) return true;
    RETURN_IF_ERROR(position_at(from.value));
    if (left_ms <= 0) return false;
  }
}

// After this the queue gives messages from `from` on.
Status KafkaPartitionReader::position_at(int64_t from) {
  if (is_closed_) return conflict(fmt::format("Kafka: {} is not assigned to this process any more", name()));
  if (!queue_) return invalid(fmt::format("Kafka: {} cannot be read: the consumer has no group", name()));
  if (from < 0) return out_of_range(fmt::format("Kafka: {}: there is no offset {}", name(), from));
  heed_distrust();
  if (is_positioned_ && from >= low_ && from <= high_) return {};
  if (is_positioned_ && !taken_.empty() && from > low_ && from <= taken_.front()->offset) {
    low_ = from;
    high_ = std::max(high_, from);
    return {};
  }
  for (rd_kafka_message_t* message : std::exchange(taken_, {})) rd_kafka_message_destroy(message);
  // After an error the fetcher stands still until it is assigned again.
  if (is_stopped_)
    RETURN_IF_ERROR(reassign(from));
  else
    RETURN_IF_ERROR(is_assigned_ ? seek(from) : assign(from));
  is_positioned_ = true;
  is_stopped_ = false;
  follows_record_ = false;
  low_ = from;
  high_ = from;
  return {};
}

// A pause ends at the library's own position, which counts a mark of the end as a record: the next record is then left
// out. Called after messages were taken, so that none from behind the pause is believed.
void KafkaPartitionReader::heed_distrust() {
  if (!is_distrusted_.exchange(false)) return;
  is_positioned_ = false;
  follows_record_ = false;
}

KafkaPartitionList KafkaPartitionReader::place_at(int64_t offset) const {
  KafkaPartitionList place(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(place.get(), source_.topic.c_str(), source_.partition.value)->offset = offset;
  return place;
}

Status KafkaPartitionReader::seek(int64_t from) {
  const Time start = std::chrono::steady_clock::now();
  for (;;) {
    const KafkaPartitionList place = place_at(from);
    const KafkaErrorOwner error(rd_kafka_seek_partitions(client_.get(), place.get(), static_cast<int>(timeout_ms_)));
    const rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error.get()) : place->elems[0].err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    // A new assignment takes a moment to start.
    if (code != RD_KAFKA_RESP_ERR__STATE && code != RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS)
      return kafka_error(code, "moving in " + name());
    if (ms_since(start) > kStartMs) break;
    std::this_thread::sleep_for(kPause);
  }
  return reassign(from);
}

// While the group waits for poll() an assignment would be taken for the answer.
Status KafkaPartitionReader::reassign(int64_t from) {
  RETURN_IF_ERROR(check_group());
  unassign();
  return assign(from);
}

Status KafkaPartitionReader::check_group() const {
  if (!is_member_ || rd_kafka_queue_length(group_queue_.get()) == 0) return {};
  return cancelled(fmt::format("Kafka: {}: the group waits for poll()", name()));
}

Status KafkaPartitionReader::assign(int64_t from) {
  // A member has connections, and its group must not come to wait meanwhile.
  if (!is_member_) {
    const KafkaTopicHandle topic(rd_kafka_topic_new(client_.get(), source_.topic.c_str(), nullptr));
    await_broker(client_.get(), topic.get(), kStartMs);
  }
  const KafkaPartitionList place = place_at(from);
  const KafkaErrorOwner error(rd_kafka_incremental_assign(client_.get(), place.get()));
  if (error)
    return kafka_error(rd_kafka_error_code(error.get()), "reading " + name(), rd_kafka_error_string(error.get()));
  is_assigned_ = true;
  return {};
}

void KafkaPartitionReader::unassign() {
  if (!std::exchange(is_assigned_, false)) return;
  const KafkaPartitionList place = place_at(RD_KAFKA_OFFSET_INVALID);
  const KafkaErrorOwner ignored(rd_kafka_incremental_unassign(client_.get(), place.get()));
}

// The library waits for a full batch; only the first message is worth waiting for.
void KafkaPartitionReader::take(size_t count, int64_t wait_ms) {
  rd_kafka_message_t* first = nullptr;
  if (rd_kafka_consume_batch_queue(queue_.get(), static_cast<int>(wait_ms), &first, 1) != 1) return;
  taken_.push_back(first);
  if (count <= 1) return;
  const size_t before = taken_.size();
  taken_.resize(before + count - 1);
  const ssize_t more = rd_kafka_consume_batch_queue(queue_.get(), 0, taken_.data() + before, count - 1);
  taken_.resize(before + static_cast<size_t>(std::max<ssize_t>(more, 0)));
}

Status KafkaPartitionReader::sort_out_taken() {
  heed_distrust();
  size_t kept = 0;
  Status status;
  for (size_t index = 0; index < taken_.size(); ++index) {
    rd_kafka_message_t* message = taken_[index];
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->offset >= low_ && is_positioned_) {
      taken_[kept++] = message;
      follows_record_ = true;
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      follows_record_ = false;
      // Records behind it make it history.
      if (index + 1 == taken_.size()) high_ = std::max(high_, message->offset);
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      // What came before the error is given first; the fetcher meets the error again.
      const bool is_told = std::exchange(is_positioned_, false) && kept == 0;
      follows_record_ = false;
      is_stopped_ = true;
      if (is_told) status = failure_at(*message);
    }
    rd_kafka_message_destroy(message);
  }
  taken_.resize(kept);
  return status;
}

Status KafkaPartitionReader::failure_at(const rd_kafka_message_t& message) {
  const char* text = rd_kafka_message_errstr(&message);
  const ErrorCode code = error_code_of(message.err);
  if (code == ErrorCode::kOutOfRange) {
    RETURN_IF_ERROR(ask_offsets());
    // The library may still speak of a place that was left meanwhile.
    const bool is_stale = low_ >= known_.begin.value && low_ <= known_.end.value;
    return is_stale ? Status() : out_of_range_at(low_);
  }
  if (code == ErrorCode::kCorrupt)
    return damaged_at(std::max<int64_t>(message.offset, low_), text == nullptr ? "" : text);
  return kafka_error(message.err, "reading " + name(), text == nullptr ? "" : text, "Read");
}

Error KafkaPartitionReader::damaged_at(int64_t offset, std::string_view what) const {
  return corrupt(
      fmt::format("Kafka: {} offset {}: {}; the record is damaged on the broker or on the way", name(), offset, what));
}

Error KafkaPartitionReader::out_of_range_at(int64_t offset) {
  is_positioned_ = false;
  const auto range = ask_offsets();
  if (!range) return range.error();
  if (offset < range->begin.value)
    return out_of_range(
        fmt::format("Kafka: {}: offset {} is gone: {} records were removed by the topic's retention; "
                    "the log begins at offset {}",
                    name(), offset, range->begin.value - offset, range->begin));
  if (offset > range->end.value)
    return out_of_range(
        fmt::format("Kafka: {}: offset {} does not exist yet; the log ends at offset {}", name(), offset, range->end));
  return unavailable(fmt::format("Kafka: {}: offset {} was away for a moment; try again", name(), offset));
}

Status KafkaPartitionReader::fill(RecordSet& out) {
  auto owner = std::make_shared<Messages>(client_);
  owner->messages = std::exchange(taken_, {});
  size_t bytes = 0;
  Status status;
  for (const rd_kafka_message_t* message : owner->messages) {
    bytes += message->key_len + message->len;
    status = append_records(*message, *owner, out.records);
    if (!status) break;
    // A batch may end behind its last record: compaction took the others.
    high_ = std::max(high_, message->offset + 1);
  }
  // What came before the damage is given first; the next read meets it again.
  if (!status) is_positioned_ = false;
  if (!status && out.records.empty()) return status;
  message_bytes_ = std::max(16.0, static_cast<double>(bytes) / static_cast<double>(owner->messages.size()));
  if (!out.records.empty()) low_ = out.records.back().offset.value + 1;
  out.next = Offset(high_);
  out.owners.push_back(std::move(owner));
  return {};
}

// Batches of the formats before 2 come as one message a record.
Status KafkaPartitionReader::append_records(const rd_kafka_message_t& message, Messages& owner,
                                            std::vector<RecordView>& records) {
  rd_kafka_timestamp_type_t kind{};
  const IngestTime time(rd_kafka_message_timestamp(&message, &kind));
  KafkaRecordSet set;
  if (rd_kafka_message_record_set(&message, &set.base_offset.value, &set.record_count) != 0) {
    set.records = view_of(message.payload, message.len);
    set.last_offset = Offset(message.offset);
    set.base_time = time;
    set.has_one_time = kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
    const size_t before = records.size();
    // Nothing twice, whatever was asked for and however batches overlap.
    const Offset from(records.empty() ? low_ : records.back().offset.value + 1);
    const Status appended = set.append_to(records, owner.headers, from);
    if (appended) return {};
    records.resize(before);
    return damaged_at(set.base_offset.value, appended.error().message);
  }
  RecordView& record = records.emplace_back();
  record.key = view_of(message.key, message.key_len);
  record.value = view_of(message.payload, message.len);
  record.offset = Offset(message.offset);
  record.ingest_time = time;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
    record.headers = owner.headers.emplace_back(encode_headers(headers));
  return {};
}

// Marks of transactions move the place without a message. The library's own position counts ends and errors as if they
// were records, so it is believed only behind a record, and never beyond what the broker has said.
void KafkaPartitionReader::learn_place() {
  if (!is_positioned_ || !follows_record_ || !known_at_ || known_.end.value <= high_) return;
  const KafkaPartitionList place = place_at(RD_KAFKA_OFFSET_INVALID);
  if (rd_kafka_position(client_.get(), place.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const int64_t offset = place->elems[0].offset;
  if (offset <= known_.end.value) high_ = std::max(high_, offset);
}

size_t KafkaPartitionReader::batch_size(size_t max_bytes) const {
  return std::clamp<size_t>(static_cast<size_t>(static_cast<double>(max_bytes) / message_bytes_), 1, kMaxBatch);
}

bool KafkaPartitionReader::topic_exists() const {
  const KafkaTopicHandle topic(rd_kafka_topic_new(asking_.get(), source_.topic.c_str(), nullptr));
  const rd_kafka_metadata_t* answer = nullptr;
  // Who cannot be asked has not said that it is gone.
  if (rd_kafka_metadata(asking_.get(), 0, topic.get(), &answer, kHearsayMs) != RD_KAFKA_RESP_ERR_NO_ERROR) return true;
  const bool exists = answer->topic_cnt == 0 || answer->topics[0].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  rd_kafka_metadata_destroy(answer);
  return exists;
}

Result<OffsetRange> KafkaPartitionReader::ask_offsets() {
  const KafkaDeadline deadline(timeout_ms_);
  const Time start = std::chrono::steady_clock::now();
  int64_t begin = 0;
  int64_t end = 0;
  Time asked;
  for (;;) {
    asked = std::chrono::steady_clock::now();
    const rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        asking_.get(), source_.topic.c_str(), source_.partition.value, &begin, &end, std::max(deadline.left_ms(), 1));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    const bool has_no_leader = is_unknown(code) && topic_exists();
    const bool is_doubtful = is_unknown(code) && ms_since(start) < kHearsayMs;
    if (has_no_leader && deadline.is_over())
      return unavailable(fmt::format("Kafka: {} has no leader; see that the brokers with its copies run", name()));
    if (deadline.is_over() || !(is_moving(code) || has_no_leader || is_doubtful))
      return kafka_error(code, "offsets of " + name());
    std::this_thread::sleep_for(kPause);
  }
  known_ = {Offset(begin), Offset(end)};
  known_at_ = asked;
  return known_;
}

}  // namespace meterstream
