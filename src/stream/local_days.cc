#include "stream/local_days.h"

#include "base/check.h"
#include "metering/time_zone.h"
#include "stream/window_math.h"

namespace meterstream {
namespace {

// Some decades; readings of the year 1 and of the year 9999 must not fill the memory.
constexpr size_t kMostStarts = 20'000;

}  // namespace

int64_t LocalDays::start_of(int64_t number) {
  const auto found = starts_.find(number);
  if (found != starts_.end()) return found->second;
  if (starts_.size() >= kMostStarts) starts_.clear();
  const auto start_ms = utc_of_local_ms(zone_, number * size_ms_);
  CHECK_MESSAGE(start_ms.has_value(), "the binder knows the zone");
  starts_.emplace(number, *start_ms);
  return *start_ms;
}

LocalDays::Bounds LocalDays::window_of(int64_t time_ms) {
  if (last_.start_ms <= time_ms && time_ms < last_.end_ms) return last_;
  const auto offset_ms = time_zone_offset_ms(zone_, time_ms);
  CHECK_MESSAGE(offset_ms.has_value(), "the binder knows the zone");
  int64_t number = window_start_of(time_ms + *offset_ms, size_ms_) / size_ms_;
  // Where clocks go back across midnight, the times of the hour that comes twice lie on both sides of it.
  while (time_ms < start_of(number)) --number;
  while (time_ms >= start_of(number + 1)) ++number;
  last_ = {start_of(number), start_of(number + 1)};
  return last_;
}

}  // namespace meterstream
