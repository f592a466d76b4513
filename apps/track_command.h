// Purpose: `track`: how long it takes until a topic has held N records, how fast they came and how old they were.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/command_line.h"

namespace meterstream {

struct TrackOptions {
  std::string topic;
  std::string count;
  std::string from = "beginning";
  std::string timeout;
};

class TrackCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "track"; }
  [[nodiscard]] std::string summary() const override { return "Time until N records were seen, with rate and delays"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  TrackOptions options_;
};

/// The value below which `share` (0 to 1) of the sorted values lie, by nearest rank; 0 for none.
int64_t percentile(const std::vector<int64_t>& sorted, double share);

}  // namespace meterstream
