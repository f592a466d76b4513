// Purpose: `sql`: a shell that keeps streams, tables and queries and runs them; with --execute and --file, INSERT INTO tables and EXPLAIN
//          beside views that a file runs.
#pragma once

#include <string>
#include <vector>

#include "apps/command_line.h"

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

  std::vector<std::string> schemas_;
  std::vector<std::string> files_;
  std::vector<std::string> statements_;
  std::string service_id_ = "meterstream";
};

}  // namespace meterstream
