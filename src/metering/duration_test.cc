#include "metering/duration.h"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace meterstream {
namespace {

int64_t parsed(std::string_view text) {
  const auto duration = parse_duration(text);
  EXPECT_TRUE(duration.has_value()) << text;
  return duration ? *duration : -1;
}

TEST(Duration, ReadsSecondsPartsAndIso) {
  EXPECT_EQ(parsed("60"), 60'000);
  EXPECT_EQ(parsed("0"), 0);
  EXPECT_EQ(parsed("0.5"), 500);
  EXPECT_EQ(parsed("5m"), 300'000);
  EXPECT_EQ(parsed("1h30m"), 5'400'000);
  EXPECT_EQ(parsed("250ms"), 250);
  EXPECT_EQ(parsed("1d"), 86'400'000);
  EXPECT_EQ(parsed("2W"), 1'209'600'000);
  EXPECT_EQ(parsed("1.5h"), 5'400'000);
  EXPECT_EQ(parsed("1s1ms"), 1'001);
  EXPECT_EQ(parsed("PT5M"), 300'000);
  EXPECT_EQ(parsed("P1DT12H"), 129'600'000);
  EXPECT_EQ(parsed("pt0.25s"), 250);
  EXPECT_EQ(parsed(" 5m "), 300'000);
}

TEST(Duration, RefusesEverythingElseAndNamesTheText) {
  for (const char* text : {"", "P", "PT", "m", "5x", "5m1h", "1m1m", "1.5h30m", "-5m", "1h 30m", "5.", "1h30", "P5M",
                           "PT1D", "PT5MS", "1e3", "99999999999999999999", "30000000000w", "9223372036854775807"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration.has_value()) << text;
    EXPECT_EQ(duration.error().code, ErrorCode::kInvalid);
    EXPECT_NE(duration.error().message.find(std::string("'") + text + "'"), std::string::npos);
  }
}

TEST(Duration, PrintsTheLargestUnitsFirst) {
  EXPECT_EQ(format_duration(0), "0s");
  EXPECT_EQ(format_duration(60'000), "1m");
  EXPECT_EQ(format_duration(5'400'000), "1h30m");
  EXPECT_EQ(format_duration(90'061'001), "1d1h1m1s1ms");
  EXPECT_EQ(format_duration(-250), "-250ms");
  EXPECT_EQ(format_duration(std::numeric_limits<int64_t>::min()), "-106751991167d7h12m55s808ms");
}

RC_GTEST_PROP(Duration, ReadsBackWhatItPrints, (int64_t milliseconds)) {
  RC_PRE(milliseconds >= 0);
  const auto back = parse_duration(format_duration(milliseconds));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == milliseconds);
}

}  // namespace
}  // namespace meterstream
