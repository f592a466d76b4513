// Purpose: a field of a delimited line (CSV), as DelimitedRecordDecoder reads it.
// Format: RFC 4180: in double quotes where it must be. NULL is an empty field, an empty text is "".
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace meterstream {

/// Without a delimiter before or behind it.
void append_delimited_field(std::string& out, std::string_view text, char delimiter);

}  // namespace meterstream
