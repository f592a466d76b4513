#include "state/aggregate_table.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kNewYear2007 = 1'167'609'600'000;

TEST(AggregateBucket, TruncatesInUtcAlsoBefore1970) {
  const int64_t start = kNewYear2007 + 40 * kDay + 5 * kHour + 61'001;
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kMinutes, start), kNewYear2007 + 40 * kDay + 5 * kHour + 60'000);
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kHours, start), kNewYear2007 + 40 * kDay + 5 * kHour);
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kDays, start), kNewYear2007 + 40 * kDay);
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kMonths, start), kNewYear2007 + 31 * kDay);
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kDays, -1), -kDay);
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kMonths, -1), -31 * kDay);
  EXPECT_EQ(parse_aggregate_bucket("days"), AggregateBucket::kDays);
  EXPECT_EQ(parse_aggregate_bucket("weeks"), std::nullopt);
}

TEST(AggregateBucket, NextBucketStartsWhereThisOneEnds) {
  for (const AggregateBucket bucket :
       {AggregateBucket::kMinutes, AggregateBucket::kHours, AggregateBucket::kDays, AggregateBucket::kMonths}) {
    int64_t start = bucket_start_ms(bucket, kNewYear2007 - 800 * kDay);
    for (int step = 0; step < 60; ++step) {
      const int64_t next = next_bucket_start_ms(bucket, start);
      EXPECT_EQ(bucket_start_ms(bucket, next), next);
      EXPECT_EQ(bucket_start_ms(bucket, next - 1), start);
      start = next;
    }
  }
  EXPECT_EQ(next_bucket_start_ms(AggregateBucket::kNone, 0), INT64_MAX);
}

}  // namespace
}  // namespace meterstream
