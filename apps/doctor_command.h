// Purpose: `doctor`: looks at the machine, the installation, the data directory and the cluster, and says what to do.
#pragma once

#include <string>
#include <vector>

#include "apps/command_line.h"

namespace meterstream {

struct DoctorOptions {
  bool quick = false;
  bool probe = false;
};

struct Diagnosis {
  enum class State : unsigned char { kGood, kWarning, kBad };
  std::string check;
  State state = State::kGood;
  std::string detail;
  /// What to do; empty when nothing is.
  std::string advice;
  /// What a bad one makes of the exit code.
  ExitCode exit_code = ExitCode::kFailed;
};

class DoctorCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "doctor"; }
  [[nodiscard]] std::string summary() const override { return "Check machine, installation and data; say what to do"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  DoctorOptions options_;
};

/// Processor, memory, limits, libraries.
std::vector<Diagnosis> diagnose_machine();
/// Disk, lock, format and checksums of the data directory. Takes as long as reading all of it, unless `quick`.
std::vector<Diagnosis> diagnose_data_directory(const CommandContext& context, bool quick);
/// Brokers, replication, settings of topics, groups, registry; nothing is changed, except that `probe` writes a record to a
/// topic of its own. What follows from an earlier failure is left out.
std::vector<Diagnosis> diagnose_kafka(const CommandContext& context, bool probe);

}  // namespace meterstream
