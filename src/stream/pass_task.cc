#include "stream/pass_task.h"

#include <algorithm>
#include <iterator>

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include "base/check.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

constexpr int64_t kNeverIdleMs = INT64_MAX / 4;

ViewAccounting accounting_from(const std::array<int64_t, 10>& counters) {
  return {counters[0], counters[1], counters[2], counters[3], counters[4],
          counters[5], counters[6], counters[7], counters[8], counters[9]};
}

std::array<int64_t, 10> counters_of(const ViewAccounting& a) {
  return {a.read,     a.aggregated, a.filtered,     a.late,   a.duplicate,
          a.rejected, a.conflicts,  a.capped_ahead, a.faults, a.results};
}

PassProcessor::Options processor_options(const PassTaskOptions& options, const std::vector<PartitionId>& partitions,
                                         int32_t topic_partitions, PageSpill& spill) {
  PassProcessor::Options result;
  result.partitions = partitions.size();
  result.result_ids = options.result_ids;
  result.partition_ids = partitions;
  result.keeps_changes = options.state_keeping == StateKeeping::kChangelog;
  result.rejected_partitions = topic_partitions;
  result.follow_wall_clock = !options.bounded;
  // What a bounded run has read to the end may still grow while its writers run; it closes its windows at its end.
  if (options.bounded) result.idle_timeout_ms = kNeverIdleMs;
  result.memory_limit_bytes = options.memory_limit_bytes;
  result.spill = &spill;
  result.tables = options.tables;
  return result;
}

}  // namespace

std::string pass_task_name(const PassSpec& spec, const std::vector<PartitionId>& partitions,
                           std::string_view application) {
  const std::string layout = spec.layout();
  return fmt::format("{}-{:016x}-{}", application, XXH3_64bits(layout.data(), layout.size()), partitions.front());
}

std::vector<std::string> pass_state_prefixes(std::string_view task) {
  return {fmt::format("keys/{}/", task), fmt::format("lags/{}/", task), fmt::format("windows/{}/", task)};
}

PassTask::PassTask(PassSpec spec, const std::vector<PartitionId>& partitions, EventLog& log, KeyValueStore& state,
                   SchemaStore& schemas, const Clock& clock, PassTaskOptions options)
    : log_(log),
      state_(state),
      clock_(clock),
      options_(std::move(options)),
      name_(pass_task_name(spec, partitions, options_.application)),
      layout_(spec.layout()),
      spill_(state, name_),
      snapshots_(state, name_),
      changelog_(state, name_) {
  for (const PartitionId partition : partitions)
    sources_.push_back({{spec.source->topic, partition}, {}, {}, {}, false});
  if (spec.reads_two()) add_sources_of_right(spec.views.front(), partitions);
  const auto partitions_of = [this](const std::string& topic, size_t otherwise) {
    const auto description = log_.describe_topic(topic);
    return description ? description->config.partitions : static_cast<int32_t>(otherwise);
  };
  std::vector<PartitionId> all;
  all.reserve(sources_.size());
  for (const Source& source : sources_) all.push_back(source.partition.partition);
  auto processor = processor_options(options_, all, partitions_of(spec.rejected_topic(), partitions.size()), spill_);
  processor.first_of_right = partitions.size();
  if (spec.reads_two()) {
    CHECK(options_.state_keeping == StateKeeping::kChangelog);
    processor.right_rejected_partitions = partitions_of(second_topic(spec.views.front()) + "-rejected", 1);
  }
  pass_ = std::make_unique<PassProcessor>(std::move(spec), schemas, processor);
}

PassTask::~PassTask() = default;

void PassTask::add_sources_of_right(const ViewSpec& view, const std::vector<PartitionId>& partitions) {
  const std::string& topic = second_topic(view);
  std::vector<PartitionId> owned = partitions;
  if (!view.is_joined_by_partition) {
    owned.clear();
    const auto description = log_.describe_topic(topic);
    // Without them it would join with nothing.
    if (!description) right_ = description.error();
    const int32_t count = description ? description->config.partitions : 0;
    for (int32_t partition = 0; partition < count; ++partition) owned.emplace_back(partition);
  }
  for (const PartitionId partition : owned) sources_.push_back({{topic, partition}, {}, {}, {}, false});
}

std::string PassTask::group_of(const ViewSpec& view) const {
  return fmt::format("{}.{}", options_.application, view.name);
}

std::vector<std::string> PassTask::inputs() const {
  std::vector<std::string> topics;
  for (const ViewSpec& view : pass_->spec().views) std::ranges::copy(topics_read(view), std::back_inserter(topics));
  return topics;
}

bool PassTask::needs_whole_inputs() const {
  const auto looks_up_results = [](const LookupSpec& lookup) { return lookup.table->is_computed; };
  return std::ranges::any_of(pass_->spec().views,
                             [&](const ViewSpec& view) { return std::ranges::any_of(view.lookups, looks_up_results); });
}

std::vector<std::string> PassTask::outputs() const {
  std::vector<std::string> topics;
  for (const ViewSpec& view : pass_->spec().views) topics.push_back(view.topic);
  return topics;
}

Result<std::vector<std::optional<CommittedPartition>>> PassTask::read_committed() {
  std::vector<std::optional<CommittedPartition>> committed;
  for (const Source& source : sources_) {
    std::optional<CommittedPartition>& merged = committed.emplace_back();
    for (const ViewSpec& view : pass_->spec().views) {
      ASSIGN_OR_RETURN(const auto position, log_.position(group_of(view), source.partition));
      if (!position) continue;
      ASSIGN_OR_RETURN(const ViewCheckpoint checkpoint, decode_view_checkpoint(position->metadata));
      if (checkpoint.definition != view.definition()) {
        return conflict(
            fmt::format("view {} exists with another definition; give the new one another name, or run with "
                        "another --application-id to compute it from the beginning",
                        view.name));
      }
      // The views of a pass were committed together, so the first one's places serve all.
      if (!merged) merged = CommittedPartition{position->next, position->recovery, checkpoint};
      merged->recovery = std::min(merged->recovery, position->recovery);
      // State serves the views only as they were committed together.
      if (checkpoint.state_commit != merged->checkpoint.state_commit || checkpoint.layout != merged->checkpoint.layout)
        merged->checkpoint.state_commit = 0;
    }
  }
  return committed;
}

Status PassTask::restore() {
  const std::vector<ViewSpec>& views = pass_->spec().views;
  for (size_t view = 0; view < views.size(); ++view) {
    for (size_t i = 0; i < sources_.size(); ++i) {
      ASSIGN_OR_RETURN(const auto position, log_.position(group_of(views[view]), sources_[i].partition));
      if (!position) continue;
      ASSIGN_OR_RETURN(const ViewCheckpoint checkpoint, decode_view_checkpoint(position->metadata));
      pass_->watermark().raise(checkpoint.watermark_ms);
      pass_->watermark().restore_partition(i, checkpoint.partition_watermark_ms);
      pass_->restore_closed_beyond(view, checkpoint.closed_beyond_ms);
      pass_->restore_closed_before(view, std::max(pass_->closed_before_ms(view), checkpoint.closed_before_ms));
      // A task's first partition carries its counters.
      if (i == 0) pass_->restore_accounting(view, accounting_from(checkpoint.counters));
    }
  }
  return {};
}

Status PassTask::open() {
  RETURN_IF_ERROR(right_);
  ASSIGN_OR_RETURN(const auto committed, read_committed());
  std::vector<Offset> begin;
  for (const Source& source : sources_) {
    ASSIGN_OR_RETURN(const OffsetRange range, log_.offsets(source.partition));
    begin.push_back(range.begin);
  }
  const RecoveryDecision decision = decide_recovery(committed, begin, layout_);
  RETURN_IF_ERROR(check_state(decision));
  RETURN_IF_ERROR(restore());
  RETURN_IF_ERROR(pass_->load_keys(fmt::format("keys/{}/", name_), state_));
  RETURN_IF_ERROR(pass_->load_lags(fmt::format("lags/{}/", name_), state_));
  RETURN_IF_ERROR(load_tables());
  for (size_t i = 0; i < sources_.size(); ++i) {
    sources_[i].next = decision.ranges[i].rebuild_from;
    sources_[i].committed = decision.ranges[i].live_from;
  }
  RETURN_IF_ERROR(load(decision));
  recovery_ = decision.outcome;
  RETURN_IF_ERROR(rebuild());
  records_until_snapshot_ = options_.snapshot_min_records;
  last_commit_ns_ = clock_.monotonic_ns();
  publish_status();
  return {};
}

Status PassTask::check_state(const RecoveryDecision& decision) const {
  if (decision.outcome == RecoveryDecision::Outcome::kFresh ||
      decision.outcome == RecoveryDecision::Outcome::kFromState)
    return {};
  for (const ViewSpec& view : pass_->spec().views) {
    if (!needs_state_with_each_commit(view)) continue;
    return conflict(
        fmt::format("view {}: its state was committed under another name and cannot be made anew from the log: was "
                    "stream {} called "
                    "otherwise? Call it as before, or run with another --application-id to compute from the beginning",
                    view.name, view.source->name));
  }
  return {};
}

// Before the first row looks anything up.
Status PassTask::load_tables() {
  feeds_.clear();
  for (const ViewSpec& view : pass_->spec().views) {
    for (const LookupSpec& lookup : view.lookups) feeds_.push_back(options_.tables->feed(*lookup.table));
  }
  for (const auto& feed : feeds_) RETURN_IF_ERROR(feed->load());
  return {};
}

Status PassTask::load(const RecoveryDecision& decision) {
  const bool to_changelog = options_.state_keeping == StateKeeping::kChangelog;
  if (decision.outcome == RecoveryDecision::Outcome::kFromState) {
    RETURN_IF_ERROR(changelog_.load(decision.state_commit, places(), *pass_));
    if (to_changelog) return {};
  }
  // What is there belongs to another time, or will not be kept up to date.
  RETURN_IF_ERROR(changelog_.forget());
  snapshots_are_outdated_ = to_changelog;
  if (decision.outcome != RecoveryDecision::Outcome::kFromSnapshot) return {};
  RETURN_IF_ERROR(snapshots_.load(decision.snapshot, *pass_));
  if (to_changelog) return {};
  for (Source& source : sources_) source.snapshot_offset = source.next;
  snapshot_ = decision.snapshot;
  return {};
}

std::vector<StateChangelog::Place> PassTask::places() const {
  std::vector<StateChangelog::Place> places;
  places.reserve(sources_.size());
  for (const Source& source : sources_) places.push_back({source.partition.partition, source.next});
  return places;
}

Status PassTask::rebuild() {
  for (size_t i = 0; i < sources_.size(); ++i) {
    Source& source = sources_[i];
    while (source.next < source.committed) {
      RETURN_IF_ERROR(log_.read(source.partition, source.next, options_.read_bytes, records_));
      if (records_.records.empty() && records_.next <= source.next) {
        return corrupt(fmt::format("topic {} partition {}: the log ends at offset {}, before the committed position {}",
                                   source.partition.topic, source.partition.partition, source.next, source.committed));
      }
      RETURN_IF_ERROR(process_records(i, true, source.committed));
      source.next = std::min(records_.next, source.committed);
    }
  }
  return {};
}

Status PassTask::process_records(size_t source, bool rebuilding, Offset limit) {
  std::span<const RecordView> rest(records_.records);
  while (!rest.empty() && rest.back().offset >= limit) rest = rest.first(rest.size() - 1);
  while (!rest.empty()) {
    const auto batch = rest.first(std::min(options_.batch_records, rest.size()));
    RETURN_IF_ERROR(pass_->process(source, batch, rebuilding));
    rest = rest.subspan(batch.size());
    if (rebuilding) continue;
    // A batch that fails is read again alone.
    sources_[source].next = Offset(batch.back().offset.value + 1);
    const auto count = static_cast<int64_t>(batch.size());
    records_read_ += count;
    records_since_snapshot_ += count;
    dirty_ = true;
  }
  return {};
}

// The partition furthest behind in event time, so that all advance together.
size_t PassTask::choose_source() const {
  size_t chosen = sources_.size();
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].exhausted) continue;
    if (chosen == sources_.size() || pass_->watermark().partition_ms(i) < pass_->watermark().partition_ms(chosen)) {
      chosen = i;
    }
  }
  return chosen;
}

Status PassTask::check_usable() const {
  if (failure_.empty()) return {};
  return conflict(fmt::format("task {} stopped half-way and must be opened again; it goes on from its last commit: {}",
                              name_, failure_));
}

Result<Task::Step> PassTask::step() {
  RETURN_IF_ERROR(check_usable());
  auto result = advance();
  if (!result && failure_.empty() && !pass_->is_whole()) failure_ = result.error().message;
  return result;
}

// Tables that are computed are finished before the first row of a bounded run, but not before the task is open.
Status PassTask::refresh_tables(int64_t now_ns) {
  if (options_.bounded && !has_whole_tables_ && needs_whole_inputs()) {
    for (const auto& feed : feeds_) RETURN_IF_ERROR(feed->load());
    has_whole_tables_ = true;
  }
  for (const auto& feed : feeds_) RETURN_IF_ERROR(feed->refresh(now_ns));
  return {};
}

Result<Task::Step> PassTask::advance() {
  const int64_t started_ns = clock_.monotonic_ns();
  Step result = Step::kExhausted;
  RETURN_IF_ERROR(refresh_tables(started_ns));
  // Every partition is looked at again: only when all are empty within one step is the input at its end.
  for (Source& source : sources_) source.exhausted = false;
  for (size_t attempt = 0; attempt < sources_.size(); ++attempt) {
    const size_t i = choose_source();
    if (i == sources_.size()) break;
    Source& source = sources_[i];
    RETURN_IF_ERROR(log_.read(source.partition, source.next, options_.read_bytes, records_));
    if (records_.records.empty() && records_.next > source.next) {
      // Nothing but marks of transactions: no data, and not the end either.
      source.next = records_.next;
      dirty_ = true;
      result = Step::kWorked;
      break;
    }
    if (records_.records.empty()) {
      source.exhausted = true;
      const int64_t watermark_ms = pass_->watermark().current_ms();
      RETURN_IF_ERROR(pass_->mark_exhausted(i, clock_.now()));
      // An advance by idleness is progress like any other: a restart must not go back behind it.
      if (pass_->watermark().current_ms() != watermark_ms) dirty_ = true;
      continue;
    }
    pass_->mark_active(i, clock_.now());
    if (Status processed = process_records(i, false, Offset(INT64_MAX)); !processed) {
      // What waits for a schema must not hold back the results before it.
      if (pass_->is_whole()) RETURN_IF_ERROR(commit_if_due(false));
      return processed.error().within(
          fmt::format("topic {} partition {}", source.partition.topic, source.partition.partition));
    }
    source.next = records_.next;
    result = Step::kWorked;
    break;
  }
  busy_ns_since_snapshot_ += clock_.monotonic_ns() - started_ns;
  RETURN_IF_ERROR(commit_if_due(false));
  return result;
}

Status PassTask::commit_if_due(bool force) {
  const int64_t now_ns = clock_.monotonic_ns();
  const bool due = now_ns - last_commit_ns_ >= options_.commit_interval_ms * 1'000'000 ||
                   pass_->output().bytes() >= options_.commit_bytes;
  if (!force && (!due || !options_.commits)) return {};
  if (dirty_ || !pass_->output().empty()) {
    if (Status committed = commit(); !committed) {
      // The results went with the transaction that failed.
      failure_ = committed.error().message;
      return committed.error();
    }
  }
  last_commit_ns_ = clock_.monotonic_ns();
  publish_status();
  return {};
}

ViewCheckpoint PassTask::checkpoint_of(size_t view, size_t source) const {
  ViewCheckpoint checkpoint;
  checkpoint.definition = pass_->spec().views[view].definition();
  checkpoint.watermark_ms = pass_->watermark().current_ms();
  checkpoint.partition_watermark_ms = pass_->watermark().partition_ms(source);
  checkpoint.closed_before_ms = pass_->closed_before_ms(view);
  checkpoint.closed_beyond_ms = pass_->closed_beyond_ms(view);
  if (source == 0) checkpoint.counters = counters_of(pass_->accounting(view));
  checkpoint.snapshot = snapshot_;
  checkpoint.snapshot_offset = sources_[source].snapshot_offset;
  checkpoint.layout = layout_;
  checkpoint.state_commit = state_commit_;
  return checkpoint;
}

Status PassTask::commit() {
  RETURN_IF_ERROR(pass_->emit_changes());
  Transaction transaction;
  pass_->output().move_into(transaction);
  RETURN_IF_ERROR(keep_state(transaction.state));
  for (size_t i = 0; i < sources_.size(); ++i) {
    Source& source = sources_[i];
    const int64_t open_offset = pass_->first_open_offset(i);
    Offset recovery = open_offset < 0 ? source.next : std::min(source.next, Offset(open_offset));
    // Retention must leave what a recovery from the snapshot reads again.
    if (!snapshot_.empty()) recovery = std::min(recovery, source.snapshot_offset);
    for (size_t view = 0; view < pass_->spec().views.size(); ++view) {
      transaction.positions.push_back({group_of(pass_->spec().views[view]),
                                       source.partition,
                                       {source.next, recovery, encode_view_checkpoint(checkpoint_of(view, i))}});
    }
    source.committed = source.next;
  }
  RETURN_IF_ERROR(log_.commit(std::move(transaction), options_.durability));
  ++commits_;
  dirty_ = false;
  // Only now nothing names the older snapshots any more.
  if (snapshot_is_new_) RETURN_IF_ERROR(snapshots_.keep_only(snapshot_));
  if (snapshots_are_outdated_) RETURN_IF_ERROR(snapshots_.erase_all());
  snapshot_is_new_ = false;
  snapshots_are_outdated_ = false;
  return {};
}

Status PassTask::keep_state(WriteBatch& batch) {
  if (options_.state_keeping == StateKeeping::kSnapshots) {
    RETURN_IF_ERROR(snapshot_if_due());
    changelog_.drop(batch);
  }
  pass_->save_new_keys(fmt::format("keys/{}/", name_), batch);
  pass_->save_lags(fmt::format("lags/{}/", name_), batch);
  if (options_.state_keeping == StateKeeping::kSnapshots) return {};
  ASSIGN_OR_RETURN(state_commit_, changelog_.save(places(), *pass_, batch));
  return {};
}

Status PassTask::snapshot_if_due() {
  if (options_.snapshot_share <= 0 || records_since_snapshot_ < records_until_snapshot_) return {};
  const auto cost_ns = static_cast<double>(snapshot_cost_ns_);
  if (static_cast<double>(busy_ns_since_snapshot_) * options_.snapshot_share < cost_ns) return {};
  const int64_t started_ns = clock_.monotonic_ns();
  ASSIGN_OR_RETURN(const SnapshotStore::Written written, snapshots_.write(*pass_));
  snapshot_ = written.name;
  snapshot_is_new_ = true;
  for (Source& source : sources_) source.snapshot_offset = source.next;
  snapshot_cost_ns_ = clock_.monotonic_ns() - started_ns;
  records_since_snapshot_ = 0;
  busy_ns_since_snapshot_ = 0;
  return {};
}

Status PassTask::finish(bool close) {
  RETURN_IF_ERROR(check_usable());
  if (close) {
    if (Status closed = pass_->close_all(); !closed) {
      failure_ = closed.error().message;
      return closed;
    }
    dirty_ = true;
  }
  return commit_if_due(true);
}

void PassTask::publish_status() {
  TaskStatus status;
  status.name = name_;
  status.records = records_read_;
  for (const Source& source : sources_) {
    if (const auto range = log_.offsets(source.partition))
      status.lag += std::max<int64_t>(0, range->end.value - source.next.value);
  }
  status.watermark_ms = pass_->watermark().current_ms();
  status.open_windows = pass_->open_windows();
  status.state_bytes = static_cast<int64_t>(pass_->state_bytes());
  status.window_bytes = static_cast<int64_t>(pass_->window_bytes());
  status.commits = commits_;
  for (size_t view = 0; view < pass_->spec().views.size(); ++view) {
    status.views.push_back({pass_->spec().views[view].name, pass_->accounting(view)});
  }
  publish(std::move(status));
}

}  // namespace meterstream
