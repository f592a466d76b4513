// Purpose: the name that somebody probably meant, for messages about unknown options, keys and topics.
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meterstream {

/// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
size_t edit_distance(std::string_view from, std::string_view to);

/// The candidate closest to `name`, or an empty text when none is close enough to be a typing mistake.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

/// " Did you mean 'x'?" or nothing.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace meterstream
