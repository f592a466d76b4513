// Purpose: what a latest table keeps of the readings that it is given.
// Thread-safety: values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace meterstream {

enum class LatestContent : uint8_t {
  kActivityAndValues,
  kActivity,  ///< when each gateway was last heard of
  kValues,    ///< the last value of each series
};

constexpr bool keeps_activity(LatestContent content) {
  return content != LatestContent::kValues;
}
constexpr bool keeps_values(LatestContent content) {
  return content != LatestContent::kActivity;
}

/// "both", "activity" or "values".
constexpr std::string_view name_of(LatestContent content) {
  if (content == LatestContent::kActivity) return "activity";
  return content == LatestContent::kValues ? "values" : "both";
}

constexpr std::optional<LatestContent> parse_latest_content(std::string_view name) {
  for (const auto content : {LatestContent::kActivityAndValues, LatestContent::kActivity, LatestContent::kValues}) {
    if (name_of(content) == name) return content;
  }
  return std::nullopt;
}

}  // namespace meterstream
