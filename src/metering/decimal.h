// Purpose: exact decimal numbers with 9 digits after the point, the type of every SUM and AVG: DECIMAL(38,9).
// Rounding: a double enters as its exact binary value rounded half-even to 9 decimals. 1/1024 = 0.0009765625
// becomes
//           0.000976562. Addition is integer addition, so a sum does not depend on order, batches or
//           partitions.
// Range: a reading must satisfy |value| < 1e20; then 1e9 readings of one window still sum without leaving
// DECIMAL(38,9).
//        Other values have no Decimal and their readings are rejected.
// Thread-safety: a value type.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meterstream {

using Int128 = __int128;

class Decimal {
 public:
  static constexpr int kScale = 9;
  static constexpr int64_t kUnitsPerOne = 1'000'000'000;
  /// Readings at or beyond this magnitude are rejected.
  static constexpr double kMaxReading = 1e20;

  constexpr Decimal() = default;
  static constexpr Decimal from_units(Int128 units) {
    Decimal decimal;
    decimal.units_ = units;
    return decimal;
  }
  /// nullopt for NaN, infinities and |value| >= kMaxReading.
  static std::optional<Decimal> from_double(double value);
  /// Text such as "-12.5"; at most 29 digits before and 9 after the point, no exponent.
  static std::optional<Decimal> parse(std::string_view text);

  /// Units of 1e-9.
  [[nodiscard]] constexpr Int128 units() const { return units_; }
  /// The nearest double.
  [[nodiscard]] double to_double() const;
  /// Shortest exact text: "3", "0.1", "-12.000000001".
  void append_text(std::string& out) const;
  [[nodiscard]] std::string text() const;
  /// This divided by `count` (> 0), rounded half-even to 9 decimals.
  [[nodiscard]] Decimal divided_by(int64_t count) const;

  constexpr auto operator<=>(const Decimal&) const = default;
  constexpr Decimal operator+(Decimal other) const { return from_units(units_ + other.units_); }

 private:
  Int128 units_ = 0;
};

/// The hot half of Decimal::from_double: true and the units when a few floating-point operations prove the
/// rounding. False says nothing; ask Decimal::from_double.
inline bool to_decimal_units(double value, int64_t& units) {
  constexpr double kLimit = 9007199254740992.0;  // 2^53: beyond it not every integer is a double
  const double product = value * 1e9;
  if (!(std::fabs(product) < kLimit)) return false;
  const double rounded = std::nearbyint(product);
  const double error = std::fma(value, 1e9, -product);
  const double rest = (product - rounded) + error;
  if (!(std::fabs(rest) < 0.4999)) return false;
  units = static_cast<int64_t>(rounded);
  return true;
}

}  // namespace meterstream
