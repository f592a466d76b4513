#include "apps/local_service.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "apps/backbone.h"
#include "apps/data_directory.h"
#include "apps/sink_stores.h"
#include "server/embedded_query_runtime.h"
#include "server/statement_engine.h"
#include "stream/table_feed.h"

namespace meterstream {
namespace {

/// How often topics' retention is applied.
constexpr auto kRetentionEvery = std::chrono::minutes(1);

class EmbeddedService final : public LocalService {
 public:
  EmbeddedService(std::unique_ptr<DataDirectory> data, const CommandContext& context)
      : data_(std::move(data)),
        tables_(data_->log(), data_->schemas()),
        stores_(*data_, data_->schemas(), context),
        context_(context) {}
  ~EmbeddedService() override {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    if (retention_.joinable()) retention_.join();
    engine_.reset();
  }

  Status start(const LocalServiceOptions& options) {
    const Configuration& configuration = context_.configuration;
    EmbeddedQueryRuntime::Options run;
    run.tasks.application = options.service_id;
    run.tasks.commit_interval_ms = configuration.engine.commit_interval_ms;
    run.tasks.durability = configuration.engine.durable ? Durability::kSync : Durability::kBuffered;
    run.tasks.memory_limit_bytes = static_cast<size_t>(configuration.engine.memory_budget_bytes);
    const int64_t threads = options.threads.value_or(configuration.engine.threads);
    run.threads = threads > 0 ? static_cast<size_t>(threads) : std::max(1U, std::thread::hardware_concurrency());
    const auto partitions = static_cast<int32_t>(configuration.replay.partitions);
    run.deploy_sink = [this, each = sink_task_options(run.tasks), partitions](const SinkSpec& sink) {
      return deploy_sinks(
          {sink}, data_->log(), context_.clock, each, partitions,
          [this](const SinkSpec& own, PartitionId partition) { return stores_.writer(own, partition); });
    };
    runtime_ = std::make_unique<EmbeddedQueryRuntime>(
        Runtime{data_->log(), data_->store(), data_->schemas(), context_.clock, &tables_}, run);
    StatementEngine::Options engine;
    engine.service_id = options.service_id;
    engine.stream_defaults.idle_timeout_ms = configuration.time.idle_timeout_ms;
    engine.stream_defaults.max_ahead_ms = configuration.time.max_ahead_ms;
    engine.stream_defaults.partitions = partitions;
    engine.properties = {{"service.id", options.service_id}, {"data.dir", configuration.data_dir}};
    ASSIGN_OR_RETURN(engine_,
                     StatementEngine::open({data_->log(), data_->log(), data_->schemas(), context_.clock, *runtime_,
                                            [this](const std::string& topic) { return delete_topic(topic); },
                                            [this](const std::string& topic) { return data_->log().groups_in(topic); }},
                                           engine));
    retention_ = std::thread([this] { keep_retention(); });
    return {};
  }

  StatementService& service() override { return *engine_; }
  [[nodiscard]] std::string place() const override { return "data directory " + data_->path(); }

 private:
  Status delete_topic(const std::string& topic) {
    tables_.forget(topic);
    RETURN_IF_ERROR(data_->log().delete_topic(topic));
    return data_->store().reclaim();
  }

  void keep_retention() {
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, kRetentionEvery, [this] { return stopping_; })) {
      lock.unlock();
      // What cannot be given back now is tried again.
      if (const auto given = data_->log().apply_retention(); given && given->bytes > 0)
        static_cast<void>(data_->store().reclaim());
      lock.lock();
    }
  }

  std::unique_ptr<DataDirectory> data_;
  TableFeeds tables_;
  SinkStores stores_;
  const CommandContext& context_;
  std::unique_ptr<EmbeddedQueryRuntime> runtime_;
  std::unique_ptr<StatementEngine> engine_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread retention_;
};

}  // namespace

Result<std::unique_ptr<LocalService>> LocalService::open(const CommandContext& context,
                                                         const LocalServiceOptions& options) {
  if (Backbone::is_kafka(context.configuration)) return open_kafka_service(context, options);
  ASSIGN_OR_RETURN(auto data,
                   DataDirectory::open(context.configuration.data_dir, DataDirectory::Mode::kCreate, context.clock));
  auto service = std::make_unique<EmbeddedService>(std::move(data), context);
  RETURN_IF_ERROR(service->start(options));
  return std::unique_ptr<LocalService>(std::move(service));
}

}  // namespace meterstream
