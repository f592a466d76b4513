// Purpose: `console`: the records of a topic, readable.
#pragma once

#include <optional>
#include <string>

#include "apps/command_line.h"

namespace meterstream {

struct ConsoleOptions {
  std::string topic = "metrics";
  std::string from = "beginning";
  bool follow = false;
  std::optional<int64_t> limit;
  std::string key;
};

class ConsoleCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "console"; }
  [[nodiscard]] std::string summary() const override { return "Print the records of a topic"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  ConsoleOptions options_;
};

}  // namespace meterstream
