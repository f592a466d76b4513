#include "metering/time_zone.h"

#include <gtest/gtest.h>

#include "metering/timestamp.h"

namespace meterstream {
namespace {

int64_t at(std::string_view instant) {
  return parse_timestamp(instant).value().value;
}

TEST(TimeZoneTest, KnowsNamesOffsetsAndUtc) {
  for (const char* name : {"UTC", "Z", "+02:00", "-11:30", "Europe/Athens", "America/New_York"})
    EXPECT_TRUE(is_time_zone(name)) << name;
  for (const char* name : {"", "utc", "+2", "+25:00", "+02:60", "Europe/Nowhere", "../../etc/passwd"})
    EXPECT_FALSE(is_time_zone(name)) << name;
}

TEST(TimeZoneTest, OffsetFollowsDaylightSaving) {
  EXPECT_EQ(time_zone_offset_ms("Europe/Athens", at("2024-01-01T00:00:00Z")), 2 * 3'600'000);
  EXPECT_EQ(time_zone_offset_ms("Europe/Athens", at("2024-03-31T00:59:59Z")), 2 * 3'600'000);
  EXPECT_EQ(time_zone_offset_ms("Europe/Athens", at("2024-03-31T01:00:00Z")), 3 * 3'600'000);
  EXPECT_EQ(time_zone_offset_ms("-11:30", 0), -(11 * 60 + 30) * 60'000);
  EXPECT_FALSE(time_zone_offset_ms("Europe/Nowhere", 0));
}

TEST(TimeZoneTest, LocalTimeThatComesTwiceIsTheFirst) {
  EXPECT_EQ(utc_of_local_ms("Europe/Berlin", at("2024-10-27T02:30:00Z")), at("2024-10-27T00:30:00Z"));
}

TEST(TimeZoneTest, LocalTimeThatIsLeftOutIsAsFarBehindTheJump) {
  // Clocks go from 02:00 to 03:00: half an hour behind the jump is 03:30 of summer.
  EXPECT_EQ(utc_of_local_ms("Europe/Berlin", at("2024-03-31T02:30:00Z")), at("2024-03-31T01:30:00Z"));
}

TEST(TimeZoneTest, EachHourOfADayOf25HoursHasItsOwnMoment) {
  const int64_t midnight = utc_of_local_ms("Europe/Athens", at("2024-10-27T00:00:00Z")).value();
  const int64_t next = utc_of_local_ms("Europe/Athens", at("2024-10-28T00:00:00Z")).value();
  EXPECT_EQ(next - midnight, 25 * 3'600'000);
}

}  // namespace
}  // namespace meterstream
