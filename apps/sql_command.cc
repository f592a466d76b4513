#include "apps/sql_command.h"

#include <algorithm>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/backbone.h"
#include "apps/json_text.h"
#include "apps/local_service.h"
#include "apps/run_command.h"
#include "apps/sql_shell.h"
#include "stream/table_insert.h"

namespace meterstream {

namespace {

void print_json(const Explanation& explanation) {
  const auto query = [](const Result<std::string>& text) { return text ? json_string(*text) : "null"; };
  const auto fault = [](const Result<std::string>& text) { return text ? "null" : json_string(text.error().message); };
  fmt::print(
      "{{\"name\":{},\"plan\":{},\"operators\":{},\"duckdb\":{},\"duckdbFault\":{},\"spark\":{},\"sparkFault\":{}}}\n",
      json_string(explanation.name), json_string(explanation.plan), json_string(explanation.operators),
      query(explanation.duckdb), fault(explanation.duckdb), query(explanation.spark), fault(explanation.spark));
}

void print(const std::vector<Explanation>& explanations, const CommandContext& context) {
  for (const Explanation& explanation : explanations) {
    if (context.json) {
      print_json(explanation);
      continue;
    }
    fmt::print("{}\n\n{}\n", explanation.name, to_text(explanation));
  }
}

}  // namespace

std::string SqlCommand::examples() const {
  return "meterstream sql\n"
         "meterstream sql --schema examples/alarms.sql --execute \"INSERT INTO alarm_thresholds (id, upperBound) "
         "VALUES "
         "('household-1.ELECTRICITY.VOLTAGE', 245)\"\n"
         "meterstream sql --schema examples/alarms.sql --execute \"EXPLAIN alarms\"\n"
         "meterstream sql --execute \"SELECT * FROM hourly\" --json\n"
         "meterstream sql --kafka localhost:9092 --file flows.sql";
}

void SqlCommand::declare(CLI::App& app) {
  app.add_option(
         "--schema", schemas_,
         "SQL file that meterstream run runs, whose streams and tables INSERT INTO and EXPLAIN may name; nothing in "
         "it is carried out. May be given several times")
      ->type_name("FILE");
  app.add_option("-f,--file", files_, "SQL file to carry out; may be given several times")->type_name("FILE");
  app.add_option("-e,--execute", statements_, "Statements to carry out, after the files; may be given several times")
      ->type_name("SQL");
  app.add_option("--service-id", service_id_, "Of the shell: name under which its statements and queries are kept")
      ->capture_default_str();
}

Result<ExitCode> SqlCommand::run_shell(const CommandContext& context) const {
  std::vector<std::pair<std::string, std::string>> texts;  // name and statements
  for (const std::string& path : files_) {
    ASSIGN_OR_RETURN(std::string text, read_sql_file(path));
    texts.emplace_back(path, std::move(text));
  }
  for (const std::string& statements : statements_) texts.emplace_back("--execute", statements);
  const bool is_interactive = texts.empty() && ::isatty(STDIN_FILENO) != 0;
  if (texts.empty() && !is_interactive) {
    std::stringstream input;
    input << std::cin.rdbuf();
    texts.emplace_back("sql", input.str());
  }
  const bool is_empty =
      std::ranges::all_of(texts, [](const auto& text) { return split_statements(text.second).empty(); });
  if (!is_interactive && is_empty) {
    return invalid(
        "nothing to do: give statements with --execute \"...\", a file of them with --file FILE, in the standard "
        "input, "
        "or on a terminal");
  }
  LocalServiceOptions options;
  options.service_id = service_id_;
  ASSIGN_OR_RETURN(const auto local, LocalService::open(context, options));
  SqlShell shell(local->service(), context);
  if (is_interactive) return shell.run_interactively(local->place());
  for (const auto& [name, text] : texts) RETURN_IF_ERROR(shell.run(text, name));
  return ExitCode::kDone;
}

Result<ExitCode> SqlCommand::run(const CommandContext& context) {
  if (schemas_.empty()) return run_shell(context);
  if (files_.empty() && statements_.empty()) {
    return invalid(
        "nothing to do: --schema only names what statements may use; give them with --execute \"...\" or --file FILE");
  }
  StreamSpec defaults;
  defaults.partitions = static_cast<int32_t>(Backbone::default_partitions(context.configuration));
  SqlSession session(defaults);
  for (const std::string& path : schemas_) {
    ASSIGN_OR_RETURN(const std::string text, read_sql_file(path));
    RETURN_IF_ERROR(session.compile(text, path));
  }
  std::vector<InsertSpec> rows;
  std::vector<Explanation> explanations;
  const auto compile = [&](const std::string& text, const std::string& name) -> Status {
    ASSIGN_OR_RETURN(const Program program, session.compile(text, name));
    if (!program.views.empty() || !program.sinks.empty()) {
      return invalid(fmt::format(
          "{}: with --schema this command carries out INSERT INTO and EXPLAIN only. Views and sinks are started by "
          "meterstream run FILE, or without --schema",
          name));
    }
    rows.insert(rows.end(), program.inserts.begin(), program.inserts.end());
    explanations.insert(explanations.end(), program.explanations.begin(), program.explanations.end());
    return {};
  };
  for (const std::string& path : files_) {
    ASSIGN_OR_RETURN(const std::string text, read_sql_file(path));
    RETURN_IF_ERROR(compile(text, path));
  }
  for (const std::string& text : statements_) RETURN_IF_ERROR(compile(text, "--execute"));
  print(explanations, context);
  if (rows.empty()) return ExitCode::kDone;
  ASSIGN_OR_RETURN(const auto backbone, Backbone::open(context, Backbone::Access::kWrite));
  TableFeeds tables(backbone->log(), backbone->schemas());
  ASSIGN_OR_RETURN(const int64_t written, insert_rows(rows, InsertMode::kReplace, backbone->log(), tables));
  if (context.json) {
    fmt::print("{{\"rows\":{}}}\n", written);
  } else {
    fmt::print("{} row{} written\n", written, written == 1 ? "" : "s");
  }
  return ExitCode::kDone;
}

}  // namespace meterstream
