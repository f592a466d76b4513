// Purpose: `console`: the records of topics, readable.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/command_line.h"

namespace meterstream {

struct ConsoleOptions {
  std::vector<std::string> topics = {"metrics"};
  std::string from = "beginning";
  bool follow = false;
  std::optional<int64_t> limit;
  std::string key;
};

class Backbone;
class SignalStop;

class ConsoleCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "console"; }
  [[nodiscard]] std::string summary() const override { return "Print the records of a topic"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  /// False when it was told to stop, or has shown all that were wanted.
  Result<bool> show(const std::string& topic, const CommandContext& context, Backbone& backbone, const SignalStop& stop,
                    int64_t& shown) const;

  ConsoleOptions options_;
};

}  // namespace meterstream
