#include "apps/run_command.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/backbone.h"
#include "apps/kafka_program_run.h"
#include "apps/signal_stop.h"
#include "metering/duration.h"
#include "sql/aggregate_sql.h"

namespace meterstream {

Result<std::string> read_sql_file(const std::string& path) {
  if (std::error_code error; std::filesystem::is_directory(path, error)) {
    return invalid(fmt::format("{} is a directory; name a SQL file, such as examples/aggregates.sql", path));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return not_found(fmt::format("{}: cannot be read ({}); name a readable SQL file, such as examples/aggregates.sql",
                                 path, std::strerror(errno)));
  }
  std::stringstream text;
  text << file.rdbuf();
  if (!file && !file.eof()) return unavailable(fmt::format("{}: reading failed ({})", path, std::strerror(errno)));
  return text.str();
}

namespace {

Result<ProgramSummary> run_where_configured(const Program& program, const FlowOptions& flow,
                                            const CommandContext& context) {
  const ProgramRunOptions options{
      flow.application_id, flow.until_idle, flow.keep_open, flow.threads, flow.at_least_once, flow.standby, true};
  const SignalStop stop;
  if (!context.configuration.kafka.brokers.empty()) {
    ASSIGN_OR_RETURN(const auto backbone, Backbone::open(context, Backbone::Access::kRead));
    return run_program_on_kafka(program, *backbone, context, options, stop.flag());
  }
  if (flow.at_least_once) {
    return invalid(
        "--at-least-once is for a Kafka cluster (--kafka HOST:PORT); in a data directory everything counts exactly "
        "once. "
        "Leave it out");
  }
  if (flow.standby) {
    return invalid(
        "--standby is for a Kafka cluster (--kafka HOST:PORT): it keeps copies of the state of other processes. Leave "
        "it "
        "out");
  }
  ASSIGN_OR_RETURN(const auto data,
                   DataDirectory::open(context.configuration.data_dir, DataDirectory::Mode::kCreate, context.clock));
  return run_program(program, *data, context, options, stop.flag());
}

}  // namespace

Result<ExitCode> run_sql(const std::string& text, const std::string& file_name, const FlowOptions& flow,
                         const CommandContext& context) {
  StreamSpec stream_defaults;
  stream_defaults.idle_timeout_ms = context.configuration.time.idle_timeout_ms;
  stream_defaults.max_ahead_ms = context.configuration.time.max_ahead_ms;
  stream_defaults.partitions = static_cast<int32_t>(Backbone::default_partitions(context.configuration));
  ASSIGN_OR_RETURN(const Program program, compile_sql(text, file_name, stream_defaults));
  if (program.views.empty() && program.sinks.empty()) {
    return invalid(
        fmt::format("{}: nothing to run: it has no CREATE TABLE ... AS SELECT and no CREATE SINK", file_name));
  }
  if (!program.explanations.empty()) {
    return invalid(
        fmt::format("{}: EXPLAIN is for meterstream sql --schema {} --execute \"EXPLAIN {}\"; leave it out here",
                    file_name, file_name, program.explanations.front().name));
  }
  ASSIGN_OR_RETURN(const ProgramSummary summary, run_where_configured(program, flow, context));
  print_summary(summary, context);
  if (!summary.balanced()) return ExitCode::kFailed;
  if (summary.stopped && flow.until_idle) {
    fmt::print(stderr, "stopped with everything committed; the same command goes on from here\n");
    return ExitCode::kInterrupted;
  }
  return ExitCode::kDone;
}

void FlowOptions::declare(CLI::App& app) {
  app.add_flag("--until-idle", until_idle,
               "Process what is there, close the windows, print the accounting and end. Without it: follow the input "
               "until Ctrl-C, which commits and ends with exit code 0");
  app.add_flag("--keep-open", keep_open, "With --until-idle: leave unfinished windows open for the next run");
  app.add_option("--threads", threads, "Threads (one for each core)")->check(CLI::Range(1, 1024));
  app.add_option("--application-id", application_id,
                 "Name under which positions and state are kept; another name starts from the beginning")
      ->capture_default_str();
  app.add_flag(
      "--at-least-once", at_least_once,
      "On a Kafka cluster: no transactions. After a crash results may be there twice, so that who adds them up counts "
      "readings twice; none is lost");
  app.add_flag("--standby", standby,
               "On a Kafka cluster: keep copies of the state of tasks that run in other processes, so that taking over "
               "from one that dies needs only the end of its changelog");
}

std::string RunCommand::examples() const {
  return "meterstream run examples/aggregates.sql --until-idle\n"
         "meterstream run flows.sql --threads 2\n"
         "meterstream run flows.sql --application-id second-look --until-idle --json";
}

void RunCommand::declare(CLI::App& app) {
  app.add_option("FLOWS.sql", file_, "The SQL file")->required();
  flow_.declare(app);
}

Result<ExitCode> RunCommand::run(const CommandContext& context) {
  ASSIGN_OR_RETURN(const std::string text, read_sql_file(file_));
  return run_sql(text, file_, flow_, context);
}

void AggregateFlags::declare(CLI::App& app) {
  app.add_option("--window", windows,
                 "Window size: seconds, or a duration such as 15m or 1d; may be given several times")
      ->type_name("SIZE")
      ->delimiter(',')
      ->required();
  app.add_option("--grace", grace, "How long after its end a window takes late readings")->capture_default_str();
  app.add_option("--topic", topic, "Topic of readings (Avro)")->capture_default_str();
  app.add_option("--deduplicate", deduplicate, "Drop repeated readings, as far back as this")->type_name("HORIZON");
  app.add_flag("--emit-changes", emit_changes, "Write refinements as they happen instead of one final result");
  app.add_flag("--print-sql", print_sql, "Print the SQL of this command and end");
}

Result<std::string> AggregateFlags::sql(bool store, const std::string& bucket, int64_t partitions) const {
  AggregateOptions options;
  options.partitions = static_cast<int32_t>(partitions);
  options.source_topic = topic;
  for (const std::string& window : windows) {
    ASSIGN_OR_RETURN(const int64_t size_ms, parse_duration(window));
    if (size_ms <= 0) return invalid(fmt::format("--window {}: must be longer than 0", window));
    options.windows.push_back(
        {.size_ms = size_ms, .sink_type = store ? "embedded" : "", .bucket = bucket == "none" ? "" : bucket});
  }
  ASSIGN_OR_RETURN(options.grace_ms, parse_duration(grace));
  if (!deduplicate.empty()) {
    ASSIGN_OR_RETURN(options.deduplicate_horizon_ms, parse_duration(deduplicate));
    if (*options.deduplicate_horizon_ms <= 0) {
      return invalid(fmt::format("--deduplicate {}: must be longer than 0; leave it out to keep repeats", deduplicate));
    }
  }
  options.emit = emit_changes ? EmitMode::kChanges : EmitMode::kFinal;
  return aggregate_sql(options);
}

std::string AggregateCommand::examples() const {
  return "meterstream aggregate --window 60 --grace 5m --until-idle\n"
         "meterstream aggregate --window 60,3600,86400\n"
         "meterstream aggregate --window 15m --print-sql";
}

void AggregateCommand::declare(CLI::App& app) {
  flags_.declare(app);
  flow_.declare(app);
}

Result<ExitCode> AggregateCommand::run(const CommandContext& context) {
  ASSIGN_OR_RETURN(const std::string sql, flags_.sql(false, "", Backbone::default_partitions(context.configuration)));
  if (flags_.print_sql) {
    fmt::print("{}", sql);
    return ExitCode::kDone;
  }
  return run_sql(sql, "aggregate", flow_, context);
}

std::string StoreCommand::examples() const {
  return "meterstream store --window 60 --bucket days --until-idle\n"
         "meterstream store --window 1h --bucket months --until-idle\n"
         "meterstream query --gateway household-1 --type ELECTRICITY --attribute ACTIVE_POWER --window 60";
}

void StoreCommand::declare(CLI::App& app) {
  flags_.declare(app);
  app.add_option("--bucket", bucket_, "Rows of a series are kept together by this time span")
      ->check(CLI::IsMember({"none", "minutes", "hours", "days", "months"}))
      ->capture_default_str();
  flow_.declare(app);
}

Result<ExitCode> StoreCommand::run(const CommandContext& context) {
  ASSIGN_OR_RETURN(const std::string sql,
                   flags_.sql(true, bucket_, Backbone::default_partitions(context.configuration)));
  if (flags_.print_sql) {
    fmt::print("{}", sql);
    return ExitCode::kDone;
  }
  return run_sql(sql, "store", flow_, context);
}

}  // namespace meterstream
