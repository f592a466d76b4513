#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "apps/backbone.h"
#include "apps/kafka_connection.h"
#include "apps/kafka_program_run.h"
#include "apps/local_service.h"
#include "connectors/kafka/kafka_log.h"
#include "server/statement_engine.h"

namespace meterstream {
namespace {

/// News come at once; only whether there are none is asked for so seldom.
constexpr int64_t kEndAgeMs = 200;
constexpr auto kRetryAfter = std::chrono::seconds(2);

/// Runs all queries as one program, which a change ends and starts again: this process is a member of the passes' groups.
class KafkaQueryRuntime final : public QueryRuntime {
 public:
  KafkaQueryRuntime(Backbone& backbone, const CommandContext& context, ProgramRunOptions options)
      : backbone_(backbone), context_(context), options_(std::move(options)) {
    // A shell has the terminal.
    context_.errors.interactive = false;
  }
  ~KafkaQueryRuntime() override { end(); }

  Status change(const Program& wanted) override {
    end();
    {
      const std::scoped_lock lock(mutex_);
      program_ = wanted;
      stopping_ = false;
      error_.clear();
    }
    stop_ = false;
    if (!wanted.views.empty() || !wanted.sinks.empty()) thread_ = std::thread([this] { run(); });
    return {};
  }

  /// Retention of a cluster does not ask groups.
  Status retire(const ViewSpec& /*view*/) override { return {}; }

  std::map<std::string, QueryHealth> health() override {
    std::map<std::string, QueryHealth> health;
    const std::scoped_lock lock(mutex_);
    for (const ViewSpec& view : program_.views) health[view.name].error = error_;
    for (const SinkSpec& sink : program_.sinks) health[sink.name].error = error_;
    return health;
  }

  Result<int64_t> records_behind() override { return 0; }

  void stop() override { end(); }

 private:
  void end() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    stop_ = true;
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  void run() {
    const Program program = [this] {
      const std::scoped_lock lock(mutex_);
      return program_;
    }();
    while (true) {
      const auto ran = run_program_on_kafka(program, backbone_, context_, options_, stop_);
      std::unique_lock lock(mutex_);
      if (stopping_) return;
      error_ = ran ? "it ended by itself" : ran.error().message;
      if (!ran && ran.error().code != ErrorCode::kUnavailable) return;
      if (changed_.wait_for(lock, kRetryAfter, [this] { return stopping_; })) return;
      error_.clear();
    }
  }

  Backbone& backbone_;
  CommandContext context_;
  const ProgramRunOptions options_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  Program program_;
  std::string error_;
  bool stopping_ = false;
  std::thread thread_;
};

class KafkaService final : public LocalService {
 public:
  static Result<std::unique_ptr<LocalService>> open(const CommandContext& context, const LocalServiceOptions& options) {
    auto service = std::make_unique<KafkaService>();
    ASSIGN_OR_RETURN(service->backbone_, Backbone::open(context, Backbone::Access::kWrite));
    const KafkaSettings settings = kafka_settings(context.configuration);
    ASSIGN_OR_RETURN(service->follower_, KafkaLog::connect_follower(settings, kEndAgeMs));
    ProgramRunOptions run;
    run.application_id = options.service_id;
    run.threads = options.threads;
    service->runtime_ = std::make_unique<KafkaQueryRuntime>(*service->backbone_, context, run);
    StatementEngine::Options engine;
    engine.service_id = options.service_id;
    engine.stream_defaults.idle_timeout_ms = context.configuration.time.idle_timeout_ms;
    engine.stream_defaults.max_ahead_ms = context.configuration.time.max_ahead_ms;
    engine.stream_defaults.partitions = static_cast<int32_t>(context.configuration.kafka.partitions);
    engine.shares_log = true;
    engine.properties = {{"service.id", options.service_id}, {"kafka.brokers", context.configuration.kafka.brokers}};
    ASSIGN_OR_RETURN(service->engine_,
                     StatementEngine::open({service->backbone_->log(), *service->follower_,
                                            service->backbone_->schemas(), context.clock, *service->runtime_,
                                            [&backbone = *service->backbone_](const std::string& topic) {
                                              return backbone.delete_topic(topic);
                                            }},
                                           engine));
    return std::unique_ptr<LocalService>(std::move(service));
  }

  StatementService& service() override { return *engine_; }
  [[nodiscard]] std::string place() const override { return backbone_->place(); }

 private:
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<KafkaLog> follower_;
  std::unique_ptr<KafkaQueryRuntime> runtime_;
  std::unique_ptr<StatementEngine> engine_;
};

}  // namespace

Result<std::unique_ptr<LocalService>> open_kafka_service(const CommandContext& context,
                                                         const LocalServiceOptions& options) {
  return KafkaService::open(context, options);
}

}  // namespace meterstream
