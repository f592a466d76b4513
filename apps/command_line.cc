#include "apps/command_line.h"

#include <cstdio>
#include <exception>
#include <optional>
#include <system_error>

#include <CLI/CLI.hpp>
#include <absl/strings/str_split.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "apps/option_check.h"
#include "apps/shell_text.h"
#include "base/nearest_name.h"

namespace meterstream {
namespace {

constexpr const char* kExitCodes =
    "Exit codes:\n"
    "  0    done\n"
    "  1    failed; the message says why\n"
    "  2    wrong usage: options, configuration or SQL\n"
    "  3    conflict (data directory in use by another process, a view or table with another definition) or\n"
    "       unavailable (disk full, no permission there, Kafka or the registry away)\n"
    "  4    stored data is corrupt\n"
    "  130  interrupted; what was committed is kept\n\n"
    "Options may also come from meterstream.toml in the current directory (or --config FILE); flags win.\n"
    "'meterstream COMMAND --help' explains a command.";

struct GlobalOptions {
  std::string data_dir;
  std::string config;
  std::string kafka;
  std::string registry;
  std::optional<int32_t> schema_id;
  std::string schema_file;
  bool json = false;
  bool verbose = false;
  /// As called, quoted for a shell.
  std::string program;
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
  app.add_option("--kafka", options.kafka, "Work on the topics of this cluster instead of the data directory's")
      ->type_name("HOST:PORT,...");
  app.add_option("--registry", options.registry, "With --kafka: the schema registry")->type_name("URL,...");
  app.add_option("--schema-id", options.schema_id, "With --kafka, without a registry: the schema id that records carry")
      ->type_name("N")
      ->check(whole_number_from(1));
  app.add_option("--schema-file", options.schema_file, "The Avro schema behind --schema-id (that of readings)")
      ->type_name("FILE");
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
  if (!options.data_dir.empty()) text += " --data-dir " + shell_quoted(options.data_dir);
  if (!options.config.empty()) text += " --config " + shell_quoted(options.config);
  if (!options.kafka.empty()) text += " --kafka " + shell_quoted(options.kafka);
  if (!options.registry.empty()) text += " --registry " + shell_quoted(options.registry);
  if (options.schema_id) text += fmt::format(" --schema-id {}", *options.schema_id);
  if (!options.schema_file.empty()) text += " --schema-file " + shell_quoted(options.schema_file);
  return text;
}

/// Flags win over the file. Registry and schema id exclude each other, so a flag for one takes the place of the other.
Status apply_flags(const GlobalOptions& options, Configuration& configuration) {
  if (!options.data_dir.empty()) configuration.data_dir = options.data_dir;
  if (!options.kafka.empty()) configuration.kafka.brokers = options.kafka;
  const bool names_schema = options.schema_id || !options.schema_file.empty();
  if (options.registry.empty() && !names_schema) return {};
  if (configuration.kafka.brokers.empty()) {
    return invalid("--registry, --schema-id and --schema-file are for Kafka; add --kafka HOST:PORT or leave them out");
  }
  RegistrySettings& registry = configuration.registry;
  if (!options.registry.empty()) {
    if (names_schema) return invalid("--registry and --schema-id exclude each other: a registry knows the ids");
    registry.urls = absl::StrSplit(options.registry, ',', absl::SkipEmpty());
    registry.schema_id = 0;
    registry.schema_file.clear();
    return {};
  }
  registry.urls.clear();
  if (options.schema_id) registry.schema_id = *options.schema_id;
  if (!options.schema_file.empty()) registry.schema_file = options.schema_file;
  return {};
}

/// Diagnostics of the libraries' wrappers; standard output is for results.
void send_diagnostics_to_standard_error(bool verbose) {
  auto logger = spdlog::stderr_logger_mt("meterstream");
  logger->set_pattern(verbose ? "%H:%M:%S.%e [%t] %v" : "meterstream: %v");
  // What librdkafka's `debug` setting asks for comes as trace.
  logger->set_level(verbose ? spdlog::level::trace : spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

Result<ExitCode> run(Command& command, const GlobalOptions& options) {
  ASSIGN_OR_RETURN(Configuration configuration, load_configuration(options.config));
  RETURN_IF_ERROR(apply_flags(options, configuration));
  send_diagnostics_to_standard_error(options.verbose);
  const SystemClock clock;
  const CommandContext context{
      configuration, options.json,           options.verbose, terminal_of(STDOUT_FILENO), terminal_of(STDERR_FILENO),
      clock,         given_globals(options), options.program};
  return command.run(context);
}

/// Printing throws where the system does not take the text.
Result<ExitCode> run_until_output_fails(Command& command, const GlobalOptions& options) {
  try {
    return run(command, options);
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) != 0) return ExitCode::kFailed;
    return unavailable(fmt::format("{}. Try again when the cause is gone", error.what()));
  }
}

ExitCode run_and_report(Command& command, const GlobalOptions& options) {
  const Result<ExitCode> result = run_until_output_fails(command, options);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    const std::string name = command.name();
    std::fprintf(stderr, "meterstream %s: cannot write to standard output. Is the disk full?\n", name.c_str());
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
  options.program = argument_count > 0 ? shell_quoted(arguments[0]) : "meterstream";
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
