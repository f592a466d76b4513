// Purpose: `demo`: the whole main job in one go, on simulated households or a real file.
#pragma once

#include <string>

#include "apps/command_line.h"
#include "apps/data_directory.h"
#include "apps/program_run.h"
#include "apps/replay_command.h"

namespace meterstream {

struct DemoOptions {
  /// Empty: simulate.
  std::string data;
  /// Empty: electricity of a file, all types of the simulation.
  std::string type;
  int64_t households = 0;  ///< 0: 500 simulated, 20 for a file
  std::string duration = "1d";
  uint64_t seed = 1;
};

class DemoCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "demo"; }
  [[nodiscard]] std::string summary() const override {
    return "Replay simulated households (or a file), aggregate, store and query, and sum it all up";
  }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  [[nodiscard]] ReplayOptions replay_options() const;
  Status prepare_directory(const std::string& directory, const Clock& clock) const;
  Result<int64_t> replay(ReplaySource& source, DataDirectory& data, const CommandContext& context,
                         const std::atomic<bool>& stop, double& seconds) const;
  Status print_chart(DataDirectory& data, const CommandContext& context) const;
  void print_next(const std::string& directory, const CommandContext& context) const;

  DemoOptions options_;
};

}  // namespace meterstream
