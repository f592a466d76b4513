#include "connectors/kafka/kafka_log.h"

#include <algorithm>
#include <map>
#include <random>
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

}  // namespace

KafkaLog::KafkaLog(KafkaLogParts parts, KafkaLogOptions options)
    : parts_(std::move(parts)), options_(std::move(options)) {
  if (parts_.changelog) CHECK(parts_.changelog->is_framed() == (parts_.producer && !parts_.producer->is_atomic()));
}
KafkaLog::~KafkaLog() = default;

namespace {

Result<std::unique_ptr<KafkaLog>> connect_with(KafkaLogOptions options) {
  KafkaLogParts parts;
  ASSIGN_OR_RETURN(parts.topics, KafkaTopics::open(options.settings));
  ASSIGN_OR_RETURN(parts.consumer, KafkaConsumer::open(options.settings));
  return std::make_unique<KafkaLog>(std::move(parts), std::move(options));
}

}  // namespace

Result<std::unique_ptr<KafkaLog>> KafkaLog::connect(const KafkaSettings& settings, std::string transactional_id) {
  return connect_with({.settings = settings, .transactional_id = std::move(transactional_id)});
}

Result<std::unique_ptr<KafkaLog>> KafkaLog::connect_follower(const KafkaSettings& settings, int64_t end_age_ms) {
  return connect_with({.settings = settings, .end_age_ms = end_age_ms});
}

Result<TopicDescription> KafkaLog::create_topic(const TopicConfig& config) {
  KafkaTopicOptions options;
  options.is_compacted = config.is_compacted;
  return parts_.topics->create(config, options);
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
  return parts_.consumer->offsets(source, std::max(options_.end_age_ms, options_.offsets_age_ms));
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
    if (member.group() == options_.group) commit.member = &member;
    commit.offsets.reserve(lowest.size());
    for (const auto& [source, next] : lowest) commit.offsets.push_back({source, next, {}});
    return commits;
  }
  for (const Transaction::Position& position : transaction.positions) {
    auto commit = std::ranges::find(commits, position.group, &KafkaGroupCommit::group);
    if (commit == commits.end()) commit = commits.insert(commits.end(), {position.group, {}, nullptr});
    std::string metadata = encode_offset_metadata(position.position);
    if (metadata.size() > kMaxMetadataBytes)
      return invalid(fmt::format("Kafka: group {}: {} bytes beside the position; at most {} fit", position.group,
                                 position.position.metadata.size(), kMaxMetadataBytes * 3 / 4 - 32));
    commit->offsets.push_back({position.source, position.position.next, std::move(metadata)});
  }
  return commits;
}

Result<KafkaCommitPart> KafkaLog::prepare(Transaction&& transaction) const {
  RETURN_IF_ERROR(check_transaction(transaction));
  KafkaCommitPart part;
  part.batches.reserve(transaction.appends.size() + 1);
  part.appends.reserve(transaction.appends.size() + 1);
  const IngestTime now = SystemClock().now();
  for (Transaction::Append& append : transaction.appends) {
    if (append.records.empty()) continue;
    ASSIGN_OR_RETURN(KafkaRecordBatch batch, KafkaRecordBatch::parse(append.records, now));
    part.batches.push_back(std::move(batch));
    part.appends.push_back({append.target, part.batches.back().records, {}, waits_for_visibility()});
  }
  if (parts_.changelog) {
    ASSIGN_OR_RETURN(RecordBatchBuilder changes, parts_.changelog->records(transaction));
    if (!changes.empty()) {
      ASSIGN_OR_RETURN(KafkaRecordBatch batch, KafkaRecordBatch::parse(changes, now));
      part.batches.push_back(std::move(batch));
      part.appends.push_back({parts_.changelog->partition(), part.batches.back().records, {}, true, true});
      part.changelog = parts_.changelog;
    }
  }
  ASSIGN_OR_RETURN(part.groups, group_commits(transaction));
  transaction.appends.clear();
  part.transaction = std::move(transaction);
  return part;
}

Status KafkaLog::commit(Transaction&& transaction, Durability /*durability*/) {
  // The changelog numbers its records by what is committed.
  if (parts_.pipeline) RETURN_IF_ERROR(parts_.pipeline->settle());
  ASSIGN_OR_RETURN(KafkaCommitPart part, prepare(std::move(transaction)));
  if (part.is_empty()) return {};
  if (parts_.pipeline) {
    parts_.pipeline->add(std::move(part));
    return {};
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<KafkaWriter> writer, producer());
  KafkaCommit commit;
  commit.add(std::move(part));
  RETURN_IF_ERROR(
      commit.write(*writer, *parts_.topics, waits_for_visibility() ? options_.settings.request_timeout_ms : 0));
  return commit.apply();
}

Status KafkaLog::take_over() {
  if (!parts_.changelog || !parts_.changelog->is_framed()) return {};
  ASSIGN_OR_RETURN(RecordBatchBuilder records, parts_.changelog->take_over());
  ASSIGN_OR_RETURN(const KafkaRecordBatch batch, KafkaRecordBatch::parse(records, SystemClock().now()));
  KafkaAppend append{parts_.changelog->partition(), batch.records, {}, true, true};
  RETURN_IF_ERROR(parts_.producer->commit({&append, 1}, {}));
  return parts_.changelog->taken_over(append.last);
}

Result<std::optional<GroupPosition>> KafkaLog::position(std::string_view group, const TopicPartition& source) {
  RETURN_IF_ERROR(parts_.topics->check(source));
  if (parts_.changelog) return parts_.changelog->position(group, source);
  if (group.empty()) return invalid("a position needs the name of its group");
  return parts_.topics->group_position(group, source);
}

}  // namespace meterstream
