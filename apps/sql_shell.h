// Purpose: the interactive shell: statements that a person types, or that stand in standard input, carried out one after the other.
// Rules: a statement may take several lines and ends with a semicolon. Ctrl-C ends the query that runs, or drops what is typed so far, and not
//        the shell. SET and DEFINE hold until the shell ends.
// Thread-safety: one thread.
#pragma once

#include <string>

#include "apps/command_line.h"
#include "server/statement_service.h"
#include "sql/statement.h"

namespace meterstream {

class SqlShell {
 public:
  SqlShell(StatementService& service, const CommandContext& context) : service_(service), context_(context) {}

  /// On a terminal, until exit or the end of the input.
  ExitCode run_interactively(const std::string& place);
  /// The statements of a text; stops at the first one that fails. `name` is for messages.
  Status run(const std::string& text, const std::string& name);

 private:
  Status carry_out(const StatementPart& part);
  Status show(std::string_view query);
  Status await_queries();
  std::vector<std::string> words();

  StatementService& service_;
  const CommandContext& context_;
  StatementProperties session_;
  bool is_script_ = false;
};

}  // namespace meterstream
