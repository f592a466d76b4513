// Purpose: the clocks of places: UTC and local time, daylight saving included.
// Names: of the IANA database ("Europe/Athens"), "UTC" or "Z", or a fixed offset ("+02:00").
// Units: milliseconds; local times are counted as if 1970-01-01T00:00 was UTC.
// Thread-safety: pure functions. They read the system's database of zones at the first use.
// Errors: nullopt for a name that there is not.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace meterstream {

bool is_time_zone(std::string_view name);

/// What the clocks there are ahead of UTC by, at a moment.
std::optional<int64_t> time_zone_offset_ms(std::string_view name, int64_t utc_ms);

/// The moment of a local time. Of an hour that comes twice it is the first; a time that clocks leave out is as far behind
/// their jump as it says.
std::optional<int64_t> utc_of_local_ms(std::string_view name, int64_t local_ms);

}  // namespace meterstream
