// Purpose: decimal numbers of text files as doubles, fast for the short ones that meters write.
// Format: [+-]digits[.digits][e[+-]digits], at least one digit. Correctly rounded, as std::from_chars is.
// Errors: no number, or one beyond a finite double.
// Thread-safety: pure functions.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>

namespace meterstream {

/// Reads a number at `begin`; returns the byte after it, or null when there is none.
inline const char* parse_number(const char* begin, const char* end, double& number) {
  static constexpr double kPowers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  const char* position = begin;
  const bool is_negative = position != end && *position == '-';
  if (is_negative || (position != end && *position == '+')) ++position;
  const char* const digits_begin = position;
  uint64_t mantissa = 0;
  while (position != end && static_cast<unsigned char>(*position - '0') < 10)
    mantissa = mantissa * 10 + static_cast<uint64_t>(*position++ - '0');
  auto digits = position - digits_begin;
  int64_t decimals = 0;
  if (position != end && *position == '.') {
    const char* const decimals_begin = ++position;
    while (position != end && static_cast<unsigned char>(*position - '0') < 10)
      mantissa = mantissa * 10 + static_cast<uint64_t>(*position++ - '0');
    decimals = position - decimals_begin;
    digits += decimals;
  }
  if (digits == 0) return nullptr;
  const bool has_exponent = position != end && (*position == 'e' || *position == 'E');
  if (digits <= 15 && !has_exponent) [[likely]] {
    // Both operands are exact, so that one division rounds correctly.
    const double magnitude = static_cast<double>(mantissa) / kPowers[decimals];
    number = is_negative ? -magnitude : magnitude;
    return position;
  }
  const auto result = std::from_chars(is_negative ? begin : digits_begin, end, number);
  if (result.ec != std::errc() || !std::isfinite(number)) return nullptr;
  return result.ptr;
}

}  // namespace meterstream
