#include "connectors/redis/redis_refusal.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace meterstream {
namespace {

constexpr std::string_view kScriptFailure = "ERR Error running script";

bool is_word(std::string_view text) {
  return text.size() > 1 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

std::string named_user(const RedisSettings& settings) {
  if (!settings.user.empty()) return "user " + settings.user;
  const bool has_login = !settings.password.empty() || !settings.password_file.empty();
  return has_login ? "the password" : "clients without a login";
}

}  // namespace

std::string_view redis_error_word(std::string_view text) {
  if (text.starts_with(kScriptFailure)) {
    // Redis 6 puts its own words before the error that a command in the script met.
    const size_t dash = text.find(" -");
    if (dash != std::string_view::npos) {
      const std::string_view word = text.substr(dash + 2, text.find(' ', dash + 2) - dash - 2);
      if (is_word(word)) return word;
    }
  }
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::string_view word = text.substr(0, text.find(' '));
  return is_word(word) ? word : "ERR";
}

Error redis_cluster_refusal(const RedisSettings& settings) {
  return invalid(fmt::format(
      "redis {}: the server belongs to a Redis Cluster, which is not supported. Set [redis] host and port to "
      "a server that stands alone, or to a proxy in front of the cluster",
      redis_address(settings)));
}

Error redis_refusal(std::string_view text, const RedisSettings& settings) {
  const std::string_view word = redis_error_word(text);
  const std::string where = fmt::format("redis {}", redis_address(settings));
  if (is_one_of(word, {"WRONGPASS", "NOAUTH"}) || text.starts_with("ERR invalid password")) {
    return invalid(
        fmt::format("{} refuses {}: {}. Check [redis] user and password_file", where, named_user(settings), text));
  }
  if (text.starts_with("ERR AUTH") || text.starts_with("ERR Client sent AUTH")) {
    return invalid(
        fmt::format("{} knows no password: {}. Leave out [redis] password_file, or set it at the server", where, text));
  }
  if (word == "NOPERM") {
    return invalid(fmt::format(
        "{} does not allow {} what is needed: {}. Grant it at the server: ACL SETUSER NAME ~{}* +@read +@write "
        "+@scripting +@connection +info",
        where, named_user(settings), text, settings.key_prefix));
  }
  if (text.find("DB index") != std::string_view::npos) {
    return invalid(fmt::format("{} has no database {}: {}. Set [redis] db to one below its setting 'databases'", where,
                               settings.db, text));
  }
  if (is_one_of(word, {"MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN"}) ||
      text.find("in cluster mode") != std::string_view::npos)
    return redis_cluster_refusal(settings);
  if (word == "WRONGTYPE") {
    return invalid(fmt::format(
        "{}: a key is of another type: {}. Set [redis] key_prefix or db apart from other users of the server", where,
        text));
  }
  if (word == "DENIED") return invalid(fmt::format("{} takes clients of its own machine only: {}", where, text));
  if (word == "OOM") {
    return unavailable(fmt::format(
        "{} is full (maxmemory): {}. Raise maxmemory, or set [redis] ttl so that silent gateways go", where, text));
  }
  if (word == "READONLY") {
    return unavailable(fmt::format(
        "{} is a replica that takes no writes: {}. Set [redis] host to the primary, or wait until this one is it",
        where, text));
  }
  if (is_one_of(word, {"LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN", "NOREPLICAS", "MISCONF"}) ||
      text.find("max number of clients") != std::string_view::npos)
    return unavailable(fmt::format("{} takes nothing for now: {}", where, text));
  return invalid(fmt::format("{} refuses a command: {}. Meterstream needs Redis 4 or newer with scripts", where, text));
}

}  // namespace meterstream
