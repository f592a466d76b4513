#include "apps/bounded_run_end.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

TEST(BoundedRunEnd, EndsAtOnceWhenEveryPartitionWasFinishedHere) {
  BoundedRunEnd end(1'000);
  EXPECT_FALSE(end.is_reached(false, 0, 0));
  EXPECT_TRUE(end.is_reached(true, 0, 1));
}

TEST(BoundedRunEnd, WaitsForAPartitionThatIsOnItsWay) {
  BoundedRunEnd end(1'000);
  EXPECT_FALSE(end.is_reached(true, 1, 5'000));
  EXPECT_FALSE(end.is_reached(true, 1, 5'999));
  // It arrives, is read and finished.
  EXPECT_FALSE(end.is_reached(false, 1, 6'000));
  EXPECT_TRUE(end.is_reached(true, 0, 6'100));
}

TEST(BoundedRunEnd, LeavesPartitionsThatStayWithOtherProcesses) {
  BoundedRunEnd end(1'000);
  EXPECT_FALSE(end.is_reached(true, 2, 100));
  EXPECT_FALSE(end.is_reached(false, 2, 500));
  EXPECT_FALSE(end.is_reached(true, 2, 600));
  EXPECT_FALSE(end.is_reached(true, 2, 1'599));
  EXPECT_TRUE(end.is_reached(true, 2, 1'600));
}

}  // namespace
}  // namespace meterstream
