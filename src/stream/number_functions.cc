#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "stream/scalar_function.h"

namespace meterstream {
namespace {

using Arguments = std::span<const FunctionValue>;

constexpr ColumnType kBigint = ColumnType::kBigint;
constexpr ColumnType kDouble = ColumnType::kDouble;
constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr int64_t kMostDigits = 300;

bool finite(double number, FunctionValue& result) {
  result.number = number;
  return std::isfinite(number);
}

/// A function of one DOUBLE.
template <auto kFunction>
bool of_double(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  return finite(kFunction(arguments[0].number), result);
}

constexpr auto kLogarithm = [](double x) { return std::log(x); };

/// Half goes up, as in Java: -2.5 becomes -2.
double rounded(double number) {
  const double below = std::floor(number);
  // Not number + 0.5, which may itself be rounded up.
  return number - below >= 0.5 ? below + 1 : below;
}

bool same_integer(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  result.integer = arguments[0].integer;
  return true;
}

bool absolute_integer(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  if (arguments[0].integer == std::numeric_limits<int64_t>::min()) return false;
  result.integer = std::abs(arguments[0].integer);
  return true;
}

bool sign_of_integer(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  result.integer = (arguments[0].integer > 0 ? 1 : 0) - (arguments[0].integer < 0 ? 1 : 0);
  return true;
}

bool sign_of_double(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  result.integer = (arguments[0].number > 0 ? 1 : 0) - (arguments[0].number < 0 ? 1 : 0);
  return true;
}

bool round_to_integer(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  const double number = rounded(arguments[0].number);
  if (!(number >= -kTwoTo63 && number < kTwoTo63)) return false;
  result.integer = static_cast<int64_t>(number);
  return true;
}

bool round_to_digits(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  const int64_t digits = std::clamp(arguments[1].integer, -kMostDigits, kMostDigits);
  const double scale = std::pow(10.0, static_cast<double>(std::abs(digits)));
  const double scaled = digits < 0 ? arguments[0].number / scale : arguments[0].number * scale;
  if (!std::isfinite(scaled)) {
    result.number = arguments[0].number;  // it has no such digits
    return true;
  }
  return finite(digits < 0 ? rounded(scaled) * scale : rounded(scaled) / scale, result);
}

bool logarithm_to_base(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  // Of base 0 the quotient would be 0.
  return arguments[0].number > 0 && finite(std::log(arguments[1].number) / std::log(arguments[0].number), result);
}

bool power(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  return finite(std::pow(arguments[0].number, arguments[1].number), result);
}

template <bool kWantsGreatest>
bool extreme_integer(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  const auto found = kWantsGreatest ? std::ranges::max_element(arguments, {}, &FunctionValue::integer)
                                    : std::ranges::min_element(arguments, {}, &FunctionValue::integer);
  result.integer = found->integer;
  return true;
}

template <bool kWantsGreatest>
bool extreme_double(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  const auto found = kWantsGreatest ? std::ranges::max_element(arguments, {}, &FunctionValue::number)
                                    : std::ranges::min_element(arguments, {}, &FunctionValue::number);
  result.number = found->number;
  return true;
}

}  // namespace

std::vector<ScalarFunction> number_functions() {
  return {
      {"ABS", {kBigint}, kBigint, absolute_integer},
      {"ABS", {kDouble}, kDouble, of_double<[](double x) { return std::fabs(x); }>},
      {"CEIL", {kBigint}, kBigint, same_integer},
      {"CEIL", {kDouble}, kDouble, of_double<[](double x) { return std::ceil(x); }>},
      {"COS", {kDouble}, kDouble, of_double<[](double x) { return std::cos(x); }>},
      {"DEGREES", {kDouble}, kDouble, of_double<[](double x) { return x * (180 / std::numbers::pi); }>},
      {"EXP", {kDouble}, kDouble, of_double<[](double x) { return std::exp(x); }>},
      {"FLOOR", {kBigint}, kBigint, same_integer},
      {"FLOOR", {kDouble}, kDouble, of_double<[](double x) { return std::floor(x); }>},
      {"GREATEST", {kBigint}, kBigint, extreme_integer<true>, true},
      {"GREATEST", {kDouble}, kDouble, extreme_double<true>, true},
      {"LEAST", {kBigint}, kBigint, extreme_integer<false>, true},
      {"LEAST", {kDouble}, kDouble, extreme_double<false>, true},
      {"LN", {kDouble}, kDouble, of_double<kLogarithm>},
      {"LOG", {kDouble}, kDouble, of_double<kLogarithm>},
      {"LOG", {kDouble, kDouble}, kDouble, logarithm_to_base},
      {"POWER", {kDouble, kDouble}, kDouble, power},
      {"RADIANS", {kDouble}, kDouble, of_double<[](double x) { return x * (std::numbers::pi / 180); }>},
      {"ROUND", {kBigint}, kBigint, same_integer},
      {"ROUND", {kDouble}, kBigint, round_to_integer},
      {"ROUND", {kDouble, kBigint}, kDouble, round_to_digits},
      {"SIGN", {kBigint}, kBigint, sign_of_integer},
      {"SIGN", {kDouble}, kBigint, sign_of_double},
      {"SIN", {kDouble}, kDouble, of_double<[](double x) { return std::sin(x); }>},
      {"SQRT", {kDouble}, kDouble, of_double<[](double x) { return std::sqrt(x); }>},
      {"TAN", {kDouble}, kDouble, of_double<[](double x) { return std::tan(x); }>},
      {"TRUNC", {kBigint}, kBigint, same_integer},
      {"TRUNC", {kDouble}, kDouble, of_double<[](double x) { return std::trunc(x); }>},
  };
}

}  // namespace meterstream
