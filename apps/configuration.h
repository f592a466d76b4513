// Purpose: settings of the program. Precedence: command-line flags, then meterstream.toml, then the defaults here.
// Units: names end in their unit; in the file, durations are "5m" or seconds, sizes "2GB", counts numbers or "1.5M".
// Thread-safety: values and pure functions; load reads one file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace meterstream {

struct ReplaySettings {
  /// Readings a second; 0 as fast as possible.
  int64_t rate = 0;
  /// Partitions of topic `metrics` when replay creates it.
  int64_t partitions = 4;
  int64_t batch_records = 65'536;
  int64_t commit_interval_ms = 100;
};

struct EngineSettings {
  /// 0: one for each core.
  int64_t threads = 0;
  /// Memory for open windows; beyond it they live in the store, slower and correct.
  int64_t memory_budget_bytes = 1'000'000'000;
  /// At most this long between commits.
  int64_t commit_interval_ms = 100;
  /// A commit returns when it is on stable storage. Without it a power failure (not a crash) may lose the latest ones.
  bool durable = true;
};

struct TimeSettings {
  /// A partition without data for this long stops holding the others back; when all are idle, open windows close as
  /// wall-clock time passes. Streams may say otherwise in SQL (idle_timeout, max_ahead).
  int64_t idle_timeout_ms = 30'000;
  /// A timestamp ahead of its arrival by more than this moves the watermark only so far.
  int64_t max_ahead_ms = 60'000;
};

struct Configuration {
  std::string data_dir = "meterstream-data";
  ReplaySettings replay;
  EngineSettings engine;
  TimeSettings time;
};

/// Reads TOML. kInvalid, with file and line, for a syntax error, an unknown key (names the nearest) or a bad value.
Result<Configuration> parse_configuration(std::string_view toml, std::string_view file_name);

/// The file at `path`; without one (empty), ./meterstream.toml when it exists, else the defaults.
Result<Configuration> load_configuration(const std::string& path);

/// "engine.threads", ...; all that the file may hold.
std::vector<std::string> configuration_keys();

}  // namespace meterstream
