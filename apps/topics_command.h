// Purpose: `topics` and `describe`: what is in the log.
#pragma once

#include <string>

#include "apps/command_line.h"

namespace meterstream {

class TopicsCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "topics"; }
  [[nodiscard]] std::string summary() const override { return "List the topics of the log"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App&) override {}
  Result<ExitCode> run(const CommandContext& context) override;
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
