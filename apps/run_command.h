// Purpose: `run`, `aggregate` and `store`: SQL flows on the embedded log. The shortcuts only write the SQL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "apps/program_run.h"

namespace meterstream {

/// Options that the three commands share.
struct FlowOptions {
  std::string application_id = "meterstream";
  bool until_idle = false;
  bool keep_open = false;
  std::optional<int64_t> threads;
  bool at_least_once = false;
  bool standby = false;

  void declare(CLI::App& app);
};

/// Compiles the SQL and runs it on the log that is configured; `file_name` is for messages.
/// kNotFound and kInvalid name the file.
Result<std::string> read_sql_file(const std::string& path);

Result<ExitCode> run_sql(const std::string& text, const std::string& file_name, const FlowOptions& flow,
                         const CommandContext& context);

class RunCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "run"; }
  [[nodiscard]] std::string summary() const override { return "Run the flows of a SQL file"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  FlowOptions flow_;
  std::string file_;
};

/// What `aggregate` and `store` have in common.
struct AggregateFlags {
  std::vector<std::string> windows;
  std::string grace = "5m";
  std::string topic = "metrics";
  std::string deduplicate;
  bool emit_changes = false;
  bool print_sql = false;

  void declare(CLI::App& app);
  /// The SQL; with `store`, each window also gets a sink with that bucket ("none" for no bucket). Topics that it creates
  /// get `partitions`.
  Result<std::string> sql(bool store, const std::string& bucket, int64_t partitions) const;
};

class AggregateCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "aggregate"; }
  [[nodiscard]] std::string summary() const override {
    return "Windowed aggregates of topic metrics into metrics-aggregates-<w>";
  }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  FlowOptions flow_;
  AggregateFlags flags_;
};

class StoreCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "store"; }
  [[nodiscard]] std::string summary() const override {
    return "Aggregate, and keep the results in the embedded store for query";
  }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  FlowOptions flow_;
  AggregateFlags flags_;
  std::string bucket_ = "days";
};

}  // namespace meterstream
