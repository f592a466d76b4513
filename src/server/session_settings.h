// Purpose: the settings of a session that statements and queries have.
// Thread-safety: pure functions.
#pragma once

#include <algorithm>
#include <string_view>

#include "server/statement_service.h"
#include "sql/source_text.h"

namespace meterstream {

inline constexpr std::string_view kOffsetReset = "auto.offset.reset";

/// Settings of ksqlDB's clients have this in front.
inline std::string_view setting_name(std::string_view name) {
  constexpr std::string_view kPrefix = "ksql.streams.";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

/// Whether push queries begin at the first record.
inline bool from_beginning(const StatementProperties& properties) {
  return std::ranges::any_of(properties.properties, [](const auto& property) {
    return setting_name(property.first) == kOffsetReset && equals_ignoring_case(property.second, "earliest");
  });
}

}  // namespace meterstream
