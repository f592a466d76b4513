#include "metering/aggregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace meterstream {
namespace {

using testing::HasSubstr;

Aggregate sample() {
  Aggregate aggregate;
  aggregate.gateway = "household-1";
  aggregate.metric_type = "ELECTRICITY";
  aggregate.metric_attribute = "ACTIVE_POWER";
  aggregate.window_start = EventTime(1'167'609'600'000);
  aggregate.window_end = EventTime(1'167'609'660'000);
  aggregate.sample_count = 2;
  aggregate.min = 1.5;
  aggregate.max = 2;
  aggregate.sum = *Decimal::parse("3.5");
  aggregate.average = *Decimal::parse("1.75");
  return aggregate;
}

constexpr std::string_view kSampleText =
    R"({"windowStart":"2007-01-01T00:00:00Z","windowEnd":"2007-01-01T00:01:00Z","sampleCount":2,"min":1.5,"max":2,)"
    R"("sum":3.5,"average":1.75,"metricType":"ELECTRICITY","metricAttribute":"ACTIVE_POWER","gateway":"household-1"})";

TEST(Aggregate, IsWrittenInTheFieldOrderOfTheTopic) {
  std::string text;
  append_aggregate_json(text, sample());
  EXPECT_EQ(text, kSampleText);
}

TEST(Aggregate, ReadsFieldsInAnyOrderAndIgnoresOthers) {
  const auto parsed = parse_aggregate_json(
      R"( {"gateway":"household-1","quality":[1,{"a":2}],"sum":3.5,"average":1.75,"max":2.0,"min":1.5,"sampleCount":2,
          "metricAttribute":"ACTIVE_POWER","metricType":"ELECTRICITY","windowEnd":"2007-01-01T00:01:00Z",
          "windowStart":"2007-01-01T01:00:00+01:00"} )");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(*parsed, sample());
}

TEST(Aggregate, RefusesWhatIsMissingWrongOrTooMuch) {
  const std::string good(kSampleText);
  EXPECT_FALSE(parse_aggregate_json(""));
  EXPECT_FALSE(parse_aggregate_json("[]"));
  EXPECT_FALSE(parse_aggregate_json(good.substr(0, good.size() - 1)));
  EXPECT_FALSE(parse_aggregate_json(good + "x"));
  EXPECT_FALSE(parse_aggregate_json(R"({"windowStart":"2007-01-01T00:00:00Z"})"));
  std::string wrong = good;
  wrong.replace(wrong.find("3.5"), 3, "\"x\"");
  const auto parsed = parse_aggregate_json(wrong);
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("sum"), std::string::npos);
}

TEST(Aggregate, SaysWhichFieldIsWrong) {
  const auto error_of = [](std::string_view from, std::string_view to) {
    std::string json(kSampleText);
    json.replace(json.find(from), from.size(), to);
    const auto parsed = parse_aggregate_json(json);
    EXPECT_FALSE(parsed.has_value()) << json;
    return parsed ? std::string() : parsed.error().message;
  };
  EXPECT_THAT(error_of("\"sum\":3.5,", ""), HasSubstr("'sum' is missing"));
  EXPECT_THAT(error_of("1.75", "1.7500000001"), HasSubstr("'average'"));
  EXPECT_THAT(error_of("1.75", "\"0.03\""), HasSubstr("'average'"));
  EXPECT_THAT(error_of("00:01:00Z", "00:61:00Z"), HasSubstr("'windowEnd'"));
  EXPECT_THAT(error_of(":2,\"min", ":2.5,\"min"), HasSubstr("'sampleCount'"));
  EXPECT_THAT(error_of("\"household-1\"", "7"), HasSubstr("'gateway'"));
  EXPECT_FALSE(parse_aggregate_json("[]").has_value());
  EXPECT_FALSE(parse_aggregate_json("").has_value());
}

TEST(Aggregate, ReadsBackWhatItWrote) {
  EXPECT_TRUE(rc::check([](int64_t units, int32_t start_s, double min, const std::string& gateway) {
    Aggregate aggregate = sample();
    aggregate.sum = Decimal::from_units(static_cast<Int128>(units) * 1'000'003);
    aggregate.window_start = EventTime(start_s * 1000LL);
    aggregate.min = min;
    for (const char byte : gateway) {
      if (byte > 0) aggregate.gateway += byte;
    }
    std::string text;
    append_aggregate_json(text, aggregate);
    const auto parsed = parse_aggregate_json(text);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(*parsed == aggregate);
  }));
}

}  // namespace
}  // namespace meterstream
