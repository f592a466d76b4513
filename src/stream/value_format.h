// Purpose: how the values of records are written.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace meterstream {

enum class ValueFormat : uint8_t { kAvro, kJson, kDelimited };

/// "AVRO", "JSON" or "DELIMITED", as SQL spells them.
constexpr std::string_view name_of(ValueFormat format) {
  return format == ValueFormat::kAvro ? "AVRO" : format == ValueFormat::kJson ? "JSON" : "DELIMITED";
}

/// The same with what stands between fields.
inline std::string to_text(ValueFormat format, char delimiter) {
  if (format != ValueFormat::kDelimited) return std::string(name_of(format));
  return fmt::format("DELIMITED by {}", delimiter == '\t'  ? "TAB"
                                        : delimiter == ' ' ? "SPACE"
                                                           : std::string(1, delimiter));
}

}  // namespace meterstream
