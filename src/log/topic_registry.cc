#include "log/topic_registry.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"

namespace meterstream {
namespace {

constexpr size_t kMaxNameBytes = 249;
constexpr int32_t kMaxPartitions = 10'000;

bool is_name_character(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '.' ||
         byte == '_' || byte == '-';
}

Error damaged(std::string_view what, std::string_view key) {
  return corrupt(
      fmt::format("the {} record of {} in the log's catalog cannot be read; run 'meterstream doctor', and "
                  "restore the data directory from a copy",
                  what, key));
}

bool starts_with_kind(std::string_view key, MetaKind kind) {
  return !key.empty() && key.front() == static_cast<char>(kind);
}

TopicRecord record_of(const TopicState& topic) {
  return {topic.number, topic.config.partitions, topic.config.retention_ms, topic.config.retention_bytes};
}

}  // namespace

TopicDescription TopicState::describe() const {
  TopicDescription description{config, {}, 0};
  for (int32_t index = 0; index < config.partitions; ++index) {
    const PartitionState& partition = partitions[index];
    // begin first: it never passes an end that is read later.
    const Offset begin(partition.begin.load());
    description.partitions.push_back({begin, Offset(partition.end.load())});
    description.bytes += partition.bytes.load();
  }
  return description;
}

Status validate_topic_name(std::string_view name) {
  const auto wrong = std::ranges::find_if_not(name, is_name_character);
  if (name.empty()) return invalid("a topic needs a name");
  if (name.size() > kMaxNameBytes)
    return invalid(fmt::format("topic name of {} characters; at most {} are allowed", name.size(), kMaxNameBytes));
  if (name == "." || name == "..") return invalid(fmt::format("'{}' cannot be the name of a topic", name));
  if (wrong != name.end())
    return invalid(
        fmt::format("topic name '{}' has a '{}' at position {}; letters, digits, '.', '_' and '-' are allowed", name,
                    *wrong, wrong - name.begin()));
  return {};
}

Status TopicRegistry::load() {
  const std::unique_lock lock(mutex_);
  topics_.clear();
  RETURN_IF_ERROR(load_topics());
  RETURN_IF_ERROR(load_partitions());
  return load_positions();
}

Status TopicRegistry::load_topics() {
  const auto cursor = store_.cursor(Space::kMeta);
  for (cursor->seek(meta_key(MetaKind::kTopic)); cursor->valid(); cursor->next()) {
    if (!starts_with_kind(cursor->key(), MetaKind::kTopic)) break;
    const std::string name(cursor->key().substr(1));
    const auto record = decode_topic(cursor->value());
    if (!record) return damaged("topic", name);
    auto topic = std::make_unique<TopicState>();
    topic->config = {name, record->partitions, record->retention_ms, record->retention_bytes};
    topic->number = record->number;
    topic->partitions = std::make_unique<PartitionState[]>(static_cast<size_t>(record->partitions));
    next_number_ = std::max(next_number_, record->number + 1);
    topics_.emplace(name, std::move(topic));
  }
  return cursor->status();
}

Status TopicRegistry::load_partitions() {
  for (const auto& [name, topic] : topics_) {
    for (int32_t index = 0; index < topic->config.partitions; ++index) {
      const PartitionId partition(index);
      const std::string key = meta_key(MetaKind::kPartition, partition_bytes(topic->number, partition));
      ASSIGN_OR_RETURN(const auto value, store_.get(Space::kMeta, key));
      if (value) {
        const auto record = decode_partition(value->bytes);
        if (!record) return damaged("partition", fmt::format("{} partition {}", name, index));
        topic->partitions[index].begin = record->begin.value;
        topic->partitions[index].end = record->end.value;
        topic->partitions[index].bytes = record->bytes;
      }
      RETURN_IF_ERROR(check_end(*topic, partition));
    }
  }
  return {};
}

// The last batch must end where the catalog says that the partition ends.
Status TopicRegistry::check_end(const TopicState& topic, PartitionId partition) const {
  const PartitionState& state = topic.partitions[partition.value];
  const std::string prefix = partition_bytes(topic.number, partition);
  const auto cursor = store_.cursor(Space::kLog);
  cursor->seek_for_previous(batch_key(topic.number, partition, Offset(std::numeric_limits<int64_t>::max())));
  const std::string where = fmt::format("topic {} partition {}", topic.config.name, partition);
  RETURN_IF_ERROR(cursor->status());
  const bool has_batch = cursor->valid() && cursor->key().starts_with(prefix);
  int64_t stored_end = state.begin;
  if (has_batch) {
    const std::string_view batch = cursor->value();
    RETURN_IF_ERROR(cursor->status());
    const auto header = parse_record_batch_header(batch);
    if (!header)
      return corrupt(
          fmt::format("{}, last batch: {}; restore the data directory from a copy", where, header.error().message));
    stored_end = header->end_offset().value;
  }
  if (stored_end != state.end)
    return corrupt(
        fmt::format("{}: the catalog says that it ends at offset {}, its batches end at {}; restore the data "
                    "directory from a copy",
                    where, state.end.load(), stored_end));
  return {};
}

Status TopicRegistry::load_positions() {
  std::map<uint32_t, TopicState*> by_number;
  for (const auto& [name, topic] : topics_) by_number[topic->number] = topic.get();
  const auto cursor = store_.cursor(Space::kMeta);
  for (cursor->seek(meta_key(MetaKind::kGroupPosition)); cursor->valid(); cursor->next()) {
    if (!starts_with_kind(cursor->key(), MetaKind::kGroupPosition)) break;
    const auto key = decode_group_position_key(cursor->key());
    const auto position = decode_position(cursor->value());
    if (!key || !position || !by_number.contains(key->topic_number)) return damaged("group position", cursor->key());
    TopicState& topic = *by_number[key->topic_number];
    if (key->partition.value < 0 || key->partition.value >= topic.config.partitions)
      return damaged("group position", key->group);
    topic.partitions[key->partition.value].floors[std::string(key->group)] = position->recovery.value;
  }
  return cursor->status();
}

Result<const TopicState*> TopicRegistry::create(const TopicConfig& config) {
  RETURN_IF_ERROR(validate_topic_name(config.name));
  if (config.partitions < 1 || config.partitions > kMaxPartitions)
    return invalid(fmt::format("topic {}: {} partitions asked for; 1 to {} are possible", config.name,
                               config.partitions, kMaxPartitions));
  const std::scoped_lock creating(create_mutex_);
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = topics_.find(config.name); found != topics_.end()) return found->second.get();
  }
  auto topic = std::make_unique<TopicState>();
  topic->config = config;
  topic->number = next_number_++;  // a number whose write failed is not used again
  topic->partitions = std::make_unique<PartitionState[]>(static_cast<size_t>(config.partitions));
  WriteBatch batch;
  batch.put(Space::kMeta, meta_key(MetaKind::kTopic, config.name), encode_topic(record_of(*topic)));
  if (Status written = store_.write(batch, Durability::kSync); !written)
    return written.error().within(fmt::format("creating topic {}", config.name));
  const std::unique_lock lock(mutex_);
  return topics_.emplace(config.name, std::move(topic)).first->second.get();
}

Status TopicRegistry::remove(TopicState& topic) {
  const std::scoped_lock creating(create_mutex_);
  if (topic.is_deleted) return {};
  WriteBatch batch;
  batch.erase(Space::kMeta, meta_key(MetaKind::kTopic, topic.config.name));
  for (int32_t index = 0; index < topic.config.partitions; ++index)
    batch.erase(Space::kMeta, meta_key(MetaKind::kPartition, partition_bytes(topic.number, PartitionId(index))));
  batch.erase_range(Space::kLog, partition_bytes(topic.number, PartitionId(0)),
                    partition_bytes(topic.number + 1, PartitionId(0)));
  const auto cursor = store_.cursor(Space::kMeta);
  for (cursor->seek(meta_key(MetaKind::kGroupPosition)); cursor->valid(); cursor->next()) {
    if (!starts_with_kind(cursor->key(), MetaKind::kGroupPosition)) break;
    const auto key = decode_group_position_key(cursor->key());
    if (key && key->topic_number == topic.number) batch.erase(Space::kMeta, std::string(cursor->key()));
  }
  RETURN_IF_ERROR(cursor->status());
  if (Status written = store_.write(batch, Durability::kSync); !written)
    return written.error().within(fmt::format("deleting topic {}", topic.config.name));
  topic.is_deleted = true;
  const std::unique_lock lock(mutex_);
  const auto found = topics_.find(topic.config.name);
  CHECK(found != topics_.end() && found->second.get() == &topic);
  deleted_.push_back(std::move(found->second));
  topics_.erase(found);
  return {};
}

Result<TopicState*> TopicRegistry::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  if (const auto found = topics_.find(name); found != topics_.end()) return found->second.get();
  std::string names;
  for (const auto& [other, topic] : topics_) names += (names.empty() ? "" : ", ") + other;
  return not_found(fmt::format("topic '{}' does not exist; {}", name,
                               names.empty() ? "there are no topics yet" : "there are: " + names));
}

Result<PartitionHandle> TopicRegistry::find(const TopicPartition& partition) const {
  ASSIGN_OR_RETURN(TopicState* const topic, find(partition.topic));
  if (partition.partition.value < 0 || partition.partition.value >= topic->config.partitions)
    return invalid(fmt::format("topic {} has no partition {}; it has 0 to {}", partition.topic, partition.partition,
                               topic->config.partitions - 1));
  return PartitionHandle{topic, partition.partition};
}

std::vector<TopicState*> TopicRegistry::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<TopicState*> topics;
  topics.reserve(topics_.size());
  for (const auto& [name, topic] : topics_) topics.push_back(topic.get());
  return topics;
}

}  // namespace meterstream
