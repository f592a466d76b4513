// Purpose: runs a compiled SQL program on a data directory: deploys views and sinks, shows progress, sums up.
// Guarantee: exactly once (PassTask); Ctrl-C commits and ends cleanly, a later run goes on from there.
// Thread-safety: none; one run at a time. Blocks until the end of a bounded run, or the stop signal.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "apps/data_directory.h"
#include "sql/stream_plan.h"
#include "stream/pass_task.h"
#include "stream/table_insert.h"
#include "stream/task.h"
#include "stream/view_accounting.h"
#include "stream/view_changes.h"

namespace meterstream {

struct ProgramRunOptions {
  std::string application_id = "meterstream";
  bool until_idle = false;
  /// In a bounded run, leave windows open for the next run.
  bool keep_open = false;
  std::optional<int64_t> threads;
  /// On a cluster: without transactions, whatever the configuration says.
  bool at_least_once = false;
  /// On a cluster: keep copies of the state of tasks of other processes, whatever the configuration says.
  bool standby = false;
  /// Say which views go on as they were where others are new.
  bool tells_changes = false;
};

/// Totals of a view since it began, not only of this run.
struct ViewSummary {
  std::string name;
  /// That a view writes, or a sink reads.
  std::string topic;
  ViewAccounting accounting;
  /// Of a sink: where its records are, for people.
  std::string place;
};

/// What a run on a cluster tells about state that it had from others or keeps for them.
struct ClusterSummary {
  /// Tasks that it was given, those of them whose state was built anew, and records read for all of them.
  int64_t taken_over = 0;
  int64_t rebuilt = 0;
  int64_t entries_read = 0;
  bool has_standby = false;
  /// At the end: copies for tasks of other processes, and offsets that they are behind.
  int64_t standby_partitions = 0;
  int64_t standby_behind = 0;
};

struct ProgramSummary {
  std::vector<ViewSummary> views;
  std::vector<ViewSummary> sinks;
  int64_t records = 0;  ///< read in this run by views and sinks
  int64_t view_records = 0;
  double seconds = 0;
  bool stopped = false;
  std::optional<ClusterSummary> cluster;

  [[nodiscard]] bool balanced() const;
};

/// `stop` ends the run early.
Result<ProgramSummary> run_program(const Program& program, DataDirectory& data, const CommandContext& context,
                                   const ProgramRunOptions& options, const std::atomic<bool>& stop);

/// What the settings of the program, the flags and the configuration say about its tasks.
Result<PassTaskOptions> task_options(const Program& program, const CommandContext& context,
                                     const ProgramRunOptions& options);

/// On standard error, if there is something to tell.
void tell(const ViewChanges& changes);

/// Records of tables that could not be read, on stderr.
void warn_of_table_faults(const TableFeeds& tables);

/// Totals of views and sinks over their tasks.
ProgramSummary summarise(const Program& program, const std::vector<TaskStatus>& tasks);

/// The accounting table (or JSON) and the verdict on the identity.
void print_summary(const ProgramSummary& summary, const CommandContext& context);

}  // namespace meterstream
