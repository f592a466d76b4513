// Purpose: commands as a Redis server reads them.
// Format: RESP: "*count\r\n", then "$length\r\n", bytes and "\r\n" for each argument.
// Thread-safety: pure functions.
#pragma once

#include <charconv>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace meterstream {

inline void append_redis_count(std::string& out, char mark, size_t count) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), count).ptr;
  out.push_back(mark);
  out.append(digits, end);
  out.append("\r\n", 2);
}

/// `arguments` of append_redis_argument() must follow.
inline void begin_redis_command(std::string& out, size_t arguments) {
  append_redis_count(out, '*', arguments);
}

inline void append_redis_argument(std::string& out, std::string_view argument) {
  append_redis_count(out, '$', argument.size());
  out.append(argument);
  out.append("\r\n", 2);
}

inline void append_redis_command(std::string& out, std::span<const std::string_view> arguments) {
  begin_redis_command(out, arguments.size());
  for (const std::string_view argument : arguments) append_redis_argument(out, argument);
}
inline void append_redis_command(std::string& out, std::initializer_list<std::string_view> arguments) {
  append_redis_command(out, std::span(arguments.begin(), arguments.size()));
}

}  // namespace meterstream
