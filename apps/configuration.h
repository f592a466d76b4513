// Purpose: settings of the program. Precedence: command-line flags, then the environment (the registry's password only),
//          then meterstream.toml, then the defaults here.
// Units: names end in their unit; in the file, durations are "5m" or seconds, sizes "2GB", counts numbers or "1.5M".
// Thread-safety: values and pure functions; load reads one file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/cassandra/cassandra_settings.h"
#include "connectors/lake/lake_settings.h"
#include "connectors/redis/redis_settings.h"
#include "connectors/registry/registry_settings.h"

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
  /// Records that views work on at a time; results do not depend on it.
  int64_t batch_records = 2048;
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

enum class ClusterGuarantee : uint8_t { kExactlyOnce, kAtLeastOnce };

/// A Kafka cluster, and how this program works on it.
struct ClusterSettings {
  /// "host:port,host:port"; empty: the log is embedded.
  std::string brokers;
  std::string client_id = "meterstream";
  /// Of topics that the program creates. 0: three, or as many as there are brokers.
  int64_t replication_factor = 0;
  int64_t partitions = 4;
  /// How long a request may wait for the cluster before it has failed.
  int64_t request_timeout_ms = 30'000;
  /// A transaction of a dead process holds readers back for at most this long.
  int64_t transaction_timeout_ms = 10'000;
  /// A process that is not heard of for this long loses its partitions to others.
  int64_t session_timeout_ms = 10'000;
  /// At most this long between commits.
  int64_t commit_interval_ms = 200;
  /// At least once: no transactions; after a crash readings may count twice.
  ClusterGuarantee guarantee = ClusterGuarantee::kExactlyOnce;
  /// Keep copies of the state of tasks that run in other processes, so that taking one over needs only the tail.
  bool standby = false;
  /// Name of this process in its group: after a restart within the session time-out it gets its partitions back, and no
  /// others move. Must differ between processes; empty: a new member at each start.
  std::string static_member;
  /// Passed to librdkafka as they are. Print them only through printable_setting().
  std::map<std::string, std::string> librdkafka;
};

struct Configuration {
  std::string data_dir = "meterstream-data";
  ReplaySettings replay;
  EngineSettings engine;
  TimeSettings time;
  ClusterSettings kafka;
  RegistrySettings registry;
  CassandraSettings cassandra;
  RedisSettings redis;
  LakeSettings lake;
};

/// Wins over the password in the file.
inline constexpr const char* kRegistryPasswordVariable = "METERSTREAM_REGISTRY_PASSWORD";

/// Reads TOML. kInvalid, with file and line, for a syntax error, an unknown key (names the nearest) or a bad value.
Result<Configuration> parse_configuration(std::string_view toml, std::string_view file_name);

/// The file at `path`; without one (empty), ./meterstream.toml when it exists, else the defaults.
Result<Configuration> load_configuration(const std::string& path);

/// "engine.threads", ...; all that the file may hold. "kafka.librdkafka.*" stands for any setting of librdkafka.
std::vector<std::string> configuration_keys();

/// The value as it may be shown: "***" for passwords, secrets, tokens and keys.
std::string printable_setting(std::string_view name, std::string_view value);

}  // namespace meterstream
