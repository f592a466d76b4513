// The engine alone, on readings already in the embedded log: durable, exactly once, one thread, one partition.
// Beside it, in the same process: a hand-written loop without log, checksum or durability (the yardstick).
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/allocator.h"
#include "benchmarks/synthetic_load.h"
#include "benchmarks/yardstick.h"
#include "log/embedded_log.h"
#include "log/log_schema_store.h"
#include "sql/aggregate_sql.h"
#include "sql/stream_plan.h"
#include "state/rocksdb_store.h"
#include "stream/transaction_builder.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "engine_benchmark: {}\n", result.error().message);
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double kernel_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_stime.tv_sec) + static_cast<double>(usage.ru_stime.tv_usec) / 1e6;
}

/// A virtual machine may pay for the first touch of each page ten times what the kernel's copy into it costs. A machine that has
/// run for a while does not, and what is written goes into such pages.
void touch_memory(size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory != MAP_FAILED) munmap(memory, bytes);
}

struct Measurement {
  double wall_s = 0;
  double cpu_s = 0;
  double kernel_s = 0;  ///< of cpu_s
  int64_t results = 0;
  double bytes_per_window = 0;
};

struct Scenario {
  std::string name;
  std::vector<int64_t> windows_ms = {60'000};
  bool commits = true;
  /// Above 0: the windows hop by it. Open windows are not closed at the end, as there are so many more of these.
  int64_t advance_ms = 0;
  bool closes = true;
  StateKeeping state_keeping = StateKeeping::kSnapshots;
  /// Instead of windows of the usual aggregates: statements over `metrics`, a stream of readings with their key as `id`.
  std::string sql = {};
  size_t touched_bytes = 0;  ///< of memory, before the clock starts
};

constexpr std::string_view kMetrics =
    "CREATE STREAM metrics (id VARCHAR KEY, gateway VARCHAR, metricType VARCHAR, metricAttribute VARCHAR, timestamp "
    "TIMESTAMP, value DOUBLE) WITH (value_format = 'AVRO', partitions = 1);"
    "CREATE TABLE bounds (id VARCHAR PRIMARY KEY, low DOUBLE, high DOUBLE) WITH (partitions = 1);";

class EngineRun {
 public:
  explicit EngineRun(const SyntheticLoad& load, const std::filesystem::path& directory) : load_(load) {
    std::filesystem::remove_all(directory);
    store_ = must(RocksDbStore::open(directory));
    log_ = must(EmbeddedLog::open(*store_, clock_));
    schemas_ = std::make_unique<LogSchemaStore>(*store_);
    fill();
  }

  Measurement measure(const Scenario& scenario) {
    AggregateOptions sql;
    for (const int64_t size_ms : scenario.windows_ms) sql.windows.push_back({.size_ms = size_ms});
    sql.grace_ms = 5'000;
    sql.partitions = 1;
    const std::string text = scenario.sql.empty() ? aggregate_sql(sql) : std::string(kMetrics) + scenario.sql;
    Program program = must(compile_sql(text, "benchmark"));
    for (ViewSpec& view : program.views) view.advance_ms = scenario.advance_ms;
    PassTaskOptions options;
    options.application = fmt::format("run{}", run_++);
    options.bounded = true;
    options.commits = scenario.commits;
    options.state_keeping = scenario.state_keeping;
    TableFeeds tables(*log_, *schemas_);
    auto tasks = must(deploy_views(program.views, {*log_, *store_, *schemas_, clock_, &tables}, options));
    Measurement measurement;
    Task& task = *tasks.front();
    // A task that looks up reads its table first, which is no reading.
    if (!scenario.sql.empty()) must(task.open());
    touch_memory(scenario.touched_bytes);
    const double cpu_start = cpu_seconds();
    const double kernel_start = kernel_seconds();
    const int64_t start_ns = clock_.monotonic_ns();
    if (scenario.sql.empty()) must(task.open());
    while (must(task.step()) == Task::Step::kWorked) {
      const TaskStatus status = task.status();
      const double open = static_cast<double>(status.open_windows) * load_.series;
      if (open > 0) measurement.bytes_per_window = static_cast<double>(status.window_bytes) / open;
    }
    must(task.finish(scenario.closes));
    measurement.wall_s = static_cast<double>(clock_.monotonic_ns() - start_ns) / 1e9;
    measurement.cpu_s = cpu_seconds() - cpu_start;
    measurement.kernel_s = kernel_seconds() - kernel_start;
    for (const auto& view : task.status().views) {
      measurement.results += view.accounting.results;
      if (!view.accounting.balanced() || view.accounting.read != load_.readings() || view.accounting.late != 0) {
        fmt::print(stderr, "engine_benchmark: the accounting of {} is wrong\n", view.name);
        std::exit(1);
      }
    }
    return measurement;
  }

  double yardstick(double& cpu_s) {
    // Read everything into memory first: the yardstick has no log.
    std::vector<std::shared_ptr<const void>> owners;
    std::vector<std::string_view> values;
    values.reserve(static_cast<size_t>(load_.readings()));
    RecordSet records;
    for (Offset next(0);;) {
      must(log_->read({"metrics", PartitionId(0)}, next, size_t{4} << 20, records));
      if (records.records.empty()) break;
      for (const RecordView& record : records.records) values.push_back(record.value);
      for (auto& owner : records.owners) owners.push_back(std::move(owner));
      next = records.next;
    }
    const double cpu_start = cpu_seconds();
    const int64_t start_ns = clock_.monotonic_ns();
    const int64_t windows = run_yardstick(values);
    cpu_s = cpu_seconds() - cpu_start;
    if (windows == 0) std::exit(1);
    return static_cast<double>(clock_.monotonic_ns() - start_ns) / 1e9;
  }

 private:
  void fill() {
    must(log_->create_topic({"metrics", 1}));
    const SchemaId schema = must(schemas_->register_schema(kMetricAvroSubject, kMetricAvroSchema));
    RecordBatchBuilder builder;
    auto flush = [&] {
      Transaction transaction;
      transaction.appends.push_back({{"metrics", PartitionId(0)}, std::move(builder)});
      must(log_->commit(std::move(transaction), Durability::kBuffered));
      builder = RecordBatchBuilder();
    };
    generate(load_, schema, [&](std::string_view key, std::string_view value) {
      builder.add(key, value, {}, IngestTime(0));
      if (builder.count() >= load_.batch_records) flush();
    });
    if (!builder.empty()) flush();
    fill_bounds();
    must(store_->flush());
  }

  /// A row for each series, of which every 20th has a bound that some of its readings exceed.
  void fill_bounds() {
    SyntheticLoad once = load_;
    once.ticks = 1;
    TransactionBuilder rows;
    int64_t row = 0;
    must(log_->create_topic({"bounds", 1}));
    generate(once, SchemaId(1), [&](std::string_view key, std::string_view) {
      rows.add(rows.topic("bounds"), PartitionId(0), key,
               row++ % 20 == 0 ? R"({"low":10,"high":250.5})" : R"({"low":-1,"high":400})", {}, IngestTime(0));
    });
    Transaction transaction;
    rows.move_into(transaction);
    must(log_->commit(std::move(transaction), Durability::kBuffered));
  }

  SyntheticLoad load_;
  SystemClock clock_;
  std::unique_ptr<RocksDbStore> store_;
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<LogSchemaStore> schemas_;
  int run_ = 0;
};

std::string load_average() {
  std::ifstream file("/proc/loadavg");
  std::string text;
  file >> text;
  return text;
}

void print_row(std::string_view name, const SyntheticLoad& load, double wall_s, double cpu_s, double ratio,
               double bytes_per_window = 0, int64_t results = 0, double kernel_s = 0) {
  const double millions = static_cast<double>(load.readings()) / 1e6;
  fmt::print("{:<42} {:>9} {:>7.1f} {:>9.2f} {:>9.2f} {:>9.3f} {:>9.3f} {:>7.2f} {:>7.1f} {:>6.2f} {:>5}\n", name,
             load.series, millions, millions / wall_s, millions / cpu_s, cpu_s / millions, kernel_s / millions, ratio,
             bytes_per_window, static_cast<double>(results) / 1e6, load_average());
  std::fflush(stdout);
}

// What the command line asks for: one number of series, and scenarios whose name holds a text.
struct Selection {
  uint32_t series = 0;  ///< 0: all
  std::string_view text;
  int repeats = 1;
};

std::vector<Scenario> usual_scenarios(const SyntheticLoad& load, bool all) {
  std::string name = "60 s, exactly once, durable";
  if (load.shuffled) name = "60 s, each round in another order";
  if (load.tick_ms == 60'000) name = "60 s, every reading its own window";
  std::vector<Scenario> scenarios = {{.name = name}};
  if (all) {
    scenarios.push_back({.name = "60 s, commits off", .commits = false});
    scenarios.push_back({.name = "60 s, state with each commit", .state_keeping = StateKeeping::kChangelog});
    scenarios.push_back({.name = "60 s + 1 h + 1 day, exactly once", .windows_ms = {60'000, 3'600'000, 86'400'000}});
  }
  if (all || load.series == 1'000'000) {
    const std::string project = "SELECT gateway, metricAttribute, timestamp, value * 1.5 AS scaled FROM metrics";
    const std::string stream = "CREATE STREAM o WITH (partitions = 1) AS ";
    scenarios.push_back({.name = "filter (2 % pass) + project", .sql = stream + project + " WHERE value >= 294;"});
    scenarios.push_back({.name = "filter (half pass) + project", .sql = stream + project + " WHERE value >= 150;"});
    scenarios.push_back({.name = "filter (half pass) + project, touched",
                         .sql = stream + project + " WHERE value >= 150;",
                         .touched_bytes = size_t{3} << 29});
    scenarios.push_back({.name = "join with a row a series, 1 % pass",
                         .sql = stream + "SELECT m.id, m.value, b.high FROM metrics m JOIN bounds b ON m.id = b.id "
                                         "WHERE m.value > b.high OR m.value < b.low;"});
  }
  return scenarios;
}

void run(const SyntheticLoad& load, const std::filesystem::path& directory, const Selection& selection,
         std::vector<Scenario> scenarios) {
  std::erase_if(scenarios,
                [&](const Scenario& scenario) { return scenario.name.find(selection.text) == std::string::npos; });
  if (scenarios.empty()) return;
  EngineRun engine(load, directory);
  double yardstick_cpu_s = 0;
  const double yardstick_wall_s = engine.yardstick(yardstick_cpu_s);
  print_row("yardstick: loop in memory", load, yardstick_wall_s, yardstick_cpu_s, 1.0);
  for (const Scenario& scenario : scenarios) {
    for (int i = 0; i < selection.repeats; ++i) {
      const Measurement measurement = engine.measure(scenario);
      print_row(scenario.name, load, measurement.wall_s, measurement.cpu_s, yardstick_cpu_s / measurement.cpu_s,
                measurement.bytes_per_window, measurement.results, measurement.kernel_s);
    }
  }
}

// Few to many readings of a series in each advance, values that go up and down and values of a counter.
void run_hopping(const std::filesystem::path& directory, const Selection& selection) {
  for (const bool counters : {false, true}) {
    for (const uint32_t series : {1'000U, 10'000U, 100'000U}) {
      if (selection.series != 0 && selection.series != series) continue;
      SyntheticLoad load;
      load.series = series;
      load.ticks = 12'000'000 / series;
      load.tick_ms = series == 1'000 ? 1'000 : series == 10'000 ? 10'000 : 60'000;
      load.counters = counters;
      const std::string of = fmt::format("hopping, {} s apart{}: ", load.tick_ms / 1'000, counters ? ", counters" : "");
      run(load, directory, selection,
          {{.name = of + "1 h", .windows_ms = {3'600'000}, .closes = false},
           {.name = of + "60 s", .closes = false},
           {.name = of + "1 h by 60 s", .windows_ms = {3'600'000}, .advance_ms = 60'000, .closes = false}});
    }
  }
}

// Aggregates that remember samples, beside one that does not: 360 readings of a series in each window.
void run_samples(const std::filesystem::path& directory, const Selection& selection) {
  constexpr uint32_t kSeries = 10'000;
  if (selection.series != 0 && selection.series != kSeries) return;
  SyntheticLoad load;
  load.series = kSeries;
  load.ticks = 1'200;
  load.tick_ms = 10'000;
  const auto table = [](const std::string& name, const std::string& aggregates, StateKeeping keeping) {
    return Scenario{.name = "samples, 1 h: " + name,
                    .state_keeping = keeping,
                    .sql = "CREATE TABLE o WITH (partitions = 1) AS SELECT gateway, " + aggregates +
                           " FROM metrics WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 5 SECONDS) GROUP BY gateway, "
                           "metricType, metricAttribute EMIT FINAL;"};
  };
  std::vector<Scenario> scenarios;
  for (const StateKeeping keeping : {StateKeeping::kSnapshots, StateKeeping::kChangelog}) {
    const std::string kept = keeping == StateKeeping::kChangelog ? ", state" : "";
    scenarios.push_back(table("MAX of a number" + kept, "MAX(value) AS a", keeping));
    scenarios.push_back(table("latest" + kept, "LATEST_BY_OFFSET(value) AS a", keeping));
    scenarios.push_back(table("increase" + kept, "INCREASE(value) AS a", keeping));
    scenarios.push_back(table("percentile" + kept, "PERCENTILE(value, 0.95) AS a", keeping));
    scenarios.push_back(table("top 3" + kept, "TOPK(value, 3) AS a", keeping));
    scenarios.push_back(table("histogram of a text" + kept, "HISTOGRAM(metricAttribute) AS a", keeping));
  }
  run(load, directory, selection, scenarios);
}

}  // namespace
}  // namespace meterstream

int main(int argc, char** argv) {
  using namespace meterstream;
  keep_large_buffers();
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / fmt::format("meterstream-benchmark-{}", getpid());
  // engine_benchmark [series [text of the scenario's name [repeats]]]
  Selection selection;
  if (argc > 1) selection.series = static_cast<uint32_t>(std::atoi(argv[1]));
  if (argc > 2) selection.text = argv[2];
  if (argc > 3) selection.repeats = std::max(1, std::atoi(argv[3]));
  fmt::print("{:<42} {:>9} {:>7} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7} {:>6} {:>5}\n", "engine, one thread", "series",
             "M read", "M/s wall", "M/s cpu", "cpu s/M", "of kernel", "ratio", "B/win", "M res", "load");
  for (const uint32_t series : {1'000U, 10'000U, 100'000U, 1'000'000U}) {
    if (selection.series != 0 && selection.series != series) continue;
    SyntheticLoad load;
    load.series = series;
    load.ticks = std::max(12'000'000U / series, 24U);
    load.tick_ms = series >= 1'000'000 ? 2'500 : 1'000;
    run(load, directory, selection, usual_scenarios(load, series == 100'000));
    if (series < 100'000) continue;
    load.shuffled = true;
    run(load, directory, selection, usual_scenarios(load, false));
    if (series != 100'000) continue;
    load.shuffled = false;
    load.ticks = 40;
    load.tick_ms = 60'000;
    run(load, directory, selection, usual_scenarios(load, false));
  }
  run_hopping(directory, selection);
  run_samples(directory, selection);
  std::filesystem::remove_all(directory);
  return 0;
}
