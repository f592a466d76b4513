#include "connectors/redis/redis_latest_format.h"

#include <charconv>

#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr std::string_view kValues = "values:";
constexpr std::string_view kGateway = "gateway:";

}  // namespace

std::string RedisLatestFormat::activity_key(std::string_view gateway) const {
  std::string key = prefix_;
  if (gateway.starts_with(kValues) || gateway.starts_with(kGateway)) key += kGateway;
  key += gateway;
  return key;
}

std::string RedisLatestFormat::values_key(std::string_view gateway) const {
  std::string key = prefix_;
  key += kValues;
  key += gateway;
  return key;
}

std::optional<RedisLatestFormat::Key> RedisLatestFormat::parse_key(std::string_view key) const {
  if (!key.starts_with(prefix_)) return std::nullopt;
  key.remove_prefix(prefix_.size());
  if (key.starts_with(kValues)) return Key{key.substr(kValues.size()), true};
  if (!key.starts_with(kGateway)) return Key{key, false};
  key.remove_prefix(kGateway.size());
  if (!key.starts_with(kValues) && !key.starts_with(kGateway)) return std::nullopt;
  return Key{key, false};
}

std::string RedisLatestFormat::field(std::string_view metric_type, std::string_view metric_attribute) {
  std::string field;
  field.reserve(metric_type.size() + metric_attribute.size() + 1);
  for (const char byte : metric_type) {
    if (byte == '.' || byte == '\\') field += '\\';
    field += byte;
  }
  field += '.';
  field += metric_attribute;
  return field;
}

std::string RedisLatestFormat::value(int64_t timestamp_ms, double value) {
  std::string text;
  append_timestamp(text, EventTime(timestamp_ms));
  text += ' ';
  char digits[32];
  text.append(digits, std::to_chars(digits, digits + sizeof(digits), value).ptr);
  return text;
}

std::optional<int64_t> RedisLatestFormat::parse_time(std::string_view text) {
  const auto time = parse_common_timestamp(text);
  return time ? std::optional(time->value) : std::nullopt;
}

std::optional<LatestReading> RedisLatestFormat::parse(std::string_view gateway, std::string_view field,
                                                      std::string_view value) {
  LatestReading reading;
  reading.gateway = gateway;
  size_t at = 0;
  for (; at < field.size() && field[at] != '.'; ++at) {
    if (field[at] == '\\') ++at;
    if (at == field.size()) return std::nullopt;
    reading.metric_type += field[at];
  }
  if (at == field.size()) return std::nullopt;
  reading.metric_attribute = field.substr(at + 1);
  const size_t blank = value.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto time_ms = parse_time(value.substr(0, blank));
  const char* const end = value.data() + value.size();
  const auto number = std::from_chars(value.data() + blank + 1, end, reading.value);
  if (!time_ms || number.ec != std::errc() || number.ptr != end) return std::nullopt;
  reading.timestamp_ms = *time_ms;
  return reading;
}

}  // namespace meterstream
