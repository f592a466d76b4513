#include "apps/sql_command.h"

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
  const bool has_query = static_cast<bool>(explanation.duckdb);
  fmt::print("{{\"name\":{},\"plan\":{},\"operators\":{},\"duckdb\":{},\"duckdbFault\":{}}}\n",
             json_string(explanation.name), json_string(explanation.plan), json_string(explanation.operators),
             has_query ? json_string(*explanation.duckdb) : "null",
             has_query ? "null" : json_string(explanation.duckdb.error().message));
}

void print(const std::vector<Explanation>& explanations, const CommandContext& context) {
  for (const Explanation& explanation : explanations) {
    if (context.json) {
      print_json(explanation);
      continue;
    }
    fmt::print("{}\n\nLogical plan\n{}\nStream engine\n{}\nDuckDB\n{}\n\n", explanation.name, explanation.plan,
               explanation.operators, explanation.duckdb ? *explanation.duckdb : explanation.duckdb.error().message);
  }
}

}  // namespace

std::string SqlCommand::examples() const {
  return "meterstream sql\n"
         "meterstream sql --schema examples/alarms.sql --execute \"INSERT INTO alarm_thresholds (id, upperBound) "
         "VALUES "
         "('household-1.ELECTRICITY.VOLTAGE', 245)\"\n"
         "meterstream sql --schema examples/alarms.sql --execute \"EXPLAIN alarms\"\n"
         "meterstream sql --kafka localhost:9092 --file thresholds.sql";
}

void SqlCommand::declare(CLI::App& app) {
  app.add_option("--schema", schemas_,
                 "SQL file whose streams and tables the statements may name; nothing in it is carried out. May be "
                 "given several "
                 "times")
      ->type_name("FILE");
  app.add_option("-f,--file", files_, "SQL file to carry out; may be given several times")->type_name("FILE");
  app.add_option("-e,--execute", statements_, "Statements to carry out, after the files; may be given several times")
      ->type_name("SQL");
  app.add_option("--service-id", service_id_, "Of the shell: name under which its statements and queries are kept")
      ->capture_default_str();
}

Result<ExitCode> SqlCommand::run_shell(const CommandContext& context) const {
  const bool is_terminal = ::isatty(STDIN_FILENO) != 0;
  std::stringstream text;
  if (!is_terminal && schemas_.empty()) text << std::cin.rdbuf();
  if (!schemas_.empty() || (!is_terminal && split_statements(text.str()).empty())) {
    return invalid(
        "nothing to do: give statements with --execute \"...\", a file of them with --file FILE, or, without --schema, "
        "on a "
        "terminal or in the standard input");
  }
  LocalServiceOptions options;
  options.service_id = service_id_;
  ASSIGN_OR_RETURN(const auto local, LocalService::open(context, options));
  SqlShell shell(local->service(), context);
  if (is_terminal) return shell.run_interactively(local->place());
  return shell.run(text.str());
}

Result<ExitCode> SqlCommand::run(const CommandContext& context) {
  if (files_.empty() && statements_.empty()) return run_shell(context);
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
          "{}: views and sinks are started by meterstream run FILE; this command carries out INSERT INTO and EXPLAIN. "
          "To name what a file declares give it with --schema FILE",
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
