#include "apps/demo_command.h"

#include <filesystem>
#include <fstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/aggregate_output.h"
#include "apps/number_text.h"
#include "apps/progress_line.h"
#include "apps/replay_publisher.h"
#include "apps/replay_run.h"
#include "apps/shell_text.h"
#include "apps/signal_stop.h"
#include "metering/avro_encoder.h"
#include "sql/aggregate_sql.h"
#include "state/embedded_aggregate_store.h"

namespace meterstream {
namespace {

// An hour back is enough for every repeat that the simulator sends.
constexpr int64_t kDuplicateHorizonMs = 3'600'000;

Result<Program> demo_program(int64_t partitions) {
  AggregateOptions sql;
  sql.partitions = static_cast<int32_t>(partitions);
  sql.windows = {{60'000, "embedded", "days"}, {3'600'000, "embedded", "months"}, {86'400'000, "embedded", ""}};
  sql.deduplicate_horizon_ms = kDuplicateHorizonMs;
  return compile_sql(aggregate_sql(sql), "demo");
}

/// What the demo shows of a type of meter, and what it proposes to look at next.
struct TypeShown {
  std::string metric_type;
  std::string attribute;
  std::string next_attribute;
};
TypeShown type_shown(const std::string& type) {
  if (type == "water") return {"WATER", "WATER_IDD", "WATER_SUMMATION"};
  if (type == "gas") return {"GAS", "GAS_IDD", "GAS_SUMMATION"};
  return {"ELECTRICITY", "ACTIVE_POWER", "VOLTAGE"};
}

void heading(const CommandContext& context, std::string_view text) {
  if (!context.json) fmt::print("\n{}\n", coloured(context.output, Colour::kBold, text));
}

}  // namespace

std::string DemoCommand::examples() const {
  return "meterstream demo\n"
         "meterstream demo --households 2000 --duration 1d --seed 7\n"
         "meterstream demo --data household_power_consumption.txt";
}

void DemoCommand::declare(CLI::App& app) {
  app.add_option("--data", options_.data, "A real file instead of the simulation (plain, .gz, .zst, .zip)")
      ->type_name("FILE");
  app.add_option("--type", options_.type,
                 "Of the file: electricity (UCI; the default), water or gas (AMPds2). Simulated: only these meters")
      ->transform(CLI::IsMember({"electricity", "water", "gas"}, CLI::ignore_case));
  app.add_option("--households", options_.households, "Households (500 simulated; 20 for a file)")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--duration", options_.duration, "Simulated time")->capture_default_str();
  app.add_option("--seed", options_.seed, "The same seed gives the same readings")->capture_default_str();
}

ReplayOptions DemoCommand::replay_options() const {
  ReplayOptions replay;
  replay.data = options_.data.empty() ? "simulate" : options_.data;
  replay.type = options_.type;
  if (replay.type.empty() && !options_.data.empty()) replay.type = "electricity";
  const int64_t households = options_.households > 0 ? options_.households : options_.data.empty() ? 500 : 20;
  replay.households = fmt::format("1-{}", households);
  replay.duration = options_.duration;
  replay.seed = options_.seed;
  return replay;
}

// A demo starts from nothing: what an earlier demo made, and nobody uses, is removed; anything else is not touched.
Status DemoCommand::prepare_directory(const std::string& directory, const Clock& clock) const {
  const std::filesystem::path marker = std::filesystem::path(directory) / "DEMO";
  std::error_code error;
  if (std::filesystem::exists(directory, error) && !std::filesystem::is_empty(directory, error)) {
    if (!std::filesystem::exists(marker, error)) {
      return conflict(fmt::format("{}: was not made by demo and is left as it is; name another --data-dir", directory));
    }
    const auto in_use = DataDirectory::open(directory, DataDirectory::Mode::kExisting, clock);
    if (!in_use && in_use.error().code == ErrorCode::kConflict) return in_use.error();
  }
  std::filesystem::remove_all(directory, error);
  if (!error) std::filesystem::create_directories(directory, error);
  if (!error) std::ofstream(marker) << "Made by 'meterstream demo', which empties this directory at each start.\n";
  if (error || !std::filesystem::exists(marker)) {
    return unavailable(
        fmt::format("{}: cannot be prepared ({}); remove it, or name another --data-dir", directory, error.message()));
  }
  return {};
}

Result<int64_t> DemoCommand::replay(ReplaySource& source, DataDirectory& data, const CommandContext& context,
                                    const std::atomic<bool>& stop, double& seconds) const {
  const ReplayOptions options = replay_options();
  const auto partitions = static_cast<int32_t>(context.configuration.replay.partitions);
  ASSIGN_OR_RETURN(const TopicDescription topic, data.log().create_topic({options.topic, partitions}));
  ASSIGN_OR_RETURN(const SchemaId schema, data.schemas().register_schema(kMetricAvroSubject, kMetricAvroSchema));
  ReplayPublisher publisher(
      data.log(), schema, source.series(),
      {options.topic, topic.config.partitions, replay_name(options), context.configuration.replay.batch_records});
  ReplayRun run(source, publisher, context.clock, stop, {});
  ProgressLine progress(context.clock, context.errors, {.unit = "readings", .label = "replay"});
  const int64_t start_ns = context.clock.monotonic_ns();
  const Status status = run.run([&](int64_t readings, double share) { progress.update(readings, share); });
  progress.finish();
  RETURN_IF_ERROR(status);
  seconds = static_cast<double>(context.clock.monotonic_ns() - start_ns) / 1e9;
  return run.position().readings;
}

Status DemoCommand::print_chart(DataDirectory& data, const CommandContext& context) const {
  EmbeddedAggregateStore store(data.store());
  ASSIGN_OR_RETURN(const auto table, store.open("metrics_aggregates_3600"));
  const TypeShown shown = type_shown(options_.type);
  const AggregateSeries series{"household-1", shown.metric_type, shown.attribute};
  ASSIGN_OR_RETURN(auto page, table->rows(series, {.order = AggregateTable::Order::kOldestFirst, .limit = 48}));
  fmt::print("{}", aggregates_as_chart(series, page.rows, AggregateField::kAverage, context.output));
  if (shown.metric_type == "ELECTRICITY") {
    double energy_kwh = 0;
    for (const AggregateRow& row : page.rows) energy_kwh += Decimal::from_units(row.average_units).to_double();
    fmt::print("household-1 used {:.1f} kWh in the {} hours shown\n", energy_kwh, page.rows.size());
  }
  return {};
}

void DemoCommand::print_next(const std::string& directory, const CommandContext& context) const {
  const std::string program = fmt::format("{} --data-dir {}", context.program, shell_quoted(directory));
  const TypeShown shown = type_shown(options_.type);
  fmt::print(
      "\nTry next:\n"
      "  {0} query --gateway household-1 --type {1} --attribute {2} --window 3600 --format chart\n"
      "  {0} console metrics-aggregates-60 --limit 5\n"
      "  {0} console metrics-rejected --limit 5\n"
      "  {0} topics\n",
      program, shown.metric_type, shown.next_attribute);
}

Result<ExitCode> DemoCommand::run(const CommandContext& context) {
  if (!context.configuration.kafka.brokers.empty()) {
    return invalid(
        "demo works in a data directory of its own, without Kafka; leave out --kafka, and brokers in the configuration "
        "file. docs/kafka.md shows the same steps on a cluster");
  }
  const std::string directory = (std::filesystem::path(context.configuration.data_dir) / "demo").string();
  // First, so that a wrong option removes nothing.
  ASSIGN_OR_RETURN(const std::unique_ptr<ReplaySource> source, make_replay_source(replay_options()));
  RETURN_IF_ERROR(prepare_directory(directory, context.clock));
  ASSIGN_OR_RETURN(const auto data, DataDirectory::open(directory, DataDirectory::Mode::kCreate, context.clock));
  ASSIGN_OR_RETURN(const Program program, demo_program(context.configuration.replay.partitions));
  const SignalStop stop;

  if (!context.json) {
    fmt::print("Meterstream demo: {} households, {}; data in {}\n", replay_options().households,
               options_.data.empty() ? fmt::format("simulated for {} (seed {})", options_.duration, options_.seed)
                                     : options_.data,
               directory);
  }
  double replay_s = 0;
  ASSIGN_OR_RETURN(const int64_t readings, replay(*source, *data, context, stop.flag(), replay_s));
  ProgramRunOptions run_options;
  run_options.until_idle = true;
  ASSIGN_OR_RETURN(const ProgramSummary summary, run_program(program, *data, context, run_options, stop.flag()));
  if (stop.requested()) {
    fmt::print(stderr, "stopped; what was committed is in {}\n", directory);
    return ExitCode::kInterrupted;
  }
  heading(context, "Every reading accounted for");
  print_summary(summary, context);
  if (!context.json) {
    heading(context, "One household, hour by hour");
    RETURN_IF_ERROR(print_chart(*data, context));
    heading(context, "Throughput");
    fmt::print("replay into the log      {:>12} readings in {:>8}  {}\n", grouped_text(readings),
               elapsed_text(replay_s), rate_text(static_cast<double>(readings) / replay_s));
    fmt::print("three views and storing  {:>12} readings in {:>8}  {}\n", grouped_text(summary.view_records),
               elapsed_text(summary.seconds), rate_text(static_cast<double>(summary.view_records) / summary.seconds));
    print_next(directory, context);
  }
  return summary.balanced() ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace meterstream
