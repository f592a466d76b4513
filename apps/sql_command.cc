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
#include "apps/server_address.h"
#include "apps/sql_shell.h"
#include "base/password_file.h"
#include "server/rest_access.h"
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

Result<std::string> secret_of(std::string_view option, const std::string& path) {
  auto line = read_password_file(path, "server");
  if (line) return line;
  return invalid(
      fmt::format("{} {}: its first line cannot be read; name a file that has the secret there", option, path));
}

}  // namespace

std::string SqlCommand::examples() const {
  return "meterstream sql\n"
         "meterstream sql --schema examples/alarms.sql --execute \"INSERT INTO alarm_thresholds (id, upperBound) "
         "VALUES "
         "('household-1.ELECTRICITY.VOLTAGE', 245)\"\n"
         "meterstream sql --schema examples/alarms.sql --execute \"EXPLAIN alarms\"\n"
         "meterstream sql --execute \"SELECT * FROM hourly\" --json\n"
         "meterstream sql --kafka localhost:9092 --file flows.sql\n"
         "meterstream sql --server localhost:8088";
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
  app.add_option(
         "--server", server_,
         "A running meterstream server that carries out everything, instead of this process on the data directory")
      ->type_name("HOST:PORT or URL");
  app.add_option("--token-file", token_file_, "Of --server: file whose first line is its token")->type_name("FILE");
  app.add_option("--login-file", login_file_, "Of --server: file whose first line is USER:PASSWORD")->type_name("FILE");
  app.add_option("--tls-authorities", authorities_file_,
                 "Of --server https://...: PEM file of the certificates that are trusted (those of the machine)")
      ->type_name("FILE");
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
  if (!server_.empty()) {
    ASSIGN_OR_RETURN(RemoteServiceOptions remote_options, this->remote_options());
    const std::string place = "server " + remote_options.peer.text();
    RemoteService remote(std::move(remote_options));
    RETURN_IF_ERROR(remote.check());
    return run_texts(context, remote, place, texts, is_interactive);
  }
  LocalServiceOptions options;
  options.service_id = service_id_;
  ASSIGN_OR_RETURN(const auto local, LocalService::open(context, options));
  return run_texts(context, local->service(), local->place(), texts, is_interactive);
}

Result<ExitCode> SqlCommand::run_texts(const CommandContext& context, StatementService& service,
                                       const std::string& place,
                                       const std::vector<std::pair<std::string, std::string>>& texts,
                                       bool is_interactive) const {
  SqlShell shell(service, context);
  if (is_interactive) return shell.run_interactively(place);
  for (const auto& [name, text] : texts) RETURN_IF_ERROR(shell.run(text, name));
  return ExitCode::kDone;
}

Result<RemoteServiceOptions> SqlCommand::remote_options() const {
  RemoteServiceOptions options;
  ASSIGN_OR_RETURN(options.peer, parse_server_address(server_));
  options.peer.authorities_file = authorities_file_;
  if (!authorities_file_.empty() && !options.peer.is_tls)
    return invalid(fmt::format("--tls-authorities is for TLS: --server https://{}", server_));
  if (!token_file_.empty()) {
    ASSIGN_OR_RETURN(const std::string token, secret_of("--token-file", token_file_));
    options.authorization = "Bearer " + token;
  } else if (!login_file_.empty()) {
    ASSIGN_OR_RETURN(const std::string login, secret_of("--login-file", login_file_));
    options.authorization = basic_authorization(login);
  }
  return options;
}

Result<ExitCode> SqlCommand::run(const CommandContext& context) {
  if (server_.empty() && !(token_file_ + login_file_ + authorities_file_).empty())
    return invalid("--token-file, --login-file and --tls-authorities are for --server");
  if (!server_.empty() && (!schemas_.empty() || Backbone::is_kafka(context.configuration)))
    return invalid("--server has its own streams and tables, and its own log: leave --schema and --kafka out");
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
