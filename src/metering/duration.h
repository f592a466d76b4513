// Purpose: lengths of time as people write them.
// Format: a number alone is seconds ("60"); or parts, largest first, of a number and ms, s, m, h, d or w
// ("5m",
//         "1h30m", "250ms", "1d"); or ISO-8601 ("PT5M", "P1DT12H", "PT0.5S"). A fraction is allowed in the
//         last part.
// Units: milliseconds. Durations are not negative.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meterstream {

/// Milliseconds; kInvalid with the accepted forms when `text` is no duration or is too long for an int64.
Result<int64_t> parse_duration(std::string_view text);

/// The shortest text that parse_duration reads back as `milliseconds`: "1h30m", "250ms", "0s". Negative
/// values get '-'.
std::string format_duration(int64_t milliseconds);

}  // namespace meterstream
