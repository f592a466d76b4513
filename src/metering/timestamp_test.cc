#include "metering/timestamp.h"

#include <limits>

#include <date/date.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace meterstream {
namespace {

int64_t parsed(std::string_view text) {
  const auto time = parse_timestamp_or_explain(text);
  EXPECT_TRUE(time.has_value()) << text << ": " << (time ? "" : time.error().message);
  EXPECT_EQ(time.has_value(), parse_timestamp(text).has_value());
  return time ? time->value : -1;
}

std::string fault(std::string_view text) {
  EXPECT_FALSE(parse_timestamp(text).has_value()) << text;
  const auto time = parse_timestamp_or_explain(text);
  return time ? "none" : time.error().message;
}

TEST(Timestamp, ReadsTheFormsOfMachinesAndPeople) {
  EXPECT_EQ(parsed("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parsed("2007-01-01T00:00:00Z"), 1'167'609'600'000);
  EXPECT_EQ(parsed("2007-01-01T00:00:00.5Z"), 1'167'609'600'500);
  EXPECT_EQ(parsed("2007-01-01T00:00:00.123456789Z"), 1'167'609'600'123);
  EXPECT_EQ(parsed("2007-01-01T00:00:00.9999Z"), 1'167'609'600'999);
  EXPECT_EQ(parsed("2007-01-01T00:00Z"), 1'167'609'600'000);
  EXPECT_EQ(parsed("2007-01-01 02:00:00+02:00"), 1'167'609'600'000);
  EXPECT_EQ(parsed("2006-12-31t19:30:00-0430"), 1'167'609'600'000);
  EXPECT_EQ(parsed("2007-01-01T01:00:00.000+01"), 1'167'609'600'000);
  EXPECT_EQ(parsed("1969-12-31T23:59:59.999Z"), -1);
  EXPECT_EQ(parsed("2000-02-29T00:00:00Z"), 951'782'400'000);
  EXPECT_EQ(parsed("0000-01-01T00:00:00Z"), -62'167'219'200'000);
  EXPECT_EQ(parsed("-0001-12-31T23:59:59.999Z"), -62'167'219'200'001);
  EXPECT_EQ(parsed("+10000-01-01T00:00:00Z"), 253'402'300'800'000);
}

TEST(Timestamp, RefusesTextsThatAreNoInstantAndSaysWhy) {
  EXPECT_NE(fault("2007-02-29T00:00:00Z").find("no such date"), std::string::npos);
  EXPECT_NE(fault("1900-02-29T00:00:00Z").find("no such date"), std::string::npos);
  EXPECT_NE(fault("2007-00-10T00:00:00Z").find("no such date"), std::string::npos);
  EXPECT_NE(fault("2007-13-10T00:00:00Z").find("no such date"), std::string::npos);
  EXPECT_NE(fault("2007-04-31T00:00:00Z").find("no such date"), std::string::npos);
  EXPECT_NE(fault("2007-04-00T00:00:00Z").find("no such date"), std::string::npos);
  EXPECT_NE(fault("2007-01-01T24:00:00Z").find("hour"), std::string::npos);
  EXPECT_NE(fault("2007-01-01T23:60:00Z").find("minute"), std::string::npos);
  EXPECT_NE(fault("2007-01-01T23:59:60Z").find("second"), std::string::npos);
  EXPECT_NE(fault("2007-01-01T00:00:00").find("'Z'"), std::string::npos);
  EXPECT_NE(fault("2007-01-01").find("'T' after the date at character 11"), std::string::npos);
  EXPECT_NE(fault("2007-01-01T00:00:00.Z").find("fraction"), std::string::npos);
  EXPECT_NE(fault("2007-01-01T00:00:00.1234567890Z").find("fraction"), std::string::npos);
  EXPECT_NE(fault("2007-01-01T00:00:00Zx").find("text after"), std::string::npos);
  EXPECT_NE(fault("2007-01-01T00:00:00+19:00").find("18 hours"), std::string::npos);
  EXPECT_NE(fault("+999999999-01-01T00:00:00Z").find("64 bits"), std::string::npos);
  for (const char* text : {"", "2", "20070101T000000Z", "2007-1-01T00:00:00Z", "2007-01-01T00:00:0:Z",
                           "2007-01-01T00:0/:00Z", "2007-01-01T00:00:00.0:0Z", "\xb2\x30\x30\x37-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_timestamp(text).has_value()) << text;
}

TEST(Timestamp, PrintsAsJavaDoes) {
  EXPECT_EQ(format_timestamp(EventTime(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_timestamp(EventTime(7)), "1970-01-01T00:00:00.007Z");
  EXPECT_EQ(format_timestamp(EventTime(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_timestamp(EventTime(253'402'300'800'000)), "+10000-01-01T00:00:00Z");
  EXPECT_EQ(format_timestamp(EventTime(-62'167'219'200'001)), "-0001-12-31T23:59:59.999Z");
  EXPECT_EQ(format_timestamp(EventTime(std::numeric_limits<int64_t>::min())), "-292275055-05-16T16:47:04.192Z");
  EXPECT_EQ(format_timestamp(EventTime(std::numeric_limits<int64_t>::max())), "+292278994-08-17T07:12:55.807Z");
}

TEST(Timestamp, EveryDayOfFourCenturiesAgreesWithTheDateLibrary) {
  const int64_t first = days_from_date(1799, 12, 1);
  const int64_t last = days_from_date(2201, 1, 31);
  for (int64_t day = first; day <= last; ++day) {
    const date::year_month_day expected{date::sys_days{date::days{day}}};
    const CalendarDate actual = date_from_days(day);
    ASSERT_EQ(actual.year, static_cast<int>(expected.year()));
    ASSERT_EQ(actual.month, static_cast<unsigned>(expected.month()));
    ASSERT_EQ(actual.day, static_cast<unsigned>(expected.day()));
    ASSERT_EQ(days_from_date(actual.year, actual.month, actual.day), day);
    const EventTime noon(day * 86'400'000 + 43'200'000);
    ASSERT_EQ(parse_common_timestamp(format_timestamp(noon)), noon);
  }
}

TEST(Timestamp, CommonFormIsAcceptedExactlyWhenTheGeneralOneIs) {
  // One wrong byte at every place: both parsers must agree on what is left.
  for (const std::string original : {"2004-02-29T23:59:59Z", "2004-02-29T23:59:59.987Z"}) {
    for (size_t position = 0; position < original.size(); ++position) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text = original;
        text[position] = static_cast<char>(byte);
        const auto common = parse_common_timestamp(text);
        const auto general = parse_timestamp_or_explain(text);
        if (common.has_value()) {
          ASSERT_TRUE(general.has_value()) << text;
          ASSERT_EQ(*common, *general) << text;
        } else {
          ASSERT_EQ(general.has_value(), parse_timestamp(text).has_value());
        }
      }
    }
  }
}

TEST(Timestamp, ParserThatRemembersTheMinuteAgreesWithTheOneThatDoesNot) {
  MinuteTimestampParser parser;
  const auto expect_agreement = [&](const std::string& text) {
    const auto expected = parse_common_timestamp(text);
    int64_t time_ms = 0;
    ASSERT_EQ(parser.parse(text, time_ms), expected.has_value()) << text;
    ASSERT_EQ(expected ? time_ms : 0, expected ? expected->value : 0) << text;
  };
  expect_agreement(std::string(20, '\0'));
  expect_agreement(std::string(16, '\0') + ":00Z");
  expect_agreement("1970-01-01T00:00:59Z");
  const std::vector<std::string> good = {"2004-02-29T23:59:59Z", "2004-02-29T23:59:00.000Z", "1969-12-31T23:58:01.999Z",
                                         "0000-01-01T00:00:59Z"};
  for (const std::string& remembered : good) {
    for (const std::string& original : good) {
      for (size_t position = 0; position < original.size(); ++position) {
        for (int byte = 0; byte < 256; ++byte) {
          std::string text = original;
          text[position] = static_cast<char>(byte);
          expect_agreement(remembered);
          expect_agreement(text);
        }
        expect_agreement(original.substr(0, position));
      }
    }
  }
}

RC_GTEST_PROP(Timestamp, RoundTripsOverTheWholeRange, (int64_t milliseconds)) {
  const int64_t near_now = milliseconds % 400'000'000'000'000;
  for (const int64_t value : {milliseconds, near_now, near_now / 1000 * 1000}) {
    const auto back = parse_timestamp_or_explain(format_timestamp(EventTime(value)));
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->value == value);
    RC_ASSERT(parse_timestamp(format_timestamp(EventTime(value))) == EventTime(value));
  }
}

TEST(Timestamp, RoundTripsAtTheEndsOfTheRange) {
  for (const int64_t value : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    const auto back = parse_timestamp(format_timestamp(EventTime(value)));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->value, value);
  }
}

TEST(Timestamp, WriterOfAMinuteWritesWhatFormatDoes) {
  MinuteTimestampWriter writer;
  const auto written = [&](int64_t time_ms) {
    char text[kMaxTimestampBytes];
    return std::string(text, writer.write(text, time_ms));
  };
  for (const int64_t time_ms :
       {int64_t{0}, int64_t{59'999}, int64_t{60'000}, int64_t{-1}, int64_t{-60'000}, int64_t{-60'001},
        int64_t{1'167'609'600'123}, int64_t{1'167'609'600'000}, int64_t{1'167'609'659'999}, int64_t{1'167'609'599'999},
        int64_t{253'402'300'799'999}, int64_t{253'402'300'800'000}, int64_t{253'402'300'799'000},
        int64_t{-62'167'219'200'000}, int64_t{-62'167'219'200'001}, int64_t{-62'167'219'199'999},
        std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(), int64_t{7}}) {
    EXPECT_EQ(written(time_ms), format_timestamp(EventTime(time_ms)));
  }
}

RC_GTEST_PROP(Timestamp, WriterOfAMinuteWritesWhatFormatDoesInAnyOrder, (const std::vector<int32_t>& steps_ms)) {
  MinuteTimestampWriter writer;
  int64_t time_ms = 1'711'843'200'000;
  for (const int32_t step_ms : steps_ms) {
    time_ms += step_ms % 2 == 0 ? step_ms : step_ms % 70'000;
    char text[kMaxTimestampBytes];
    RC_ASSERT(std::string(text, writer.write(text, time_ms)) == format_timestamp(EventTime(time_ms)));
  }
}

}  // namespace
}  // namespace meterstream
