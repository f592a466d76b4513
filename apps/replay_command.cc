#include "apps/replay_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/backbone.h"
#include "apps/json_text.h"
#include "apps/number_text.h"
#include "apps/option_check.h"
#include "apps/progress_line.h"
#include "apps/replay_run.h"
#include "apps/signal_stop.h"

namespace meterstream {
namespace {

struct ReplayOutcome {
  ReplayPosition began;
  ReplayPosition ended;
  bool complete = false;
  double seconds = 0;
  size_t series = 0;

  [[nodiscard]] int64_t readings() const { return ended.readings - began.readings; }
  [[nodiscard]] double rate() const { return seconds > 0 ? static_cast<double>(readings()) / seconds : 0; }
};

void print_json(const ReplayOptions& options, const ReplayOutcome& outcome, const std::optional<ReaderProgress>& file) {
  std::string lines = "null";
  if (file) {
    lines = fmt::format("{{\"lines\":{},\"rows\":{},\"skippedValues\":{},\"malformedLines\":{}}}", file->lines,
                        file->rows, file->skipped_values, file->malformed_lines);
  }
  fmt::print(
      "{{\"topic\":{},\"readings\":{},\"readingsInAll\":{},\"series\":{},\"seconds\":{:.3f},\"readingsPerSecond\":{:."
      "0f},"
      "\"complete\":{},\"line\":{},\"file\":{}}}\n",
      json_string(options.topic), outcome.readings(), outcome.ended.readings, outcome.series, outcome.seconds,
      outcome.rate(), outcome.complete, outcome.ended.line, lines);
}

void print_text(const ReplayOptions& options, const ReplayOutcome& outcome, const std::optional<ReaderProgress>& file) {
  fmt::print("{} readings of {} series to topic {} in {} ({})\n", grouped_text(outcome.readings()),
             grouped_text(static_cast<int64_t>(outcome.series)), options.topic, elapsed_text(outcome.seconds),
             rate_text(outcome.rate()));
  if (!file) return;
  fmt::print("file: {} lines, {} read, {} values skipped ('?' or empty), {} malformed lines\n",
             grouped_text(file->lines), bytes_text(static_cast<double>(file->bytes_consumed)),
             grouped_text(file->skipped_values), grouped_text(file->malformed_lines));
  if (file->malformed_lines > 0) {
    fmt::print("      first malformed line {}: {}\n", file->first_malformed_line, file->first_malformed_reason);
  }
}

}  // namespace

std::string ReplayCommand::examples() const {
  return "meterstream replay --type electricity --data household_power_consumption.txt --households 1-20\n"
         "meterstream replay --type water --data Water_WHW.csv.zst --rate 10k --day-offset 365\n"
         "meterstream replay --data simulate --households 1-500 --duration 7d\n"
         "meterstream replay --type gas --data NaturalGas_FRG.csv --resume";
}

void ReplayCommand::declare(CLI::App& app) {
  ReplayOptions& o = options_;
  app.add_option("--type", o.type, "electricity (UCI files), water or gas (AMPds2 files)")
      ->transform(CLI::IsMember({"electricity", "water", "gas"}, CLI::ignore_case));
  app.add_option("--data", o.data, "File (plain, .gz, .zst, .zip), or simulate")
      ->type_name("FILE|simulate")
      ->required();
  app.add_option("--households", o.households, "Households that report every line, each its value + 0.001 x its number")
      ->type_name("A-B")
      ->capture_default_str();
  app.add_flag("--no-offset", o.no_offset, "Values as they are in the file");
  app.add_option("--day-offset", o.day_offset, "Days added to every time")->type_name("D");
  app.add_option("--rate", o.rate, "Readings a second, such as 5000 or 20k (as fast as possible)")->type_name("N");
  app.add_option("--count", o.count, "Stop after N readings, those before --resume included")->type_name("N");
  app.add_option("--topic", o.topic, "Topic to write; made when it does not exist")->capture_default_str();
  app.add_option("--partitions", o.partitions, "Partitions of a new topic (4)")->check(CLI::Range(1, 10'000));
  auto* from_line = app.add_option("--from-line", o.from_line, "Begin at this line of the file")->type_name("LINE");
  from_line->check(whole_number_from(1));
  app.add_flag("--resume", o.resume, "Go on where the same replay stopped; nothing is lost or written twice")
      ->excludes(from_line);
  app.add_option("--seed", o.seed, "Simulation: the same seed gives the same readings")->group("Simulation");
  app.add_option("--start", o.start, "First time")->group("Simulation")->capture_default_str();
  app.add_option("--duration", o.duration, "Simulated time")->group("Simulation")->capture_default_str();
  app.add_option("--interval", o.interval, "Time between readings")->group("Simulation")->capture_default_str();
}

Result<ReplayPosition> ReplayCommand::starting_position(const KeyValueStore& state) const {
  ReplayPosition position;
  if (options_.from_line) position.line = *options_.from_line;
  if (!options_.resume) return position;
  ASSIGN_OR_RETURN(const auto stored, load_replay_position(state, replay_name(options_)));
  if (!stored) {
    fmt::print(stderr, "no earlier replay with these options; starting at the beginning\n");
    return position;
  }
  fmt::print(stderr, "going on after {} readings, at line {}\n", grouped_text(stored->readings), stored->line);
  return *stored;
}

Result<ExitCode> ReplayCommand::run(const CommandContext& context) {
  const ReplaySettings& settings = context.configuration.replay;
  ReplayRunOptions run_options;
  run_options.rate = settings.rate;
  run_options.commit_interval_ms = settings.commit_interval_ms;
  if (!options_.rate.empty()) {
    ASSIGN_OR_RETURN(run_options.rate, parse_count(options_.rate));
  }
  if (!options_.count.empty()) {
    ASSIGN_OR_RETURN(run_options.count, parse_count(options_.count));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<ReplaySource> source, make_replay_source(options_));

  const std::string position_name = replay_name(options_);
  ASSIGN_OR_RETURN(const auto backbone, Backbone::open(context, Backbone::Access::kWrite, position_name));
  const auto partitions =
      static_cast<int32_t>(options_.partitions.value_or(Backbone::default_partitions(context.configuration)));
  ASSIGN_OR_RETURN(const Backbone::CreatedTopic created, backbone->create_topic({options_.topic, partitions}, false));
  const TopicDescription& topic = created.description;
  ASSIGN_OR_RETURN(const std::vector<std::string> warnings, backbone->losses_of(options_.topic));
  for (const std::string& warning : warnings) fmt::print(stderr, "warning: {}\n", warning);
  if (options_.partitions && topic.config.partitions != partitions) {
    fmt::print(stderr, "topic {} exists with {} partitions; --partitions {} is ignored\n", options_.topic,
               topic.config.partitions, partitions);
  }
  ASSIGN_OR_RETURN(const SchemaId schema,
                   backbone->schemas().register_schema(options_.topic + "-value", kMetricAvroSchema));
  ASSIGN_OR_RETURN(run_options.resume_at, starting_position(backbone->state()));

  ReplayPublisher publisher(backbone->log(), schema, source->series(),
                            {options_.topic, topic.config.partitions, position_name, settings.batch_records});
  const SignalStop stop;
  ReplayRun replay(*source, publisher, context.clock, stop.flag(), run_options);
  ProgressLine progress(context.clock, context.errors, {.unit = "readings", .label = "replay"});
  const int64_t start_ns = context.clock.monotonic_ns();
  const Status status = replay.run([&](int64_t readings, double share) { progress.update(readings, share); });
  progress.finish();
  if (!status) {
    const int64_t kept = publisher.committed().value_or(run_options.resume_at).readings;
    return Error{
        status.error().code,
        fmt::format("{}\n{} readings are committed. When the cause is gone, go on with:\n  {}", status.error().message,
                    grouped_text(kept), resume_command(options_, context.given_globals))};
  }
  const double seconds = static_cast<double>(context.clock.monotonic_ns() - start_ns) * 1e-9;
  const ReplayOutcome outcome{run_options.resume_at, replay.position(), replay.complete(), seconds,
                              source->series().size()};
  const std::optional<ReaderProgress> file = source->file_progress();
  context.json ? print_json(options_, outcome, file) : print_text(options_, outcome, file);
  if (outcome.complete && outcome.ended.readings == 0 && file) {
    fmt::print(stderr, "warning: {} gave no reading: {}. Is it the right file?\n", options_.data,
               file->rows > 0              ? "no row has a value"
               : file->malformed_lines > 0 ? "no line is a row of this format"
                                           : "there is no row below the header");
  }
  if (outcome.complete) return ExitCode::kDone;
  fmt::print(stderr, "stopped at line {} with everything committed; go on with:\n  {}\n", outcome.ended.line,
             resume_command(options_, context.given_globals));
  return ExitCode::kInterrupted;
}

}  // namespace meterstream
