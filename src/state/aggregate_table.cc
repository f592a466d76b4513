#include "state/aggregate_table.h"

#include <array>
#include <chrono>

namespace meterstream {
namespace {

constexpr std::array<std::string_view, 5> kBucketNames = {"none", "minutes", "hours", "days", "months"};

}  // namespace

std::string_view name_of(AggregateBucket bucket) {
  return kBucketNames[static_cast<size_t>(bucket)];
}

std::optional<AggregateBucket> parse_aggregate_bucket(std::string_view name) {
  for (size_t index = 0; index < kBucketNames.size(); ++index) {
    if (kBucketNames[index] == name) return static_cast<AggregateBucket>(index);
  }
  if (name == "null") return AggregateBucket::kNone;  // another word for it in use
  return std::nullopt;
}

AggregateBucket usual_bucket(int64_t window_ms) {
  constexpr int64_t kHourMs = 3'600'000;
  if (window_ms >= 24 * kHourMs) return AggregateBucket::kNone;
  return window_ms >= kHourMs ? AggregateBucket::kMonths : AggregateBucket::kDays;
}

int64_t bucket_start_ms(AggregateBucket bucket, int64_t window_start_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> start{milliseconds(window_start_ms)};
  switch (bucket) {
    case AggregateBucket::kNone:
      return 0;
    case AggregateBucket::kMinutes:
      return floor<minutes>(start).time_since_epoch() / milliseconds(1);
    case AggregateBucket::kHours:
      return floor<hours>(start).time_since_epoch() / milliseconds(1);
    case AggregateBucket::kDays:
      return floor<days>(start).time_since_epoch() / milliseconds(1);
    case AggregateBucket::kMonths: {
      const year_month_day date(floor<days>(start));
      return sys_days(date.year() / date.month() / day(1)).time_since_epoch() / milliseconds(1);
    }
  }
  return 0;
}

int64_t next_bucket_start_ms(AggregateBucket bucket, int64_t start_ms) {
  using namespace std::chrono;
  switch (bucket) {
    case AggregateBucket::kNone:
      return INT64_MAX;
    case AggregateBucket::kMinutes:
      return start_ms + milliseconds(minutes(1)).count();
    case AggregateBucket::kHours:
      return start_ms + milliseconds(hours(1)).count();
    case AggregateBucket::kDays:
      return start_ms + milliseconds(days(1)).count();
    case AggregateBucket::kMonths: {
      const year_month_day date(floor<days>(sys_time<milliseconds>{milliseconds(start_ms)}));
      return sys_days((date.year() / date.month() + months(1)) / day(1)).time_since_epoch() / milliseconds(1);
    }
  }
  return INT64_MAX;
}

}  // namespace meterstream
