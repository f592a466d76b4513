// Purpose: the frame of the program: global options, one Command a subcommand, exit codes, help.
// Thread-safety: none; used once from main.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/configuration.h"
#include "apps/terminal.h"
#include "base/clock.h"
#include "base/result.h"

namespace CLI {
class App;
}

namespace meterstream {

enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,          ///< bad options, configuration or SQL
  kDataDirectory = 3,  ///< conflict (in use, another definition) or unavailable (disk full, Kafka away)
  kCorrupt = 4,
  kInterrupted = 130,
};

/// What a script should learn from an error.
ExitCode exit_code_of(const Error& error);

/// What every command gets: global options, already merged with the configuration file.
struct CommandContext {
  const Configuration& configuration;
  /// Print what a script can read (one JSON document, or one a line).
  bool json = false;
  bool verbose = false;
  Terminal output;
  Terminal errors;
  const Clock& clock;
  /// "--data-dir x --config y" as given, for command lines that a message proposes.
  std::string given_globals;
  /// The program as it was called, for the same.
  std::string program = "meterstream";
};

/// One subcommand. Its options struct is a member that declare() binds; values not given stay nullopt, so that the
/// configuration can fill them.
class Command {
 public:
  virtual ~Command() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// One line for the list of commands.
  [[nodiscard]] virtual std::string summary() const = 0;
  /// Command lines, one a line, as a user would type them.
  [[nodiscard]] virtual std::string examples() const = 0;
  virtual void declare(CLI::App& app) = 0;
  /// Prints results to standard output, everything else to standard error. An error is printed by the frame.
  virtual Result<ExitCode> run(const CommandContext& context) = 0;
};

using CommandList = std::vector<std::unique_ptr<Command>>;

/// Parses, runs and reports; returns the process's exit code.
int run_command_line(int argument_count, const char* const* arguments, const CommandList& commands);

}  // namespace meterstream
