#include "apps/schema_command.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/run_command.h"
#include "apps/store_sinks.h"
#include "metering/duration.h"
#include "sql/aggregate_sql.h"
#include "sql/stream_plan.h"

namespace meterstream {
namespace {

Status take_seconds(const std::string& text, std::string_view option, int64_t& seconds) {
  if (text.empty()) return {};
  const Result<int64_t> length_ms = parse_duration(text);
  if (!length_ms) return length_ms.error().within(option);
  seconds = (*length_ms + 999) / 1'000;
  return {};
}

/// Each once, although several sinks may be of one keyspace.
Status tell_differences(const CassandraSettings& settings, std::span<const AggregateTableDefinition> tables,
                        std::set<std::string>& told) {
  ASSIGN_OR_RETURN(const std::vector<std::string> differences, cassandra_schema_differences(settings, tables));
  for (const std::string& difference : differences) {
    if (told.insert(difference).second) fmt::print(stderr, "warning: {}\n", difference);
  }
  return {};
}

}  // namespace

std::string SchemaCommand::examples() const {
  return "meterstream schema cassandra\n"
         "meterstream schema cassandra --window 60,3600 --bucket days --ttl 180d | cqlsh\n"
         "meterstream schema cassandra --for examples/platform.sql --apply\n"
         "meterstream schema cassandra --apply";
}

void SchemaCommand::declare(CLI::App& app) {
  app.add_option("STORE", store_, "cassandra")->required()->check(CLI::IsMember({"cassandra"}));
  app.add_option("--for", file_, "The tables of this file's sinks")->type_name("FLOWS.sql");
  app.add_option("--window", windows_, "The tables of results of windows of this size; may be given several times")
      ->type_name("SIZE")
      ->delimiter(',');
  app.add_option("--bucket", bucket_, "Of these tables: none, minutes, hours, days or months");
  app.add_option("--keyspace", keyspace_, "Keyspace, instead of the configured one");
  app.add_option("--ttl", ttl_, "Rows vanish so long after they were written")->type_name("DURATION");
  app.add_option("--compaction-window", compaction_window_, "Time that files of a table hold together")
      ->type_name("DURATION");
  app.add_flag("--apply", apply_,
               "Make what is missing in the configured cluster; what exists is compared and left as it is");
}

Result<std::vector<AggregateTableDefinition>> SchemaCommand::tables_of_windows() const {
  std::optional<AggregateBucket> bucket;
  if (!bucket_.empty()) {
    bucket = parse_aggregate_bucket(bucket_);
    if (!bucket) return invalid(fmt::format("--bucket {}: it is none, minutes, hours, days or months", bucket_));
  }
  ASSIGN_OR_RETURN(std::vector<AggregateTableDefinition> tables, default_cassandra_tables());
  if (!windows_.empty()) tables.clear();
  for (const std::string& window : windows_) {
    const Result<int64_t> size_ms = parse_duration(window);
    if (!size_ms) return size_ms.error().within("--window");
    if (*size_ms <= 0) return invalid(fmt::format("--window {}: must be longer than 0", window));
    tables.push_back({"metrics_aggregates_" + window_label(*size_ms), *size_ms, usual_bucket(*size_ms)});
  }
  for (AggregateTableDefinition& table : tables) table.bucket = bucket.value_or(table.bucket);
  return tables;
}

Result<std::vector<SchemaCommand::Part>> SchemaCommand::parts_of_file(const CassandraSettings& settings) const {
  if (!windows_.empty() || !bucket_.empty() || !keyspace_.empty() || !ttl_.empty())
    return invalid(
        "--for takes windows, buckets, keyspaces and ttl from the file's sinks; leave the other options out");
  ASSIGN_OR_RETURN(const std::string text, read_sql_file(file_));
  ASSIGN_OR_RETURN(const Program program, compile_sql(text, file_));
  std::vector<Part> parts;
  for (const SinkSpec& sink : program.sinks) {
    if (sink.type != "cassandra") continue;
    Part& part = parts.emplace_back();
    part.settings = cassandra_settings_of(sink, settings);
    ASSIGN_OR_RETURN(AggregateTableDefinition table, sink_table(sink));
    const auto view = std::ranges::find(program.views, sink.topic, &ViewSpec::topic);
    if (view != program.views.end()) table.window_ms = view->window_size_ms;
    part.tables.push_back(std::move(table));
  }
  if (parts.empty()) return not_found(fmt::format("{} has no CREATE SINK of type 'cassandra'", file_));
  return parts;
}

Result<std::vector<SchemaCommand::Part>> SchemaCommand::parts(const CommandContext& context) const {
  CassandraSettings settings = context.configuration.cassandra;
  RETURN_IF_ERROR(take_seconds(compaction_window_, "--compaction-window", settings.compaction_window_s));
  if (!file_.empty()) return parts_of_file(settings);
  if (!keyspace_.empty()) settings.keyspace = keyspace_;
  RETURN_IF_ERROR(take_seconds(ttl_, "--ttl", settings.ttl_s));
  ASSIGN_OR_RETURN(auto tables, tables_of_windows());
  return std::vector<Part>{{std::move(settings), std::move(tables)}};
}

Result<ExitCode> SchemaCommand::run(const CommandContext& context) {
  ASSIGN_OR_RETURN(const std::vector<Part> all, parts(context));
  std::set<std::string> told;
  for (const Part& part : all) {
    if (!apply_) {
      ASSIGN_OR_RETURN(const std::string text, cassandra_schema(part.settings, part.tables));
      fmt::print("{}", text);
      // Whoever only wants the text need not have a cluster.
      if (part.settings.hosts.empty()) continue;
      if (Status compared = tell_differences(part.settings, part.tables, told); !compared)
        fmt::print(stderr, "warning: tables that exist are not compared: {}\n", compared.error().message);
      continue;
    }
    ASSIGN_OR_RETURN(const auto store, cassandra_store(part.settings));
    for (const AggregateTableDefinition& table : part.tables) {
      ASSIGN_OR_RETURN(const auto made, store->create(table));
      fmt::print("table {}.{}, bucket {}\n", part.settings.keyspace, table.name, name_of(made->definition().bucket));
    }
    RETURN_IF_ERROR(tell_differences(part.settings, part.tables, told));
  }
  return ExitCode::kDone;
}

}  // namespace meterstream
