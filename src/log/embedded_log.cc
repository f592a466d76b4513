#include "log/embedded_log.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "base/check.h"

namespace meterstream {
namespace {

std::string name_of(const PartitionHandle& partition) {
  return fmt::format("topic {} partition {}", partition.topic->config.name, partition.id);
}

Error deleted_error(const PartitionHandle& partition) {
  return not_found(fmt::format("topic '{}' was deleted", partition.topic->config.name));
}

// Says what to do where the error does not.
Error advised(Error error) {
  if (error.code == ErrorCode::kCorrupt && error.message.find("restore") == std::string::npos)
    error.message += "; restore the data directory from a copy";
  return error;
}

}  // namespace

// A transaction on its way: from the queue through one write to its caller, who owns it on his stack.
struct EmbeddedLog::Commit {
  struct Append {
    PartitionHandle partition;
    Offset base;
    Offset end;
    int64_t bytes = 0;
    size_t operation = 0;  ///< index in the batch that was written
  };

  Transaction transaction;
  Durability durability = Durability::kBuffered;
  std::vector<PartitionHandle> targets;
  std::vector<PartitionHandle> sources;
  size_t bytes = 0;
  std::vector<Append> appends;
  bool done = false;
  Status status;
};

EmbeddedLog::EmbeddedLog(KeyValueStore& store, const Clock& clock, EmbeddedLogOptions options)
    : store_(store), clock_(clock), options_(options), registry_(store), recent_(options.recent_bytes) {}
EmbeddedLog::~EmbeddedLog() = default;

Result<std::unique_ptr<EmbeddedLog>> EmbeddedLog::open(KeyValueStore& store, const Clock& clock,
                                                       EmbeddedLogOptions options) {
  std::unique_ptr<EmbeddedLog> log(new EmbeddedLog(store, clock, options));
  RETURN_IF_ERROR(log->registry_.load());
  return log;
}

Result<TopicDescription> EmbeddedLog::create_topic(const TopicConfig& config) {
  ASSIGN_OR_RETURN(const TopicState* const topic, registry_.create(config));
  return topic->describe();
}

Status EmbeddedLog::delete_topic(std::string_view name) {
  ASSIGN_OR_RETURN(TopicState* const topic, registry_.find(name));
  return run_exclusively([&] { return registry_.remove(*topic); });
}

Result<std::vector<std::string>> EmbeddedLog::groups_in(std::string_view name) {
  ASSIGN_OR_RETURN(const TopicState* const topic, registry_.find(name));
  std::set<std::string> groups;
  for (int32_t index = 0; index < topic->config.partitions; ++index) {
    PartitionState& partition = topic->partitions[index];
    const std::scoped_lock lock(partition.floors_mutex);
    for (const auto& [group, recovery] : partition.floors) groups.insert(group);
  }
  return std::vector<std::string>(groups.begin(), groups.end());
}

Result<TopicDescription> EmbeddedLog::describe_topic(std::string_view name) {
  ASSIGN_OR_RETURN(const TopicState* const topic, registry_.find(name));
  return topic->describe();
}

Result<std::vector<std::string>> EmbeddedLog::topics() {
  std::vector<std::string> names;
  for (const TopicState* topic : registry_.all()) names.push_back(topic->config.name);
  return names;
}

Result<OffsetRange> EmbeddedLog::offsets(const TopicPartition& source) {
  ASSIGN_OR_RETURN(const PartitionHandle partition, registry_.find(source));
  const Offset begin(partition.state().begin.load());
  return OffsetRange{begin, Offset(partition.state().end.load())};
}

Error EmbeddedLog::out_of_range_at(const PartitionHandle& partition, Offset from) const {
  const int64_t begin = partition.state().begin;
  const int64_t end = partition.state().end;
  if (from.value < begin)
    return out_of_range(
        fmt::format("{}: offset {} is gone: {} records were removed by the topic's retention; the log "
                    "begins at offset {}",
                    name_of(partition), from, begin - from.value, begin));
  return out_of_range(
      fmt::format("{}: offset {} does not exist yet; the log ends at offset {}", name_of(partition), from, end));
}

// A reader that goes on where a batch ended finds the next one by its key; only a start in the middle has to search.
Result<PinnedValue> EmbeddedLog::batch_at(const PartitionHandle& partition, Offset from, Offset& base) const {
  const uint32_t topic = partition.topic->number;
  if (auto recent = recent_.find(topic, partition.id, from)) {
    base = recent->base;
    return std::move(recent->batch);
  }
  base = from;
  ASSIGN_OR_RETURN(auto value, store_.get(Space::kLog, batch_key(topic, partition.id, from)));
  if (value) return *std::move(value);
  const auto cursor = store_.cursor(Space::kLog);
  cursor->seek_for_previous(batch_key(topic, partition.id, from));
  RETURN_IF_ERROR(cursor->status());
  if (!cursor->valid() || !cursor->key().starts_with(partition_bytes(topic, partition.id)))
    return corrupt("no batch holds this offset; restore the data directory from a copy");
  base = Offset(static_cast<int64_t>(load_big_endian64(cursor->key().data() + 8)));
  const auto copy = std::make_shared<const std::string>(cursor->value());
  RETURN_IF_ERROR(cursor->status());
  return PinnedValue{*copy, copy};
}

Status EmbeddedLog::read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) {
  out.clear();
  out.next = from;
  ASSIGN_OR_RETURN(const PartitionHandle partition, registry_.find(source));
  const int64_t end = partition.state().end.load(std::memory_order_acquire);
  if (from.value < partition.state().begin || from.value > end) return out_of_range_at(partition, from);
  size_t bytes = 0;
  while (out.next.value < end && (bytes == 0 || bytes < max_bytes)) {
    Offset base;
    auto batch = batch_at(partition, out.next, base);
    Status parsed;
    Result<RecordBatchHeader> header = RecordBatchHeader{};
    if (!batch) {
      parsed = batch.error();
    } else {
      header = parse_record_batch_header(batch->bytes);
      parsed = header ? parse_record_batch(batch->bytes, out.next, out.records) : Status(header.error());
      if (parsed &&
          (header->base_offset != base || header->end_offset() <= out.next || header->end_offset().value > end))
        parsed = corrupt(fmt::format("record batch says that it holds offsets {} to {}", header->base_offset,
                                     header->end_offset().value - 1));
    }
    if (!parsed) {
      const Offset failed = out.next;
      out.clear();
      out.next = from;
      if (partition.topic->is_deleted) return deleted_error(partition);
      if (failed.value < partition.state().begin) return out_of_range_at(partition, from);
      return advised(parsed.error().within(fmt::format("{} offset {}", name_of(partition), failed)));
    }
    bytes += batch->bytes.size();
    out.owners.push_back(std::move(batch->owner));
    out.next = header->end_offset();
  }
  return {};
}

Result<bool> EmbeddedLog::await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) {
  ASSIGN_OR_RETURN(const PartitionHandle partition, registry_.find(source));
  const auto has_data = [&] { return partition.state().end.load(std::memory_order_acquire) > from.value; };
  if (has_data()) return true;
  if (timeout_ms <= 0) return false;
  std::unique_lock lock(data_mutex_);
  return data_arrived_.wait_for(lock, std::chrono::milliseconds(timeout_ms), has_data);
}

Status EmbeddedLog::check_transaction(const Transaction& transaction, Commit& commit) const {
  for (const Transaction::Append& append : transaction.appends) {
    ASSIGN_OR_RETURN(const PartitionHandle target, registry_.find(append.target));
    commit.targets.push_back(target);
    commit.bytes += append.records.bytes();
  }
  for (const Transaction::Position& position : transaction.positions) {
    ASSIGN_OR_RETURN(const PartitionHandle source, registry_.find(position.source));
    if (position.group.empty()) return invalid("a position needs the name of its group");
    if (position.position.next.value < 0 || position.position.recovery.value < 0)
      return invalid(fmt::format("group {}: negative position in {}", position.group, name_of(source)));
    commit.sources.push_back(source);
  }
  for (const WriteBatch::Operation& operation : transaction.state.operations()) {
    if (operation.space != Space::kState && operation.space != Space::kTable)
      return invalid("a transaction's state may only be written to the state and table spaces");
  }
  return {};
}

Status EmbeddedLog::commit(Transaction&& transaction, Durability durability) {
  Commit commit;
  RETURN_IF_ERROR(check_transaction(transaction, commit));
  commit.transaction = std::move(transaction);
  commit.durability = durability;

  std::unique_lock lock(queue_mutex_);
  queue_.push_back(&commit);
  queue_changed_.wait(lock, [&] { return commit.done || !writing_; });
  if (commit.done) return commit.status;
  // This thread writes for everybody who waits. Its own commit may be behind a full group; then it goes on.
  writing_ = true;
  while (!commit.done) {
    const std::deque<Commit*> group = take_group();
    lock.unlock();
    write_group(group);
    lock.lock();
    for (Commit* written : group) written->done = true;
  }
  writing_ = false;
  queue_changed_.notify_all();
  return commit.status;
}

std::deque<EmbeddedLog::Commit*> EmbeddedLog::take_group() {
  std::deque<Commit*> group;
  size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes + queue_.front()->bytes <= options_.group_commit_bytes)) {
    bytes += queue_.front()->bytes;
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  return group;
}

// Runs `work` while no commit is being written.
Status EmbeddedLog::run_exclusively(const std::function<Status()>& work) {
  std::unique_lock lock(queue_mutex_);
  queue_changed_.wait(lock, [&] { return !writing_; });
  writing_ = true;
  lock.unlock();
  Status status = work();
  lock.lock();
  writing_ = false;
  queue_changed_.notify_all();
  return status;
}

void EmbeddedLog::write_group(std::deque<Commit*> group) {
  // A topic may have been deleted while they waited.
  std::erase_if(group, [](Commit* commit) {
    for (const auto* partitions : {&commit->targets, &commit->sources}) {
      for (const PartitionHandle& partition : *partitions) {
        if (!partition.topic->is_deleted) continue;
        commit->status = deleted_error(partition);
        return true;
      }
    }
    return false;
  });
  WriteBatch batch;
  const IngestTime now = clock_.now();
  Durability durability = Durability::kBuffered;
  std::map<std::pair<uint32_t, PartitionId>, std::pair<PartitionHandle, PartitionRecord>> changed;
  for (Commit* commit : group) {
    if (commit->durability == Durability::kSync) durability = Durability::kSync;
    for (size_t index = 0; index < commit->targets.size(); ++index) {
      RecordBatchBuilder& records = commit->transaction.appends[index].records;
      if (records.empty()) continue;
      const PartitionHandle partition = commit->targets[index];
      PartitionState& state = partition.state();
      const PartitionRecord current{Offset(state.begin), Offset(state.end), state.bytes};
      PartitionRecord& record =
          changed.try_emplace({partition.topic->number, partition.id}, partition, current).first->second.second;
      const Offset base = record.end;
      const uint32_t count = records.count();
      std::string bytes = records.finish(base, now);
      record.end = Offset(base.value + count);
      record.bytes += static_cast<int64_t>(bytes.size());
      commit->appends.push_back(
          {partition, base, record.end, static_cast<int64_t>(bytes.size()), batch.operations().size()});
      batch.put(Space::kLog, batch_key(partition.topic->number, partition.id, base), std::move(bytes));
    }
    for (size_t index = 0; index < commit->sources.size(); ++index) {
      const Transaction::Position& position = commit->transaction.positions[index];
      const PartitionHandle& source = commit->sources[index];
      batch.put(Space::kMeta, group_position_key(position.group, source.topic->number, source.id),
                encode_position(position.position));
    }
    batch.append(std::move(commit->transaction.state));
  }
  for (const auto& [key, partition] : changed)
    batch.put(Space::kMeta, meta_key(MetaKind::kPartition, partition_bytes(key.first, key.second)),
              encode_partition(partition.second));
  const Status status = batch.empty() ? Status() : store_.write(batch, durability);
  for (Commit* commit : group) commit->status = status;
  if (status) publish(group, batch);
}

void EmbeddedLog::publish(const std::deque<Commit*>& group, WriteBatch& batch) {
  bool has_appends = false;
  for (const Commit* commit : group) {
    for (const Commit::Append& append : commit->appends) {
      has_appends = true;
      const auto bytes = std::make_shared<const std::string>(batch.take_value(append.operation));
      recent_.add(append.partition.topic->number, append.partition.id, append.base, append.end,
                  PinnedValue{*bytes, bytes});
      append.partition.state().bytes += append.bytes;
      append.partition.state().end.store(append.end.value, std::memory_order_release);
    }
    for (size_t index = 0; index < commit->sources.size(); ++index) {
      const Transaction::Position& position = commit->transaction.positions[index];
      PartitionState& source = commit->sources[index].state();
      const std::scoped_lock lock(source.floors_mutex);
      source.floors[position.group] = position.position.recovery.value;
    }
  }
  if (!has_appends) return;
  {
    const std::scoped_lock lock(data_mutex_);
  }
  data_arrived_.notify_all();
}

Result<std::optional<GroupPosition>> EmbeddedLog::position(std::string_view group, const TopicPartition& source) {
  ASSIGN_OR_RETURN(const PartitionHandle partition, registry_.find(source));
  ASSIGN_OR_RETURN(const auto value,
                   store_.get(Space::kMeta, group_position_key(group, partition.topic->number, partition.id)));
  if (!value) return std::nullopt;
  auto position = decode_position(value->bytes);
  if (!position)
    return corrupt(fmt::format("the position of group {} in {} cannot be read; restore the data directory from a copy",
                               group, name_of(partition)));
  return position;
}

Result<EmbeddedLog::RetentionResult> EmbeddedLog::apply_retention() {
  RetentionResult total;
  for (TopicState* topic : registry_.all()) {
    if (topic->config.retention_ms < 0 && topic->config.retention_bytes < 0) continue;
    for (int32_t index = 0; index < topic->config.partitions; ++index) {
      ASSIGN_OR_RETURN(const RetentionResult removed, apply_retention_to(*topic, PartitionId(index)));
      total.records += removed.records;
      total.bytes += removed.bytes;
    }
  }
  return total;
}

Result<EmbeddedLog::RetentionResult> EmbeddedLog::apply_retention_to(TopicState& topic, PartitionId id) {
  const PartitionHandle partition{&topic, id};
  PartitionState& state = partition.state();
  int64_t floor = state.end;
  {
    const std::scoped_lock lock(state.floors_mutex);
    for (const auto& [group, recovery] : state.floors) floor = std::min(floor, recovery);
  }
  const int64_t oldest_kept_ms = clock_.now().value - topic.config.retention_ms;
  const Offset old_begin(state.begin);
  Offset begin = old_begin;
  RetentionResult removed;
  while (begin.value < floor) {
    Offset base;
    const auto batch = batch_at(partition, begin, base);
    if (!batch && topic.is_deleted) return RetentionResult{};
    RETURN_IF_ERROR(batch);
    ASSIGN_OR_RETURN(const RecordBatchHeader header, parse_record_batch_header(batch->bytes));
    const auto size = static_cast<int64_t>(batch->bytes.size());
    const bool too_old = topic.config.retention_ms >= 0 && header.max_ingest_time.value < oldest_kept_ms;
    const bool too_many =
        topic.config.retention_bytes >= 0 && state.bytes - removed.bytes > topic.config.retention_bytes;
    if ((!too_old && !too_many) || header.end_offset().value > floor) break;
    CHECK(header.end_offset() > begin);
    removed.records += header.count;
    removed.bytes += size;
    begin = header.end_offset();
  }
  if (begin == old_begin) return removed;
  const Status written = run_exclusively([&]() -> Status {
    // What is written now would be taken for that of the next topic with this number.
    if (topic.is_deleted) {
      removed = {};
      return {};
    }
    const PartitionRecord record{begin, Offset(state.end), state.bytes - removed.bytes};
    WriteBatch batch;
    batch.erase_range(Space::kLog, batch_key(topic.number, id, old_begin), batch_key(topic.number, id, begin));
    batch.put(Space::kMeta, meta_key(MetaKind::kPartition, partition_bytes(topic.number, id)),
              encode_partition(record));
    RETURN_IF_ERROR(store_.write(batch, Durability::kSync));
    state.bytes -= removed.bytes;
    state.begin = begin.value;
    return {};
  });
  if (!written) return written.error().within("retention of " + name_of(partition));
  return removed;
}

}  // namespace meterstream
