// Purpose: what an error that a Redis server answers means, and what to do about it.
// Guarantee: no message holds a password.
// Errors: kInvalid (the settings or the data there must change), kUnavailable (passes by itself or is put right at the
//         server: retry), told apart by the error's first word.
// Thread-safety: pure functions. Source: server.c, acl.c, cluster.c and script.c of Redis 6 and 7.
#pragma once

#include <string_view>

#include "base/result.h"
#include "connectors/redis/redis_settings.h"

namespace meterstream {

/// The first word of an error, such as "WRONGTYPE", also of one that a script passes on; "ERR" for what has no word.
std::string_view redis_error_word(std::string_view text);
Error redis_refusal(std::string_view text, const RedisSettings& settings);
Error redis_cluster_refusal(const RedisSettings& settings);

}  // namespace meterstream
