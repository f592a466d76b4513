#include "apps/program_run.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "apps/run_progress.h"
#include "apps/sink_stores.h"
#include "base/nearest_name.h"
#include "metering/duration.h"
#include "stream/sink_deployment.h"
#include "stream/task_runner.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

// How often a run gives back what topics' retention lets go.
constexpr int64_t kRetentionIntervalNs = 60'000'000'000;

Status apply_retention(DataDirectory& data) {
  ASSIGN_OR_RETURN(const EmbeddedLog::RetentionResult result, data.log().apply_retention());
  return result.bytes > 0 ? data.store().reclaim() : Status{};
}

/// A topic that is to be read and does not exist is mostly a misspelt one. Those that the program writes are not.
Status warn_of_new_topics(const Program& program, EventLog& log) {
  ASSIGN_OR_RETURN(const std::vector<std::string> existing, log.topics());
  std::set<std::string> known(existing.begin(), existing.end());
  for (const ViewSpec& view : program.views) known.insert(view.topic);
  std::vector<std::string> read;
  read.reserve(program.views.size() + program.sinks.size());
  for (const ViewSpec& view : program.views) std::ranges::copy(streams_read(view), std::back_inserter(read));
  for (const SinkSpec& sink : program.sinks) read.push_back(sink.topic);
  for (const std::string& topic : read) {
    if (!known.insert(topic).second) continue;
    fmt::print(stderr, "warning: topic {} did not exist and is created, without records.{}\n", topic,
               did_you_mean(topic, existing));
  }
  return {};
}

}  // namespace

Result<PassTaskOptions> task_options(const Program& program, const CommandContext& context,
                                     const ProgramRunOptions& options) {
  PassTaskOptions result;
  result.application = options.application_id;
  result.bounded = options.until_idle;
  const Configuration& configuration = context.configuration;
  result.commit_interval_ms = configuration.kafka.brokers.empty() ? configuration.engine.commit_interval_ms
                                                                  : configuration.kafka.commit_interval_ms;
  result.batch_records = static_cast<size_t>(configuration.engine.batch_records);
  result.durability = context.configuration.engine.durable ? Durability::kSync : Durability::kBuffered;
  result.memory_limit_bytes = static_cast<size_t>(context.configuration.engine.memory_budget_bytes);
  // The SQL compiler knows the settings and has checked their values.
  for (const auto& [name, value] : program.settings) {
    if (name == "commit.interval") {
      ASSIGN_OR_RETURN(result.commit_interval_ms, parse_duration(value));
    } else if (name == "application.id") {
      // A flag on the command line wins over the file.
      if (options.application_id == ProgramRunOptions{}.application_id) result.application = value;
    }
  }
  return result;
}

namespace {

void add_to(std::vector<ViewSummary>& summaries, const TaskStatus::View& view) {
  const auto found = std::find_if(summaries.begin(), summaries.end(),
                                  [&](const ViewSummary& summary) { return summary.name == view.name; });
  if (found != summaries.end()) found->accounting += view.accounting;
}

}  // namespace

void tell(const ViewChanges& changes) {
  if (const std::string text = to_text(changes); !text.empty()) fmt::print(stderr, "{}\n", text);
}

void warn_of_table_faults(const TableFeeds& tables) {
  for (const auto& feed : tables.all()) {
    const TableFeed::Faults faults = feed->faults();
    if (faults.records == 0) continue;
    fmt::print(stderr, "warning: table {}: {} record(s) cannot be read and are left out. The last: {}\n",
               feed->spec().name, faults.records, faults.latest);
  }
}

ProgramSummary summarise(const Program& program, const std::vector<TaskStatus>& tasks) {
  ProgramSummary summary;
  for (const ViewSpec& view : program.views) summary.views.push_back({view.name, view.topic, {}});
  for (const SinkSpec& sink : program.sinks)
    summary.sinks.push_back({sink.name, sink.topic, {}, SinkStores::place_of(sink)});
  for (const TaskStatus& task : tasks) {
    summary.records += task.records;
    const bool is_pass =
        !task.views.empty() && std::any_of(program.views.begin(), program.views.end(),
                                           [&](const ViewSpec& view) { return view.name == task.views.front().name; });
    if (is_pass) summary.view_records += task.records;
    for (const TaskStatus::View& view : task.views) {
      add_to(summary.views, view);
      add_to(summary.sinks, view);
    }
  }
  return summary;
}

bool ProgramSummary::balanced() const {
  return std::all_of(views.begin(), views.end(), [](const ViewSummary& view) { return view.accounting.balanced(); });
}

Result<ProgramSummary> run_program(const Program& program, DataDirectory& data, const CommandContext& context,
                                   const ProgramRunOptions& options, const std::atomic<bool>& stop) {
  ASSIGN_OR_RETURN(const PassTaskOptions each, task_options(program, context, options));
  RETURN_IF_ERROR(warn_of_new_topics(program, data.log()));
  ASSIGN_OR_RETURN(const ViewChanges changes, view_changes(program.views, data.log(), each.application));
  RETURN_IF_ERROR(check_unchanged(changes));
  if (options.tells_changes) tell(changes);
  TableFeeds tables(data.log(), data.schemas());
  RETURN_IF_ERROR(insert_rows(program.inserts, InsertMode::kOnlyNewKeys, data.log(), tables));
  const Runtime runtime{data.log(), data.store(), data.schemas(), context.clock, &tables};
  const auto partitions = static_cast<int32_t>(context.configuration.replay.partitions);
  ASSIGN_OR_RETURN(auto tasks, deploy_views(program.views, runtime, each));
  SinkStores stores(data, data.schemas(), context);
  ASSIGN_OR_RETURN(auto sinks, deploy_sinks(program.sinks, data.log(), context.clock, sink_task_options(each),
                                            partitions, [&](const SinkSpec& sink, PartitionId partition) {
                                              return stores.writer(sink, partition);
                                            }));
  for (auto& sink : sinks) tasks.push_back(std::move(sink));

  int64_t threads = options.threads.value_or(context.configuration.engine.threads);
  if (threads <= 0) threads = std::max(1U, std::thread::hardware_concurrency());
  RunProgress progress(context, options.until_idle);
  std::string retention_problem;
  TaskRunner* running = nullptr;
  TaskRunner::Options runner_options;
  runner_options.threads = static_cast<size_t>(threads);
  runner_options.bounded = options.until_idle;
  runner_options.close_at_end = !options.keep_open;
  int64_t retention_ns = context.clock.monotonic_ns();
  runner_options.on_progress = [&](const std::vector<TaskStatus>& status) {
    if (stop) running->request_stop();
    if (context.clock.monotonic_ns() - retention_ns > kRetentionIntervalNs) {
      retention_ns = context.clock.monotonic_ns();
      if (Status kept = apply_retention(data); !kept) retention_problem = kept.error().message;
    }
    progress.update(status);
  };
  TaskRunner runner(std::move(tasks), runner_options);
  running = &runner;
  const int64_t start_ns = context.clock.monotonic_ns();
  const Status ran = runner.run();
  progress.finish();
  warn_of_table_faults(tables);
  if (ran) {
    if (Status kept = apply_retention(data); !kept) retention_problem = kept.error().message;
  }
  if (!retention_problem.empty()) fmt::print(stderr, "retention could not be applied: {}\n", retention_problem);
  RETURN_IF_ERROR(ran);
  ProgramSummary summary = summarise(program, runner.status());
  summary.seconds = static_cast<double>(context.clock.monotonic_ns() - start_ns) / 1e9;
  summary.stopped = stop;
  return summary;
}

}  // namespace meterstream
