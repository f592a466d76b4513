#include "connectors/kafka/kafka_log.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/clock.h"

namespace meterstream {
namespace {

// The broker's default limit (offset.metadata.max.bytes).
constexpr size_t kMaxMetadataBytes = 4096;

std::string random_id() {
  std::random_device random;
  return fmt::format("meterstream-{:08x}{:08x}", random(), random());
}

constexpr auto kVisibilityPause = std::chrono::milliseconds(2);

// A record batch with the views of its records, as the producer takes them.
struct ParsedBatch {
  std::string bytes;
  std::vector<RecordView> records;
};

Status parse(RecordBatchBuilder& builder, IngestTime now, ParsedBatch& out) {
  out.records.reserve(builder.count());
  out.bytes = builder.finish(Offset(0), now);
  return parse_record_batch(out.bytes, Offset(0), out.records);
}

}  // namespace

KafkaLog::KafkaLog(KafkaLogParts parts, KafkaLogOptions options)
    : parts_(std::move(parts)), options_(std::move(options)) {
  if (parts_.changelog) CHECK(parts_.changelog->is_framed() == (parts_.producer && !parts_.producer->is_atomic()));
}
KafkaLog::~KafkaLog() = default;

Result<std::unique_ptr<KafkaLog>> KafkaLog::connect(const KafkaSettings& settings, std::string transactional_id) {
  KafkaLogParts parts;
  ASSIGN_OR_RETURN(parts.topics, KafkaTopics::open(settings));
  ASSIGN_OR_RETURN(parts.consumer, KafkaConsumer::open(settings));
  return std::make_unique<KafkaLog>(
      std::move(parts), KafkaLogOptions{.settings = settings, .transactional_id = std::move(transactional_id)});
}

Result<TopicDescription> KafkaLog::create_topic(const TopicConfig& config) {
  return parts_.topics->create(config);
}

Result<TopicDescription> KafkaLog::describe_topic(std::string_view topic) {
  return parts_.topics->describe(topic);
}

Result<std::vector<std::string>> KafkaLog::topics() {
  return parts_.topics->list();
}

Status KafkaLog::read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) {
  out.clear();
  out.next = from;
  RETURN_IF_ERROR(parts_.topics->check(source));
  Status status = parts_.consumer->read(source, from, max_bytes, options_.end_age_ms, out);
  if (!status && status.error().code == ErrorCode::kNotFound) parts_.topics->forget(source.topic);
  return status;
}

Result<OffsetRange> KafkaLog::offsets(const TopicPartition& source) {
  RETURN_IF_ERROR(parts_.topics->check(source));
  return parts_.consumer->offsets(source, options_.end_age_ms);
}

Result<bool> KafkaLog::await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) {
  RETURN_IF_ERROR(parts_.topics->check(source));
  return parts_.consumer->await_data(source, from, timeout_ms);
}

Status KafkaLog::check_transaction(const Transaction& transaction) const {
  for (const Transaction::Append& append : transaction.appends) RETURN_IF_ERROR(parts_.topics->check(append.target));
  for (const Transaction::Position& position : transaction.positions) {
    RETURN_IF_ERROR(parts_.topics->check(position.source));
    if (position.group.empty()) return invalid("a position needs the name of its group");
    if (position.position.next.value < 0 || position.position.recovery.value < 0)
      return invalid(fmt::format("group {}: negative position in topic {} partition {}", position.group,
                                 position.source.topic, position.source.partition));
  }
  if (!parts_.changelog && !transaction.state.empty())
    return invalid("Kafka: state can be committed only with a changelog; this log has none");
  return {};
}

Result<std::shared_ptr<KafkaWriter>> KafkaLog::producer() {
  const std::scoped_lock lock(producer_mutex_);
  if (!parts_.producer) {
    if (options_.transactional_id.empty()) options_.transactional_id = random_id();
    ASSIGN_OR_RETURN(parts_.producer, KafkaProducer::open(options_.settings, options_.transactional_id));
  }
  return parts_.producer;
}

Result<std::vector<KafkaGroupCommit>> KafkaLog::group_commits(const Transaction& transaction) const {
  std::vector<KafkaGroupCommit> commits;
  if (transaction.positions.empty() || (parts_.changelog && options_.group.empty())) return commits;
  if (parts_.changelog) {
    std::map<TopicPartition, Offset> lowest;
    for (const Transaction::Position& position : transaction.positions) {
      Offset& next = lowest.try_emplace(position.source, position.position.next).first->second;
      next = std::min(next, position.position.next);
    }
    KafkaGroupCommit& commit = commits.emplace_back();
    commit.group = options_.group;
    KafkaConsumer& member = parts_.member ? *parts_.member : *parts_.consumer;
    if (member.group() == options_.group) {
      ASSIGN_OR_RETURN(commit.member, member.group_metadata());
      commit.consumer = &member;
    }
    commit.offsets.reserve(lowest.size());
    for (const auto& [source, next] : lowest) commit.offsets.push_back({source, next, {}});
    return commits;
  }
  for (const Transaction::Position& position : transaction.positions) {
    auto commit = std::ranges::find(commits, position.group, &KafkaGroupCommit::group);
    if (commit == commits.end()) commit = commits.insert(commits.end(), {position.group, nullptr, {}, nullptr});
    std::string metadata = encode_offset_metadata(position.position);
    if (metadata.size() > kMaxMetadataBytes)
      return invalid(fmt::format("Kafka: group {}: {} bytes beside the position; at most {} fit", position.group,
                                 position.position.metadata.size(), kMaxMetadataBytes * 3 / 4 - 32));
    commit->offsets.push_back({position.source, position.position.next, std::move(metadata)});
  }
  return commits;
}

Status KafkaLog::commit(Transaction&& transaction, Durability /*durability*/) {
  RETURN_IF_ERROR(check_transaction(transaction));
  std::vector<ParsedBatch> batches(transaction.appends.size() + 1);
  std::vector<KafkaAppend> appends;
  appends.reserve(batches.size());
  const IngestTime now = SystemClock().now();
  for (size_t index = 0; index < transaction.appends.size(); ++index) {
    Transaction::Append& append = transaction.appends[index];
    if (append.records.empty()) continue;
    RETURN_IF_ERROR(parse(append.records, now, batches[index]));
    appends.push_back({append.target, batches[index].records, {}, waits_for_visibility()});
  }
  bool has_changes = false;
  if (parts_.changelog) {
    ASSIGN_OR_RETURN(RecordBatchBuilder changes, parts_.changelog->records(transaction));
    has_changes = !changes.empty();
    if (has_changes) {
      RETURN_IF_ERROR(parse(changes, now, batches.back()));
      appends.push_back({parts_.changelog->partition(), batches.back().records, {}, true, true});
    }
  }
  ASSIGN_OR_RETURN(const std::vector<KafkaGroupCommit> groups, group_commits(transaction));
  if (appends.empty() && groups.empty()) return {};
  ASSIGN_OR_RETURN(const std::shared_ptr<KafkaWriter> writer, producer());
  Status committed = writer->commit(appends, groups);
  if (!committed) {
    if (committed.error().code == ErrorCode::kNotFound)
      for (const KafkaAppend& append : appends) parts_.topics->forget(append.target.topic);
    return committed;
  }
  if (has_changes) RETURN_IF_ERROR(parts_.changelog->apply(std::move(transaction), appends.back().last));
  if (waits_for_visibility()) await_visibility(appends);
  return {};
}

Status KafkaLog::take_over() {
  if (!parts_.changelog || !parts_.changelog->is_framed()) return {};
  ASSIGN_OR_RETURN(RecordBatchBuilder records, parts_.changelog->take_over());
  ParsedBatch batch;
  RETURN_IF_ERROR(parse(records, SystemClock().now(), batch));
  KafkaAppend append{parts_.changelog->partition(), batch.records, {}, true, true};
  RETURN_IF_ERROR(parts_.producer->commit({&append, 1}, {}));
  return parts_.changelog->taken_over(append.last);
}

// A committed transaction becomes readable a moment later, when its mark has reached each partition. The end is looked
// for in vain no longer than a request may take: the commit holds in any case.
void KafkaLog::await_visibility(const std::vector<KafkaAppend>& appends) {
  std::map<TopicPartition, Offset> last;
  for (const KafkaAppend& append : appends) {
    Offset& offset = last.try_emplace(append.target, append.last).first->second;
    offset = std::max(offset, append.last);
  }
  std::vector<TopicPartition> targets;
  targets.reserve(last.size());
  for (const auto& [target, offset] : last) targets.push_back(target);
  const auto began = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - began < std::chrono::milliseconds(options_.settings.request_timeout_ms)) {
    const auto ends = parts_.topics->ends(targets, KafkaTopics::End::kStable);
    if (!ends) return;
    bool is_visible = true;
    for (size_t index = 0; index < targets.size(); ++index) is_visible &= (*ends)[index] > last[targets[index]];
    if (is_visible) return;
    std::this_thread::sleep_for(kVisibilityPause);
  }
}

Result<std::optional<GroupPosition>> KafkaLog::position(std::string_view group, const TopicPartition& source) {
  RETURN_IF_ERROR(parts_.topics->check(source));
  if (parts_.changelog) return parts_.changelog->position(group, source);
  if (group.empty()) return invalid("a position needs the name of its group");
  return parts_.topics->group_position(group, source);
}

}  // namespace meterstream
