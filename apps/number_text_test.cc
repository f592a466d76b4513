#include "apps/number_text.h"

#include <limits>

#include <gtest/gtest.h>

namespace meterstream {
namespace {

TEST(NumberText, CountsHaveThreeDigitsAndAPrefix) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(850), "850");
  EXPECT_EQ(count_text(999.6), "1.00 k");
  EXPECT_EQ(count_text(12'345), "12.3 k");
  EXPECT_EQ(count_text(1'240'000), "1.24 M");
  EXPECT_EQ(count_text(-1'240'000), "-1.24 M");
}

TEST(NumberText, GroupsDigitsInThrees) {
  EXPECT_EQ(grouped_text(0), "0");
  EXPECT_EQ(grouped_text(999), "999");
  EXPECT_EQ(grouped_text(1'000), "1,000");
  EXPECT_EQ(grouped_text(-1'234'567), "-1,234,567");
}

TEST(NumberText, BytesAndRatesCarryTheirUnit) {
  EXPECT_EQ(bytes_text(512), "512 B");
  EXPECT_EQ(bytes_text(3.4e9), "3.40 GB");
  EXPECT_EQ(rate_text(1.24e6), "1.24 M/s");
}

TEST(NumberText, ElapsedTimeTakesTheUnitThatFits) {
  EXPECT_EQ(elapsed_text(0.00042), "0.42 ms");
  EXPECT_EQ(elapsed_text(0.85), "850 ms");
  EXPECT_EQ(elapsed_text(12.34), "12.3 s");
  EXPECT_EQ(elapsed_text(125), "2 min 05 s");
  EXPECT_EQ(elapsed_text(3725), "1 h 02 min");
  EXPECT_EQ(elapsed_text(3 * 86'400 + 4 * 3600), "3 d 4 h");
  EXPECT_EQ(elapsed_text(std::numeric_limits<double>::infinity()), "-");
}

TEST(NumberText, ValuesLoseTrailingZerosOnly) {
  EXPECT_EQ(value_text(1.5), "1.5");
  EXPECT_EQ(value_text(230), "230");
  EXPECT_EQ(value_text(100, 0), "100");
  EXPECT_EQ(value_text(-0.0001), "0");
}

TEST(NumberText, ParsesSizesWithDecimalAndBinaryUnits) {
  EXPECT_EQ(parse_bytes("512").value(), 512);
  EXPECT_EQ(parse_bytes("1.5GB").value(), 1'500'000'000);
  EXPECT_EQ(parse_bytes("256 MiB").value(), 256 << 20);
  EXPECT_FALSE(parse_bytes("12 parsecs"));
  EXPECT_FALSE(parse_bytes("-1MB"));
  EXPECT_FALSE(parse_bytes(""));
  EXPECT_FALSE(parse_bytes("1e30"));
}

TEST(NumberText, ParsesCounts) {
  EXPECT_EQ(parse_count("250000").value(), 250'000);
  EXPECT_EQ(parse_count("1.5M").value(), 1'500'000);
  EXPECT_EQ(parse_count("1.001k").value(), 1'001);
  for (const char* text : {"0.5", "1.5", "0.0005k"}) EXPECT_FALSE(parse_count(text)) << text;
  ASSERT_FALSE(parse_count("many"));
  EXPECT_NE(parse_count("many").error().message.find("10k"), std::string::npos);
}

}  // namespace
}  // namespace meterstream
