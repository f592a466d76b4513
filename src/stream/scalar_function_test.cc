#include "stream/scalar_function.h"

#include <array>
#include <optional>

#include <gtest/gtest.h>

namespace meterstream {
namespace {

std::optional<double> logarithm(double base, double number) {
  for (const ScalarFunction& function : scalar_functions()) {
    if (function.name != "LOG" || function.arguments.size() != 2) continue;
    FunctionArena arena;
    FunctionValue result;
    std::array<FunctionValue, 2> arguments;
    arguments[0].number = base;
    arguments[1].number = number;
    if (!function.body(arguments, result, arena)) return std::nullopt;
    return result.number;
  }
  ADD_FAILURE() << "there is no LOG of two arguments";
  return std::nullopt;
}

TEST(ScalarFunction, LogarithmNeedsABaseAboveZeroThatIsNotOne) {
  EXPECT_EQ(logarithm(2, 8), 3.0);
  EXPECT_EQ(logarithm(0, 8), std::nullopt);
  EXPECT_EQ(logarithm(-2, 8), std::nullopt);
  EXPECT_EQ(logarithm(1, 8), std::nullopt);
  EXPECT_EQ(logarithm(2, 0), std::nullopt);
}

}  // namespace
}  // namespace meterstream
