// Purpose: `topics` and `describe`: what is in the log.
#pragma once

#include <cstdint>
#include <string>

#include "apps/command_line.h"

namespace meterstream {

struct TopicsOptions {
  /// Create this topic instead of listing.
  std::string create;
  int64_t partitions = 4;
  std::string retention;
  std::string retention_size;
  bool compact = false;
};

class TopicsCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "topics"; }
  [[nodiscard]] std::string summary() const override { return "List the topics of the log, or create one"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  Result<ExitCode> create(const CommandContext& context) const;

  TopicsOptions options_;
};

struct DescribeOptions {
  std::string topic;
};

class DescribeCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "describe"; }
  [[nodiscard]] std::string summary() const override {
    return "Show the partitions of a topic, their offsets and times";
  }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  DescribeOptions options_;
};

}  // namespace meterstream
