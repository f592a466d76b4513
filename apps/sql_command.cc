#include "apps/sql_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/backbone.h"
#include "apps/run_command.h"
#include "stream/table_insert.h"

namespace meterstream {

std::string SqlCommand::examples() const {
  return "meterstream sql --schema examples/alarms.sql --execute \"INSERT INTO alarm_thresholds (id, upperBound) "
         "VALUES "
         "('household-1.ELECTRICITY.VOLTAGE', 245)\"\n"
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
}

Result<ExitCode> SqlCommand::run(const CommandContext& context) {
  if (files_.empty() && statements_.empty())
    return invalid("nothing to do: give statements with --execute \"...\" or a file of them with --file FILE");
  StreamSpec defaults;
  defaults.partitions = static_cast<int32_t>(Backbone::default_partitions(context.configuration));
  SqlSession session(defaults);
  for (const std::string& path : schemas_) {
    ASSIGN_OR_RETURN(const std::string text, read_sql_file(path));
    RETURN_IF_ERROR(session.compile(text, path));
  }
  std::vector<InsertSpec> rows;
  const auto compile = [&](const std::string& text, const std::string& name) -> Status {
    ASSIGN_OR_RETURN(const Program program, session.compile(text, name));
    if (!program.views.empty() || !program.sinks.empty()) {
      return invalid(
          fmt::format("{}: views and sinks are started by meterstream run {}; this command carries out INSERT INTO. "
                      "To name what the file declares give it with --schema",
                      name, name));
    }
    rows.insert(rows.end(), program.inserts.begin(), program.inserts.end());
    return {};
  };
  for (const std::string& path : files_) {
    ASSIGN_OR_RETURN(const std::string text, read_sql_file(path));
    RETURN_IF_ERROR(compile(text, path));
  }
  for (const std::string& text : statements_) RETURN_IF_ERROR(compile(text, "--execute"));
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
