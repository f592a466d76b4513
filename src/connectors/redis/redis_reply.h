// Purpose: an answer of a Redis server.
// Thread-safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meterstream {

struct RedisReply {
  enum class Kind : uint8_t { kNull, kText, kInteger, kArray, kError };
  Kind kind = Kind::kNull;
  /// Of kText and kError.
  std::string text;
  int64_t integer = 0;
  std::vector<RedisReply> elements;

  [[nodiscard]] bool is_error() const { return kind == Kind::kError; }
};

}  // namespace meterstream
