// How long a task with many series takes to go on after a restart: open() with the state of an open minute and an open hour of
// every series, and the first commit of a thousand readings. Uses the folder of TMPDIR.
#include <map>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/allocator.h"
#include "base/check.h"
#include "state/rocksdb_store.h"
#include "stream/pass_task.h"
#include "testing/temporary_directory.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'040'000 / 3'600'000 * 3'600'000;
constexpr int64_t kAppend = 50'000;

const bool kTuned = [] {
  keep_large_buffers();
  return true;
}();

void must(const Status& status) {
  CHECK_MESSAGE(status.has_value(), status.error().message);
}

class Engine {
 public:
  Engine(int64_t series, bool deduplicate) : series_(series) {
    stream_->deduplicate = deduplicate;
    reopen();
  }

  void reopen() {
    pipeline_.reset();
    schemas_.reset();
    store_.reset();
    auto store = RocksDbStore::open(directory_.path());
    CHECK_MESSAGE(store.has_value(), store.error().message);
    store_ = *std::move(store);
    pipeline_ = ViewPipeline::open(*store_, clock_).value();
    schemas_ = std::make_unique<LogSchemaStore>(*store_);
  }

  void append(int64_t count, int64_t time_ms) {
    for (int64_t first = 0; first < count; first += kAppend) {
      std::vector<OracleReading> readings;
      for (int64_t i = first; i < std::min(count, first + kAppend); ++i) {
        readings.push_back({{{fmt::format("household-{}", i), "ELECTRICITY", "ACTIVE_POWER"},
                             EventTime(time_ms + i % 50'000),
                             static_cast<double>(i) / 8},
                            IngestTime(time_ms)});
      }
      must(pipeline_->append(readings, 1));
    }
  }

  std::unique_ptr<Task> open() {
    PassTaskOptions options;
    options.bounded = true;
    options.state_keeping = StateKeeping::kChangelog;
    auto tasks = deploy_views({standard_view(stream_, 60'000, 1'000), standard_view(stream_, 3'600'000, 1'000)},
                              {pipeline_->log(), *store_, *schemas_, clock_}, options);
    CHECK(tasks.has_value() && tasks->size() == 1);
    must(tasks->front()->open());
    return std::move(tasks->front());
  }

  void run() {
    const auto task = open();
    while (task->step().value() == Task::Step::kWorked) continue;
    must(task->finish(false));
  }

  void fill() {
    append(series_, kStart);
    append(series_, kStart + 60'000);
    run();
  }

 private:
  int64_t series_;
  TemporaryDirectory directory_;
  SystemClock clock_;
  std::unique_ptr<RocksDbStore> store_;
  std::unique_ptr<ViewPipeline> pipeline_;
  std::unique_ptr<LogSchemaStore> schemas_;
  std::shared_ptr<StreamSpec> stream_ = standard_stream();
};

void restart(benchmark::State& state) {
  Engine engine(state.range(0), state.range(1) != 0);
  engine.fill();
  const SystemClock clock;
  double open_s = 0;
  for (auto _ : state) {
    engine.append(1'000, kStart + 60'000);
    engine.reopen();
    const int64_t started_ns = clock.monotonic_ns();
    const auto task = engine.open();
    open_s += static_cast<double>(clock.monotonic_ns() - started_ns) / 1e9;
    while (task->step().value() == Task::Step::kWorked) continue;
    must(task->finish(false));
    state.SetIterationTime(static_cast<double>(clock.monotonic_ns() - started_ns) / 1e9);
    CHECK(static_cast<const PassTask&>(*task).recovery() == RecoveryDecision::Outcome::kFromState);
  }
  state.counters["open_s"] = open_s / static_cast<double>(state.iterations());
  state.counters["windows/s"] =
      benchmark::Counter(2.0 * static_cast<double>(state.range(0)) / open_s * static_cast<double>(state.iterations()));
}

BENCHMARK(restart)
    ->ArgNames({"series", "deduplicate"})
    ->Args({100'000, 0})
    ->Args({1'000'000, 0})
    ->Args({1'000'000, 1})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(5)
    ->UseManualTime();

}  // namespace
}  // namespace meterstream
