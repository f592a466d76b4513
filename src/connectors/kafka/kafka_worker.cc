#include "connectors/kafka/kafka_worker.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "connectors/kafka/kafka_plain_producer.h"

namespace meterstream {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kKnownOffsetsAgeMs = 1'000;
// So often in a row, each time within kFencedAgainNs, two processes have the same identity.
constexpr int kTimesFenced = 3;
constexpr int64_t kFencedAgainNs = 3'000'000'000;
constexpr int kConflictsToTell = 5;
// A standby leaves after one write. Another worker of this process that lost the partition may have to notice first.
constexpr int64_t kOwnershipTimeoutMs = 2'000;

}  // namespace

struct KafkaWorker::Entry {
  PartitionId partition;  // of the changelog
  ChangelogOwnership::Hold hold;
  std::shared_ptr<KafkaChangelog> changelog;
  std::unique_ptr<KafkaLog> log;
  std::shared_ptr<Task> task;  // null until it is open; the last member, so that it dies first
  bool is_finished = false;
  Patience patience;
  std::string trouble;  // what was told last and still lasts

  [[nodiscard]] int64_t records() const { return task == nullptr ? 0 : task->status().records; }
  void reset() {
    task.reset();
    log.reset();
    changelog.reset();
    hold.end();
    is_finished = false;
  }
};

KafkaWorker::KafkaWorker(KafkaWorkerOptions options, KafkaTaskFactory factory, std::shared_ptr<KafkaTopics> topics,
                         KeyValueStore& local, const Clock& clock)
    : options_(std::move(options)),
      factory_(std::move(factory)),
      topics_(std::move(topics)),
      local_(local),
      clock_(clock),
      pipeline_(*topics_, options_.bounded ? options_.settings.request_timeout_ms : 0),
      cadence_(options_.commit_interval_ms, clock.monotonic_ns()) {
  options_.membership.group = options_.group;
}

KafkaWorker::~KafkaWorker() {
  drop_all();
}

KafkaWorker::Entries KafkaWorker::entries() const {
  const std::scoped_lock lock(entries_mutex_);
  return entries_;
}

std::vector<TaskStatus> KafkaWorker::status() const {
  std::vector<TaskStatus> all;
  const std::scoped_lock lock(entries_mutex_);
  if (final_status_) return *final_status_;
  all.reserve(entries_.size() + 1);
  for (const auto& [partition, entry] : entries_) {
    if (entry->task != nullptr) all.push_back(entry->task->status());
  }
  if (records_of_closed_ > 0) {
    TaskStatus closed;
    closed.name = "given back";
    closed.records = records_of_closed_;
    all.push_back(std::move(closed));
  }
  return all;
}

std::set<PartitionId> KafkaWorker::finished() const {
  const std::scoped_lock lock(entries_mutex_);
  return finished_;
}

KafkaWorker::Restores KafkaWorker::restores() const {
  const std::scoped_lock lock(entries_mutex_);
  return restores_;
}

/// The cluster and the registry come back; a local store that failed does not, and others shall have the partitions.
bool KafkaWorker::may_pass(const Error& error) const {
  return error.code == ErrorCode::kUnavailable && local_.condition();
}

void KafkaWorker::tell(const std::string& message) {
  if (message == last_trouble_) return;
  last_trouble_ = message;
  if (options_.on_trouble) options_.on_trouble(message);
}

Status KafkaWorker::run() {
  while (!stop_) {
    Status served = serve();
    if (served) break;
    failure_ = {};
    // Whoever holds the partitions now goes on from the last commit.
    drop_all();
    member_.reset();
    producer_.reset();
    const bool is_fenced = served.error().code == ErrorCode::kConflict && has_joined_;
    if (!may_pass(served.error()) && !(is_fenced && may_join_again())) return served;
    tell(served.error().message);
    wait_before_retry();
  }
  return {};
}

/// A fixed identity is lost when the answer to a join was (brokers died), or because another process has the same one:
/// then they would take it from each other for ever.
bool KafkaWorker::may_join_again() {
  if (options_.membership.instance_id.empty()) return true;
  const int64_t now_ns = clock_.monotonic_ns();
  const bool was_long_ago = !fenced_at_ns_ || now_ns - *fenced_at_ns_ > kFencedAgainNs;
  fenced_at_ns_ = now_ns;
  times_fenced_ = was_long_ago ? 1 : times_fenced_ + 1;
  return times_fenced_ < kTimesFenced;
}

void KafkaWorker::prolong(Patience& patience) const {
  patience.pause_ms = std::clamp(patience.pause_ms * 2, options_.retry_first_ms, options_.retry_longest_ms);
  patience.until_ns = clock_.monotonic_ns() + patience.pause_ms * kNsPerMs;
}

void KafkaWorker::wait_before_retry() {
  prolong(patience_);
  for (int64_t waited_ms = 0; waited_ms < patience_.pause_ms && !stop_; waited_ms += 10) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Status KafkaWorker::join() {
  has_joined_ = false;
  at_end_ = false;
  ASSIGN_OR_RETURN(member_, KafkaConsumer::open(options_.settings, options_.membership));
  KafkaAssignmentListener listener;
  listener.assigned = [this](const auto& partitions) { add(partitions); };
  listener.revoked = [this](const auto& partitions) { give_back(partitions); };
  listener.lost = [this](const auto& partitions) { lose(partitions); };
  // The group takes its time meanwhile; the listener is called by poll() only.
  RETURN_IF_ERROR(
      member_->subscribe({is_member_of_source() ? options_.source : options_.changelog}, std::move(listener)));
  // A changelog ends with the mark of a transaction, and that nothing follows it is known only when a fetch has waited.
  KafkaSettings impatient = options_.settings;
  if (is_member_of_source()) impatient.librdkafka.try_emplace("fetch.wait.max.ms", "10");
  ASSIGN_OR_RETURN(reader_, KafkaConsumer::open(impatient));
  return renew_producer();
}

Status KafkaWorker::renew_producer() {
  producer_.reset();
  if (options_.guarantee == KafkaGuarantee::kAtLeastOnce) {
    ASSIGN_OR_RETURN(producer_, KafkaPlainProducer::open(options_.settings));
    return {};
  }
  ASSIGN_OR_RETURN(producer_, KafkaProducer::open(options_.settings, options_.transactional_id));
  return {};
}

Status KafkaWorker::serve() {
  RETURN_IF_ERROR(join());
  bool worked = false;
  while (!stop_) {
    if (Status polled = member_->poll(worked ? 0 : options_.rest_ms); !polled) return doubt(std::move(polled).error());
    RETURN_IF_ERROR(std::exchange(failure_, {}));
    worked = false;
    RETURN_IF_ERROR(work_once(worked));
  }
  RETURN_IF_ERROR(finish_all());
  {
    std::vector<TaskStatus> last = status();
    const std::scoped_lock lock(entries_mutex_);
    final_status_ = std::move(last);
  }
  return member_->close();
}

/// The member may have asked a broker that has not heard of a new topic yet.
Error KafkaWorker::doubt(Error error) {
  if (error.code != ErrorCode::kNotFound) return error;
  topics_->forget(options_.source);
  if (!topics_->partitions(options_.source)) return error;
  return unavailable(error.message);
}

Status KafkaWorker::work_once(bool& worked) {
  RETURN_IF_ERROR(commit_if_due());
  bool all_finished = has_joined_;
  const Entries current = entries();
  for (const auto& [partition, entry] : current) {
    if (stop_) return {};
    if (Status advanced = advance(*entry, worked); !advanced) {
      // The group has something to say; then the step goes on.
      if (advanced.error().code == ErrorCode::kCancelled) return {};
      RETURN_IF_ERROR(handle_failure(*entry, std::move(advanced).error()));
    }
    // A task commits on its own when its results need the memory.
    if (pipeline_.is_waiting()) RETURN_IF_ERROR(begin_commit());
    all_finished = all_finished && entry->is_finished;
  }
  at_end_ = all_finished;
  // After a standstill results do not wait for another interval.
  const bool is_first = worked && is_standing_still() && !pipeline_.is_under_way();
  return is_first ? begin_commit() : Status();
}

Status KafkaWorker::commit_if_due() {
  if (!pipeline_.is_answered()) return {};
  if (pipeline_.is_under_way()) {
    if (Status settled = settle(); !settled) return handle_failed_commit(std::move(settled).error());
  }
  return cadence_.is_due(clock_.monotonic_ns()) ? begin_commit() : Status();
}

Status KafkaWorker::settle() {
  if (!pipeline_.is_under_way()) return {};
  RETURN_IF_ERROR(pipeline_.settle());
  cadence_.ended(clock_.monotonic_ns());
  trace_first_commit();
  patience_ = {};
  conflicts_in_a_row_ = 0;
  last_trouble_.clear();
  return {};
}

/// All that was assigned is open, and nothing of it is committed yet.
bool KafkaWorker::is_standing_still() const {
  const auto is_open = [](const auto& entry) { return entry.second->task != nullptr; };
  return assigned_ns_ && std::ranges::all_of(entries_, is_open);
}

/// How long the partitions of an assignment stood still.
void KafkaWorker::trace_first_commit() {
  if (!is_standing_still()) return;
  spdlog::debug("Kafka: group {}: first commit of {} partitions {} ms after they were assigned", options_.group,
                entries_.size(), (clock_.monotonic_ns() - *assigned_ns_) / kNsPerMs);
  assigned_ns_.reset();
}

Status KafkaWorker::begin_commit() {
  if (Status settled = settle(); !settled) return handle_failed_commit(std::move(settled).error());
  cadence_.begun(clock_.monotonic_ns());
  for (const auto& [partition, entry] : entries()) {
    if (entry->task == nullptr || entry->is_finished) continue;
    if (Status given = entry->task->finish(false); !given)
      RETURN_IF_ERROR(handle_failure(*entry, std::move(given).error()));
  }
  pipeline_.begin(producer_);
  int64_t records = 0;
  int64_t lag = 0;
  for (const TaskStatus& task : status()) {
    records += task.records;
    lag += task.lag;
  }
  cadence_.progressed(clock_.monotonic_ns(), records, lag);
  return {};
}

Status KafkaWorker::end_commit() {
  RETURN_IF_ERROR(settle());
  cadence_.begun(clock_.monotonic_ns());
  pipeline_.begin(producer_);
  return settle();
}

Status KafkaWorker::advance(Entry& entry, bool& worked) {
  if (entry.is_finished || clock_.monotonic_ns() < entry.patience.until_ns) return {};
  if (entry.task == nullptr) {
    RETURN_IF_ERROR(open_entry(entry));
    worked = true;
    return {};
  }
  return step(entry, worked);
}

Status KafkaWorker::step(Entry& entry, bool& worked) {
  ASSIGN_OR_RETURN(const Task::Step step, entry.task->step());
  entry.patience = {};
  entry.trouble.clear();
  if (step == Task::Step::kWorked) {
    worked = true;
  } else if (step == Task::Step::kExhausted && options_.bounded) {
    // A task has one part in a commit, and the step may have left one for its memory's sake.
    if (pipeline_.is_waiting()) RETURN_IF_ERROR(end_commit());
    RETURN_IF_ERROR(entry.task->finish(options_.close_at_end));
    RETURN_IF_ERROR(end_commit());
    entry.is_finished = true;
    const std::scoped_lock lock(entries_mutex_);
    finished_.insert(entry.partition);
  }
  return {};
}

/// What failed while the cluster or the registry was away is tried again. A task that says kConflict then holds state
/// that was not committed: it is made anew from the last commit.
Status KafkaWorker::handle_failure(Entry& entry, Error error) {
  if (pipeline_.has_failed()) return handle_failed_commit(std::move(error));
  const bool was_open = entry.task != nullptr;
  // A conflict of an open task is the group's or the producer's; one while opening is a definition that changed.
  const bool is_stale = error.code == ErrorCode::kConflict && was_open;
  if (!may_pass(error) && !is_stale) return error;
  if (Status settled = settle(); !settled) return handle_failed_commit(std::move(settled).error());
  // What waits may be this task's, and must not be committed beside its next life.
  if (is_stale && pipeline_.is_waiting()) return handle_failed_commit(std::move(error));
  if (!is_stale && std::exchange(entry.trouble, error.message) != error.message) tell(error.message);
  prolong(entry.patience);
  if (is_stale || !was_open) {
    const std::scoped_lock lock(entries_mutex_);
    reset(entry);
  }
  if (producer_->is_usable()) return {};
  return handle_failed_commit(std::move(error));
}

/// All tasks of this worker commit together, and what their last commit became is settled by the next producer.
Status KafkaWorker::handle_failed_commit(Error error) {
  if (!may_pass(error) && error.code != ErrorCode::kConflict) return error;
  // One conflict is a rebalance, or a partition that others took over.
  if (may_pass(error) || ++conflicts_in_a_row_ >= kConflictsToTell) tell(error.message);
  {
    const std::scoped_lock lock(entries_mutex_);
    reset_unfinished();
  }
  pipeline_.reset();
  wait_before_retry();
  return producer_->is_usable() ? Status() : renew_producer();
}

/// Waits until a transaction of the partitions' last owner is settled.
Status KafkaWorker::await_settled(const std::vector<PartitionId>& sources, PartitionId own) {
  for (const PartitionId source : sources)
    RETURN_IF_ERROR(topics_->group_position(options_.group, {options_.source, source}));
  if (options_.second_source.empty()) return {};
  if (options_.task_per_partition) {
    RETURN_IF_ERROR(topics_->group_position(options_.group, {options_.second_source, own}));
    return {};
  }
  for (int32_t i = 0; i < options_.second_source_partitions; ++i)
    RETURN_IF_ERROR(topics_->group_position(options_.group, {options_.second_source, PartitionId(i)}));
  return {};
}

Status KafkaWorker::open_entry(Entry& entry) {
  const int64_t begun_ns = clock_.monotonic_ns();
  std::vector<PartitionId> sources;
  if (options_.task_per_partition) {
    sources.push_back(entry.partition);
  } else {
    for (int32_t i = 0; i < options_.source_partitions; ++i) sources.emplace_back(i);
  }
  RETURN_IF_ERROR(await_settled(sources, entry.partition));
  KafkaChangelogOptions kept;
  kept.partition = {options_.changelog, entry.partition};
  kept.prefixes = factory_.state_prefixes(sources);
  kept.is_framed = !producer_->is_atomic();
  ChangelogOwnership::Hold hold;
  if (options_.ownership) {
    ASSIGN_OR_RETURN(hold, options_.ownership->acquire(kept.partition, kOwnershipTimeoutMs));
  }
  auto changelog = std::make_shared<KafkaChangelog>(std::move(kept), *reader_, *topics_, local_);
  ASSIGN_OR_RETURN(const KafkaChangelog::Restored restored, changelog->restore());
  const int64_t restored_ns = clock_.monotonic_ns();
  reader_->release(changelog->partition());
  KafkaLogParts parts;
  parts.topics = topics_;
  parts.consumer = is_member_of_source() ? member_ : reader_;
  parts.member = member_;
  parts.producer = producer_;
  parts.changelog = changelog;
  parts.pipeline = &pipeline_;
  KafkaLogOptions log_options;
  log_options.settings = options_.settings;
  log_options.group = options_.group;
  log_options.end_age_ms = options_.bounded ? 0 : kKnownOffsetsAgeMs;
  log_options.offsets_age_ms = kKnownOffsetsAgeMs;
  auto log = std::make_unique<KafkaLog>(std::move(parts), std::move(log_options));
  RETURN_IF_ERROR(log->take_over());
  ASSIGN_OR_RETURN(std::shared_ptr<Task> task, factory_.make(sources, *log));
  RETURN_IF_ERROR(task->open());
  spdlog::debug("Kafka: {} partition {}: {} {} entries read in {} ms, open {} ms later", options_.changelog,
                entry.partition, restored.is_rebuilt ? "state built anew," : "state is here,", restored.entries,
                (restored_ns - begun_ns) / kNsPerMs, (clock_.monotonic_ns() - restored_ns) / kNsPerMs);
  const std::scoped_lock lock(entries_mutex_);
  ++restores_.tasks;
  restores_.entries += restored.entries;
  if (restored.is_rebuilt && restored.entries > 0) ++restores_.rebuilt;
  entry.hold = std::move(hold);
  entry.changelog = std::move(changelog);
  entry.log = std::move(log);
  entry.task = std::move(task);
  return {};
}

void KafkaWorker::add(const std::vector<TopicPartition>& partitions) {
  has_joined_ = true;
  if (!assigned_ns_ && !partitions.empty()) assigned_ns_ = clock_.monotonic_ns();
  const std::scoped_lock lock(entries_mutex_);
  for (const TopicPartition& partition : partitions) {
    at_end_ = false;
    auto entry = std::make_shared<Entry>();
    entry->partition = partition.partition;
    entries_[partition.partition] = std::move(entry);
  }
}

void KafkaWorker::give_back(const std::vector<TopicPartition>& partitions) {
  const Entries current = entries();
  Status committed;
  for (const TopicPartition& partition : partitions) {
    const auto found = current.find(partition.partition);
    if (found == current.end() || found->second->task == nullptr || found->second->is_finished) continue;
    Status given = found->second->task->finish(false);
    if (given) continue;
    tell(given.error().message);
    if (committed) committed = std::move(given);
  }
  // What could not be committed is done again by the next owner.
  if (!pipeline_.has_failed()) committed = end_commit();
  if (!committed && pipeline_.has_failed()) failure_ = handle_failed_commit(std::move(committed).error());
  drop(partitions);
}

void KafkaWorker::lose(const std::vector<TopicPartition>& partitions) {
  if (!partitions.empty() && options_.on_trouble) {
    options_.on_trouble(fmt::format(
        "Kafka: group {}: this member was not heard of in time and lost {} of its partitions to others; it joins again",
        options_.group, partitions.size()));
  }
  drop(partitions);
}

void KafkaWorker::drop(const std::vector<TopicPartition>& partitions) {
  Status settled = settle();
  {
    const std::scoped_lock lock(entries_mutex_);
    for (const TopicPartition& partition : partitions) {
      const auto found = entries_.find(partition.partition);
      if (found == entries_.end()) continue;
      reset(*found->second);
      entries_.erase(found);
    }
  }
  if (!settled) failure_ = handle_failed_commit(std::move(settled).error());
}

void KafkaWorker::reset(Entry& entry) {
  records_of_closed_ += entry.records();
  if (reader_ && options_.task_per_partition && !is_member_of_source()) {
    // Others read on.
    reader_->release({options_.source, entry.partition});
    reader_->release({options_.second_source, entry.partition});
  }
  entry.reset();
}

void KafkaWorker::reset_unfinished() {
  for (const auto& [partition, entry] : entries_) {
    if (!entry->is_finished) reset(*entry);
  }
}

void KafkaWorker::drop_all() {
  if (Status settled = settle(); !settled) tell(settled.error().message);
  pipeline_.reset();
  assigned_ns_.reset();
  const std::scoped_lock lock(entries_mutex_);
  for (auto& [partition, entry] : entries_) reset(*entry);
  entries_.clear();
}

Status KafkaWorker::finish_all() {
  const Entries current = entries();
  for (const auto& [partition, entry] : current) {
    if (entry->task != nullptr && !entry->is_finished) RETURN_IF_ERROR(entry->task->finish(false));
  }
  RETURN_IF_ERROR(end_commit());
  for (const auto& [partition, entry] : current) {
    if (entry->task != nullptr) entry->is_finished = true;
  }
  return {};
}

}  // namespace meterstream
