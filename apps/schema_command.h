// Purpose: `schema cassandra`: prints the tables of the platform as CQL, or makes them.
#pragma once

#include <string>
#include <vector>

#include "apps/command_line.h"
#include "apps/configuration.h"
#include "state/aggregate_table.h"

namespace meterstream {

class SchemaCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "schema"; }
  [[nodiscard]] std::string summary() const override { return "Print or make the tables of the platform in Cassandra"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  /// Tables that are made with the same settings.
  struct Part {
    CassandraSettings settings;
    std::vector<AggregateTableDefinition> tables;
  };
  [[nodiscard]] Result<std::vector<Part>> parts(const CommandContext& context) const;
  [[nodiscard]] Result<std::vector<Part>> parts_of_file(const CassandraSettings& settings) const;
  [[nodiscard]] Result<std::vector<AggregateTableDefinition>> tables_of_windows() const;

  std::string store_;
  std::string file_;
  std::vector<std::string> windows_;
  std::string bucket_;
  std::string keyspace_;
  std::string ttl_;
  std::string compaction_window_;
  bool apply_ = false;
};

}  // namespace meterstream
