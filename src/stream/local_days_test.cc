#include "stream/local_days.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metering/time_zone.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kDay = 24 * kHour;

int64_t at(const char* text) {
  return parse_timestamp(text).value().value;
}

LocalDays::Bounds between(const char* start, const char* end) {
  return {at(start), at(end)};
}

TEST(LocalDays, GoFromMidnightToMidnightThere) {
  LocalDays days("Europe/Athens", kDay);
  EXPECT_EQ(days.window_of(at("2024-02-10T21:59:59Z")), between("2024-02-09T22:00:00Z", "2024-02-10T22:00:00Z"));
  EXPECT_EQ(days.window_of(at("2024-02-10T22:00:00Z")), between("2024-02-10T22:00:00Z", "2024-02-11T22:00:00Z"));
  // 23 hours when summer begins, 25 when it ends.
  EXPECT_EQ(days.window_of(at("2024-03-31T12:00:00Z")), between("2024-03-30T22:00:00Z", "2024-03-31T21:00:00Z"));
  EXPECT_EQ(days.window_of(at("2024-10-27T00:30:00Z")), between("2024-10-26T21:00:00Z", "2024-10-27T22:00:00Z"));
  EXPECT_EQ(days.window_of(at("2024-10-27T01:30:00Z")), between("2024-10-26T21:00:00Z", "2024-10-27T22:00:00Z"));
}

TEST(LocalDays, KnowDaysWithoutAMidnightWithTwoAndDaysThatNeverWere) {
  // Clocks went from 24:00 to 01:00.
  LocalDays beirut("Asia/Beirut", kDay);
  EXPECT_EQ(beirut.window_of(at("2022-03-27T10:00:00Z")), between("2022-03-26T22:00:00Z", "2022-03-27T21:00:00Z"));
  // From 01:00 back to 00:00.
  LocalDays havana("America/Havana", kDay);
  EXPECT_EQ(havana.window_of(at("2022-11-06T05:30:00Z")), between("2022-11-06T04:00:00Z", "2022-11-07T05:00:00Z"));
  // The island had no 30 December.
  LocalDays samoa("Pacific/Apia", kDay);
  EXPECT_EQ(samoa.window_of(at("2011-12-30T09:59:59Z")), between("2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"));
  EXPECT_EQ(samoa.window_of(at("2011-12-30T10:00:00Z")), between("2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"));
}

TEST(LocalDays, LieSideBySideAndBeginAtLocalMidnight) {
  EXPECT_TRUE(rc::check([] {
    const std::string zone = *rc::gen::element<std::string>("Europe/Athens", "America/St_Johns", "Australia/Lord_Howe",
                                                            "America/Sao_Paulo", "Asia/Kathmandu", "UTC", "+05:30");
    const int64_t days = *rc::gen::element<int64_t>(1, 1, 2, 7);
    LocalDays windows(zone, days * kDay);
    const int64_t time_ms = *rc::gen::inRange<int64_t>(at("1975-01-01T00:00:00Z"), at("2035-01-01T00:00:00Z"));
    const LocalDays::Bounds own = windows.window_of(time_ms);
    RC_ASSERT(own.start_ms <= time_ms && time_ms < own.end_ms);
    RC_ASSERT(windows.window_of(own.end_ms).start_ms == own.end_ms);
    RC_ASSERT(windows.window_of(own.start_ms - 1).end_ms == own.start_ms);
    RC_ASSERT(LocalDays(zone, days * kDay).window_of(own.end_ms - 1) == own);
    const int64_t hours = own.end_ms - own.start_ms - days * kDay;
    RC_ASSERT(-2 * kHour <= hours && hours <= 2 * kHour);
    RC_ASSERT(utc_of_local_ms(zone, own.start_ms + time_zone_offset_ms(zone, own.start_ms).value()) == own.start_ms);
  }));
}

}  // namespace
}  // namespace meterstream
