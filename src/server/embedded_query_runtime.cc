#include "server/embedded_query_runtime.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace meterstream {
namespace {

constexpr auto kRetryAfter = std::chrono::seconds(1);
/// The memory budget is shared by so many units, or by all there are when there are more.
constexpr size_t kFewestShares = 4;

Result<std::vector<TopicPartition>> partitions_read_by(const ViewSpec& view, EventLog& log) {
  std::vector<std::string> topics = {view.source->topic};
  if (view.reads_two()) topics.push_back(second_topic(view));
  std::vector<TopicPartition> partitions;
  for (const std::string& name : topics) {
    ASSIGN_OR_RETURN(const TopicDescription topic, log.describe_topic(name));
    for (int32_t partition = 0; partition < topic.config.partitions; ++partition) {
      partitions.push_back({name, PartitionId(partition)});
    }
  }
  return partitions;
}

}  // namespace

/// Some views and sinks with their threads.
class EmbeddedQueryRuntime::Unit {
 public:
  Unit(Runtime runtime, const Options& options, std::vector<ViewSpec> views, std::vector<SinkSpec> sinks)
      : views_(std::move(views)), sinks_(std::move(sinks)), runtime_(runtime), options_(options) {}
  ~Unit() { stop(); }

  Status start() {
    Status deployed = deploy();
    if (!deployed) note(deployed.error().message);
    // What is away for now is tried again.
    if (deployed || deployed.error().code == ErrorCode::kUnavailable) thread_ = std::thread([this] { run(); });
    return deployed;
  }

  void stop() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
      if (runner_ != nullptr) runner_->request_stop();
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] bool is_running() const {
    const std::scoped_lock lock(mutex_);
    return error_.empty();
  }
  [[nodiscard]] const std::vector<ViewSpec>& views() const { return views_; }
  [[nodiscard]] const std::vector<SinkSpec>& sinks() const { return sinks_; }

  [[nodiscard]] bool is_wanted(const std::set<std::string>& names) const {
    return std::ranges::all_of(views_, [&](const ViewSpec& view) { return names.contains(view.name); }) &&
           std::ranges::all_of(sinks_, [&](const SinkSpec& sink) { return names.contains(sink.name); });
  }

  void add_health(std::map<std::string, QueryHealth>& health) const {
    const std::scoped_lock lock(mutex_);
    for (const ViewSpec& view : views_) health[view.name].error = error_;
    for (const SinkSpec& sink : sinks_) health[sink.name].error = error_;
    if (runner_ == nullptr) return;
    for (const TaskStatus& task : runner_->status()) {
      for (const TaskStatus::View& view : task.views) {
        QueryHealth& own = health[view.name];
        own.accounting += view.accounting;
        own.lag += task.lag;
      }
    }
  }

 private:
  Status deploy() {
    std::vector<std::unique_ptr<Task>> tasks;
    if (!views_.empty()) {
      ASSIGN_OR_RETURN(tasks, deploy_views(views_, runtime_, options_.tasks));
    }
    for (const SinkSpec& sink : sinks_) {
      if (!options_.deploy_sink) return invalid(fmt::format("sink {}: sinks do not run here", sink.name));
      ASSIGN_OR_RETURN(auto made, options_.deploy_sink(sink));
      for (auto& task : made) tasks.push_back(std::move(task));
    }
    TaskRunner::Options each;
    each.threads = std::min(options_.threads, std::max<size_t>(tasks.size(), 1));
    const std::scoped_lock lock(mutex_);
    runner_ = std::make_shared<TaskRunner>(std::move(tasks), each);
    if (stopping_) runner_->request_stop();
    return {};
  }

  void note(std::string message) {
    const std::scoped_lock lock(mutex_);
    error_ = std::move(message);
  }

  /// False: it is to end.
  bool rest() {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, kRetryAfter, [this] { return stopping_; });
  }

  void run() {
    while (true) {
      std::shared_ptr<TaskRunner> runner;
      {
        const std::scoped_lock lock(mutex_);
        runner = runner_;
      }
      Status ran = runner == nullptr ? Status(unavailable("not deployed yet")) : runner->run();
      if (ran) return;
      if (runner != nullptr) note(ran.error().message);
      if (ran.error().code != ErrorCode::kUnavailable) return;
      if (!rest()) return;
      Status deployed = deploy();
      note(deployed ? std::string() : deployed.error().message);
      if (!deployed && deployed.error().code != ErrorCode::kUnavailable) return;
    }
  }

  const std::vector<ViewSpec> views_;
  const std::vector<SinkSpec> sinks_;
  Runtime runtime_;
  const Options options_;
  mutable std::mutex mutex_;  // of everything below but the thread
  std::condition_variable changed_;
  std::shared_ptr<TaskRunner> runner_;
  std::string error_;
  bool stopping_ = false;
  std::thread thread_;
};

EmbeddedQueryRuntime::EmbeddedQueryRuntime(Runtime runtime, Options options)
    : runtime_(runtime), options_(std::move(options)) {}

EmbeddedQueryRuntime::~EmbeddedQueryRuntime() {
  stop();
}

Status EmbeddedQueryRuntime::start_unit(std::vector<ViewSpec> views, std::vector<SinkSpec> sinks) {
  Options options = options_;
  const std::scoped_lock lock(mutex_);
  options.tasks.memory_limit_bytes = options_.tasks.memory_limit_bytes / std::max(kFewestShares, units_.size() + 1);
  units_.push_back(std::make_shared<Unit>(runtime_, options, std::move(views), std::move(sinks)));
  return units_.back()->start();
}

Status EmbeddedQueryRuntime::change(const Program& wanted) {
  std::set<std::string> names;
  for (const ViewSpec& view : wanted.views) names.insert(view.name);
  for (const SinkSpec& sink : wanted.sinks) names.insert(sink.name);
  std::vector<std::shared_ptr<Unit>> ending;
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(units_, [&](const std::shared_ptr<Unit>& unit) {
      if (unit->is_wanted(names)) return false;
      ending.push_back(unit);
      return true;
    });
    for (const auto& unit : units_) {
      for (const ViewSpec& view : unit->views()) names.erase(view.name);
      for (const SinkSpec& sink : unit->sinks()) names.erase(sink.name);
    }
  }
  for (const auto& unit : ending) unit->stop();
  // What is left of a unit that ended stays apart from what is new.
  std::map<std::string, std::vector<ViewSpec>> starting;
  for (const ViewSpec& view : wanted.views) {
    if (!names.contains(view.name)) continue;
    const auto old = std::ranges::find_if(ending, [&](const auto& unit) {
      return std::ranges::any_of(unit->views(), [&](const ViewSpec& own) { return own.name == view.name; });
    });
    starting[fmt::format("{} {}", view.source->name, old - ending.begin())].push_back(view);
  }
  Status result;
  const auto start = [&](std::vector<ViewSpec> views, std::vector<SinkSpec> sinks) {
    Status started = start_unit(std::move(views), std::move(sinks));
    if (!started && result) result = std::move(started);
  };
  for (auto& [key, views] : starting) start(std::move(views), {});
  for (const SinkSpec& sink : wanted.sinks) {
    if (names.contains(sink.name)) start({}, {sink});
  }
  return result;
}

std::string EmbeddedQueryRuntime::group_of(const ViewSpec& view) const {
  return fmt::format("{}.{}", options_.tasks.application, view.name);
}

Status EmbeddedQueryRuntime::retire(const ViewSpec& view) {
  ASSIGN_OR_RETURN(const std::vector<TopicPartition> partitions, partitions_read_by(view, runtime_.log));
  const std::string group = group_of(view);
  Transaction transaction;
  for (const TopicPartition& source : partitions) {
    ASSIGN_OR_RETURN(auto position, runtime_.log.position(group, source));
    if (!position) continue;
    // Beyond every record: nothing is kept for it.
    position->recovery = Offset(INT64_MAX);
    transaction.positions.push_back({group, source, *std::move(position)});
  }
  if (transaction.positions.empty()) return {};
  return runtime_.log.commit(std::move(transaction), Durability::kSync);
}

std::vector<std::shared_ptr<EmbeddedQueryRuntime::Unit>> EmbeddedQueryRuntime::units() const {
  const std::scoped_lock lock(mutex_);
  return units_;
}

std::map<std::string, QueryHealth> EmbeddedQueryRuntime::health() {
  std::map<std::string, QueryHealth> health;
  for (const auto& unit : units()) unit->add_health(health);
  return health;
}

Result<int64_t> EmbeddedQueryRuntime::records_behind() {
  int64_t behind = 0;
  for (const auto& unit : units()) {
    if (!unit->is_running()) continue;
    for (const ViewSpec& view : unit->views()) {
      ASSIGN_OR_RETURN(const std::vector<TopicPartition> partitions, partitions_read_by(view, runtime_.log));
      for (const TopicPartition& source : partitions) {
        ASSIGN_OR_RETURN(const OffsetRange range, runtime_.log.offsets(source));
        ASSIGN_OR_RETURN(const auto position, runtime_.log.position(group_of(view), source));
        const Offset next = position ? std::max(position->next, range.begin) : range.begin;
        behind += std::max<int64_t>(0, range.end.value - next.value);
      }
    }
  }
  return behind;
}

void EmbeddedQueryRuntime::stop() {
  std::vector<std::shared_ptr<Unit>> units;
  {
    const std::scoped_lock lock(mutex_);
    units.swap(units_);
  }
  for (const auto& unit : units) unit->stop();
}

}  // namespace meterstream
