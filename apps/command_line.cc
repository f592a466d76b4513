#include "apps/command_line.h"

#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/nearest_name.h"

namespace meterstream {
namespace {

constexpr const char* kExitCodes =
    "Exit codes:\n"
    "  0    done\n"
    "  1    failed; the message says why\n"
    "  2    wrong usage: options, configuration or SQL\n"
    "  3    data directory in use by another process or unavailable, or disk full\n"
    "  4    stored data is corrupt\n"
    "  130  interrupted; what was committed is kept\n\n"
    "Options may also come from meterstream.toml in the current directory (or --config FILE); flags win.\n"
    "'meterstream COMMAND --help' explains a command.";

struct GlobalOptions {
  std::string data_dir;
  std::string config;
  bool json = false;
  bool verbose = false;
};

std::string examples_footer(const Command& command) {
  std::string text = "Examples:\n";
  const std::string examples = command.examples();
  for (size_t start = 0; start < examples.size();) {
    const size_t end = std::min(examples.find('\n', start), examples.size());
    if (end > start) text += "  " + examples.substr(start, end - start) + "\n";
    start = end + 1;
  }
  return text;
}

void declare_globals(CLI::App& app, GlobalOptions& options) {
  app.add_option("--data-dir", options.data_dir, "Home of log, state and tables (meterstream-data)")->type_name("DIR");
  app.add_option("--config", options.config, "Settings (./meterstream.toml when it exists)")->type_name("FILE");
  app.add_flag("--json", options.json, "Print what a script can read");
  app.add_flag("--verbose", options.verbose, "Say more about what happens");
  app.set_version_flag("--version", std::string("meterstream ") + METERSTREAM_VERSION);
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

/// The subcommand being used, or null.
const CLI::App* chosen(const CLI::App& app) {
  const auto subcommands = app.get_subcommands();
  return subcommands.empty() ? nullptr : subcommands.front();
}

std::string explain_unknown(const CLI::App& app, const CommandList& commands, const std::string& word) {
  const CLI::App* subcommand = chosen(app);
  if (word.starts_with("-")) {
    const std::string name = word.substr(0, word.find('='));
    std::vector<std::string> names = option_names(app);
    std::string where = "meterstream";
    if (subcommand != nullptr) {
      for (std::string& own : option_names(*subcommand)) names.push_back(std::move(own));
      where = subcommand->get_name();
    }
    return fmt::format("unknown option '{}' of {}.{}", name, where, did_you_mean(name, names));
  }
  if (subcommand != nullptr) return fmt::format("'{}' takes no argument '{}'", subcommand->get_name(), word);
  std::vector<std::string> names;
  for (const auto& command : commands) names.push_back(command->name());
  return fmt::format("unknown command '{}'.{}", word, did_you_mean(word, names));
}

ExitCode usage_error(const CLI::App& app, const std::string& message) {
  const CLI::App* subcommand = chosen(app);
  const std::string help = subcommand == nullptr ? "" : subcommand->get_name() + " ";
  fmt::print(stderr, "meterstream: {}\nSee 'meterstream {}--help'.\n", message, help);
  return ExitCode::kUsage;
}

std::string given_globals(const GlobalOptions& options) {
  std::string text;
  if (!options.data_dir.empty()) text += " --data-dir " + options.data_dir;
  if (!options.config.empty()) text += " --config " + options.config;
  return text;
}

Result<ExitCode> run(Command& command, const GlobalOptions& options) {
  ASSIGN_OR_RETURN(Configuration configuration, load_configuration(options.config));
  if (!options.data_dir.empty()) configuration.data_dir = options.data_dir;
  const SystemClock clock;
  const CommandContext context{
      configuration, options.json,          options.verbose, terminal_of(STDOUT_FILENO), terminal_of(STDERR_FILENO),
      clock,         given_globals(options)};
  return command.run(context);
}

ExitCode run_and_report(Command& command, const GlobalOptions& options) {
  const Result<ExitCode> result = run(command, options);
  if (std::fflush(stdout) != 0) {
    fmt::print(stderr, "meterstream {}: cannot write to standard output. Is the disk full?\n", command.name());
    return ExitCode::kFailed;
  }
  if (result) return *result;
  fmt::print(stderr, "meterstream {}: {}\n", command.name(), result.error().message);
  return exit_code_of(result.error());
}

ExitCode parse_and_run(CLI::App& app, int argument_count, const char* const* arguments, const CommandList& commands,
                       const GlobalOptions& options) {
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::Success& success) {
    app.exit(success);  // prints help or version
    return ExitCode::kDone;
  } catch (const CLI::ParseError& error) {
    const auto unknown = app.remaining(true);
    if (!unknown.empty()) return usage_error(app, explain_unknown(app, commands, unknown.front()));
    return usage_error(app, error.what());
  }
  const CLI::App* subcommand = chosen(app);
  if (subcommand == nullptr) {
    fmt::print(stderr, "{}", app.help());
    return ExitCode::kUsage;
  }
  for (const auto& command : commands) {
    if (command->name() == subcommand->get_name()) return run_and_report(*command, options);
  }
  return ExitCode::kFailed;
}

}  // namespace

ExitCode exit_code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return ExitCode::kUsage;
    case ErrorCode::kConflict:
    case ErrorCode::kUnavailable:
      return ExitCode::kDataDirectory;
    case ErrorCode::kCorrupt:
      return ExitCode::kCorrupt;
    case ErrorCode::kCancelled:
      return ExitCode::kInterrupted;
    case ErrorCode::kNotFound:
    case ErrorCode::kOutOfRange:
      break;
  }
  return ExitCode::kFailed;
}

int run_command_line(int argument_count, const char* const* arguments, const CommandList& commands) {
  CLI::App app("Meterstream: smart-meter readings through a durable log into exact aggregates.", "meterstream");
  GlobalOptions options;
  declare_globals(app, options);
  app.footer(kExitCodes);
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(34);
  for (const auto& command : commands) {
    CLI::App* subcommand = app.add_subcommand(command->name(), command->summary());
    // Global options may stand behind the command, too.
    subcommand->fallthrough();
    subcommand->footer(examples_footer(*command));
    command->declare(*subcommand);
  }
  return static_cast<int>(parse_and_run(app, argument_count, arguments, commands, options));
}

}  // namespace meterstream
