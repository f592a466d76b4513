// Purpose: the pieces that JSON text is written with.
// Format: RFC 8259. Strings are quoted; UTF-8 passes through, control characters, '"' and '\' are escaped.
// Doubles are
//         the shortest digits that read back as the same double; NaN and infinities, which JSON lacks, become
//         null.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace meterstream {

void append_json_string(std::string& out, std::string_view text);
/// What stands before a member's value: `{"name":` for an object's first member, `,"name":` for others.
std::string json_member(std::string_view name, bool is_first);
void append_json_number(std::string& out, double number);
void append_json_number(std::string& out, int64_t number);

}  // namespace meterstream
