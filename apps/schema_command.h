// Purpose: `schema cassandra`: prints the tables of the platform as CQL, or makes them.
#pragma once

#include <string>

#include "apps/command_line.h"

namespace meterstream {

class SchemaCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "schema"; }
  [[nodiscard]] std::string summary() const override { return "Print or make the tables of the platform in Cassandra"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  std::string store_;
  std::string keyspace_;
  std::string ttl_;
  std::string compaction_window_;
  bool apply_ = false;
};

}  // namespace meterstream
