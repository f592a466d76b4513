// Purpose: `replay`: readings of a data set or the simulator into topic `metrics`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "apps/command_line.h"
#include "apps/replay_position.h"
#include "apps/replay_source.h"

namespace meterstream {

struct ReplayOptions {
  std::string type;
  /// A file, or "simulate".
  std::string data;
  std::string topic = "metrics";
  std::string rate;
  std::string households = "1";
  int64_t day_offset = 0;
  std::string count;
  bool no_offset = false;
  std::optional<int64_t> partitions;
  std::optional<int64_t> from_line;
  bool resume = false;
  // Of the simulator only.
  uint64_t seed = 1;
  std::string start = "2007-01-01T00:00:00Z";
  std::string duration = "1d";
  std::string interval = "1m";

  [[nodiscard]] bool is_simulation() const { return data == "simulate"; }
};

struct HouseholdRange {
  int64_t first = 1;
  int64_t last = 1;
};
/// "7" or "1-500".
Result<HouseholdRange> parse_households(std::string_view text);

/// What these options replay, as one text: the name of the stored position.
std::string replay_name(const ReplayOptions& options);
/// The command line that goes on where this replay stopped.
std::string resume_command(const ReplayOptions& options, std::string_view globals);
Result<std::unique_ptr<ReplaySource>> make_replay_source(const ReplayOptions& options);

class ReplayCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "replay"; }
  [[nodiscard]] std::string summary() const override {
    return "Replay a data set, or simulated meters, into topic metrics";
  }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  Result<ReplayPosition> starting_position(const KeyValueStore& state) const;

  ReplayOptions options_;
};

}  // namespace meterstream
