#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "apps/replay_command.h"
#include "apps/shell_text.h"
#include "metering/duration.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr int64_t kDay_ms = 86'400'000;
// Days from the first of year 1 to the last of year 9999.
constexpr int64_t kMostDays = 3'652'058;

Status check_day_offset(const ReplayOptions& options) {
  if (options.day_offset >= -kMostDays && options.day_offset <= kMostDays) return {};
  return invalid(fmt::format("--day-offset {}: leads out of the years 1 to 9999; give at most {} days",
                             options.day_offset, kMostDays));
}

Result<SimulatorConfig> simulator_config(const ReplayOptions& options) {
  ASSIGN_OR_RETURN(const HouseholdRange households, parse_households(options.households));
  if (households.last > 10'000'000) return invalid("the simulator takes households up to 10000000");
  SimulatorConfig config;
  config.seed = options.seed;
  config.first_household = static_cast<int32_t>(households.first);
  config.households = static_cast<int32_t>(households.last - households.first + 1);
  ASSIGN_OR_RETURN(config.start, parse_timestamp_or_explain(options.start));
  config.start.value += options.day_offset * kDay_ms;
  ASSIGN_OR_RETURN(config.interval_ms, parse_duration(options.interval));
  if (config.interval_ms < 1000) return invalid("--interval must be at least 1s");
  if (!options.type.empty()) {
    config.electricity = options.type == "electricity";
    config.water = options.type == "water";
    config.gas = options.type == "gas";
  }
  return config;
}

}  // namespace

Result<HouseholdRange> parse_households(std::string_view text) {
  HouseholdRange range;
  const char* end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, range.first);
  bool valid = error == std::errc();
  range.last = range.first;
  if (valid && rest != end) {
    valid = *rest == '-';
    if (valid) {
      const auto last = std::from_chars(rest + 1, end, range.last);
      valid = last.ec == std::errc() && last.ptr == end;
    }
  }
  if (!valid || range.first < 0 || range.last < range.first) {
    return invalid(fmt::format("--households {}: give one number or a range such as 1-500", text));
  }
  return range;
}

std::string replay_name(const ReplayOptions& options) {
  std::string data = options.data;
  if (options.is_simulation()) {
    data += fmt::format(" seed={} start={} duration={} interval={}", options.seed, options.start, options.duration,
                        options.interval);
  } else {
    std::error_code code;
    const auto absolute = std::filesystem::weakly_canonical(options.data, code);
    if (!code) data = absolute.string();
  }
  return fmt::format("{} <- {} type={} households={} day-offset={}{}", options.topic, data, options.type,
                     options.households, options.day_offset, options.no_offset ? " raw" : "");
}

std::string resume_command(const ReplayOptions& options, std::string_view globals) {
  std::string line = fmt::format("meterstream{} replay", globals);
  if (!options.type.empty()) line += " --type " + options.type;
  line += " --data " + shell_quoted(options.data);
  if (options.topic != "metrics") line += " --topic " + shell_quoted(options.topic);
  if (options.is_simulation()) {
    line += fmt::format(" --seed {} --start {} --duration {} --interval {}", options.seed, shell_quoted(options.start),
                        options.duration, options.interval);
  }
  line += " --households " + options.households;
  if (options.day_offset != 0) line += fmt::format(" --day-offset {}", options.day_offset);
  if (options.no_offset) line += " --no-offset";
  if (!options.rate.empty()) line += " --rate " + options.rate;
  if (!options.count.empty()) line += " --count " + options.count;
  return line + " --resume";
}

Result<std::unique_ptr<ReplaySource>> make_replay_source(const ReplayOptions& options) {
  RETURN_IF_ERROR(check_day_offset(options));
  if (options.is_simulation()) {
    ASSIGN_OR_RETURN(const SimulatorConfig config, simulator_config(options));
    ASSIGN_OR_RETURN(const int64_t duration_ms, parse_duration(options.duration));
    if (duration_ms < config.interval_ms) {
      return invalid(fmt::format("--duration {}: is shorter than the {} from one reading to the next; make it longer",
                                 options.duration, format_duration(config.interval_ms)));
    }
    if (!is_replay_time(config.start.value) || duration_ms > kMostDays * kDay_ms ||
        !is_replay_time(config.start.value + duration_ms)) {
      return invalid(
          fmt::format("{} days after {}, for {}: leaves the years 1 to 9999; give another --day-offset, "
                      "--start or --duration",
                      options.day_offset, options.start, options.duration));
    }
    return make_simulated_replay_source(config, duration_ms / config.interval_ms);
  }
  const ReplayOptions defaults;
  if (options.seed != defaults.seed || options.start != defaults.start || options.duration != defaults.duration ||
      options.interval != defaults.interval) {
    return invalid("--seed, --start, --duration and --interval are for --data simulate; leave them out with a file");
  }
  if (options.type.empty()) {
    return invalid("say with --type what the file holds: electricity (UCI), water or gas (AMPds2)");
  }
  ASSIGN_OR_RETURN(const HouseholdRange households, parse_households(options.households));
  FileReplayConfig config{options.type, options.data, {}};
  config.fanout.first_household = households.first;
  config.fanout.last_household = households.last;
  config.fanout.raw = options.no_offset;
  config.fanout.day_offset = options.day_offset;
  return make_file_replay_source(config);
}

}  // namespace meterstream
