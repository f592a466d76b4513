#include "apps/kafka_program_run.h"

#include <algorithm>
#include <random>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/backbone.h"
#include "apps/bounded_run_end.h"
#include "apps/kafka_connection.h"
#include "apps/number_text.h"
#include "apps/run_progress.h"
#include "connectors/kafka/kafka_pass_catalog.h"
#include "connectors/kafka/kafka_sink_log.h"
#include "connectors/kafka/kafka_standby.h"
#include "connectors/kafka/kafka_worker.h"
#include "stream/sink_deployment.h"
#include "stream/task_runner.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

constexpr int64_t kLeftToTheWorkerMs = int64_t{365} * 24 * 3600 * 1000;
constexpr int64_t kLookMs = 20;
constexpr int64_t kRetryMs = 1'000;
constexpr int64_t kSettleMs = 1'000;

void sleep_ms(int64_t milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

/// Differs between processes, also of one machine and after a restart.
std::string process_name() {
  std::random_device random;
  return fmt::format("{}-{:08x}{:08x}", ::getpid(), random(), random());
}

/// Threads that run workers, and the first error of any of them.
class WorkerPool {
 public:
  ~WorkerPool() { stop_and_join(); }

  /// Passes have numbers from 0; `tasks`: how many all workers of the pass share out among them.
  void add_pass(size_t tasks) { tasks_ += tasks; }
  void add(size_t pass, std::unique_ptr<KafkaWorker> worker) {
    workers_.push_back(std::move(worker));
    pass_of_.push_back(pass);
  }
  void start() {
    threads_.reserve(workers_.size());
    for (const auto& worker : workers_) threads_.emplace_back([this, &worker] { run(*worker); });
  }
  void stop_and_join() {
    for (const auto& worker : workers_) worker->request_stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  [[nodiscard]] bool are_at_end() const {
    return std::ranges::all_of(workers_, [](const auto& worker) { return worker->is_at_end(); });
  }
  /// Tasks that never came to their end in this process.
  [[nodiscard]] int64_t unfinished() const {
    std::set<std::pair<size_t, PartitionId>> finished;
    for (size_t i = 0; i < workers_.size(); ++i) {
      for (const PartitionId partition : workers_[i]->finished()) finished.emplace(pass_of_[i], partition);
    }
    return static_cast<int64_t>(tasks_ - finished.size());
  }
  [[nodiscard]] bool has_failed() const { return failed_; }
  [[nodiscard]] Status result() {
    const std::scoped_lock lock(mutex_);
    return result_;
  }
  [[nodiscard]] KafkaWorker::Restores restores() const {
    KafkaWorker::Restores all;
    for (const auto& worker : workers_) {
      const KafkaWorker::Restores one = worker->restores();
      all.tasks += one.tasks;
      all.rebuilt += one.rebuilt;
      all.entries += one.entries;
    }
    return all;
  }
  [[nodiscard]] std::vector<TaskStatus> status() const {
    std::vector<TaskStatus> all;
    for (const auto& worker : workers_) {
      for (TaskStatus& task : worker->status()) all.push_back(std::move(task));
    }
    return all;
  }

 private:
  void run(KafkaWorker& worker) {
    if (Status ran = worker.run(); !ran) {
      const std::scoped_lock lock(mutex_);
      if (result_) result_ = std::move(ran);
      failed_ = true;
    }
  }

  std::vector<std::unique_ptr<KafkaWorker>> workers_;
  std::vector<size_t> pass_of_;
  size_t tasks_ = 0;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  Status result_;
  std::atomic<bool> failed_{false};
};

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
  Status add_workers(const PlannedPass& pass, size_t number);
  void prepare_standby();
  [[nodiscard]] std::string standby_text() const;
  [[nodiscard]] ClusterSummary cluster_summary() const;
  Status run_workers(RunProgress& progress);
  Status run_sinks(bool bounded, RunProgress* progress);
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
  std::shared_ptr<ChangelogOwnership> ownership_ = std::make_shared<ChangelogOwnership>();
  std::unique_ptr<KafkaStandby> standby_;  // null without the option
  WorkerPool workers_;
  std::atomic<bool> sinks_stop_{false};
  mutable std::mutex sinks_mutex_;
  std::vector<TaskStatus> sinks_;
};

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
  RETURN_IF_ERROR(create_topics(views));
  ASSIGN_OR_RETURN(const auto passes, register_passes(views, each_.application, settings_, topics_));
  prepare_standby();
  for (size_t number = 0; number < passes.size(); ++number) RETURN_IF_ERROR(add_workers(passes[number], number));
  return {};
}

Status KafkaProgramRun::create_topics(std::vector<ViewSpec>& views) {
  std::set<std::string> missing;
  for (const ViewSpec& view : views) {
    const auto partitions = topics_->partitions(view.source->topic);
    if (!partitions && partitions.error().code == ErrorCode::kNotFound) missing.insert(view.source->topic);
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
  const KafkaWorker::Restores restores = workers_.restores();
  ClusterSummary summary{restores.tasks, restores.rebuilt, restores.entries};
  if (standby_ == nullptr) return summary;
  summary.has_standby = true;
  summary.standby_partitions = standby_->progress().partitions;
  summary.standby_behind = standby_->progress().behind;
  return summary;
}

Status KafkaProgramRun::add_workers(const PlannedPass& pass, size_t number) {
  ASSIGN_OR_RETURN(const int32_t partitions, topics_->partitions(pass.spec.source->topic));
  const std::string name = fmt::format("{}-{}", topic_name_part(each_.application), pass.entry.name);
  KafkaWorkerOptions worker;
  worker.settings = settings_;
  worker.group = name;
  worker.source = pass.spec.source->topic;
  worker.source_partitions = partitions;
  worker.changelog = name + "-changelog";
  worker.task_per_partition = pass.task_per_partition;
  worker.bounded = options_.until_idle;
  worker.close_at_end = !options_.keep_open;
  if (options_.at_least_once || context_.configuration.kafka.guarantee == ClusterGuarantee::kAtLeastOnce)
    worker.guarantee = KafkaGuarantee::kAtLeastOnce;
  worker.membership.session_timeout_ms = context_.configuration.kafka.session_timeout_ms;
  worker.on_trouble = [](const std::string& message) { fmt::print(stderr, "waiting: {}\n", message); };
  const int32_t tasks = pass.task_per_partition ? partitions : 1;
  RETURN_IF_ERROR(KafkaChangelog::create_topic(*topics_, worker.changelog, tasks));

  PassTaskOptions task = each_;
  worker.commit_interval_ms = each_.commit_interval_ms;
  task.commit_interval_ms = kLeftToTheWorkerMs;
  task.memory_limit_bytes = each_.memory_limit_bytes / static_cast<size_t>(tasks);
  KafkaTaskFactory factory;
  factory.make = [this, spec = pass.spec, task](const std::vector<PartitionId>& owned, EventLog& log) {
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
  worker.ownership = ownership_;
  int64_t threads = options_.threads.value_or(context_.configuration.engine.threads);
  if (threads <= 0) threads = std::max(1U, std::thread::hardware_concurrency());
  threads = std::min<int64_t>(threads, tasks);
  workers_.add_pass(static_cast<size_t>(tasks));
  for (int64_t thread = 0; thread < threads; ++thread) {
    worker.transactional_id = fmt::format("{}-{}-{}-{}", name, process_, number, thread);
    const std::string& member = context_.configuration.kafka.static_member;
    if (!member.empty()) worker.membership.instance_id = fmt::format("{}-{}-{}", member, pass.entry.name, thread);
    workers_.add(number, std::make_unique<KafkaWorker>(worker, factory, topics_, data_->store(), context_.clock));
  }
  return {};
}

std::vector<TaskStatus> KafkaProgramRun::status() const {
  std::vector<TaskStatus> all = workers_.status();
  const std::scoped_lock lock(sinks_mutex_);
  all.insert(all.end(), sinks_.begin(), sinks_.end());
  return all;
}

/// Sinks keep their positions in this data directory, so each process has the whole table.
Status KafkaProgramRun::run_sinks(bool bounded, RunProgress* progress) {
  while (!sinks_stop_) {
    const Runtime runtime{*sink_log_, data_->store(), backbone_.schemas(), context_.clock};
    PassTaskOptions each = each_;
    each.durability = context_.configuration.engine.durable ? Durability::kSync : Durability::kBuffered;
    ASSIGN_OR_RETURN(auto tasks, deploy_sinks(program_.sinks, runtime, each,
                                              static_cast<int32_t>(context_.configuration.kafka.partitions)));
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
    if (ran.error().code != ErrorCode::kUnavailable) return ran;
    fmt::print(stderr, "waiting: {}\n", ran.error().message);
    for (int64_t waited = 0; waited < kRetryMs && !sinks_stop_ && !stop_; waited += kLookMs) sleep_ms(kLookMs);
  }
  return {};
}

Status KafkaProgramRun::run_workers(RunProgress& progress) {
  if (standby_ != nullptr) RETURN_IF_ERROR(standby_->start());
  workers_.start();
  // Longer than the group waits for a member that died.
  BoundedRunEnd end(context_.configuration.kafka.session_timeout_ms + kSettleMs);
  const auto is_at_end = [&] {
    const int64_t now_ms = context_.clock.monotonic_ns() / 1'000'000;
    return options_.until_idle && end.is_reached(workers_.are_at_end(), workers_.unfinished(), now_ms);
  };
  while (!stop_ && !workers_.has_failed() && !is_at_end()) {
    progress.update(status(), standby_text());
    sleep_ms(kLookMs);
  }
  // Only together: while others work, what this one gave up would come back to them.
  if (standby_ != nullptr) standby_->request_stop();
  workers_.stop_and_join();
  if (standby_ != nullptr) standby_->stop();
  return workers_.result();
}

Result<ProgramSummary> KafkaProgramRun::run() {
  RETURN_IF_ERROR(prepare());
  const int64_t start_ns = context_.clock.monotonic_ns();
  RunProgress progress(context_, options_.until_idle);
  Status sinks_ran;
  std::thread following;
  const bool has_sinks = !program_.sinks.empty();
  if (has_sinks && !options_.until_idle) following = std::thread([&] { sinks_ran = run_sinks(false, nullptr); });
  Status ran = run_workers(progress);
  sinks_stop_ = !options_.until_idle || stop_ || !ran;
  if (following.joinable()) following.join();
  if (has_sinks && options_.until_idle && ran && !stop_) sinks_ran = run_sinks(true, &progress);
  progress.finish();
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
