// Purpose: runs queries in this process, on a log that it owns.
// Rules: views that are deployed together and read the same stream are a unit with threads of its own; each sink is a unit. A change stops
//        only the units that lose a view; what is left of them goes on from its last commit. A start puts all views
//        of a stream together again.
// Guarantee: exactly once, as PassTask says. While the log is unavailable (disk full) a unit tries again each second.
// Thread-safety: as QueryRuntime. Ownership: what `Runtime` names must outlive it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "server/query_runtime.h"
#include "stream/task_runner.h"
#include "stream/view_deployment.h"

namespace meterstream {

class EmbeddedQueryRuntime final : public QueryRuntime {
 public:
  /// Tasks of one sink.
  using SinkDeployer = std::function<Result<std::vector<std::unique_ptr<Task>>>(const SinkSpec& sink)>;
  struct Options {
    PassTaskOptions tasks;
    /// Of a unit, at most.
    size_t threads = 1;
    /// Empty: sinks are refused.
    SinkDeployer deploy_sink;
  };

  EmbeddedQueryRuntime(Runtime runtime, Options options);
  ~EmbeddedQueryRuntime() override;

  Status change(const Program& wanted) override;
  Status retire(const ViewSpec& view) override;
  std::map<std::string, QueryHealth> health() override;
  Result<int64_t> records_behind() override;
  void stop() override;

 private:
  class Unit;
  Status start_unit(std::vector<ViewSpec> views, std::vector<SinkSpec> sinks);
  [[nodiscard]] std::vector<std::shared_ptr<Unit>> units() const;
  /// Group of the view's positions.
  [[nodiscard]] std::string group_of(const ViewSpec& view) const;

  Runtime runtime_;
  Options options_;
  mutable std::mutex mutex_;  // of the list
  std::vector<std::shared_ptr<Unit>> units_;
};

}  // namespace meterstream
