#include "metering/decimal.h"

#include <bit>
#include <charconv>

namespace meterstream {
namespace {

using Unsigned128 = unsigned __int128;

// Half-even rounding of magnitude / 2^shift.
Unsigned128 shift_right_half_even(Unsigned128 magnitude, int shift) {
  if (shift > 126) return 0;
  const Unsigned128 whole = magnitude >> shift;
  const Unsigned128 rest = magnitude - (whole << shift);
  const Unsigned128 half = Unsigned128{1} << (shift - 1);
  if (rest > half || (rest == half && (whole & 1) != 0)) return whole + 1;
  return whole;
}

}  // namespace

std::optional<Decimal> Decimal::from_double(double value) {
  int64_t units = 0;
  if (to_decimal_units(value, units)) return from_units(units);
  if (!std::isfinite(value) || std::fabs(value) >= kMaxReading) return std::nullopt;
  const auto bits = std::bit_cast<uint64_t>(value);
  const int biased_exponent = static_cast<int>((bits >> 52) & 0x7ff);
  uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  if (biased_exponent != 0) mantissa |= uint64_t{1} << 52;
  const int exponent = (biased_exponent == 0 ? 1 : biased_exponent) - 1075;
  Unsigned128 magnitude = static_cast<Unsigned128>(mantissa) * static_cast<Unsigned128>(kUnitsPerOne);
  magnitude = exponent >= 0 ? magnitude << exponent : shift_right_half_even(magnitude, -exponent);
  const auto signed_units = static_cast<Int128>(magnitude);
  return from_units((bits >> 63) != 0 ? -signed_units : signed_units);
}

std::optional<Decimal> Decimal::parse(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.size() + fraction.size() == 0 || whole.size() > 29 || fraction.size() > kScale) return std::nullopt;
  Int128 units = 0;
  for (const char digit : whole) {
    if (digit < '0' || digit > '9') return std::nullopt;
    units = units * 10 + (digit - '0');
  }
  for (size_t i = 0; i < kScale; ++i) {
    const char digit = i < fraction.size() ? fraction[i] : '0';
    if (digit < '0' || digit > '9') return std::nullopt;
    units = units * 10 + (digit - '0');
  }
  return from_units(negative ? -units : units);
}

double Decimal::to_double() const {
  constexpr Int128 kExact = Int128{1} << 53;  // up to it the quotient of two doubles is rounded once
  if (-kExact <= units_ && units_ <= kExact) return static_cast<double>(units_) / static_cast<double>(kUnitsPerOne);
  const std::string digits = text();
  double number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

void Decimal::append_text(std::string& out) const {
  char buffer[48];
  char* end = buffer + sizeof(buffer);
  char* position = end;
  Unsigned128 magnitude = units_ < 0 ? -static_cast<Unsigned128>(units_) : static_cast<Unsigned128>(units_);
  Unsigned128 whole_wide = 0;
  uint64_t fraction = 0;
  if (magnitude <= UINT64_MAX) {
    const auto narrow = static_cast<uint64_t>(magnitude);
    whole_wide = narrow / kUnitsPerOne;
    fraction = narrow % kUnitsPerOne;
  } else {
    whole_wide = magnitude / kUnitsPerOne;
    fraction = static_cast<uint64_t>(magnitude % kUnitsPerOne);
  }
  if (fraction != 0) {
    int digits = kScale;
    while (fraction % 10 == 0) {
      fraction /= 10;
      --digits;
    }
    for (; digits > 0; --digits) {
      *--position = static_cast<char>('0' + fraction % 10);
      fraction /= 10;
    }
    *--position = '.';
  }
  while (whole_wide > UINT64_MAX) {
    *--position = static_cast<char>('0' + static_cast<int>(whole_wide % 10));
    whole_wide /= 10;
  }
  auto whole = static_cast<uint64_t>(whole_wide);
  do {
    *--position = static_cast<char>('0' + whole % 10);
    whole /= 10;
  } while (whole != 0);
  if (units_ < 0) *--position = '-';
  out.append(position, static_cast<size_t>(end - position));
}

std::string Decimal::text() const {
  std::string out;
  append_text(out);
  return out;
}

Decimal Decimal::divided_by(int64_t count) const {
  const bool negative = units_ < 0;
  const Unsigned128 magnitude = negative ? -static_cast<Unsigned128>(units_) : static_cast<Unsigned128>(units_);
  const auto divisor = static_cast<uint64_t>(count);
  Unsigned128 quotient = 0;
  uint64_t rest = 0;
  if (magnitude <= UINT64_MAX) {
    const auto narrow = static_cast<uint64_t>(magnitude);
    quotient = narrow / divisor;
    rest = narrow % divisor;
  } else {
    quotient = magnitude / divisor;
    rest = static_cast<uint64_t>(magnitude % divisor);
  }
  const Unsigned128 twice = static_cast<Unsigned128>(rest) * 2;
  if (twice > divisor || (twice == divisor && (quotient & 1) != 0)) ++quotient;
  const auto units = static_cast<Int128>(quotient);
  return from_units(negative ? -units : units);
}

}  // namespace meterstream
