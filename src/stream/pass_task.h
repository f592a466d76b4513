// Purpose: runs a pass over some partitions of a topic: reads the log, processes, commits position, results and state
//          together, and recovers after a crash.
// Guarantee: exactly once. After a crash at any point the committed output equals that of an undisturbed run; windows
//            that were open are loaded as they were committed, or rebuilt from the latest snapshot, or from the log alone.
//            What was committed is used whatever StateKeeping the task is opened with, so that it may change at any restart.
// Non-guarantee: the number of EMIT CHANGES refinements depends on when commits happen; the last one of a window does not.
// Thread-safety: see Task.
// Errors: kConflict when a view was committed with another definition; those of the log and the store.
// Retry: a step that fails with kUnavailable may be called again: while the log cannot be read or a schema cannot be
//        fetched nothing is lost, and what came before is committed. If it failed half-way (a commit, window state) it
//        then gives kConflict, as finish() does: make a new task for the partitions and open it. An open() that failed
//        needs a new task as well.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "log/event_log.h"
#include "state/view_checkpoint.h"
#include "stream/pass_processor.h"
#include "stream/snapshot_store.h"
#include "stream/state_changelog.h"
#include "stream/task.h"

namespace meterstream {

/// How a pass keeps what it needs to go on after a restart.
enum class StateKeeping : uint8_t {
  /// Snapshots now and then; a restart reads the input behind the latest one again. Cheapest while it runs.
  kSnapshots,
  /// Each commit writes what changed into Transaction::state; a restart goes on at once, wherever these writes are.
  kChangelog,
};

struct PassTaskOptions {
  std::string application = "meterstream";
  /// True for a run that ends when its input does.
  bool bounded = false;
  int64_t commit_interval_ms = 200;
  /// Commit earlier when this much output is waiting.
  size_t commit_bytes = size_t{16} << 20;
  size_t read_bytes = size_t{1} << 20;
  /// Records that pass through the operators together.
  size_t batch_records = 2048;
  size_t memory_limit_bytes = 0;
  StateKeeping state_keeping = StateKeeping::kSnapshots;
  /// Every result gets a header `id` that tells it apart, as late and rejected records always do
  /// (docs/formats/metrics-topic.md).
  bool result_ids = false;
  /// Snapshots may take about this share of the time; 0 switches them off.
  double snapshot_share = 0.02;
  /// At least this many records between snapshots.
  int64_t snapshot_min_records = 5'000'000;
  /// kBuffered survives a crash of the process, not of the machine.
  Durability durability = Durability::kSync;
  /// Of the tables that views look up; may be null when none does. Outlives the task.
  TableFeeds* tables = nullptr;
  /// False skips commits altogether until finish(): a yardstick for the cost of exactly-once, not for use.
  bool commits = true;
};

/// The name of a task's state in the store: the same in every process that runs the same views.
std::string pass_task_name(const PassSpec& spec, const std::vector<PartitionId>& partitions,
                           std::string_view application);
/// What the keys of the task's committed state in Space::kState begin with.
std::vector<std::string> pass_state_prefixes(std::string_view task);

class PassTask final : public Task {
 public:
  /// `partitions` of the source topic that this task owns; of a join's right topic it owns the same ones, or all when it owns
  /// all of the left. All references must outlive the task.
  PassTask(PassSpec spec, const std::vector<PartitionId>& partitions, EventLog& log, KeyValueStore& state,
           SchemaStore& schemas, const Clock& clock, PassTaskOptions options);
  ~PassTask() override;

  Status open() override;
  Result<Step> step() override;
  Status finish(bool close) override;
  [[nodiscard]] std::vector<std::string> inputs() const override;
  [[nodiscard]] std::vector<std::string> outputs() const override;
  [[nodiscard]] bool needs_whole_inputs() const override;

  /// Which way open() recovered; for tests and logs.
  [[nodiscard]] RecoveryDecision::Outcome recovery() const { return recovery_; }

 private:
  struct Source {
    TopicPartition partition;
    Offset next;
    Offset committed;
    Offset snapshot_offset;
    bool exhausted = false;
  };

  void add_sources_of_right(const ViewSpec& view, const std::vector<PartitionId>& partitions);
  Result<std::vector<std::optional<CommittedPartition>>> read_committed();
  Status restore();
  Status load(const RecoveryDecision& decision);
  Status rebuild();
  Status load_tables();
  Status refresh_tables(int64_t now_ns);
  /// kConflict when there is state that would be lost.
  Status check_state(const RecoveryDecision& decision) const;
  Status process_records(size_t source, bool rebuilding, Offset limit);
  Result<Step> advance();
  Status check_usable() const;
  [[nodiscard]] size_t choose_source() const;
  Status commit_if_due(bool force);
  Status commit();
  Status keep_state(WriteBatch& batch);
  Status snapshot_if_due();
  [[nodiscard]] std::vector<StateChangelog::Place> places() const;
  [[nodiscard]] std::string group_of(const ViewSpec& view) const;
  [[nodiscard]] ViewCheckpoint checkpoint_of(size_t view, size_t source) const;
  void publish_status();

  std::vector<Source> sources_;
  EventLog& log_;
  KeyValueStore& state_;
  const Clock& clock_;
  PassTaskOptions options_;
  std::string name_;
  std::string layout_;
  PageSpill spill_;
  SnapshotStore snapshots_;
  StateChangelog changelog_;
  /// Of the commit that is being made; 0 when it leaves the state out.
  int64_t state_commit_ = 0;
  std::unique_ptr<PassProcessor> pass_;
  /// Of the tables that the views look up.
  std::vector<std::shared_ptr<TableFeed>> feeds_;
  bool has_whole_tables_ = false;
  Status right_;  ///< whether the partitions of the right stream or table are known
  RecordSet records_;
  RecoveryDecision::Outcome recovery_ = RecoveryDecision::Outcome::kFresh;
  std::string snapshot_;
  bool snapshot_is_new_ = false;
  bool snapshots_are_outdated_ = false;
  int64_t last_commit_ns_ = 0;
  int64_t records_since_snapshot_ = 0;
  int64_t records_until_snapshot_ = 0;
  int64_t busy_ns_since_snapshot_ = 0;
  int64_t snapshot_cost_ns_ = 0;
  bool dirty_ = false;
  /// Why the task cannot go on; empty while it can.
  std::string failure_;
  int64_t records_read_ = 0;
  int64_t commits_ = 0;
};

}  // namespace meterstream
