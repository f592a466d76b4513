#include "connectors/kafka/commit_cadence.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(CommitCadence, IsDueAfterTheInterval) {
  CommitCadence cadence(200, 0);
  EXPECT_FALSE(cadence.is_due(199 * kMs));
  EXPECT_TRUE(cadence.is_due(200 * kMs));
  cadence.begun(230 * kMs);
  EXPECT_FALSE(cadence.is_due(429 * kMs));
  EXPECT_TRUE(cadence.is_due(430 * kMs));
}

TEST(CommitCadence, BeginsSoEarlyThatTheCommitEndsWithTheInterval) {
  CommitCadence cadence(200, 0);
  cadence.begun(200 * kMs);
  cadence.ended(240 * kMs);
  EXPECT_FALSE(cadence.is_due(359 * kMs));
  EXPECT_TRUE(cadence.is_due(360 * kMs));
}

TEST(CommitCadence, NeverBeginsBeforeHalfOfTheInterval) {
  CommitCadence cadence(200, 0);
  cadence.begun(200 * kMs);
  cadence.ended(900 * kMs);
  cadence.begun(900 * kMs);
  EXPECT_FALSE(cadence.is_due(999 * kMs));
  EXPECT_TRUE(cadence.is_due(1000 * kMs));
}

TEST(CommitCadence, ForgetsASlowCommit) {
  CommitCadence cadence(200, 0);
  cadence.ended(150 * kMs);
  for (int64_t round = 1; round <= 30; ++round) {
    cadence.begun(round * 200 * kMs);
    cadence.ended((round * 200 + 10) * kMs);
  }
  EXPECT_FALSE(cadence.is_due((6000 + 185) * kMs));
  EXPECT_TRUE(cadence.is_due((6000 + 190) * kMs));
}

TEST(CommitCadence, CommitsOnceASecondWhileMuchIsLeftToRead) {
  CommitCadence cadence(200, 0);
  cadence.begun(200 * kMs);
  cadence.progressed(200 * kMs, 100'000, 1'000'002);
  EXPECT_FALSE(cadence.is_due(1'199 * kMs));
  EXPECT_TRUE(cadence.is_due(1'200 * kMs));
  cadence.begun(1'200 * kMs);
  cadence.progressed(1'200 * kMs, 600'000, 900'000);  // 500,000 a second: less than two seconds of work are left
  EXPECT_TRUE(cadence.is_due(1'400 * kMs));
  // A member that lost a partition, or did nothing, is not behind.
  cadence.begun(1'400 * kMs);
  cadence.progressed(1'400 * kMs, 10, 900'000);
  EXPECT_TRUE(cadence.is_due(1'600 * kMs));
}

TEST(CommitCadence, KeepsAnIntervalThatIsLongerThanASecond) {
  CommitCadence cadence(5'000, 0);
  cadence.progressed(100 * kMs, 10, 1'000'000);
  EXPECT_FALSE(cadence.is_due(4'999 * kMs));
  EXPECT_TRUE(cadence.is_due(5'000 * kMs));
}

TEST(CommitCadence, WithoutAnIntervalIsAlwaysDue) {
  CommitCadence cadence(0, 5);
  EXPECT_TRUE(cadence.is_due(5));
}

TEST(CommitCadence, TakesTheLongestInterval) {
  const CommitCadence cadence(INT64_MAX, 0);
  EXPECT_FALSE(cadence.is_due(int64_t{3600} * 1000 * kMs));
}

}  // namespace
}  // namespace meterstream
