// What a chain does when its views are not closed as far as each other: after runs that closed everything, or when views
// that ran apart come together. Driven through the whole engine, because restarts are part of it.
#include "stream/view_chain.h"

#include <gtest/gtest.h>

#include "testing/faulty_key_value_store.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kHour = 1'700'002'800'000 / 3'600'000 * 3'600'000;

enum class Restart { kFromLog, kFromSnapshot, kFromState };

class ViewChainTest : public testing::Test {
 protected:
  void append(int64_t seconds, double value) {
    const OracleReading reading{{{"g", "GAS", "GAS_IDD"}, EventTime(kHour + seconds * 1'000), value},
                                IngestTime(kHour + 7'200'000)};
    ASSERT_TRUE(pipeline_->append({reading}, 1));
  }
  void run(const std::vector<ViewSpec>& views, Restart restart = Restart::kFromLog) {
    PassTaskOptions options;
    options.snapshot_share = restart == Restart::kFromSnapshot ? 1e9 : 0;
    if (restart == Restart::kFromState) options.state_keeping = StateKeeping::kChangelog;
    options.snapshot_min_records = 1;
    const Status ran = pipeline_->run(views, options);
    ASSERT_TRUE(ran) << ran.error().message;
    for (const ViewSpec& view : views) ASSERT_TRUE(pipeline_->accounting().at(view.name).balanced());
  }
  /// Samples of each result; a window that is there twice is an error.
  std::vector<int64_t> counts(const ViewSpec& view) {
    const auto windows = pipeline_->read_windows(view.topic);
    EXPECT_TRUE(windows) << windows.error().message;
    std::vector<int64_t> all;
    if (!windows) return all;
    for (const auto& [key, window] : *windows) all.push_back(window.count);
    return all;
  }

  FaultyKeyValueStore store_;
  ManualClock clock_{IngestTime(kHour)};
  std::unique_ptr<ViewPipeline> pipeline_ = ViewPipeline::open(store_, clock_).value();
  std::shared_ptr<StreamSpec> stream_ = standard_stream();
  ViewSpec minute_ = standard_view(stream_, 60'000, 0);
  ViewSpec five_minutes_ = standard_view(stream_, 300'000, 0);
  ViewSpec hour_ = standard_view(stream_, 3'600'000, 0);
};

class ViewChainRestartTest : public ViewChainTest, public testing::WithParamInterface<Restart> {};

TEST_P(ViewChainRestartTest, WindowsThatARunClosedStayClosedInTheNextRun) {
  append(10, 1);
  run({minute_, five_minutes_, hour_}, GetParam());
  append(610, 2);
  run({minute_, five_minutes_, hour_}, GetParam());
  EXPECT_EQ(counts(minute_), (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(counts(five_minutes_), (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(counts(hour_), (std::vector<int64_t>{1}));
  EXPECT_EQ(pipeline_->accounting().at(hour_.name).late, 1);
  EXPECT_EQ(pipeline_->read_topic(minute_.late_topic())->size(), 0U);
  EXPECT_EQ(pipeline_->read_topic(hour_.late_topic())->size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(AllWays, ViewChainRestartTest,
                         testing::Values(Restart::kFromLog, Restart::kFromSnapshot, Restart::kFromState));

TEST_F(ViewChainTest, ViewClosedFurtherThanItsNeighboursTakesNoMoreWhenTheyShareAPass) {
  append(10, 1);
  append(70, 2);
  // The middle one alone is closed by the end of its run; the others stand at the same offset with open windows.
  run({five_minutes_});
  PassTaskOptions options;
  ASSERT_TRUE(pipeline_->run({minute_, hour_}, options, 4, false));
  append(130, 3);
  append(310, 4);
  run({minute_, five_minutes_, hour_});
  EXPECT_EQ(counts(minute_), (std::vector<int64_t>{1, 1, 1, 1}));
  EXPECT_EQ(counts(five_minutes_), (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(counts(hour_), (std::vector<int64_t>{4}));
  EXPECT_EQ(pipeline_->read_topic(five_minutes_.late_topic())->size(), 1U);
}

}  // namespace
}  // namespace meterstream
