// Purpose: `sql`: statements that are carried out at once, beside running views: INSERT INTO tables, EXPLAIN.
#pragma once

#include <string>
#include <vector>

#include "apps/command_line.h"

namespace meterstream {

class SqlCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "sql"; }
  [[nodiscard]] std::string summary() const override {
    return "Carry out SQL statements: INSERT INTO a table, EXPLAIN a view";
  }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  std::vector<std::string> schemas_;
  std::vector<std::string> files_;
  std::vector<std::string> statements_;
};

}  // namespace meterstream
