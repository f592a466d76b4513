#include "metering/decimal.h"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace meterstream {
namespace {

std::string rounded(double value) {
  return Decimal::from_double(value).value().text();
}

TEST(Decimal, RoundsTheExactBinaryValueHalfEven) {
  EXPECT_EQ(rounded(1.0 / 1024), "0.000976562");  // tie, even below
  EXPECT_EQ(rounded(3.0 / 1024), "0.002929688");  // tie, even above
  EXPECT_EQ(rounded(-1.0 / 1024), "-0.000976562");
  EXPECT_EQ(rounded(0.1), "0.1");
  EXPECT_EQ(rounded(240.123), "240.123");
  EXPECT_EQ(rounded(-0.0), "0");
  EXPECT_EQ(rounded(5e-324), "0");
  EXPECT_EQ(rounded(0.0000000005), "0.000000001");  // the double is just above the tie
}

TEST(Decimal, KeepsLargeValuesExactly) {
  EXPECT_EQ(rounded(9007199254740993.0), "9007199254740992");
  EXPECT_EQ(rounded(99999999999999991611392.0 / 1024), "97656249999999991808");
}

TEST(Decimal, HasNoValueForWhatASumCannotHold) {
  EXPECT_FALSE(Decimal::from_double(1e20));
  EXPECT_FALSE(Decimal::from_double(-1e20));
  EXPECT_FALSE(Decimal::from_double(std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(Decimal::from_double(std::numeric_limits<double>::quiet_NaN()));
}

TEST(Decimal, AveragesHalfEven) {
  EXPECT_EQ(Decimal::parse("1")->divided_by(3).text(), "0.333333333");
  EXPECT_EQ(Decimal::parse("0.000000001")->divided_by(2).text(), "0");
  EXPECT_EQ(Decimal::parse("0.000000003")->divided_by(2).text(), "0.000000002");
  EXPECT_EQ(Decimal::parse("-0.000000003")->divided_by(2).text(), "-0.000000002");
  EXPECT_EQ(Decimal::parse("12345678901234567890123456789")->divided_by(7).text(), "1763668414462081127160493827");
}

TEST(Decimal, RefusesTextThatIsNotADecimal) {
  for (const char* text : {"", "-", ".", "1e3", "1.0000000001", " 1", "1x", "123456789012345678901234567890"}) {
    EXPECT_FALSE(Decimal::parse(text)) << text;
  }
}

TEST(Decimal, ReadsBackItsOwnText) {
  EXPECT_TRUE(rc::check([](int64_t high, uint32_t low) {
    const Decimal decimal = Decimal::from_units(static_cast<Int128>(high) * 4'000'000'000LL + low);
    RC_ASSERT(Decimal::parse(decimal.text()) == decimal);
  }));
}

TEST(Decimal, FastPathAgreesWithExactArithmetic) {
  EXPECT_TRUE(rc::check([](int64_t mantissa, uint8_t shift) {
    // Dyadic fractions are where ties live; long double holds value * 1e9 exactly for these sizes.
    const double value = static_cast<double>(mantissa % (1LL << 40)) / static_cast<double>(1ULL << (shift % 24));
    const long double scaled = static_cast<long double>(value) * 1e9L;
    if (std::fabs(scaled) > 9e18L) return;
    RC_ASSERT(Decimal::from_double(value)->units() == static_cast<Int128>(std::nearbyint(scaled)));
  }));
}

TEST(Decimal, BecomesTheNearestDouble) {
  const auto number_of = [](std::string_view text) { return Decimal::parse(text).value().to_double(); };
  EXPECT_EQ(number_of("0.1"), 0.1);
  EXPECT_EQ(number_of("-9007199.254740993"), -9007199.254740993);
  // The quotient of the two rounded doubles is another one.
  EXPECT_EQ(number_of("561702975997.366660932"), 561702975997.3667);
  EXPECT_EQ(number_of("-708968425289.350283917"), -708968425289.3503);
  EXPECT_EQ(number_of("99999999999999999999999999999.999999999"), 1e29);
}

}  // namespace
}  // namespace meterstream
