// Purpose: how to reach a Redis server, and what is kept there.
// Units: milliseconds, seconds.
// Thread-safety: values and pure functions. Secrets: `password` is never part of a message; log nothing of this struct but
//                host, port, db and user.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/server_login.h"

namespace meterstream {

/// Without a user the password is that of the user `default`; without a password there is no login.
struct RedisSettings : ServerLogin {
  /// Name or address of one server that takes writes; no Cluster, no Sentinel.
  std::string host = "127.0.0.1";
  int32_t port = 6379;
  int32_t db = 0;

  /// False accepts any certificate: for tests only.
  bool verify = true;

  /// Before every key.
  std::string key_prefix;
  /// A gateway not heard of for so long is forgotten by the server; 0: never.
  int64_t ttl_s = 0;

  int64_t connect_timeout_ms = 2'000;
  /// A connection on which the server takes and gives nothing for so long is given up.
  int64_t request_timeout_ms = 5'000;
  /// Calls on their way at a time, of some hundred updates each.
  int32_t pipeline_depth = 16;
  /// A connection that failed is tried again after pauses that double, with jitter.
  int64_t first_pause_ms = 100;
  int64_t longest_pause_ms = 5'000;
};

/// kInvalid when the settings cannot work; the message names the setting as the file does.
Status check_redis_settings(const RedisSettings& settings);
/// "host:port", for messages.
std::string redis_address(const RedisSettings& settings);

}  // namespace meterstream
