// Purpose: how latest readings are written in Redis.
// Format: docs/formats/redis.md. Key of a gateway: the prefix and the gateway; where that begins with "values:" or
//         "gateway:", "gateway:" stands between them. Key of its values: the prefix, "values:" and the gateway: a hash with
//         a field TYPE.ATTRIBUTE for each series ('.' and '\' of the type behind a '\').
// Units: times as ISO-8601 UTC text of 20 or, with milliseconds, 24 bytes, in the years 0 to 9999.
// Thread-safety: pure functions of an immutable object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "state/latest_table.h"

namespace meterstream {

class RedisLatestFormat {
 public:
  static constexpr int64_t kFirstTimeMs = -62'167'219'200'000;  // 0000-01-01T00:00:00Z
  static constexpr int64_t kLastTimeMs = 253'402'300'799'999;   // 9999-12-31T23:59:59.999Z

  explicit RedisLatestFormat(std::string key_prefix) : prefix_(std::move(key_prefix)) {}

  [[nodiscard]] std::string activity_key(std::string_view gateway) const;
  [[nodiscard]] std::string values_key(std::string_view gateway) const;

  struct Key {
    std::string_view gateway;
    bool has_values = false;
  };
  /// Nothing for a key that is not of this table.
  [[nodiscard]] std::optional<Key> parse_key(std::string_view key) const;

  static std::string field(std::string_view metric_type, std::string_view metric_attribute);
  /// "2007-01-01T12:00:00Z 1.5"
  static std::string value(int64_t timestamp_ms, double value);
  static std::optional<LatestReading> parse(std::string_view gateway, std::string_view field, std::string_view value);
  static std::optional<int64_t> parse_time(std::string_view text);

 private:
  std::string prefix_;
};

}  // namespace meterstream
