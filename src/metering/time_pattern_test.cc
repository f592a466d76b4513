#include "metering/time_pattern.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "metering/timestamp.h"

namespace meterstream {
namespace {

int64_t at(std::string_view instant) {
  return parse_timestamp(instant).value().value;
}

std::string written(std::string_view pattern, std::string_view instant, int64_t offset_ms = 0) {
  std::string out;
  EXPECT_TRUE(append_time(out, pattern, at(instant), offset_ms)) << pattern;
  return out;
}

TEST(TimePatternTest, WritesEachLetter) {
  EXPECT_EQ(written("yyyy-MM-dd'T'HH:mm:ss.SSS", "2024-02-03T04:05:06.007Z"), "2024-02-03T04:05:06.007");
  EXPECT_EQ(written("d/M/yy h a", "2024-02-03T00:00:00Z"), "3/2/24 12 AM");
  EXPECT_EQ(written("hh a", "2024-02-03T13:00:00Z"), "01 PM");
  EXPECT_EQ(written("E e MMM D", "2024-02-29T00:00:00Z"), "Thu 4 Feb 60");
  EXPECT_EQ(written("SSSSSS", "2024-02-29T00:00:00.120Z"), "120000");
  EXPECT_EQ(written("'it''s' yyyy ''", "2024-02-29T00:00:00Z"), "it's 2024 '");
  EXPECT_EQ(written("X XX XXX", "2024-01-01T00:00:00Z", 2 * 3'600'000), "+02 +0200 +02:00");
  EXPECT_EQ(written("X XXX", "2024-01-01T00:00:00Z", -(3 * 60 + 30) * 60'000), "-0330 -03:30");
  EXPECT_EQ(written("XXX", "2024-01-01T00:00:00Z"), "Z");
  EXPECT_EQ(written("e", "1969-12-29T00:00:00Z"), "1");
}

TEST(TimePatternTest, RefusesPatternsThatItDoesNotKnow) {
  for (const char* pattern : {"'open", "yyyyy", "yyy", "q", "MMMM", "ddd", "EEEE", "SSSSSSSSSS", "n"})
    EXPECT_FALSE(is_time_pattern(pattern)) << pattern;
  EXPECT_TRUE(is_time_pattern(""));
}

TEST(TimePatternTest, ReadsWhatItWrites) {
  const auto time = parse_time("03.02.2024 04:05:06 PM -0330", "dd.MM.yyyy hh:mm:ss a XX");
  ASSERT_TRUE(time);
  EXPECT_EQ(time->local_ms, at("2024-02-03T16:05:06Z"));
  EXPECT_EQ(time->offset_ms, -(3 * 60 + 30) * 60'000);
  EXPECT_EQ(parse_time("1/2/2024", "d/M/yyyy")->local_ms, at("2024-02-01T00:00:00Z"));
  EXPECT_EQ(parse_time("11/12/2024", "d/M/yyyy")->local_ms, at("2024-12-11T00:00:00Z"));
  EXPECT_EQ(parse_time("2024 60", "yyyy D")->local_ms, at("2024-02-29T00:00:00Z"));
  EXPECT_EQ(parse_time("12:00.5", "HH:mm.S")->local_ms, 12 * 3'600'000 + 500);
}

TEST(TimePatternTest, RefusesTextsThatAreNoTimes) {
  EXPECT_FALSE(parse_time("2023-02-29", "yyyy-MM-dd"));
  EXPECT_FALSE(parse_time("2024-13-01", "yyyy-MM-dd"));
  EXPECT_FALSE(parse_time("2024-01-01 ", "yyyy-MM-dd"));
  EXPECT_FALSE(parse_time("2024-1-01", "yyyy-MM-dd"));
  EXPECT_FALSE(parse_time("24:00", "HH:mm"));
  EXPECT_FALSE(parse_time("13 PM", "hh a"));
  EXPECT_FALSE(parse_time("2023 366", "yyyy D"));
  EXPECT_FALSE(parse_time("Foo", "MMM"));
  EXPECT_FALSE(parse_time("", "yyyy"));
}

RC_GTEST_PROP(TimePatternTest, EveryMomentComesBack, ()) {
  const int64_t moment = *rc::gen::inRange<int64_t>(at("0000-01-01T00:00:00Z"), at("9999-12-31T23:59:59Z"));
  for (const std::string_view pattern :
       {"yyyy-MM-dd HH:mm:ss.SSS", "D uuuu H:m:s SSSSSS", "E d MMM yyyy hh 'o''clock' a mm ss SSS"}) {
    std::string text;
    RC_ASSERT(append_time(text, pattern, moment, 0));
    const auto back = parse_time(text, pattern);
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->local_ms == moment);
  }
}

}  // namespace
}  // namespace meterstream
