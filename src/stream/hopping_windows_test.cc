#include "stream/hopping_windows.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace meterstream {
namespace {

TEST(HoppingShape, CutsPanesWhereWindowsStartAndEnd) {
  const HoppingShape even{.size_ms = 60, .advance_ms = 20};
  EXPECT_EQ(even.pane_start_of(59), 40);
  EXPECT_EQ(even.pane_end_of(40), 60);
  EXPECT_EQ(even.first_window_of(40), 0);
  EXPECT_EQ(even.last_window_of(40), 40);
  const HoppingShape uneven{.size_ms = 90, .advance_ms = 60};
  EXPECT_EQ(uneven.pane_start_of(29), 0);
  EXPECT_EQ(uneven.pane_end_of(0), 30);
  EXPECT_EQ(uneven.pane_start_of(30), 30);
  EXPECT_EQ(uneven.pane_end_of(30), 60);
  EXPECT_EQ(uneven.first_window_of(0), -60);
  EXPECT_EQ(uneven.first_window_of(30), 0);
  EXPECT_EQ(uneven.pane_start_of(-1), -30);
}

TEST(HoppingShape, EveryTimeOfAPaneLiesInTheSameWindows) {
  EXPECT_TRUE(rc::check([] {
    const auto size_ms = *rc::gen::inRange<int64_t>(1, 200);
    const HoppingShape shape{.size_ms = size_ms, .advance_ms = *rc::gen::inRange<int64_t>(1, size_ms + 1)};
    const auto time_ms = *rc::gen::inRange<int64_t>(-2'000, 2'000);
    std::set<int64_t> windows;
    for (int64_t start = -10'000 / shape.advance_ms * shape.advance_ms; start <= time_ms; start += shape.advance_ms) {
      if (start + size_ms > time_ms) windows.insert(start);
    }
    const int64_t pane_ms = shape.pane_start_of(time_ms);
    RC_ASSERT(pane_ms <= time_ms && time_ms < shape.pane_end_of(pane_ms));
    RC_ASSERT(shape.pane_start_of(shape.pane_end_of(pane_ms) - 1) == pane_ms);
    RC_ASSERT(shape.pane_start_of(shape.pane_end_of(pane_ms)) == shape.pane_end_of(pane_ms));
    RC_ASSERT(*windows.begin() == shape.first_window_of(pane_ms));
    RC_ASSERT(*windows.rbegin() == shape.last_window_of(pane_ms));
    RC_ASSERT(*windows.rbegin() == shape.last_window_of(time_ms));
  }));
}

TEST(HoppingShape, AWindowIsClosedWhenTheWatermarkReachesItsEndAndGrace) {
  EXPECT_TRUE(rc::check([] {
    const auto size_ms = *rc::gen::inRange<int64_t>(1, 200);
    const auto advance_ms = *rc::gen::inRange<int64_t>(1, size_ms + 1);
    const auto grace_ms = *rc::gen::inRange<int64_t>(0, 100);
    const auto watermark_ms = *rc::gen::inRange<int64_t>(-1'000, 1'000);
    const int64_t closed_before_ms = closed_before_of(watermark_ms, size_ms, advance_ms, grace_ms);
    RC_ASSERT(closed_before_ms % advance_ms == 0);
    RC_ASSERT(closed_before_ms + size_ms + grace_ms > watermark_ms);
    RC_ASSERT(closed_before_ms - advance_ms + size_ms + grace_ms <= watermark_ms);
  }));
}

TEST(WindowRanges, HoldTheStartsThatWereAddedAndNoOthers) {
  EXPECT_TRUE(rc::check([](const std::vector<std::pair<uint8_t, uint8_t>>& added, uint8_t erased_before) {
    WindowRanges ranges;
    std::set<int64_t> starts;
    for (const auto& [from, length] : added) {
      const int64_t to = from + length % 8 + 1;
      ranges.add(from, to);
      for (int64_t start = from; start < to; ++start) starts.insert(start);
    }
    ranges.erase_before(erased_before);
    starts.erase(starts.begin(), starts.lower_bound(erased_before));
    for (int64_t start = -1; start < 270; ++start) {
      int64_t outside = start;
      while (starts.contains(outside)) ++outside;
      RC_ASSERT(ranges.first_outside(start) == outside);
    }
    WindowRanges read_back;
    const std::vector<int64_t> list = ranges.list();
    for (size_t i = 0; i < list.size(); i += 2) read_back.add(list[i], list[i + 1]);
    RC_ASSERT(read_back.list() == list);
    // Neighbours are one range.
    for (size_t i = 2; i < list.size(); i += 2) RC_ASSERT(list[i] > list[i - 1]);
  }));
}

}  // namespace
}  // namespace meterstream
