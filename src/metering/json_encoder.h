// Purpose: the pieces that JSON text is written with.
// Format: RFC 8259. Strings are quoted; UTF-8 passes through, control characters, '"' and '\' are escaped.
// Doubles are
//         the shortest digits that read back as the same double; NaN and infinities, which JSON lacks, become
//         null.
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace meterstream {

void append_json_string(std::string& out, std::string_view text);
/// What stands before a member's value: `{"name":` for an object's first member, `,"name":` for others.
std::string json_member(std::string_view name, bool is_first);
void append_json_number(std::string& out, double number);
void append_json_number(std::string& out, int64_t number);

/// The same at a place that has room for it; each gives the place behind what it wrote.
char* write_json_string(char* at, std::string_view text);
char* write_json_number(char* at, double number);
char* write_json_number(char* at, int64_t number);
inline constexpr size_t kMaxJsonNumberBytes = 32;
constexpr size_t max_json_string_bytes(std::string_view text) {
  return 6 * text.size() + 2;
}

}  // namespace meterstream
