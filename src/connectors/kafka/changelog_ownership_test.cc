#include "connectors/kafka/changelog_ownership.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace meterstream {
namespace {

constexpr int64_t kLongMs = 20'000;

class ChangelogOwnershipTest : public testing::Test {
 protected:
  const TopicPartition zero_{"changelog", PartitionId(0)};
  const TopicPartition one_{"changelog", PartitionId(1)};
  ChangelogOwnership ownership_;
};

TEST_F(ChangelogOwnershipTest, TermIsOverOnceSomebodyHadThePartition) {
  const auto before = ownership_.free_term(zero_);
  ASSERT_TRUE(before);
  int writes = 0;
  const auto write = [&writes] {
    ++writes;
    return Status();
  };
  EXPECT_TRUE(*ownership_.write(zero_, *before, write));
  {
    const auto hold = ownership_.acquire(zero_, 0);
    ASSERT_TRUE(hold);
    EXPECT_EQ(ownership_.free_term(zero_), std::nullopt);
    EXPECT_FALSE(*ownership_.write(zero_, *before, write));
    EXPECT_TRUE(ownership_.free_term(one_));
  }
  EXPECT_FALSE(*ownership_.write(zero_, *before, write));
  EXPECT_TRUE(*ownership_.write(zero_, *ownership_.free_term(zero_), write));
  EXPECT_EQ(writes, 2);
}

TEST_F(ChangelogOwnershipTest, FailedWriteLeavesThePartitionFree) {
  const auto term = ownership_.free_term(zero_);
  EXPECT_EQ(ownership_.write(zero_, *term, [] { return unavailable("disk full"); }).error().code,
            ErrorCode::kUnavailable);
  EXPECT_TRUE(ownership_.acquire(zero_, 0));
}

TEST_F(ChangelogOwnershipTest, SecondHolderWaitsForTheFirstAndGivesUpInTime) {
  auto first = ownership_.acquire(zero_, 0);
  ASSERT_TRUE(first);
  EXPECT_EQ(ownership_.acquire(zero_, 20).error().code, ErrorCode::kUnavailable);
  std::thread other([this] { EXPECT_TRUE(ownership_.acquire(zero_, kLongMs)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  first->end();
  other.join();
  EXPECT_TRUE(ownership_.free_term(zero_));
}

TEST_F(ChangelogOwnershipTest, HoldThatIsReplacedEnds) {
  auto hold = ownership_.acquire(zero_, 0);
  ASSERT_TRUE(hold);
  hold = ownership_.acquire(one_, 0);
  EXPECT_TRUE(ownership_.free_term(zero_));
  EXPECT_FALSE(ownership_.free_term(one_));
}

TEST_F(ChangelogOwnershipTest, HoldersAndWritersNeverMeet) {
  std::atomic<int> inside = 0;
  std::atomic<int> meetings = 0;
  std::atomic<int> written = 0;
  const auto visit = [&] {
    if (inside.fetch_add(1) != 0) ++meetings;
    std::this_thread::yield();
    inside.fetch_sub(1);
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        const auto hold = ownership_.acquire(zero_, kLongMs);
        ASSERT_TRUE(hold);
        visit();
      }
    });
    threads.emplace_back([&] {
      for (int round = 0; round < 300 || written == 0; ++round) {
        const auto term = ownership_.free_term(zero_);
        if (!term) continue;
        const auto done = ownership_.write(zero_, *term, [&] {
          visit();
          return Status();
        });
        ASSERT_TRUE(done);
        if (*done) ++written;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(meetings, 0);
  EXPECT_GT(written, 0);
}

}  // namespace
}  // namespace meterstream
