#include "apps/sql_shell.h"

#include <cstdlib>

#include <fmt/format.h>

#include "apps/interrupt.h"
#include "apps/line_editor.h"
#include "apps/statement_output.h"

namespace meterstream {
namespace {

constexpr size_t kRowsAtATime = 1000;
constexpr auto kLookForInterrupt = std::chrono::milliseconds(100);
constexpr std::chrono::seconds kScriptWaits(10);

constexpr std::string_view kHelp =
    "Statements end with a semicolon and may take several lines (docs/sql.md):\n"
    "  CREATE STREAM | TABLE | SINK ...   DROP STREAM | TABLE | SINK name   INSERT INTO name ... VALUES ...\n"
    "  SELECT ... FROM name               the rows of a table now, or of a stream so far\n"
    "  SELECT ... FROM name EMIT CHANGES  rows as they come, until Ctrl-C\n"
    "  PRINT 'topic' [FROM BEGINNING]     records of a topic, until Ctrl-C\n"
    "  LIST STREAMS | TABLES | TOPICS | QUERIES | PROPERTIES | FUNCTIONS | VARIABLES\n"
    "  DESCRIBE name [EXTENDED]   EXPLAIN name | SELECT ...\n"
    "  PAUSE id   RESUME id   TERMINATE id | ALL\n"
    "  SET 'auto.offset.reset' = 'earliest'   DEFINE name = 'value', then ${name}\n"
    "exit or quit ends the shell, and with it the queries of this process; they go on at the next start.\n";

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == ';')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  return std::string(text);
}

bool ends_statement(std::string_view text) {
  const std::vector<StatementPart> parts = split_statements(text);
  return !parts.empty() && parts.back().is_complete;
}

std::string history_file() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : fmt::format("{}/.meterstream_history", home);
}

}  // namespace

std::vector<std::string> SqlShell::words() {
  std::vector<std::string> words = {
      "AS",        "BETWEEN",   "BY",          "CHANGES",  "CREATE", "DEFINE",     "DESCRIBE",  "DROP",
      "EMIT",      "EXISTS",    "EXPLAIN",     "EXTENDED", "FINAL",  "FROM",       "FUNCTIONS", "GRACE",
      "GROUP",     "HAVING",    "HOPPING",     "INSERT",   "INTO",   "JOIN",       "LEFT",      "LIMIT",
      "LIST",      "PAUSE",     "PERIOD",      "PRIMARY",  "PRINT",  "PROPERTIES", "QUERIES",   "REPLACE",
      "RESUME",    "SELECT",    "SHOW",        "SINK",     "STREAM", "STREAMS",    "TABLE",     "TABLES",
      "TERMINATE", "TOPICS",    "TUMBLING",    "UNDEFINE", "UNSET",  "VALUES",     "VARIABLES", "WHERE",
      "WINDOW",    "WINDOWEND", "WINDOWSTART", "WITH",     "exit",   "help",       "quit"};
  std::vector<StatementResult> results;
  if (!service_.execute("LIST STREAMS; LIST TABLES; LIST QUERIES;", {}, results)) return words;
  for (const StatementResult& result : results) {
    if (const auto* sources = std::get_if<StatementResult::Sources>(&result.content)) {
      for (const SourceDescription& source : sources->sources) {
        words.push_back(source.name);
        for (const SourceDescription::Column& column : source.columns) words.push_back(column.name);
      }
    }
    if (const auto* queries = std::get_if<StatementResult::Queries>(&result.content)) {
      for (const QueryDescription& query : queries->queries) words.push_back(query.id);
    }
  }
  return words;
}

Status SqlShell::show(std::string_view query) {
  ASSIGN_OR_RETURN(const std::unique_ptr<QueryRows> rows, service_.query(query, session_));
  RowPrinter printer(rows->columns(), context_);
  bool has_more = true;
  while (has_more && !Interrupt::take()) {
    std::vector<QueryRow> some;
    const Result<bool> next = rows->next(some, kRowsAtATime, kLookForInterrupt);
    // Rows may come before an error.
    printer.print(some);
    ASSIGN_OR_RETURN(has_more, next);
  }
  if (!context_.json)
    fmt::print("{}{} row{}\n", has_more ? "ended by Ctrl-C: " : "", printer.rows(), printer.rows() == 1 ? "" : "s");
  return {};
}

/// A script may have written what it asks for a line before, and its process may have begun just now.
Status SqlShell::await_queries() {
  ASSIGN_OR_RETURN(const int64_t behind, service_.await_queries(kScriptWaits));
  if (behind > 0) {
    fmt::print(stderr, "running queries have {} record{} left to read: what follows shows what they had done by now\n",
               behind, behind == 1 ? "" : "s");
  }
  return {};
}

Status SqlShell::carry_out(const StatementPart& part) {
  ASSIGN_OR_RETURN(const ParsedStatement statement, parse_statement(part, session_.text_name, session_.variables));
  const bool is_query = std::holds_alternative<ast::Query>(statement.command) ||
                        std::holds_alternative<ast::PrintTopic>(statement.command);
  // Messages name places in the whole text.
  const std::string text =
      std::string(part.first_line - 1, '\n') + std::string(part.column, ' ') + std::string(part.text);
  if (is_query) {
    const auto* query = std::get_if<ast::Query>(&statement.command);
    const bool is_pull = query != nullptr && query->select.emit == ast::Emit::kDefault;
    if (is_pull && is_script_) RETURN_IF_ERROR(await_queries());
    return show(text);
  }
  std::vector<StatementResult> results;
  RETURN_IF_ERROR(service_.execute(text, session_, results));
  // What holds for the session is kept here.
  if (const auto* set = std::get_if<ast::SetProperty>(&statement.command)) {
    if (set->value) {
      session_.properties[set->name] = *set->value;
    } else {
      session_.properties.erase(set->name);
    }
  }
  if (const auto* variable = std::get_if<ast::DefineVariable>(&statement.command)) {
    if (variable->value) {
      session_.variables[variable->name] = *variable->value;
    } else {
      session_.variables.erase(variable->name);
    }
  }
  for (const StatementResult& result : results) print_result(result, context_);
  return {};
}

Status SqlShell::run(const std::string& text, const std::string& name) {
  session_.text_name = name;
  is_script_ = true;
  for (const StatementPart& part : split_statements(text)) RETURN_IF_ERROR(carry_out(part));
  return {};
}

ExitCode SqlShell::run_interactively(const std::string& place) {
  const Interrupt interrupt;
  LineEditor editor(history_file(), [this](std::string_view) { return words(); });
  fmt::print("{}. Statements end with a semicolon; help; exit.\n", place);
  std::string text;
  while (true) {
    std::string line;
    const LineEditor::Outcome outcome = editor.read(text.empty() ? "sql> " : "  -> ", line);
    if (outcome == LineEditor::Outcome::kEnd) break;
    if (outcome == LineEditor::Outcome::kInterrupted) {
      text.clear();
      continue;
    }
    const std::string word = trimmed(line);
    if (text.empty()) {
      if (word.empty()) continue;
      if (equals_ignoring_case(word, "exit") || equals_ignoring_case(word, "quit")) break;
      if (equals_ignoring_case(word, "help")) {
        fmt::print("{}", kHelp);
        continue;
      }
    }
    text += line;
    text += '\n';
    if (!ends_statement(text)) {
      if (split_statements(text).empty()) text.clear();
      continue;
    }
    editor.remember(trimmed(text) + ';');
    Interrupt::take();
    if (const Status done = run(text, "sql"); !done)
      fmt::print(stderr, "{}\n", coloured(context_.errors, Colour::kRed, done.error().message));
    text.clear();
  }
  return ExitCode::kDone;
}

}  // namespace meterstream
