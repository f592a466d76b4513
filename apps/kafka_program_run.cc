#include "apps/kafka_program_run.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/backbone.h"
#include "apps/bounded_run_end.h"
#include "apps/kafka_connection.h"
#include "apps/kafka_worker_pool.h"
#include "apps/number_text.h"
#include "apps/run_progress.h"
#include "apps/sink_stores.h"
#include "connectors/kafka/kafka_pass_catalog.h"
#include "connectors/kafka/kafka_sink_log.h"
#include "connectors/kafka/kafka_standby.h"
#include "stream/sink_deployment.h"
#include "stream/task_runner.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

constexpr int64_t kLeftToTheWorkerMs = int64_t{365} * 24 * 3600 * 1000;
constexpr int64_t kLookMs = 20;
constexpr int64_t kRetryMs = 1'000;
constexpr int64_t kSettleMs = 1'000;
// News come at once; only whether there are none is asked for so seldom.
constexpr int64_t kTableEndAgeMs = 1'000;

void sleep_ms(int64_t milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

/// Differs between processes, also of one machine and after a restart.
std::string process_name() {
  std::random_device random;
  return fmt::format("{}-{:08x}{:08x}", ::getpid(), random(), random());
}

size_t stage_of_view(const std::vector<ViewSpec>& views, const ViewSpec& view, size_t most);

/// How many views stand between the readings and the topic, one after the other.
size_t stage_of(const std::vector<ViewSpec>& views, const std::string& topic, size_t most) {
  size_t stage = 0;
  for (const ViewSpec& view : views) {
    if (most == 0 || view.topic != topic) continue;
    stage = std::max(stage, 1 + stage_of_view(views, view, most - 1));
  }
  return stage;
}

size_t stage_of_view(const std::vector<ViewSpec>& views, const ViewSpec& view, size_t most) {
  size_t stage = 0;
  for (const std::string& topic : topics_read(view)) stage = std::max(stage, stage_of(views, topic, most));
  return stage;
}

size_t stage_of_pass(const std::vector<ViewSpec>& views, const PassSpec& pass) {
  size_t stage = 0;
  for (const ViewSpec& view : pass.views) stage = std::max(stage, stage_of_view(views, view, views.size()));
  return stage;
}

/// Everything that a run holds together.
class KafkaProgramRun {
 public:
  KafkaProgramRun(const Program& program, Backbone& backbone, const CommandContext& context,
                  const ProgramRunOptions& options, const std::atomic<bool>& stop)
      : program_(program), backbone_(backbone), context_(context), options_(options), stop_(stop) {}

  Result<ProgramSummary> run();

 private:
  Status prepare();
  Status create_topics(std::vector<ViewSpec>& views);
  Status prepare_tables();
  Status add_workers(const PlannedPass& pass);
  Status add_sink_worker(const SinkSpec& sink);
  [[nodiscard]] KafkaWorkerOptions worker_options(const std::string& group, const std::string& source) const;
  void name_member(KafkaWorkerOptions& worker, const std::string& group, int64_t thread) const;
  void prepare_standby();
  [[nodiscard]] std::string standby_text() const;
  [[nodiscard]] ClusterSummary cluster_summary() const;
  Status run_workers(RunProgress& progress);
  Status run_stages(RunProgress& progress);
  [[nodiscard]] bool has_failed() const;
  void follow(const KafkaWorkerPool& pool, RunProgress& progress);
  /// Tables in the data directory.
  Status run_local_sinks(bool bounded, RunProgress* progress);
  [[nodiscard]] std::vector<TaskStatus> status() const;

  const Program& program_;
  Backbone& backbone_;
  const CommandContext& context_;
  const ProgramRunOptions& options_;
  const std::atomic<bool>& stop_;
  KafkaSettings settings_;
  PassTaskOptions each_;
  std::string process_ = process_name();
  std::unique_ptr<DataDirectory> data_;
  std::shared_ptr<KafkaTopics> topics_;
  std::unique_ptr<KafkaLog> log_;
  std::unique_ptr<KafkaSinkLog> sink_log_;
  std::unique_ptr<KafkaLog> tables_log_;
  std::unique_ptr<KafkaLog> tables_follower_;
  std::unique_ptr<TableFeeds> tables_;  // null when nothing is looked up
  std::shared_ptr<ChangelogOwnership> ownership_ = std::make_shared<ChangelogOwnership>();
  std::unique_ptr<KafkaStandby> standby_;  // null without the option
  std::unique_ptr<SinkStores> stores_;
  /// Of views that read what views of an earlier stage write, and no later one.
  std::map<size_t, KafkaWorkerPool> stages_;
  KafkaWorkerPool sink_workers_;  // of stores that all processes share
  std::vector<SinkSpec> local_sinks_;
  std::atomic<bool> sinks_stop_{false};
  std::atomic<bool> local_sinks_failed_{false};
  mutable std::mutex sinks_mutex_;
  std::vector<TaskStatus> sinks_;
};

/// Passes that exist have the definitions of before.
static ViewChanges changes_of(const std::vector<PlannedPass>& passes) {
  ViewChanges changes;
  for (const PlannedPass& pass : passes) {
    for (const ViewSpec& view : pass.spec.views) (pass.is_new ? changes.added : changes.unchanged).push_back(view.name);
  }
  return changes;
}

Status KafkaProgramRun::prepare() {
  const Configuration& configuration = context_.configuration;
  settings_ = kafka_settings(configuration);
  ASSIGN_OR_RETURN(each_, task_options(program_, context_, options_));
  each_.state_keeping = StateKeeping::kChangelog;
  each_.result_ids = true;
  // The changelog is the truth; the local mirror may lag behind it.
  each_.durability = Durability::kBuffered;
  ASSIGN_OR_RETURN(data_, DataDirectory::open(configuration.data_dir, DataDirectory::Mode::kCreate, context_.clock));
  ASSIGN_OR_RETURN(topics_, KafkaTopics::open(settings_));
  ASSIGN_OR_RETURN(log_, KafkaLog::connect(settings_));
  sink_log_ = std::make_unique<KafkaSinkLog>(*log_, data_->store());
  std::vector<ViewSpec> views = program_.views;
  RETURN_IF_ERROR(prepare_tables());
  RETURN_IF_ERROR(create_topics(views));
  ASSIGN_OR_RETURN(const auto passes, register_passes(views, each_.application, settings_, topics_));
  if (options_.tells_changes) tell(changes_of(passes));
  prepare_standby();
  for (const PlannedPass& pass : passes) RETURN_IF_ERROR(add_workers(pass));
  stores_ = std::make_unique<SinkStores>(*data_, backbone_.schemas(), context_);
  for (const SinkSpec& sink : program_.sinks) {
    if (SinkStores::is_local(sink)) {
      local_sinks_.push_back(sink);
    } else {
      RETURN_IF_ERROR(add_sink_worker(sink));
    }
  }
  return {};
}

Status KafkaProgramRun::create_topics(std::vector<ViewSpec>& views) {
  std::set<std::string> missing;
  for (const ViewSpec& view : views) {
    for (const std::string& topic : streams_read(view)) {
      const auto partitions = topics_->partitions(topic);
      if (!partitions && partitions.error().code == ErrorCode::kNotFound) missing.insert(topic);
    }
  }
  RETURN_IF_ERROR(create_view_topics(views, *log_));
  for (const std::string& topic : missing) {
    ASSIGN_OR_RETURN(const int32_t partitions, topics_->partitions(topic));
    fmt::print(
        stderr,
        "topic {} did not exist and was created with {} partitions; if readings should be there already, check its "
        "name in the program and --kafka\n",
        topic, partitions);
  }
  return {};
}

/// Tables have a connection of their own: they are read from several threads, and from their beginning.
Status KafkaProgramRun::prepare_tables() {
  const bool looks_up = std::ranges::any_of(program_.views, [](const ViewSpec& view) { return !view.lookups.empty(); });
  if (!looks_up && program_.inserts.empty()) return {};
  ASSIGN_OR_RETURN(tables_log_, KafkaLog::connect(settings_));
  ASSIGN_OR_RETURN(tables_follower_, KafkaLog::connect_follower(settings_, kTableEndAgeMs));
  tables_ = std::make_unique<TableFeeds>(*tables_log_, *tables_follower_, backbone_.schemas());
  each_.tables = tables_.get();
  RETURN_IF_ERROR(insert_rows(program_.inserts, InsertMode::kOnlyNewKeys, *tables_log_, *tables_));
  return {};
}

void KafkaProgramRun::prepare_standby() {
  if (!options_.standby && !context_.configuration.kafka.standby) return;
  KafkaStandbyOptions options;
  options.settings = settings_;
  options.on_trouble = [](const std::string& message) { fmt::print(stderr, "standby waits: {}\n", message); };
  standby_ = std::make_unique<KafkaStandby>(std::move(options), ownership_, data_->store());
}

std::string KafkaProgramRun::standby_text() const {
  if (standby_ == nullptr) return {};
  const KafkaStandby::Progress progress = standby_->progress();
  return fmt::format("standby for {}, {} behind", progress.partitions,
                     count_text(static_cast<double>(progress.behind)));
}

ClusterSummary KafkaProgramRun::cluster_summary() const {
  ClusterSummary summary;
  for (const auto& [number, stage] : stages_) {
    const KafkaWorker::Restores restores = stage.restores();
    summary.taken_over += restores.tasks;
    summary.rebuilt += restores.rebuilt;
    summary.entries_read += restores.entries;
  }
  if (standby_ == nullptr) return summary;
  summary.has_standby = true;
  summary.standby_partitions = standby_->progress().partitions;
  summary.standby_behind = standby_->progress().behind;
  return summary;
}

KafkaWorkerOptions KafkaProgramRun::worker_options(const std::string& group, const std::string& source) const {
  KafkaWorkerOptions worker;
  worker.settings = settings_;
  worker.group = group;
  worker.source = source;
  worker.changelog = group + "-changelog";
  worker.bounded = options_.until_idle;
  worker.close_at_end = !options_.keep_open;
  worker.commit_interval_ms = each_.commit_interval_ms;
  if (options_.at_least_once || context_.configuration.kafka.guarantee == ClusterGuarantee::kAtLeastOnce)
    worker.guarantee = KafkaGuarantee::kAtLeastOnce;
  worker.membership.session_timeout_ms = context_.configuration.kafka.session_timeout_ms;
  worker.on_trouble = [](const std::string& message) { fmt::print(stderr, "waiting: {}\n", message); };
  worker.ownership = ownership_;
  return worker;
}

void KafkaProgramRun::name_member(KafkaWorkerOptions& worker, const std::string& part, int64_t thread) const {
  worker.transactional_id = fmt::format("{}-{}-{}", worker.group, process_, thread);
  const std::string& member = context_.configuration.kafka.static_member;
  if (!member.empty()) worker.membership.instance_id = fmt::format("{}-{}-{}", member, part, thread);
}

Status KafkaProgramRun::add_workers(const PlannedPass& pass) {
  ASSIGN_OR_RETURN(const int32_t partitions, topics_->partitions(pass.spec.source->topic));
  KafkaWorkerOptions worker = worker_options(fmt::format("{}-{}", topic_name_part(each_.application), pass.entry.name),
                                             pass.spec.source->topic);
  worker.source_partitions = partitions;
  if (pass.spec.reads_two()) {
    worker.second_source = second_topic(pass.spec.views.front());
    ASSIGN_OR_RETURN(worker.second_source_partitions, topics_->partitions(worker.second_source));
  }
  worker.task_per_partition = pass.task_per_partition;
  const int32_t tasks = pass.task_per_partition ? partitions : 1;
  RETURN_IF_ERROR(KafkaChangelog::create_topic(*topics_, worker.changelog, tasks));

  PassTaskOptions task = each_;
  task.commit_interval_ms = kLeftToTheWorkerMs;
  task.memory_limit_bytes = each_.memory_limit_bytes / static_cast<size_t>(tasks);
  KafkaTaskFactory factory;
  factory.make = [this, spec = pass.spec, task](const std::vector<PartitionId>& owned,
                                                EventLog& log) -> Result<std::unique_ptr<Task>> {
    return std::make_unique<PassTask>(spec, owned, log, data_->store(), backbone_.schemas(), context_.clock, task);
  };
  factory.state_prefixes = [spec = pass.spec, application = each_.application](const std::vector<PartitionId>& owned) {
    std::vector<std::pair<Space, std::string>> prefixes;
    for (std::string& prefix : pass_state_prefixes(pass_task_name(spec, owned, application))) {
      prefixes.emplace_back(Space::kState, std::move(prefix));
    }
    return prefixes;
  };
  for (int32_t number_of_task = 0; standby_ != nullptr && number_of_task < tasks; ++number_of_task) {
    std::vector<PartitionId> sources;
    for (int32_t source = 0; source < partitions; ++source) {
      if (!pass.task_per_partition || source == number_of_task) sources.emplace_back(source);
    }
    standby_->add({worker.changelog, PartitionId(number_of_task)}, factory.state_prefixes(sources));
  }
  int64_t threads = options_.threads.value_or(context_.configuration.engine.threads);
  if (threads <= 0) threads = std::max(1U, std::thread::hardware_concurrency());
  threads = std::min<int64_t>(threads, tasks);
  KafkaWorkerPool& workers = stages_[stage_of_pass(program_.views, pass.spec)];
  const size_t group = workers.add_group(static_cast<size_t>(tasks));
  for (int64_t thread = 0; thread < threads; ++thread) {
    name_member(worker, pass.entry.name, thread);
    workers.add(group, std::make_unique<KafkaWorker>(worker, factory, topics_, data_->store(), context_.clock));
  }
  return {};
}

/// One thread: it mostly waits for the store.
Status KafkaProgramRun::add_sink_worker(const SinkSpec& sink) {
  ASSIGN_OR_RETURN(const int32_t partitions,
                   create_sink_topics(sink, *log_, static_cast<int32_t>(context_.configuration.kafka.partitions)));
  const std::string part = fmt::format("sink-{}", topic_name_part(sink.name));
  KafkaWorkerOptions worker =
      worker_options(fmt::format("{}-{}", topic_name_part(each_.application), part), sink.topic);
  worker.source_partitions = partitions;
  RETURN_IF_ERROR(KafkaChangelog::create_topic(*topics_, worker.changelog, partitions));
  // Whether the sink's options can work at all is known before a thread runs.
  ASSIGN_OR_RETURN(const DeployedWriter first, stores_->writer(sink, PartitionId(0)));
  SinkTask::Options each = sink_task_options(each_);
  each.commit_interval_ms = kLeftToTheWorkerMs;
  each.commit_records = INT64_MAX;
  each.conflicts_are_retried = true;
  each.waits_for_store = first.waits_for_store;
  each.on_store = first.on_store;
  KafkaTaskFactory factory;
  factory.make = [this, sink, each](const std::vector<PartitionId>& owned,
                                    EventLog& log) -> Result<std::unique_ptr<Task>> {
    ASSIGN_OR_RETURN(DeployedWriter deployed, stores_->writer(sink, owned.front()));
    return std::make_unique<SinkTask>(sink.name, TopicPartition{sink.topic, owned.front()}, std::move(deployed.writer),
                                      log, context_.clock, each);
  };
  // A sink has positions and no state; without any prefix the changelog would own all state there is.
  factory.state_prefixes = [group = worker.group](const std::vector<PartitionId>& owned) {
    return std::vector<std::pair<Space, std::string>>{
        {Space::kState, fmt::format("sinks/{}/{}/", group, owned.front().value)}};
  };
  name_member(worker, part, 0);
  sink_workers_.add(sink_workers_.add_group(static_cast<size_t>(partitions)),
                    std::make_unique<KafkaWorker>(worker, factory, topics_, data_->store(), context_.clock));
  return {};
}

std::vector<TaskStatus> KafkaProgramRun::status() const {
  std::vector<TaskStatus> all;
  for (const auto& [number, stage] : stages_) {
    for (TaskStatus& task : stage.status()) all.push_back(std::move(task));
  }
  for (TaskStatus& sink : sink_workers_.status()) all.push_back(std::move(sink));
  const std::scoped_lock lock(sinks_mutex_);
  all.insert(all.end(), sinks_.begin(), sinks_.end());
  return all;
}

/// Sinks keep their positions in this data directory, so each process has the whole table.
Status KafkaProgramRun::run_local_sinks(bool bounded, RunProgress* progress) {
  std::string told;
  while (!sinks_stop_) {
    SinkTask::Options each = sink_task_options(each_);
    each.durability = context_.configuration.engine.durable ? Durability::kSync : Durability::kBuffered;
    ASSIGN_OR_RETURN(auto tasks, deploy_sinks(local_sinks_, *sink_log_, context_.clock, each,
                                              static_cast<int32_t>(context_.configuration.kafka.partitions),
                                              [&](const SinkSpec& sink, PartitionId partition) {
                                                return stores_->writer(sink, partition);
                                              }));
    TaskRunner* running = nullptr;
    TaskRunner::Options options;
    options.bounded = bounded;
    options.on_progress = [&](const std::vector<TaskStatus>& status) {
      if (sinks_stop_ || stop_) running->request_stop();
      if (progress != nullptr) progress->update(status);
      const std::scoped_lock lock(sinks_mutex_);
      sinks_ = status;
    };
    TaskRunner runner(std::move(tasks), options);
    running = &runner;
    Status ran = runner.run();
    {
      const std::scoped_lock lock(sinks_mutex_);
      sinks_ = runner.status();
    }
    if (ran) return {};
    if (ran.error().code != ErrorCode::kUnavailable || !data_->store().condition()) return ran;
    if (std::exchange(told, ran.error().message) != ran.error().message)
      fmt::print(stderr, "waiting: {}\n", ran.error().message);
    for (int64_t waited = 0; waited < kRetryMs && !sinks_stop_ && !stop_; waited += kLookMs) sleep_ms(kLookMs);
  }
  return {};
}

/// Until `pool` is at its end, or somebody failed or wants to stop.
void KafkaProgramRun::follow(const KafkaWorkerPool& pool, RunProgress& progress) {
  // Longer than the group waits for a member that died.
  BoundedRunEnd end(context_.configuration.kafka.session_timeout_ms + kSettleMs);
  const auto is_at_end = [&] {
    const int64_t now_ms = context_.clock.monotonic_ns() / 1'000'000;
    return options_.until_idle && end.is_reached(pool.are_at_end(), pool.unfinished(), now_ms);
  };
  while (!stop_ && !has_failed() && !is_at_end()) {
    progress.update(status(), standby_text());
    sleep_ms(kLookMs);
  }
}

bool KafkaProgramRun::has_failed() const {
  const auto fails = [](const auto& stage) { return stage.second.has_failed(); };
  return std::ranges::any_of(stages_, fails) || sink_workers_.has_failed() || local_sinks_failed_;
}

/// All at once, or, in a bounded run, one after the other: a stage is at its end when those before it have written theirs.
Status KafkaProgramRun::run_stages(RunProgress& progress) {
  for (auto& [number, stage] : stages_) {
    stage.start();
    if (!options_.until_idle) continue;
    follow(stage, progress);
    if (stop_ || has_failed() || number == stages_.rbegin()->first) break;
    stage.stop_and_join();
    RETURN_IF_ERROR(stage.result());
  }
  if (!options_.until_idle && !stages_.empty()) follow(stages_.begin()->second, progress);
  return {};
}

Status KafkaProgramRun::run_workers(RunProgress& progress) {
  if (standby_ != nullptr) RETURN_IF_ERROR(standby_->start());
  if (!options_.until_idle) sink_workers_.start();
  Status ran = run_stages(progress);
  if (!options_.until_idle && stages_.empty()) follow(sink_workers_, progress);
  // Only together: while others work, what this one gave up would come back to them.
  if (standby_ != nullptr) standby_->request_stop();
  for (auto& [number, stage] : stages_) stage.stop_and_join();
  if (standby_ != nullptr) standby_->stop();
  for (const auto& [number, stage] : stages_) {
    if (ran) ran = stage.result();
  }
  RETURN_IF_ERROR(std::move(ran));
  if (options_.until_idle && !stop_) {
    // The last results are there now.
    sink_workers_.start();
    follow(sink_workers_, progress);
  }
  sink_workers_.stop_and_join();
  return sink_workers_.result();
}

Result<ProgramSummary> KafkaProgramRun::run() {
  RETURN_IF_ERROR(prepare());
  const int64_t start_ns = context_.clock.monotonic_ns();
  RunProgress progress(context_, options_.until_idle);
  Status sinks_ran;
  std::thread following;
  const bool has_local = !local_sinks_.empty();
  if (has_local && !options_.until_idle) {
    following = std::thread([&] {
      sinks_ran = run_local_sinks(false, nullptr);
      local_sinks_failed_ = !sinks_ran;
    });
  }
  Status ran = run_workers(progress);
  sinks_stop_ = !options_.until_idle || stop_ || !ran;
  if (following.joinable()) following.join();
  if (has_local && options_.until_idle && ran && !stop_) sinks_ran = run_local_sinks(true, &progress);
  progress.finish();
  if (tables_ != nullptr) warn_of_table_faults(*tables_);
  RETURN_IF_ERROR(std::move(ran));
  RETURN_IF_ERROR(std::move(sinks_ran));
  ProgramSummary summary = summarise(program_, status());
  summary.seconds = static_cast<double>(context_.clock.monotonic_ns() - start_ns) / 1e9;
  summary.stopped = stop_;
  summary.cluster = cluster_summary();
  return summary;
}

}  // namespace

Result<ProgramSummary> run_program_on_kafka(const Program& program, Backbone& backbone, const CommandContext& context,
                                            const ProgramRunOptions& options, const std::atomic<bool>& stop) {
  KafkaProgramRun run(program, backbone, context, options, stop);
  return run.run();
}

}  // namespace meterstream
