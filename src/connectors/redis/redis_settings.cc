#include "connectors/redis/redis_settings.h"

#include <fmt/format.h>

namespace meterstream {

Status check_redis_settings(const RedisSettings& settings) {
  if (settings.host.empty()) return invalid("[redis] host is empty. Name the server, such as 127.0.0.1");
  if (settings.host.find_first_of("/@ ") != std::string::npos) {
    // Not quoted: a URL may hold a password.
    return invalid(
        "[redis] host is no name of a host. Leave out 'redis://' and the like; port, db, user and password_file are "
        "settings of their own");
  }
  if (settings.port < 1 || settings.port > 65'535)
    return invalid(fmt::format("[redis] port is {}; it lies between 1 and 65535", settings.port));
  if (settings.db < 0) return invalid(fmt::format("[redis] db is {}; databases count from 0", settings.db));
  RETURN_IF_ERROR(check_server_login(settings, "redis"));
  if (settings.ttl_s < 0) return invalid(fmt::format("[redis] ttl is {} s; use 0 to keep all", settings.ttl_s));
  // Beyond this the server would compute a time of expiry that is none.
  constexpr int64_t kMaxTtlS = int64_t{100} * 366 * 86'400;
  if (settings.ttl_s > kMaxTtlS)
    return invalid(fmt::format("[redis] ttl is {} s; at most {} s, or 0 to keep all", settings.ttl_s, kMaxTtlS));
  if (settings.connect_timeout_ms < 1 || settings.request_timeout_ms < 1)
    return invalid("[redis] connect_timeout and request_timeout must be at least 1 ms");
  if (settings.pipeline_depth < 1) return invalid("[redis] pipeline_depth must be at least 1");
  if (settings.first_pause_ms < 1 || settings.longest_pause_ms < settings.first_pause_ms)
    return invalid("[redis] the pauses between attempts must be at least 1 ms, and the longest not below the first");
  return {};
}

std::string redis_address(const RedisSettings& settings) {
  const bool has_colon = settings.host.find(':') != std::string::npos;
  return has_colon ? fmt::format("[{}]:{}", settings.host, settings.port)
                   : fmt::format("{}:{}", settings.host, settings.port);
}

}  // namespace meterstream
