#include "connectors/redis/redis_latest_format.h"

#include <set>

#include <gtest/gtest.h>

namespace meterstream {
namespace {

TEST(RedisLatestFormat, AGatewayIsItsKeyBehindThePrefix) {
  const RedisLatestFormat plain("");
  EXPECT_EQ(plain.activity_key("gateway-1"), "gateway-1");
  EXPECT_EQ(plain.values_key("gateway-1"), "values:gateway-1");
  const RedisLatestFormat prefixed("meters:");
  EXPECT_EQ(prefixed.activity_key("gateway-1"), "meters:gateway-1");
  EXPECT_EQ(prefixed.values_key("gateway-1"), "meters:values:gateway-1");
  EXPECT_FALSE(prefixed.parse_key("gateway-1"));
}

TEST(RedisLatestFormat, NoTwoNamesShareAKeyAndEachKeyGivesItsNameBack) {
  const RedisLatestFormat format("p:");
  std::set<std::string> keys;
  for (const std::string gateway : {"", "a", "values:", "values:a", "gateway:", "gateway:a", "gateway:values:a",
                                    "values:values:a", "gateway:gateway:", "Values:a", "p:a", ":"}) {
    for (const bool has_values : {false, true}) {
      const std::string key = has_values ? format.values_key(gateway) : format.activity_key(gateway);
      EXPECT_TRUE(keys.insert(key).second) << key;
      const auto parsed = format.parse_key(key);
      ASSERT_TRUE(parsed) << key;
      EXPECT_EQ(parsed->gateway, gateway);
      EXPECT_EQ(parsed->has_values, has_values);
    }
  }
  EXPECT_FALSE(format.parse_key("p:gateway:a"));
}

TEST(RedisLatestFormat, FieldsAndValuesComeBack) {
  EXPECT_EQ(RedisLatestFormat::field("WATER", "WATER_IDD"), "WATER.WATER_IDD");
  EXPECT_EQ(RedisLatestFormat::field("A.B\\", "C.D"), "A\\.B\\\\.C.D");
  EXPECT_EQ(RedisLatestFormat::value(1'167'652'800'000, 0.1), "2007-01-01T12:00:00Z 0.1");
  EXPECT_EQ(RedisLatestFormat::value(1'167'652'800'500, -3), "2007-01-01T12:00:00.500Z -3");
  for (const auto& [type, attribute] :
       {std::pair("A.B\\", "C.D"), std::pair("", ""), std::pair("\\.", "."), std::pair("A", "\\")}) {
    const auto reading = RedisLatestFormat::parse("g", RedisLatestFormat::field(type, attribute),
                                                  RedisLatestFormat::value(1'167'652'800'001, 1e-300));
    EXPECT_EQ(reading, (LatestReading{"g", type, attribute, 1'167'652'800'001, 1e-300}));
  }
}

TEST(RedisLatestFormat, TimesHaveTheLengthsThatTheScriptsCompare) {
  for (const int64_t time_ms :
       {RedisLatestFormat::kFirstTimeMs, int64_t{-1'000}, int64_t{0}, RedisLatestFormat::kLastTimeMs - 999})
    EXPECT_EQ(RedisLatestFormat::value(time_ms, 1).find(' '), 20U);
  for (const int64_t time_ms : {RedisLatestFormat::kFirstTimeMs + 1, int64_t{-1}, RedisLatestFormat::kLastTimeMs}) {
    const std::string value = RedisLatestFormat::value(time_ms, 1);
    EXPECT_EQ(value.find(' '), 24U);
    EXPECT_EQ(RedisLatestFormat::parse_time(value.substr(0, 24)), time_ms);
  }
}

TEST(RedisLatestFormat, WhatIsNoReadingIsNoReading) {
  EXPECT_FALSE(RedisLatestFormat::parse("g", "noattribute", "2007-01-01T12:00:00Z 1"));
  EXPECT_FALSE(RedisLatestFormat::parse("g", "a\\", "2007-01-01T12:00:00Z 1"));
  for (const std::string_view value : {"", "1", "2007-01-01T12:00:00Z", "2007-01-01T12:00:00Z ",
                                       "2007-01-01T12:00:00Z 1 ", "2007-01-01T12:00:00Z one", "2007-13-01T12:00:00Z 1"})
    EXPECT_FALSE(RedisLatestFormat::parse("g", "A.B", value)) << value;
}

}  // namespace
}  // namespace meterstream
