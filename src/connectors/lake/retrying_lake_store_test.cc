#include "connectors/lake/retrying_lake_store.h"

#include <gtest/gtest.h>

#include "connectors/lake/memory_lake_store.h"

namespace meterstream {
namespace {

class RetryingLakeStoreTest : public testing::Test {
 protected:
  /// The store heals after so many pauses.
  RetryingLakeStore retrying(int heals_after) {
    auto owned = std::make_unique<MemoryLakeStore>();
    store_ = owned.get();
    LakeTiming timing{&clock_,
                      [this, heals_after](int64_t pause_ms) {
                        pauses_.push_back(pause_ms);
                        clock_.advance(pause_ms);
                        if (static_cast<int>(pauses_.size()) == heals_after) store_->heal();
                      },
                      7};
    return RetryingLakeStore(std::move(owned),
                             {.retry_for_ms = 10'000, .first_pause_ms = 100, .longest_pause_ms = 1'000},
                             std::move(timing));
  }

  ManualClock clock_{IngestTime(0)};
  MemoryLakeStore* store_ = nullptr;
  std::vector<int64_t> pauses_;
};

TEST_F(RetryingLakeStoreTest, TriesAgainWithPausesThatGrowAndEnd) {
  auto store = retrying(1000);
  store_->fail_from(1, MemoryLakeStore::Fault::kBefore);
  const auto written = store.write("a", "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  ASSERT_GT(pauses_.size(), 10U);
  EXPECT_GE(pauses_[0], 50);
  EXPECT_LE(pauses_[0], 100);
  EXPECT_GE(pauses_.back(), 500);
  EXPECT_LE(pauses_.back(), 1'000);
  EXPECT_LE(clock_.now().value, 10'000);
}

TEST_F(RetryingLakeStoreTest, SucceedsWhenTheStoreIsBack) {
  auto store = retrying(3);
  store_->fail_from(1, MemoryLakeStore::Fault::kBefore);
  EXPECT_TRUE(store.write("a", "x"));
  EXPECT_EQ(*store.read("a"), "x");
  EXPECT_EQ(pauses_.size(), 3U);
}

TEST_F(RetryingLakeStoreTest, DoesNotTryAgainWhatIsNoMatterOfTime) {
  auto store = retrying(3);
  EXPECT_EQ(store.read("nothing").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(pauses_.empty());
}

TEST_F(RetryingLakeStoreTest, KnowsItsOwnObjectWhenTheAnswerOfCreateWasLost) {
  auto store = retrying(1);
  store_->fail_from(1, MemoryLakeStore::Fault::kAfter);
  EXPECT_TRUE(store.create("a", "mine").value());
  EXPECT_FALSE(store.create("a", "theirs").value());
}

}  // namespace
}  // namespace meterstream
