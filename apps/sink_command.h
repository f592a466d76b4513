// Purpose: `sink TYPE`: keeps a topic in a store outside of the log. Only writes the CREATE SINK statements and runs them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "apps/run_command.h"

namespace meterstream {

struct SinkOptions {
  std::string type;
  /// Of a sink of aggregates: each has topic metrics-aggregates-<w> and table metrics_aggregates_<w>.
  std::vector<std::string> windows;
  /// Empty: the usual one of the window.
  std::string bucket;
  std::string topic;
  std::string table;
  std::string ttl;
  std::string keyspace;
  std::string uri;
  std::string contents;
  std::string key_prefix;
};

/// The statements. kInvalid when an option does not go with the type.
Result<std::string> sink_sql(const SinkOptions& options);

class SinkCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "sink"; }
  [[nodiscard]] std::string summary() const override {
    return "Keep a topic in Cassandra, Redis, a Parquet lake or the embedded store";
  }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  FlowOptions flow_;
  SinkOptions options_;
  bool print_sql_ = false;
};

}  // namespace meterstream
