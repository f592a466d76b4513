#include "testing/simulation.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/clock.h"
#include "log/embedded_log.h"
#include "log/log_schema_store.h"
#include "metering/avro_encoder.h"
#include "state/embedded_aggregate_store.h"
#include "stream/aggregate_sink_writer.h"
#include "stream/sink_deployment.h"
#include "stream/view_deployment.h"
#include "testing/faulty_key_value_store.h"
#include "testing/simulated_producer.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'000'000;
constexpr char kApplication[] = "simulation";

class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options) : options_(options), random_(RandomSource::mix(options.seed)) {}

  Result<SimulationReport> run();

 private:
  // An append whose survival is not certain: unsynced, or answered with an error.
  struct Pending {
    std::vector<SimulatedProducer::Item> items;
    bool acknowledged = false;
    uint64_t syncs_before = 0;
  };

  template <class... Arguments>
  void trace(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    if (options_.trace) options_.trace(fmt::format(format, std::forward<Arguments>(arguments)...));
  }
  bool chance(int64_t one_in) { return random_.integer(1, one_in) == 1; }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return *(choices.begin() + random_.integer(0, static_cast<int64_t>(choices.size()) - 1));
  }

  void choose_views();
  void choose_sinks();
  PassTaskOptions choose_options();
  Status set_up();
  Status open_log();
  Status act();
  Status append();
  Status step(size_t index);
  Status idle();
  Status stop_orderly();
  Status deploy();
  Status check_opened();
  Status take_fault(const Error& error);
  Status restart(StoreCrash kind);
  Status settle_pending(StoreCrash kind, uint64_t syncs);
  Status close_under_faults();
  Status finish_tasks(bool views);
  Status end();
  void count_results();

  [[nodiscard]] std::vector<ViewSpec> deployed_views() const;
  [[nodiscard]] InvariantChecker checker() const { return {*log_, *store_, views_, sinks_}; }
  [[nodiscard]] InvariantChecker::Accounting accounting() const;
  EventLog& log() { return wrapped_ ? *wrapped_ : *log_; }

  const SimulationOptions& options_;
  RandomSource random_;
  ManualClock clock_{IngestTime(kStart)};
  std::unique_ptr<FaultyKeyValueStore> store_ = std::make_unique<FaultyKeyValueStore>();
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<EventLog> wrapped_;
  std::unique_ptr<LogSchemaStore> schemas_;
  std::unique_ptr<SimulatedProducer> producer_;
  std::vector<ViewSpec> views_;
  std::vector<SinkSpec> sinks_;
  std::unique_ptr<EmbeddedAggregateStore> tables_;  // of the sinks among tasks_
  std::vector<std::unique_ptr<Task>> tasks_;
  size_t view_tasks_ = 0;  // the first of tasks_; sinks follow
  int32_t partitions_ = 1;
  double fault_probability_ = 0;
  bool last_view_waits_ = false;
  bool passes_were_split_ = false;
  /// Windows are closed by force in the middle of life; what comes for them later is late, which the oracle cannot know.
  bool closes_early_ = false;
  KnownLog known_;
  std::vector<Pending> pending_;
  SimulationReport report_;
};

void Simulation::choose_views() {
  auto stream = standard_stream();
  stream->deduplicate = chance(2);
  stream->deduplicate_horizon_ms = pick<int64_t>({10'000, 120'000, 3'600'000});
  stream->max_ahead_ms = pick<int64_t>({0, 10'000, 60'000});
  stream->idle_timeout_ms = pick<int64_t>({0, 1'000, 30'000});
  stream->partitions = partitions_;
  std::vector<int64_t> sizes = {30'000, 60'000, 70'000, 300'000, 900'000, 3'600'000, 86'400'000};
  for (int64_t count = random_.integer(2, 3); count > 0; --count) {
    const auto chosen = sizes.begin() + random_.integer(0, static_cast<int64_t>(sizes.size()) - 1);
    ViewSpec view = standard_view(stream, *chosen, pick<int64_t>({0, 0, 5'000, 60'000, 3'600'000}));
    view.partitions = static_cast<int32_t>(random_.integer(1, 3));
    if (chance(8)) view.emit = EmitMode::kChanges;
    if (chance(2)) view.advance_ms = *chosen / random_.integer(2, 12) + pick<int64_t>({0, 0, 7});
    views_.push_back(std::move(view));
    sizes.erase(chosen);
  }
}

void Simulation::choose_sinks() {
  for (const ViewSpec& view : views_) {
    if (chance(3)) continue;
    sinks_.push_back({"store_" + view.name, view.topic, "embedded", view.name,
                      pick<std::string>({"", "minutes", "hours", "days", "months"})});
  }
}

PassTaskOptions Simulation::choose_options() {
  PassTaskOptions options;
  options.application = kApplication;
  options.bounded = !options_.follow_wall_clock;
  options.commit_interval_ms = pick<int64_t>({0, 0, 50, 1'000, 100'000});
  options.commit_bytes = pick<size_t>({1, 2'000, size_t{16} << 20});
  options.read_bytes = pick<size_t>({1, 500, size_t{1} << 20});
  options.batch_records = pick<size_t>({1, 3, 16, 2'048});
  options.memory_limit_bytes = chance(3) ? pick<size_t>({1, 20'000, 100'000}) : 0;
  options.snapshot_share = chance(3) ? 0 : 1e9;
  options.snapshot_min_records = pick<int64_t>({1, 20, 100});
  options.state_keeping = options_.state_keeping
                              ? *options_.state_keeping
                              : pick<StateKeeping>({StateKeeping::kSnapshots, StateKeeping::kChangelog});
  return options;
}

Status Simulation::set_up() {
  partitions_ = static_cast<int32_t>(random_.integer(1, 3));
  known_.resize(static_cast<size_t>(partitions_));
  choose_views();
  choose_sinks();
  last_view_waits_ = chance(6);
  closes_early_ = chance(5);
  fault_probability_ = pick<double>({0.0, 0.02, 0.05, 0.2});
  for (const ViewSpec& view : views_)
    trace("view {} advance {} grace {} {}", view.name, view.advance_ms, view.grace_ms,
          view.emit == EmitMode::kChanges ? "changes" : "final");
  RETURN_IF_ERROR(open_log());
  RETURN_IF_ERROR(log_->create_topic({"metrics", partitions_}));
  ASSIGN_OR_RETURN(const SchemaId schema, schemas_->register_schema(kMetricAvroSubject, kMetricAvroSchema));
  producer_ = std::make_unique<SimulatedProducer>(RandomSource(random_.next()), schema, partitions_);
  store_->set_plan(StoreFaultPlan::random(random_.next(), fault_probability_));
  return {};
}

Status Simulation::open_log() {
  tasks_.clear();
  view_tasks_ = 0;
  wrapped_.reset();
  log_.reset();
  schemas_ = std::make_unique<LogSchemaStore>(*store_);
  ASSIGN_OR_RETURN(log_, EmbeddedLog::open(*store_, clock_, {.recent_bytes = pick<size_t>({0, 2'000, 1'000'000})}));
  if (options_.wrap_log) wrapped_ = options_.wrap_log(*log_);
  return {};
}

std::vector<ViewSpec> Simulation::deployed_views() const {
  std::vector<ViewSpec> views = views_;
  if (last_view_waits_) views.pop_back();
  return views;
}

InvariantChecker::Accounting Simulation::accounting() const {
  std::vector<TaskStatus> all;
  all.reserve(view_tasks_);
  for (size_t i = 0; i < view_tasks_; ++i) all.push_back(tasks_[i]->status());
  return InvariantChecker::accounting_of(all);
}

// Topics of views first: a sink finds its topic there, or makes it.
Status Simulation::deploy() {
  ++report_.deployments;
  const Runtime runtime{log(), *store_, *schemas_, clock_};
  const PassTaskOptions options = choose_options();
  const std::vector<ViewSpec> views = deployed_views();
  trace(
      "deploy {} views, batches of {}, commit every {} ms or {} bytes, read {} bytes, memory {}, snapshots {} after "
      "{}, "
      "changelog {}",
      views.size(), options.batch_records, options.commit_interval_ms, options.commit_bytes, options.read_bytes,
      options.memory_limit_bytes, options.snapshot_share > 0, options.snapshot_min_records,
      options.state_keeping == StateKeeping::kChangelog);
  ASSIGN_OR_RETURN(tasks_, deploy_views(views, runtime, options));
  view_tasks_ = tasks_.size();
  if (view_tasks_ > static_cast<size_t>(partitions_)) passes_were_split_ = true;
  tables_ = std::make_unique<EmbeddedAggregateStore>(*store_, Durability::kBuffered);
  const SinkWriterFactory writers = [&](const SinkSpec& sink, PartitionId) -> Result<DeployedWriter> {
    ASSIGN_OR_RETURN(auto table, sink_table(sink));
    return DeployedWriter{std::make_unique<AggregateSinkWriter>(*tables_, std::move(table)), false};
  };
  SinkTask::Options sink_options = sink_task_options(options);
  sink_options.bounded = false;
  ASSIGN_OR_RETURN(auto sinks, deploy_sinks(sinks_, log(), clock_, sink_options, 2, writers));
  for (auto& sink : sinks) tasks_.push_back(std::move(sink));
  for (auto& task : tasks_) RETURN_IF_ERROR(task->open());
  for (size_t i = 0; i < view_tasks_; ++i) {
    const auto recovery = static_cast<const PassTask&>(*tasks_[i]).recovery();
    report_.from_snapshot += recovery == RecoveryDecision::Outcome::kFromSnapshot ? 1 : 0;
    report_.from_log += recovery == RecoveryDecision::Outcome::kFromLog ? 1 : 0;
    report_.from_state += recovery == RecoveryDecision::Outcome::kFromState ? 1 : 0;
    trace("  {} recovers by way {}", tasks_[i]->status().name, static_cast<int>(recovery));
  }
  return {};
}

// What was committed before must be consistent as soon as it is read back.
Status Simulation::check_opened() {
  for (const auto& task : tasks_) RETURN_IF_ERROR(InvariantChecker::check_identity(task->status()));
  return checker().check_committed(accounting(), kApplication);
}

Status Simulation::append() {
  Pending pending;
  pending.items = producer_->records(static_cast<size_t>(random_.integer(1, 25)), clock_.now());
  std::map<PartitionId, RecordBatchBuilder> builders;
  for (const auto& [partition, record] : pending.items) {
    builders[partition].add(record.key ? std::string_view(*record.key) : std::string_view(),
                            record.value ? std::string_view(*record.value) : std::string_view(), {},
                            record.ingest_time);
  }
  Transaction transaction;
  for (auto& [partition, builder] : builders)
    transaction.appends.push_back({{"metrics", partition}, std::move(builder)});
  trace("append {} records at {}", pending.items.size(), clock_.now());
  const Durability durability = chance(3) ? Durability::kBuffered : Durability::kSync;
  pending.syncs_before = store_->counters().syncs;
  const Status committed = log().commit(std::move(transaction), durability);
  pending.acknowledged = committed.has_value();
  if (committed) {
    report_.records += pending.items.size();
    pending_.push_back(std::move(pending));
    return {};
  }
  // Without space nothing is kept; any other answer leaves open whether it is there.
  if (committed.error().message.find("no space") != std::string::npos) {
    ++report_.faults;
    return {};
  }
  pending_.push_back(std::move(pending));
  return take_fault(committed.error());
}

Status Simulation::step(size_t index) {
  ++report_.steps;
  const int64_t watermark_ms = tasks_[index]->status().watermark_ms;
  const auto result = tasks_[index]->step();
  if (!result) return take_fault(result.error());
  const TaskStatus status = tasks_[index]->status();
  trace("step of {}: {} records, {} commits, lag {}, {} windows open", status.name, status.records, status.commits,
        status.lag, status.open_windows);
  if (*result == Task::Step::kExhausted && status.watermark_ms > watermark_ms) ++report_.idle_advances;
  return InvariantChecker::check_identity(status);
}

// Everything is read to its end, and then nothing arrives for a while.
Status Simulation::idle() {
  for (int round = 0; round < 40 && !tasks_.empty(); ++round) {
    if (round >= 38) clock_.advance(random_.integer(0, pick<int64_t>({1'000, 30'000, 120'000, 1'500'000})));
    for (size_t i = 0; i < tasks_.size(); ++i) RETURN_IF_ERROR(step(i));
  }
  return {};
}

Status Simulation::stop_orderly() {
  trace("orderly stop");
  for (auto& task : tasks_) {
    if (const Status finished = task->finish(false); !finished) return take_fault(finished.error());
  }
  tasks_.clear();
  view_tasks_ = 0;
  return {};
}

// An error ends the run, as in the product. Without space the log may live on; otherwise the store is opened again.
Status Simulation::take_fault(const Error& error) {
  if (error.code != ErrorCode::kUnavailable) {
    return error.within("an error that no fault explains");
  }
  trace("fault: {}", error.message);
  ++report_.faults;
  tasks_.clear();
  view_tasks_ = 0;
  if (error.message.find("no space") != std::string::npos && chance(2)) return {};
  return restart(chance(2) ? StoreCrash::kPowerLoss : StoreCrash::kProcessKilled);
}

Status Simulation::restart(StoreCrash kind) {
  for (int attempt = 0;; ++attempt) {
    ++report_.crashes;
    trace("crash: {}", kind == StoreCrash::kPowerLoss ? "power loss" : "process killed");
    const uint64_t syncs = store_->counters().syncs;
    tasks_.clear();
    wrapped_.reset();
    log_.reset();
    schemas_.reset();
    const double probability = attempt > 3 ? 0 : fault_probability_;
    store_ = store_->crash(kind, StoreFaultPlan::random(random_.next(), probability));
    if (Status opened = open_log(); !opened) {
      if (store_->counters().faults == 0) return opened.error().within("the log does not open after a crash");
      continue;
    }
    return settle_pending(kind, syncs);
  }
}

// Finds out which uncertain appends survived: the first few, at least those that were promised.
Status Simulation::settle_pending(StoreCrash kind, uint64_t syncs) {
  size_t promised = 0;
  for (size_t i = 0; i < pending_.size(); ++i) {
    const bool durable = kind == StoreCrash::kProcessKilled || syncs > pending_[i].syncs_before;
    if (pending_[i].acknowledged && durable) promised = i + 1;
  }
  ASSIGN_OR_RETURN(const TopicDescription topic, log_->describe_topic("metrics"));
  size_t there = 0;
  for (const OffsetRange& range : topic.partitions) there += static_cast<size_t>(range.end.value);
  size_t expected = 0;
  for (const auto& partition : known_) expected += partition.size();
  size_t survivors = 0;
  while (survivors < pending_.size() && expected < there) expected += pending_[survivors++].items.size();
  for (size_t i = 0; i < survivors; ++i) {
    for (SimulatedProducer::Item& item : pending_[i].items)
      known_[static_cast<size_t>(item.partition.value)].push_back(std::move(item.record));
  }
  const size_t lost = pending_.size() - survivors;
  pending_.clear();
  if (survivors < promised) {
    return conflict(fmt::format("{} appends are lost by a crash, {} of them were acknowledged and durable", lost,
                                promised - survivors));
  }
  return checker().check_log(known_);
}

Status Simulation::act() {
  if (tasks_.empty()) {
    if (const Status deployed = deploy(); !deployed) return take_fault(deployed.error());
    return check_opened();
  }
  const int64_t action = random_.integer(0, 99);
  if (action < 25) return append();
  if (action < 80) return step(static_cast<size_t>(random_.integer(0, static_cast<int64_t>(tasks_.size()) - 1)));
  if (action < 92) {
    if (options_.follow_wall_clock && chance(2)) return idle();
    clock_.advance(random_.integer(0, pick<int64_t>({1'000, 30'000, 120'000, 1'500'000})));
    return {};
  }
  if (action < 95) return stop_orderly();
  if (action < 97) return restart(StoreCrash::kProcessKilled);
  if (action < (closes_early_ ? 98 : 99)) return restart(StoreCrash::kPowerLoss);
  last_view_waits_ = false;
  return closes_early_ && chance(2) ? close_under_faults() : stop_orderly();
}

// Runs tasks of one kind to the end of their input and finishes them, in random turns.
Status Simulation::finish_tasks(bool views) {
  const size_t first = views ? 0 : view_tasks_;
  const size_t limit = views ? view_tasks_ : tasks_.size();
  for (size_t i = first; i < limit; ++i) {
    for (;;) {
      ASSIGN_OR_RETURN(const Task::Step step, tasks_[i]->step());
      RETURN_IF_ERROR(InvariantChecker::check_identity(tasks_[i]->status()));
      if (step == Task::Step::kExhausted) break;
    }
    RETURN_IF_ERROR(tasks_[i]->finish(true));
    trace("finished {}", tasks_[i]->status().name);
    RETURN_IF_ERROR(InvariantChecker::check_identity(tasks_[i]->status()));
  }
  return {};
}

Status Simulation::close_under_faults() {
  last_view_waits_ = false;
  if (!tasks_.empty()) RETURN_IF_ERROR(stop_orderly());
  for (int attempt = 0; attempt < 3; ++attempt) {
    Status done = deploy();
    if (done) RETURN_IF_ERROR(check_opened());
    if (done) done = finish_tasks(true);
    if (done) done = finish_tasks(false);
    if (!done) {
      RETURN_IF_ERROR(take_fault(done.error()));
      continue;
    }
    tasks_.clear();
    return {};
  }
  return {};
}

Status Simulation::end() {
  fault_probability_ = 0;
  RETURN_IF_ERROR(restart(chance(2) ? StoreCrash::kPowerLoss : StoreCrash::kProcessKilled));
  last_view_waits_ = false;
  RETURN_IF_ERROR(deploy());
  RETURN_IF_ERROR(check_opened());
  RETURN_IF_ERROR(finish_tasks(true));
  RETURN_IF_ERROR(finish_tasks(false));
  const InvariantChecker judge = checker();
  RETURN_IF_ERROR(judge.check_log(known_));
  RETURN_IF_ERROR(judge.check_committed(accounting(), kApplication));
  RETURN_IF_ERROR(judge.check_conserved(known_, accounting()));
  if (!options_.follow_wall_clock && !closes_early_)
    RETURN_IF_ERROR(judge.check_answers(known_, accounting(), !passes_were_split_));
  RETURN_IF_ERROR(judge.check_tables());
  count_results();
  return {};
}

void Simulation::count_results() {
  for (const auto& [name, counted] : accounting()) {
    report_.results += static_cast<uint64_t>(counted.results);
    report_.late += static_cast<uint64_t>(counted.late);
    report_.duplicate += static_cast<uint64_t>(counted.duplicate);
    report_.rejected += static_cast<uint64_t>(counted.rejected);
  }
}

Result<SimulationReport> Simulation::run() {
  RETURN_IF_ERROR(set_up());
  for (int64_t left = random_.integer(20, 120); left > 0; --left) RETURN_IF_ERROR(act());
  if (chance(2)) RETURN_IF_ERROR(close_under_faults());
  RETURN_IF_ERROR(end());
  return report_;
}

}  // namespace

SimulationReport& SimulationReport::operator+=(const SimulationReport& other) {
  records += other.records;
  steps += other.steps;
  faults += other.faults;
  crashes += other.crashes;
  deployments += other.deployments;
  from_snapshot += other.from_snapshot;
  from_log += other.from_log;
  from_state += other.from_state;
  idle_advances += other.idle_advances;
  results += other.results;
  late += other.late;
  duplicate += other.duplicate;
  rejected += other.rejected;
  return *this;
}

Result<SimulationReport> simulate(const SimulationOptions& options) {
  auto report = Simulation(options).run();
  if (!report) return report.error().within(fmt::format("seed {}", options.seed));
  return report;
}

}  // namespace meterstream
