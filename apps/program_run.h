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
#include "stream/task.h"
#include "stream/view_accounting.h"

namespace meterstream {

struct ProgramRunOptions {
  std::string application_id = "meterstream";
  bool until_idle = false;
  /// In a bounded run, leave windows open for the next run.
  bool keep_open = false;
  std::optional<int64_t> threads;
  /// On a cluster: without transactions, whatever the configuration says.
  bool at_least_once = false;
};

/// Totals of a view since it began, not only of this run.
struct ViewSummary {
  std::string name;
  std::string topic;
  ViewAccounting accounting;
};

struct ProgramSummary {
  std::vector<ViewSummary> views;
  std::vector<ViewSummary> sinks;
  int64_t records = 0;  ///< read in this run by views and sinks
  int64_t view_records = 0;
  double seconds = 0;
  bool stopped = false;

  [[nodiscard]] bool balanced() const;
};

/// `stop` ends the run early.
Result<ProgramSummary> run_program(const Program& program, DataDirectory& data, const CommandContext& context,
                                   const ProgramRunOptions& options, const std::atomic<bool>& stop);

/// What the settings of the program, the flags and the configuration say about its tasks.
Result<PassTaskOptions> task_options(const Program& program, const CommandContext& context,
                                     const ProgramRunOptions& options);

/// Totals of views and sinks over their tasks.
ProgramSummary summarise(const Program& program, const std::vector<TaskStatus>& tasks);

/// The accounting table (or JSON) and the verdict on the identity.
void print_summary(const ProgramSummary& summary, const CommandContext& context);

}  // namespace meterstream
