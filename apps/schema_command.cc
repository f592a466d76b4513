#include "apps/schema_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/store_sinks.h"
#include "metering/duration.h"

namespace meterstream {
namespace {

Status take_seconds(const std::string& text, std::string_view option, int64_t& seconds) {
  if (text.empty()) return {};
  const Result<int64_t> length_ms = parse_duration(text);
  if (!length_ms) return length_ms.error().within(option);
  seconds = (*length_ms + 999) / 1'000;
  return {};
}

Status tell_differences(const CassandraSettings& settings) {
  ASSIGN_OR_RETURN(const std::vector<std::string> differences, cassandra_schema_differences(settings));
  for (const std::string& difference : differences) fmt::print(stderr, "warning: {}\n", difference);
  return {};
}

}  // namespace

std::string SchemaCommand::examples() const {
  return "meterstream schema cassandra\n"
         "meterstream schema cassandra --ttl 180d | cqlsh\n"
         "meterstream schema cassandra --apply";
}

void SchemaCommand::declare(CLI::App& app) {
  app.add_option("STORE", store_, "cassandra")->required()->check(CLI::IsMember({"cassandra"}));
  app.add_option("--keyspace", keyspace_, "Keyspace, instead of the configured one");
  app.add_option("--ttl", ttl_, "Rows vanish so long after they were written")->type_name("DURATION");
  app.add_option("--compaction-window", compaction_window_, "Time that files of a table hold together")
      ->type_name("DURATION");
  app.add_flag("--apply", apply_,
               "Make what is missing in the configured cluster; what exists is compared and left as it is");
}

Result<ExitCode> SchemaCommand::run(const CommandContext& context) {
  CassandraSettings settings = context.configuration.cassandra;
  if (!keyspace_.empty()) settings.keyspace = keyspace_;
  RETURN_IF_ERROR(take_seconds(ttl_, "--ttl", settings.ttl_s));
  RETURN_IF_ERROR(take_seconds(compaction_window_, "--compaction-window", settings.compaction_window_s));
  ASSIGN_OR_RETURN(const StoreSchema schema, cassandra_schema(settings));
  if (!apply_) {
    fmt::print("{}", schema.text);
    // Whoever only wants the text need not have a cluster.
    if (!settings.hosts.empty()) {
      if (Status compared = tell_differences(settings); !compared)
        fmt::print(stderr, "warning: tables that exist are not compared: {}\n", compared.error().message);
    }
    return ExitCode::kDone;
  }
  ASSIGN_OR_RETURN(const auto store, cassandra_store(settings));
  for (const AggregateTableDefinition& table : schema.tables) {
    ASSIGN_OR_RETURN(const auto made, store->create(table));
    fmt::print("table {}.{}, bucket {}\n", settings.keyspace, table.name, name_of(made->definition().bucket));
  }
  RETURN_IF_ERROR(tell_differences(settings));
  return ExitCode::kDone;
}

}  // namespace meterstream
