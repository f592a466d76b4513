// Purpose: times as texts of any shape, and back.
// Format: the letters of Java's DateTimeFormatter that everyday patterns use: yyyy uuuu yy, M MM MMM, d dd, H HH, h hh with a,
//         m mm, s ss, S to SSSSSSSSS (fraction), e (day of the week, 1 for Monday), E EEE (Mon), D (day of the year), X XX XXX
//         (offset, Z for 0), and text in '...'. Other letters are not in the format.
// Units: milliseconds; local times as in time_zone.h. Names of months and days are English.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meterstream {

bool is_time_pattern(std::string_view pattern);

/// False when the pattern is none, or the year lies outside of 0 to 9999.
bool append_time(std::string& out, std::string_view pattern, int64_t local_ms, int64_t offset_ms);

struct PatternTime {
  int64_t local_ms = 0;
  std::optional<int64_t> offset_ms;  ///< when the text says it
};
/// What the text leaves out is the start of 1970. nullopt when the text does not fit the pattern, or is no time.
std::optional<PatternTime> parse_time(std::string_view text, std::string_view pattern);

}  // namespace meterstream
