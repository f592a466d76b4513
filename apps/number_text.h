// Purpose: numbers, sizes and times as people read them. Machines get --json.
// Thread-safety: pure functions. Errors: parsing gives kInvalid with the accepted forms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meterstream {

/// Three significant digits with an SI prefix: "850", "12.3 k", "1.24 M".
std::string count_text(double count);
/// All digits in groups of three: "1,234,567".
std::string grouped_text(int64_t number);
/// SI units: "512 B", "3.40 GB".
std::string bytes_text(double bytes);
/// "1.24 M/s".
std::string rate_text(double per_second);
/// "0.42 ms", "850 ms", "12.3 s", "2 min 05 s", "1 h 02 min", "3 d 4 h".
std::string elapsed_text(double seconds);
/// "87.5 %".
std::string percent_text(double part, double whole);
/// A value with at most `decimals` decimals, without trailing zeros: "1.5", "230".
std::string value_text(double value, int decimals = 3);

/// "512", "64KB", "256MB", "2GB" (powers of 1000) or "256MiB" (powers of 1024), a space and any letter case allowed.
Result<int64_t> parse_bytes(std::string_view text);
/// "250000", "1k", "1.5M": a count of something.
Result<int64_t> parse_count(std::string_view text);

}  // namespace meterstream
