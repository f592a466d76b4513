#include "apps/sink_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/option_check.h"
#include "metering/duration.h"
#include "sql/aggregate_sql.h"
#include "sql/parser.h"
#include "state/aggregate_table.h"

namespace meterstream {
namespace {

struct Statement {
  std::string name;
  std::vector<std::pair<std::string, std::string>> options;

  void add(const std::string& option, const std::string& value) {
    if (!value.empty()) options.emplace_back(option, value);
  }
  [[nodiscard]] std::string text() const {
    std::string out = fmt::format("CREATE SINK {} WITH (", name);
    for (size_t i = 0; i < options.size(); ++i) {
      out += fmt::format("{}\n  {} = {}", i == 0 ? "" : ",", options[i].first, sql_string(options[i].second));
    }
    return out + "\n);\n";
  }
};

bool is_of_aggregates(const std::string& type) {
  return type == "embedded" || type == "cassandra";
}

Status check_options(const SinkOptions& options) {
  const auto refuse = [&](std::string_view option, std::string_view types) {
    return invalid(fmt::format("{} is for {}; leave it out", option, types));
  };
  const std::string& type = options.type;
  if (!is_of_aggregates(type)) {
    if (!options.windows.empty()) return refuse("--window", "sinks of aggregates (embedded, cassandra)");
    if (!options.table.empty()) return refuse("--table", "sinks of aggregates (embedded, cassandra)");
    if (!options.bucket.empty()) return refuse("--bucket", "sinks of aggregates (embedded, cassandra)");
  } else if (options.windows.empty() == options.topic.empty()) {
    return invalid("say which results with --window SIZE, such as --window 60, or with --topic");
  } else if (options.topic.empty() && !options.table.empty()) {
    return invalid("--table goes with --topic; with --window a table is called metrics_aggregates_<window>");
  }
  if (type != "cassandra" && !options.keyspace.empty()) return refuse("--keyspace", "cassandra");
  if (type != "cassandra" && type != "redis" && !options.ttl.empty()) return refuse("--ttl", "cassandra and redis");
  if (type != "redis" && !options.contents.empty()) return refuse("--contents", "redis");
  if (type != "redis" && !options.key_prefix.empty()) return refuse("--key-prefix", "redis");
  if (type != "lake" && !options.uri.empty()) return refuse("--uri", "lake");
  return {};
}

Statement statement(const SinkOptions& options, const std::string& name, const std::string& topic,
                    const std::string& table, std::string_view usual_bucket) {
  Statement made{name, {}};
  made.add("type", options.type);
  made.add("topic", topic);
  if (is_of_aggregates(options.type)) {
    made.add("table", table);
    made.add("bucket", options.bucket.empty() ? std::string(usual_bucket) : options.bucket);
  }
  made.add("keyspace", options.keyspace);
  made.add("ttl", options.ttl);
  made.add("contents", options.contents);
  made.add("key_prefix", options.key_prefix);
  made.add("uri", options.uri);
  return made;
}

}  // namespace

Result<std::string> sink_sql(const SinkOptions& options) {
  RETURN_IF_ERROR(check_options(options));
  if (options.windows.empty()) {
    const std::string topic = options.topic.empty() ? "metrics" : options.topic;
    return statement(options, "sink_" + options.type, topic, options.table, "days").text();
  }
  std::string out;
  for (const std::string& window : options.windows) {
    ASSIGN_OR_RETURN(const int64_t size_ms, parse_duration(window));
    if (size_ms <= 0) return invalid(fmt::format("--window {}: must be longer than 0", window));
    const std::string label = window_label(size_ms);
    out += statement(options, fmt::format("{}_{}", options.type, label), "metrics-aggregates-" + label,
                     "metrics_aggregates_" + label, name_of(usual_bucket(size_ms)))
               .text();
  }
  return out;
}

std::string SinkCommand::examples() const {
  return "meterstream sink cassandra --window 60 --bucket days\n"
         "meterstream sink redis --topic metrics --contents both\n"
         "meterstream sink lake --uri s3://lake/readings --kafka localhost:9092\n"
         "meterstream sink lake --uri /var/lib/lake --print-sql";
}

void SinkCommand::declare(CLI::App& app) {
  SinkOptions& o = options_;
  app.add_option("TYPE", o.type, "cassandra, redis, lake or embedded")
      ->required()
      ->check(one_of({"cassandra", "redis", "lake", "embedded"}));
  app.add_option("--window", o.windows, "Results of windows of this size; may be given several times")
      ->type_name("SIZE")
      ->delimiter(',');
  app.add_option(
         "--bucket", o.bucket,
         "Rows of a series are kept together by this time span (days; months for windows of an hour and more, none "
         "for a day and more)")
      ->check(CLI::IsMember({"none", "minutes", "hours", "days", "months"}));
  app.add_option("--topic", o.topic, "Topic to keep (metrics)");
  app.add_option("--table", o.table, "Table of the results of --topic");
  app.add_option("--keyspace", o.keyspace, "Cassandra's keyspace, instead of the configured one");
  app.add_option("--ttl", o.ttl, "The store forgets what is older")->type_name("DURATION");
  app.add_option("--contents", o.contents, "What Redis keeps: activity, values or both")
      ->check(CLI::IsMember({"activity", "values", "both"}));
  app.add_option("--key-prefix", o.key_prefix, "Before every key in Redis");
  app.add_option("--uri", o.uri, "The lake: a directory or s3://bucket/prefix, instead of the configured one");
  app.add_flag("--print-sql", print_sql_, "Print the SQL of this command and end");
  flow_.declare(app);
}

Result<ExitCode> SinkCommand::run(const CommandContext& context) {
  ASSIGN_OR_RETURN(const std::string sql, sink_sql(options_));
  if (print_sql_) {
    fmt::print("{}", sql);
    return ExitCode::kDone;
  }
  return run_sql(sql, "sink", flow_, context);
}

}  // namespace meterstream
