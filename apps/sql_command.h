// Purpose: `sql`: a shell that keeps streams, tables and queries and runs them; with --execute and --file, INSERT INTO tables and EXPLAIN
//          beside views that a file runs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "apps/command_line.h"
#include "server/remote_service.h"

namespace meterstream {

class SqlCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "sql"; }
  [[nodiscard]] std::string summary() const override {
    return "SQL shell with queries that run; or INSERT INTO and EXPLAIN with --execute";
  }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  Result<ExitCode> run_shell(const CommandContext& context) const;
  Result<ExitCode> run_texts(const CommandContext& context, StatementService& service, const std::string& place,
                             const std::vector<std::pair<std::string, std::string>>& texts, bool is_interactive) const;
  /// Of the server that --server names.
  [[nodiscard]] Result<RemoteServiceOptions> remote_options() const;

  std::vector<std::string> schemas_;
  std::vector<std::string> files_;
  std::vector<std::string> statements_;
  std::string service_id_ = "meterstream";
  std::string server_;
  std::string token_file_;
  std::string login_file_;
  std::string authorities_file_;
};

}  // namespace meterstream
