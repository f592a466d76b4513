#include "stream/square_sum.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace meterstream {
namespace {

struct States {
  ArgumentState values{};
  ArgumentState squares{};

  void add(double value) {
    const Int128 units = Decimal::from_double(value).value().units();
    values.add<double>(value, units);
    add_square(squares, units);
  }
  void merge(const States& other) {
    values.merge<double>(other.values);
    merge_squares(squares, other.squares);
  }
  [[nodiscard]] double variance(Spread spread) const {
    return variance_of(values, squares, spread, Decimal::kUnitsPerOne);
  }
};

States states_of(const std::vector<double>& values) {
  States states;
  for (const double value : values) states.add(value);
  return states;
}

TEST(SquareSum, GivesTheVarianceThatTextbooksGive) {
  const States states = states_of({1, 2, 3, 4});
  EXPECT_EQ(states.variance(Spread::kPopulation), 1.25);
  EXPECT_DOUBLE_EQ(states.variance(Spread::kSample), 5.0 / 3);
  EXPECT_EQ(states_of({7.5}).variance(Spread::kPopulation), 0);
  EXPECT_EQ(states_of({-0.125, 0.125}).variance(Spread::kSample), 0.03125);
}

TEST(SquareSum, LosesNothingWhereDoublesCancel) {
  EXPECT_EQ(states_of({1e15 + 1, 1e15 + 2, 1e15 + 3, 1e15 + 4}).variance(Spread::kPopulation), 1.25);
  EXPECT_EQ(states_of({99999999999999991611.0, 99999999999999975227.0}).variance(Spread::kPopulation), 67108864.0);
  const States equal = states_of(std::vector<double>(1000, 0.1));
  EXPECT_EQ(equal.variance(Spread::kPopulation), 0);
}

TEST(SquareSum, HoldsABillionOfTheLargestReadings) {
  States states;
  States thousand;
  for (int i = 0; i < 1000; ++i) thousand.add(i % 2 == 0 ? 99999999999999983616.0 : -99999999999999983616.0);
  for (int i = 0; i < 1'000'000; ++i) states.merge(thousand);
  const double largest = 99999999999999983616.0;
  EXPECT_EQ(states.values.count, 1'000'000'000U);
  EXPECT_DOUBLE_EQ(states.variance(Spread::kPopulation), largest * largest);
}

TEST(SquareSum, IsTheSameForEveryOrderAndSplit) {
  EXPECT_TRUE(rc::check([](std::vector<int32_t> mantissas, uint8_t shift, uint32_t seed) {
    RC_PRE(mantissas.size() >= 2U);
    std::vector<double> values;
    for (const int32_t mantissa : mantissas) values.push_back(std::ldexp(mantissa, shift % 64 - 32));
    const States expected = states_of(values);
    std::mt19937_64 random(seed);
    std::shuffle(values.begin(), values.end(), random);
    const auto middle = values.begin() + static_cast<ptrdiff_t>(random() % values.size());
    States merged = states_of({values.begin(), middle});
    merged.merge(states_of({middle, values.end()}));
    for (const Spread spread : {Spread::kPopulation, Spread::kSample})
      RC_ASSERT(merged.variance(spread) == expected.variance(spread));
    RC_ASSERT(merged.squares.sum_low == expected.squares.sum_low);
    RC_ASSERT(merged.squares.min_bits == expected.squares.min_bits);
  }));
}

TEST(SquareSum, AgreesWithTwoPassesOverTheValues) {
  EXPECT_TRUE(rc::check([](std::vector<int32_t> mantissas) {
    RC_PRE(mantissas.size() >= 2U);
    // Eighths are exact decimals, and long double holds what is computed with them well enough.
    std::vector<double> values;
    for (const int32_t mantissa : mantissas) values.push_back(mantissa / 8.0);
    long double mean = 0;
    for (const double value : values) mean += value;
    mean /= static_cast<long double>(values.size());
    long double expected = 0;
    for (const double value : values) expected += (value - mean) * (value - mean);
    expected /= static_cast<long double>(values.size() - 1);
    const double actual = states_of(values).variance(Spread::kSample);
    RC_ASSERT(std::fabs(actual - static_cast<double>(expected)) <= 1e-14 * std::fabs(actual));
  }));
}

}  // namespace
}  // namespace meterstream
