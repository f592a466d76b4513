#include "connectors/kafka/kafka_changelog.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <future>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "log/log_keys.h"
#include "state/bulk_batch.h"

namespace meterstream {
namespace {

constexpr char kStateMark = 'S';
constexpr char kTableMark = 'T';
constexpr char kMetaMark = 'M';
constexpr std::string_view kWriterKey = "writer";
constexpr uint8_t kCheckpointVersion = 1;
// Below it the write-ahead log costs less than files of their own.
constexpr size_t kBulkBytes = size_t{8} << 20;
constexpr auto kPendingPause = std::chrono::milliseconds(20);
// A follower asks so often where the end is.
constexpr int64_t kFollowedEndAgeMs = 1'000;
// When nothing happens it renews its checkpoint so often in the time that a mirror is trusted.
constexpr int64_t kRenewals = 72;
// A dead owner's transaction ends after its timeout and the broker's next look at it, which comes every 10 s.
constexpr auto kPendingTimeout = std::chrono::seconds(90);

int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

char mark_of(Space space) {
  return space == Space::kState ? kStateMark : kTableMark;
}

Space space_of(std::string_view record_key) {
  if (record_key.front() == kStateMark) return Space::kState;
  return record_key.front() == kTableMark ? Space::kTable : Space::kMeta;
}

std::string record_key(Space space, std::string_view key) {
  std::string result(1, mark_of(space));
  result.append(key);
  return result;
}

std::string position_key(std::string_view group, const TopicPartition& source) {
  return fmt::format("position/{}/{}/{}", group, source.topic, source.partition);
}

// The first key behind all that begin with `prefix`; nullopt when there is none.
std::optional<std::string> limit_of(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (prefix.empty()) return std::nullopt;
  prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

}  // namespace

// What was read from the changelog and is not in the mirror yet.
struct KafkaChangelog::Tail {
  [[nodiscard]] Checkpoint checkpoint() const { return {sorter.open_from().value_or(next), complete_ms}; }

  KafkaChangelogSorter sorter;
  Offset next;
  bool is_rebuilt = false;
  int64_t complete_ms = 0;  // up to then everything is read
  // The end of the changelog, and when it was there.
  Offset end;
  int64_t end_ms = 0;
  Checkpoint kept;
  BulkBatch batch;
};

// Writes a batch while the next one is read.
class KafkaChangelog::Writing {
 public:
  explicit Writing(KafkaChangelog& changelog) : changelog_(changelog) {}

  Status begin(BulkBatch batch) {
    RETURN_IF_ERROR(finish());
    pending_ = std::async(std::launch::async,
                          [this, batch = std::move(batch)]() mutable { return changelog_.write(std::move(batch)); });
    return {};
  }
  Status finish() { return pending_.valid() ? pending_.get() : Status(); }

 private:
  KafkaChangelog& changelog_;
  std::future<Status> pending_;  // whose end waits for the write
};

KafkaChangelog::KafkaChangelog(KafkaChangelogOptions options, KafkaConsumer& consumer, KafkaTopics& topics,
                               KeyValueStore& local)
    : options_(std::move(options)),
      consumer_(consumer),
      topics_(topics),
      local_(local),
      meta_prefix_(fmt::format("changelog/{}/{}/", options_.partition.topic, options_.partition.partition)),
      checkpoint_key_(meta_prefix_ + "next") {}
KafkaChangelog::~KafkaChangelog() = default;

std::string KafkaChangelog::name() const {
  return fmt::format("changelog {} partition {}", options_.partition.topic, options_.partition.partition);
}

Status KafkaChangelog::create_topic(KafkaTopics& topics, std::string_view topic, int32_t partitions) {
  const KafkaTopicOptions options{true,
                                  0,
                                  {{"max.message.bytes", "10485760"},
                                   {"segment.bytes", "134217728"},
                                   {"min.cleanable.dirty.ratio", "0.3"},
                                   // By then a torn commit has been written over.
                                   {"min.compaction.lag.ms", "60000"}}};
  ASSIGN_OR_RETURN(const TopicDescription found,
                   topics.create({.name = std::string(topic), .partitions = partitions}, options));
  if (found.config.partitions != partitions)
    return conflict(fmt::format("Kafka: changelog {} has {} partitions, {} are needed; use another --application-id",
                                topic, found.config.partitions, partitions));
  return {};
}

std::string KafkaChangelog::encode(const Checkpoint& checkpoint) const {
  std::string value(1, static_cast<char>(kCheckpointVersion));
  append_little_endian(value, checkpoint.next.value);
  append_little_endian(value, checkpoint.complete_ms);
  value += topic_id_;
  return value;
}

Result<std::optional<KafkaChangelog::Checkpoint>> KafkaChangelog::checkpoint() const {
  ASSIGN_OR_RETURN(const auto value, local_.get(Space::kMeta, checkpoint_key_));
  if (!value) return std::nullopt;
  ByteReader reader(value->bytes);
  const auto version = reader.little_endian<uint8_t>();
  Checkpoint checkpoint;
  checkpoint.next = Offset(reader.little_endian<int64_t>());
  checkpoint.complete_ms = reader.little_endian<int64_t>();
  const bool is_ours = reader.ok() && version == kCheckpointVersion && reader.bytes(reader.remaining()) == topic_id_;
  if (!is_ours || wall_clock_ms() - checkpoint.complete_ms > options_.mirror_age_ms) return std::nullopt;
  return checkpoint;
}

Status KafkaChangelog::wipe() {
  WriteBatch batch;
  batch.erase_range(Space::kMeta, meta_prefix_, *limit_of(meta_prefix_));
  std::vector<std::pair<Space, std::string>> prefixes = options_.prefixes;
  if (prefixes.empty()) prefixes = {{Space::kState, ""}, {Space::kTable, ""}};
  for (const auto& [space, prefix] : prefixes) {
    std::optional<std::string> limit = limit_of(prefix);
    if (!limit) {
      const auto cursor = local_.cursor(space);
      cursor->seek_for_previous(std::string(1024, '\xff'));
      RETURN_IF_ERROR(cursor->status());
      if (!cursor->valid()) continue;
      limit = std::string(cursor->key()) + '\0';
    }
    batch.erase_range(space, prefix, *std::move(limit));
  }
  return local_.write(batch, Durability::kBuffered);
}

Status KafkaChangelog::check_record(const RecordView& record) const {
  const std::string_view key = record.key;
  if (!key.empty() && (key.front() == kStateMark || key.front() == kTableMark || key.front() == kMetaMark)) return {};
  return corrupt(
      fmt::format("Kafka: {} offset {}: the record is not one of a changelog; the topic belongs to "
                  "something else, or a newer program wrote it",
                  name(), record.offset));
}

std::pair<Space, std::string> KafkaChangelog::local_key(std::string_view key) const {
  const Space space = space_of(key);
  std::string local = space == Space::kMeta ? meta_prefix_ : std::string();
  local.append(key.substr(1));
  return {space, std::move(local)};
}

void KafkaChangelog::add(std::string_view key, std::optional<std::string_view> value, Tail& tail) const {
  const Space space = space_of(key);
  std::string meta_key;
  if (space == Space::kMeta) meta_key = meta_prefix_;
  const std::string_view local = space == Space::kMeta ? meta_key.append(key.substr(1)) : key.substr(1);
  if (value)
    tail.batch.put(space, local, *value);
  else
    tail.batch.erase(space, local);
}

Status KafkaChangelog::read(const RecordSet& records, Tail& tail) const {
  for (const RecordView& record : records.records) {
    RETURN_IF_ERROR(check_record(record));
    const auto value = record.is_tombstone() ? std::optional<std::string_view>() : record.value;
    if (record.headers.empty() && tail.sorter.is_idle()) {
      add(record.key, value, tail);
      continue;
    }
    const auto frame = decode_changelog_frame(record.headers);
    if (!frame) return frame.error().within(fmt::format("Kafka: {} offset {}", name(), record.offset));
    tail.sorter.add(
        *frame, {std::string(record.key), value ? std::optional<std::string>(*value) : std::nullopt, record.offset});
    for (const KafkaChangelogEntry& entry : tail.sorter.take_ready())
      add(entry.key, entry.value ? std::optional<std::string_view>(*entry.value) : std::nullopt, tail);
  }
  tail.next = records.next;
  return {};
}

BulkBatch KafkaChangelog::take(Tail& tail) const {
  tail.kept = tail.checkpoint();
  tail.batch.put(Space::kMeta, checkpoint_key_, encode(tail.kept));
  return std::exchange(tail.batch, {});
}

Status KafkaChangelog::write(BulkBatch batch) {
  if (batch.bytes() >= kBulkBytes) return local_.write_bulk(std::move(batch));
  return local_.write(batch.to_write_batch(), Durability::kBuffered);
}

Result<KafkaChangelog::Tail> KafkaChangelog::begin() {
  const TopicPartition& source = options_.partition;
  RETURN_IF_ERROR(topics_.check(source));
  ASSIGN_OR_RETURN(topic_id_, topics_.topic_id(source.topic));
  ASSIGN_OR_RETURN(const auto mirrored, checkpoint());
  const int64_t now_ms = wall_clock_ms();
  ASSIGN_OR_RETURN(const std::vector<OffsetRange> ranges, topics_.offsets({source}, KafkaTopics::End::kHigh));
  const OffsetRange range = ranges.front();
  const bool is_rebuilt = !mirrored || mirrored->next < range.begin || mirrored->next > range.end;
  Checkpoint from{range.begin, now_ms};
  KafkaChangelogWriter writer;
  if (!is_rebuilt) {
    from = *mirrored;
    ASSIGN_OR_RETURN(const auto known, local_.get(Space::kMeta, meta_prefix_ + std::string(kWriterKey)));
    writer = (known ? decode_changelog_writer(known->bytes) : std::nullopt).value_or(KafkaChangelogWriter());
  }
  return Tail{{writer, from.next}, from.next, is_rebuilt, from.complete_ms, range.end, now_ms, from, {}};
}

Result<KafkaChangelog::Restored> KafkaChangelog::restore() {
  const TopicPartition& source = options_.partition;
  ASSIGN_OR_RETURN(Tail tail, begin());
  Restored restored;
  restored.is_rebuilt = tail.is_rebuilt;
  if (tail.is_rebuilt) RETURN_IF_ERROR(wipe());
  Writing writing(*this);
  RecordSet records;
  auto progressed = std::chrono::steady_clock::now();
  while (tail.next < tail.end) {
    RETURN_IF_ERROR(consumer_.read(source, tail.next, options_.read_bytes, 0, records));
    if (records.next == tail.next) {
      if (std::chrono::steady_clock::now() - progressed > kPendingTimeout)
        return unavailable(
            fmt::format("Kafka: {}: a transaction at offset {} does not end; see 'kafka-transactions' "
                        "for its owner",
                        name(), tail.next));
      std::this_thread::sleep_for(kPendingPause);
      continue;
    }
    progressed = std::chrono::steady_clock::now();
    RETURN_IF_ERROR(read(records, tail));
    restored.entries += static_cast<int64_t>(records.records.size());
    if (tail.batch.bytes() >= options_.restore_batch_bytes) RETURN_IF_ERROR(writing.begin(take(tail)));
  }
  tail.sorter.finish();
  tail.complete_ms = tail.end_ms;
  RETURN_IF_ERROR(writing.finish());
  RETURN_IF_ERROR(write(take(tail)));
  consumer_.release(source);
  torn_ = tail.sorter.torn();
  next_ = tail.next;
  std::random_device random;
  writer_ = {tail.sorter.highest_epoch() + 1, uint64_t{random()} << 32 | random()};
  commit_ = 0;
  return restored;
}

Result<KafkaChangelog::Followed> KafkaChangelog::follow() {
  Followed followed;
  Status status = follow_once(followed);
  // What was to be read next is gone, or the topic is another one.
  if (!status && status.error().code == ErrorCode::kOutOfRange) status = follow_once(followed);
  if (!status) return std::move(status).error();
  return followed;
}

Status KafkaChangelog::follow_once(Followed& followed) {
  // Kept again only when all went well.
  std::unique_ptr<Tail> tail = std::move(followed_);
  const int64_t now_ms = wall_clock_ms();
  if (tail != nullptr && now_ms - tail->complete_ms > options_.mirror_age_ms) tail.reset();
  followed = {};
  if (tail == nullptr) {
    ASSIGN_OR_RETURN(Tail begun, begin());
    tail = std::make_unique<Tail>(std::move(begun));
    followed.is_rebuilt = tail->is_rebuilt;
  }
  RecordSet records;
  RETURN_IF_ERROR(consumer_.read(options_.partition, tail->next, options_.read_bytes, kFollowedEndAgeMs, records));
  RETURN_IF_ERROR(read(records, *tail));
  followed.entries = static_cast<int64_t>(records.records.size());
  if (tail->next >= tail->end) {
    // Tombstones of a commit that is not whole must not be gone when it is read again.
    if (!tail->sorter.open_from()) tail->complete_ms = tail->end_ms;
    ASSIGN_OR_RETURN(const OffsetRange range, consumer_.offsets(options_.partition, kFollowedEndAgeMs));
    tail->end = range.end;
    tail->end_ms = now_ms - kFollowedEndAgeMs;
  }
  followed.behind = std::max<int64_t>(tail->end.value - tail->next.value, 0);
  followed_ = std::move(tail);
  return {};
}

Status KafkaChangelog::keep() {
  if (followed_ == nullptr) return {};
  Status kept = keep_tail(*followed_);
  if (!kept) followed_.reset();
  return kept;
}

Status KafkaChangelog::keep_tail(Tail& tail) {
  const bool is_wiped = std::exchange(tail.is_rebuilt, false);
  if (is_wiped) RETURN_IF_ERROR(wipe());
  const Checkpoint now = tail.checkpoint();
  const bool is_due = is_wiped || !tail.batch.empty() || now.next != tail.kept.next ||
                      now.complete_ms - tail.kept.complete_ms >= options_.mirror_age_ms / kRenewals;
  return is_due ? write(take(tail)) : Status();
}

Result<std::optional<GroupPosition>> KafkaChangelog::position(std::string_view group,
                                                              const TopicPartition& source) const {
  const std::string key = meta_prefix_ + position_key(group, source);
  ASSIGN_OR_RETURN(const auto value, local_.get(Space::kMeta, key));
  if (!value) return std::nullopt;
  auto position = decode_position(value->bytes);
  if (!position)
    return corrupt(
        fmt::format("the position {} of {} cannot be read; delete the local state directory, and it is "
                    "built anew",
                    key, name()));
  return position;
}

Status KafkaChangelog::check_key(const WriteBatch::Operation& operation) const {
  if (operation.space != Space::kState && operation.space != Space::kTable)
    return invalid("a transaction's state may only be written to the state and table spaces");
  if (options_.prefixes.empty()) return {};
  for (const auto& [space, prefix] : options_.prefixes) {
    if (space != operation.space || !operation.key.starts_with(prefix)) continue;
    if (operation.kind != WriteBatch::Operation::Kind::kEraseRange) return {};
    const auto limit = limit_of(prefix);
    if (!limit || operation.value <= *limit) return {};
  }
  return invalid(fmt::format("{}: a write to a key outside of the task's own: {}", name(), operation.key));
}

// One record for each key in the range: those of the mirror and those that the transaction wrote before.
Status KafkaChangelog::add_range(const WriteBatch& state, size_t index, std::string_view headers,
                                 RecordBatchBuilder& records) const {
  const WriteBatch::Operation& range = state.operations()[index];
  std::set<std::string, std::less<>> keys;
  const auto cursor = local_.cursor(range.space);
  for (cursor->seek(range.key); cursor->valid() && cursor->key() < range.value; cursor->next())
    keys.emplace(cursor->key());
  RETURN_IF_ERROR(cursor->status());
  for (size_t before = 0; before < index; ++before) {
    const WriteBatch::Operation& written = state.operations()[before];
    if (written.kind == WriteBatch::Operation::Kind::kPut && written.space == range.space && written.key >= range.key &&
        written.key < range.value)
      keys.insert(written.key);
  }
  for (const std::string& key : keys) records.add(record_key(range.space, key), {}, headers, IngestTime(0));
  return {};
}

// What torn commits wrote is written over with what is true.
Status KafkaChangelog::add_repairs(RecordBatchBuilder& records, std::string_view headers) const {
  for (const auto& [key, torn] : torn_) {
    const auto [space, local] = local_key(key);
    ASSIGN_OR_RETURN(const auto value, local_.get(space, local));
    // A null pointer would make a tombstone of an empty value.
    const std::string_view kept = value && !value->bytes.empty() ? value->bytes : std::string_view("");
    records.add(key, value ? kept : std::string_view(), headers, IngestTime(0));
  }
  return {};
}

KafkaChangelogFrame KafkaChangelog::frame(bool is_last) const {
  return {writer_, commit_, is_last, commit_ == 0 ? next_ : Offset()};
}

void KafkaChangelog::add_mark(RecordBatchBuilder& records) {
  records.add(kMetaMark + std::string(kWriterKey), encode_changelog_writer(writer_),
              encode_changelog_frame(frame(true)), IngestTime(0));
  count_ = records.count();
}

Result<RecordBatchBuilder> KafkaChangelog::take_over() {
  RecordBatchBuilder records;
  RETURN_IF_ERROR(add_repairs(records, encode_changelog_frame(frame(false))));
  add_mark(records);
  return records;
}

bool KafkaChangelog::advance(Offset last) {
  const bool is_alone = last.value == next_.value + count_ - 1;
  next_ = Offset(last.value + 1);
  ++commit_;
  return is_alone;
}

Status KafkaChangelog::taken_over(Offset last) {
  if (!advance(last))
    return unavailable(fmt::format("Kafka: {}: its last owner still writes; waiting until it has ended", name()));
  torn_.clear();
  WriteBatch batch;
  batch.put(Space::kMeta, meta_prefix_ + std::string(kWriterKey), encode_changelog_writer(writer_));
  batch.put(Space::kMeta, checkpoint_key_, encode({next_, wall_clock_ms()}));
  return local_.write(batch, Durability::kBuffered);
}

Result<RecordBatchBuilder> KafkaChangelog::records(const Transaction& transaction) {
  RecordBatchBuilder records;
  const std::string headers = options_.is_framed ? encode_changelog_frame(frame(false)) : std::string();
  const bool is_empty = transaction.state.empty() && transaction.positions.empty();
  if (is_empty) return records;
  // A framed changelog was repaired when it was taken over.
  if (!options_.is_framed) RETURN_IF_ERROR(add_repairs(records, headers));
  const auto& operations = transaction.state.operations();
  for (size_t index = 0; index < operations.size(); ++index) {
    const WriteBatch::Operation& operation = operations[index];
    RETURN_IF_ERROR(check_key(operation));
    switch (operation.kind) {
      case WriteBatch::Operation::Kind::kPut:
        records.add(record_key(operation.space, operation.key), operation.value, headers, IngestTime(0));
        break;
      case WriteBatch::Operation::Kind::kErase:
        records.add(record_key(operation.space, operation.key), {}, headers, IngestTime(0));
        break;
      case WriteBatch::Operation::Kind::kEraseRange:
        RETURN_IF_ERROR(add_range(transaction.state, index, headers, records));
        break;
    }
  }
  for (const Transaction::Position& position : transaction.positions)
    records.add(kMetaMark + position_key(position.group, position.source), encode_position(position.position), headers,
                IngestTime(0));
  if (options_.is_framed) add_mark(records);
  return records;
}

Status KafkaChangelog::apply(Transaction&& transaction, Offset last) {
  if (options_.is_framed && !advance(last))
    return conflict(fmt::format("Kafka: {}: another process writes to it, too; going on from the last commit", name()));
  torn_.clear();
  WriteBatch batch = std::move(transaction.state);
  for (const Transaction::Position& position : transaction.positions)
    batch.put(Space::kMeta, meta_prefix_ + position_key(position.group, position.source),
              encode_position(position.position));
  batch.put(Space::kMeta, checkpoint_key_, encode({Offset(last.value + 1), wall_clock_ms()}));
  return local_.write(batch, Durability::kBuffered);
}

}  // namespace meterstream
