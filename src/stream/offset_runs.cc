#include "stream/offset_runs.h"

namespace meterstream {

void OffsetRuns::add(Offset offset) {
  if (!runs_.empty() && runs_.back().end == offset.value) {
    ++runs_.back().end;
  } else {
    runs_.push_back({offset.value, offset.value + 1});
  }
}

int64_t OffsetRuns::take_below(Offset limit) {
  int64_t count = 0;
  while (!runs_.empty() && runs_.front().end <= limit.value) {
    count += runs_.front().end - runs_.front().first;
    runs_.pop_front();
  }
  if (!runs_.empty() && runs_.front().first < limit.value) {
    count += limit.value - runs_.front().first;
    runs_.front().first = limit.value;
  }
  return count;
}

}  // namespace meterstream
