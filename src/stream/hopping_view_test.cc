// Hopping views through the whole engine, against the oracle, which assigns readings to windows one by one.
#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metering/aggregate.h"
#include "testing/faulty_key_value_store.h"
#include "testing/random_readings.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'040'000 / 3'600'000 * 3'600'000;
constexpr int64_t kMinute = 60'000;

using Windows = std::map<std::pair<int64_t, std::string>, OracleWindow>;

struct Engine {
  FaultyKeyValueStore store;
  ManualClock clock{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline = ViewPipeline::open(store, clock).value();

  /// In many small log batches, so that a step is a part of the input.
  void append(const std::vector<OracleReading>& readings, size_t at_once = 20) {
    for (size_t first = 0; first < readings.size(); first += at_once) {
      const auto begin = readings.begin() + static_cast<ptrdiff_t>(first);
      const auto end = readings.begin() + static_cast<ptrdiff_t>(std::min(first + at_once, readings.size()));
      ASSERT_TRUE(pipeline->append({begin, end}, 1));
    }
  }
  /// Of EMIT CHANGES the last of each window.
  Windows last_results(const ViewSpec& view) {
    Windows last;
    const auto records = pipeline->read_topic(view.topic).value();
    for (const auto& record : records) {
      const Aggregate aggregate = parse_aggregate_json(record.value).value();
      EXPECT_EQ(aggregate.window_end.value, aggregate.window_start.value + view.window_size_ms);
      last[{aggregate.window_start.value, record.key}] = {aggregate.sample_count, aggregate.min, aggregate.max,
                                                          aggregate.sum};
    }
    return last;
  }
};

ViewSpec hopping_view(const std::shared_ptr<const StreamSpec>& stream, int64_t size_ms, int64_t advance_ms,
                      int64_t grace_ms = 0) {
  ViewSpec view = standard_view(stream, size_ms, grace_ms);
  view.advance_ms = advance_ms;
  return view;
}

// Sizes and advances that divide each other and that do not, and a tumbling view in the same pass.
std::vector<ViewSpec> random_views(const std::shared_ptr<const StreamSpec>& stream) {
  std::vector<ViewSpec> views = {standard_view(stream, kMinute, *rc::gen::element<int64_t>(0, 5'000))};
  for (const int64_t size_ms : {300'000, 420'000}) {
    const int64_t advance_ms = size_ms / *rc::gen::inRange<int64_t>(2, 30) + *rc::gen::element<int64_t>(0, 0, 1, 777);
    const int64_t grace_ms = *rc::gen::element<int64_t>(0, 3'000, 20'000, 600'000);
    views.push_back(hopping_view(stream, size_ms, std::min(advance_ms, size_ms - 1), grace_ms));
  }
  return views;
}

PassTaskOptions random_options() {
  PassTaskOptions options;
  options.batch_records = *rc::gen::element<size_t>(1, 5, 30, 2'048);
  options.read_bytes = *rc::gen::element<size_t>(1, 1'000, 1'000'000);
  options.commit_bytes = *rc::gen::element<size_t>(1, 5'000, 10'000'000);
  options.commit_interval_ms = *rc::gen::element<int64_t>(0, 1'000'000);
  options.snapshot_share = *rc::gen::element(0.0, 1e9);
  options.snapshot_min_records = *rc::gen::element<int64_t>(1, 50);
  options.memory_limit_bytes = *rc::gen::element<size_t>(0, 1, 20'000);
  options.state_keeping = *rc::gen::element(StateKeeping::kSnapshots, StateKeeping::kChangelog);
  return options;
}

// With few values, extremes repeat; with a counter the least one always leaves a window first.
std::vector<OracleReading> random_input(size_t count) {
  auto readings = random_readings(count, *rc::gen::arbitrary<uint32_t>(), kStart);
  const int shape = *rc::gen::inRange(0, 4);
  for (size_t i = 0; i < readings.size(); ++i) {
    double& value = readings[i].reading.value;
    if (shape == 1) value = static_cast<double>(i % 3);
    if (shape == 2) value = static_cast<double>(i);
    if (shape == 3) value = -static_cast<double>(i);
  }
  return readings;
}

TEST(HoppingView, AgreesWithTheOracleForEveryBatchSizeCommitAndBudget) {
  EXPECT_TRUE(rc::check([] {
    const auto readings = random_input(300);
    auto stream = standard_stream();
    stream->deduplicate = *rc::gen::arbitrary<bool>();
    stream->deduplicate_horizon_ms = 120'000;
    std::vector<ViewSpec> views = random_views(stream);
    const bool changes = *rc::gen::arbitrary<bool>();
    if (changes) views.back().emit = EmitMode::kChanges;
    Engine engine;
    engine.append(readings);
    RC_ASSERT(engine.pipeline->run(views, random_options()).has_value());
    for (const ViewSpec& view : views) {
      const OracleAnswer expected = ask_oracle(readings, OracleView(view));
      ViewAccounting accounting = engine.pipeline->accounting().at(view.name);
      RC_ASSERT(accounting.balanced());
      RC_ASSERT(engine.last_results(view) == expected.windows);
      if (view.emit == EmitMode::kChanges) accounting.results = expected.accounting.results;
      RC_ASSERT(accounting == expected.accounting);
      RC_ASSERT(engine.pipeline->read_topic(view.late_topic())->size() == expected.late.size());
    }
  }));
}

TEST(HoppingView, GivesTheSameRecordsWhenStoppedAnywhereAndStartedAgain) {
  EXPECT_TRUE(rc::check([] {
    const auto readings = random_input(240);
    auto stream = standard_stream();
    stream->deduplicate = *rc::gen::arbitrary<bool>();
    const auto views = random_views(stream);
    PassTaskOptions options = random_options();
    Engine straight;
    Engine restarted;
    straight.append(readings);
    restarted.append(readings);
    RC_ASSERT(straight.pipeline->run(views, options).has_value());
    for (int i = 0; i < 6; ++i) {
      options = random_options();
      options.read_bytes = 1;
      RC_ASSERT(restarted.pipeline->run(views, options, *rc::gen::inRange(0, 6)).has_value());
    }
    RC_ASSERT(restarted.pipeline->run(views, options).has_value());
    for (const ViewSpec& view : views) {
      RC_ASSERT(*straight.pipeline->read_topic(view.topic) == *restarted.pipeline->read_topic(view.topic));
      RC_ASSERT(*straight.pipeline->read_topic(view.late_topic()) ==
                *restarted.pipeline->read_topic(view.late_topic()));
    }
    RC_ASSERT(straight.pipeline->accounting() == restarted.pipeline->accounting());
  }));
}

TEST(HoppingView, WindowsAreTheSameForEveryOrderOfTheReadings) {
  EXPECT_TRUE(rc::check([](uint32_t shuffle_seed) {
    auto readings = random_input(200);
    // Nothing is late with such a grace, so that only the arithmetic could depend on the order.
    const ViewSpec view = hopping_view(standard_stream(), 300'000, 70'000, 100'000'000);
    const auto expected = ask_oracle(readings, OracleView(view)).windows;
    std::mt19937_64 random(shuffle_seed);
    std::shuffle(readings.begin(), readings.end(), random);
    Engine engine;
    engine.append(readings);
    RC_ASSERT(engine.pipeline->run({view}, {}).has_value());
    RC_ASSERT(*engine.pipeline->read_windows(view.topic) == expected);
  }));
}

class HoppingViewTest : public testing::Test {
 protected:
  void append(int64_t minutes, double value) {
    const OracleReading reading{{{"g", "GAS", "GAS_IDD"}, EventTime(kStart + minutes * kMinute), value},
                                IngestTime(kStart + ahead_ms_)};
    ASSERT_TRUE(engine_.pipeline->append({reading}, 1));
  }
  void run(const ViewSpec& view, bool close) {
    const Status ran = engine_.pipeline->run({view}, options_, INT64_MAX, close);
    ASSERT_TRUE(ran) << ran.error().message;
    ASSERT_TRUE(engine_.pipeline->accounting().at(view.name).balanced());
  }
  /// Minutes from kStart and samples of each result, in order.
  std::vector<std::pair<int64_t, int64_t>> counts(const ViewSpec& view) {
    std::vector<std::pair<int64_t, int64_t>> all;
    const auto windows = engine_.pipeline->read_windows(view.topic);
    EXPECT_TRUE(windows) << windows.error().message;
    for (const auto& [key, window] : *windows) all.emplace_back((key.first - kStart) / kMinute, window.count);
    return all;
  }
  ViewAccounting accounting(const ViewSpec& view) { return engine_.pipeline->accounting().at(view.name); }

  int64_t ahead_ms_ = 100'000'000;
  Engine engine_;
  PassTaskOptions options_;
  ViewSpec view_ = hopping_view(standard_stream(), 3 * kMinute, kMinute);
};

TEST_F(HoppingViewTest, AReadingCountsInItsOpenWindowsAndIsLateWhenNoneIs) {
  append(0, 1);
  append(4, 2);  // closes the windows from -2 to 1
  append(3, 3);  // late for the window from 1, in those from 2 and 3
  append(1, 4);  // late for all
  run(view_, true);
  EXPECT_EQ(counts(view_),
            (std::vector<std::pair<int64_t, int64_t>>{{-2, 1}, {-1, 1}, {0, 1}, {2, 2}, {3, 2}, {4, 1}}));
  EXPECT_EQ(accounting(view_).aggregated, 3);
  EXPECT_EQ(accounting(view_).late, 1);
  EXPECT_EQ(accounting(view_).results, 6);
  EXPECT_EQ(engine_.pipeline->read_topic(view_.late_topic())->size(), 1U);
}

enum class Restart { kFromLog, kFromSnapshot, kFromState };

class HoppingViewRestartTest : public HoppingViewTest, public testing::WithParamInterface<Restart> {
 protected:
  HoppingViewRestartTest() {
    options_.snapshot_share = GetParam() == Restart::kFromSnapshot ? 1e9 : 0;
    options_.snapshot_min_records = 1;
    if (GetParam() == Restart::kFromState) options_.state_keeping = StateKeeping::kChangelog;
  }
};

TEST_P(HoppingViewRestartTest, WindowsThatARunClosedStayClosedInTheNextRun) {
  append(0, 1);
  run(view_, true);
  append(1, 2);   // in the window from 1 only
  append(-1, 3);  // late for all
  append(3, 4);
  run(view_, true);
  EXPECT_EQ(counts(view_),
            (std::vector<std::pair<int64_t, int64_t>>{{-2, 1}, {-1, 1}, {0, 1}, {1, 2}, {2, 1}, {3, 1}}));
  EXPECT_EQ(accounting(view_).late, 1);
  run(view_, true);
  EXPECT_EQ(accounting(view_).results, 6);
}

TEST_P(HoppingViewRestartTest, WindowsGoOnWithTheReadingsOfEarlierRuns) {
  for (int64_t minute = 0; minute < 8; ++minute) {
    append(minute, static_cast<double>(minute % 2));
    if (minute > 2) append(minute - 2, 0.5);  // late for two of its windows
    run(view_, false);
  }
  run(view_, true);
  const auto windows = engine_.pipeline->read_windows(view_.topic).value();
  ASSERT_EQ(windows.size(), 10U);
  for (const auto& [key, window] : windows) {
    const int64_t start = (key.first - kStart) / kMinute;
    // Minutes 1 to 5 have two readings, and the second counts in the window from there alone.
    const int64_t minutes = std::min<int64_t>(start + 3, 8) - std::max<int64_t>(start, 0);
    EXPECT_EQ(window.count, minutes + (start >= 1 && start <= 5 ? 1 : 0)) << start;
  }
}

INSTANTIATE_TEST_SUITE_P(AllWays, HoppingViewRestartTest,
                         testing::Values(Restart::kFromLog, Restart::kFromSnapshot, Restart::kFromState));

TEST_F(HoppingViewTest, WindowsThatAFastClockOpenedAreClosedAloneAndStaySoAfterARestart) {
  ahead_ms_ = 0;
  append(0, 1);
  append(100, 2);  // moves the watermark to max_ahead, a minute, only
  run(view_, true);
  const std::vector<std::pair<int64_t, int64_t>> first = {{-2, 1}, {-1, 1}, {0, 1}, {98, 1}, {99, 1}, {100, 1}};
  EXPECT_EQ(counts(view_), first);
  append(97, 3);   // in the windows from 95, 96 and 97, which are open
  append(99, 4);   // from 97, for those from 98 and 99 it is late
  append(100, 5);  // late for all
  append(2, 6);    // in those from 1 and 2
  run(view_, true);
  auto all = first;
  all.insert(all.begin() + 3, {{1, 1}, {2, 1}, {95, 1}, {96, 1}, {97, 2}});
  EXPECT_EQ(counts(view_), all);
  EXPECT_EQ(accounting(view_).late, 1);
  append(101, 7);
  append(96, 8);
  run(view_, true);
  all.insert(all.begin() + 5, {94, 1});
  all.insert(all.end(), {101, 1});
  EXPECT_EQ(counts(view_), all);
  EXPECT_EQ(accounting(view_).late, 1);
}

TEST_F(HoppingViewTest, TheMergeGoesOnAcrossWindowsThatWereClosedAlone) {
  ahead_ms_ = 0;
  append(10, 1);
  run(view_, true);  // closes the windows from 8, 9 and 10 alone
  append(7, 2);
  append(9, 3);
  append(11, 4);
  ahead_ms_ = 100'000'000;
  for (int64_t minute = 6; minute < 20; ++minute) append(minute, static_cast<double>(minute));
  run(view_, true);
  // Minutes 7, 9 and 11 have two readings.
  EXPECT_EQ(counts(view_), (std::vector<std::pair<int64_t, int64_t>>{{4, 1},
                                                                     {5, 3},
                                                                     {6, 4},
                                                                     {7, 5},
                                                                     {8, 1},
                                                                     {9, 1},
                                                                     {10, 1},
                                                                     {11, 4},
                                                                     {12, 3},
                                                                     {13, 3},
                                                                     {14, 3},
                                                                     {15, 3},
                                                                     {16, 3},
                                                                     {17, 3},
                                                                     {18, 2},
                                                                     {19, 1}}));
  const auto windows = engine_.pipeline->read_windows(view_.topic).value();
  for (const auto& [key, window] : windows) {
    const int64_t start = (key.first - kStart) / kMinute;
    if (start > 11) {
      EXPECT_EQ(window.min, static_cast<double>(start));
    }
  }
}

TEST_F(HoppingViewTest, RefinementsCountTheRowsOfTheirWindowInTheirId) {
  view_.emit = EmitMode::kChanges;
  options_.result_ids = true;
  options_.batch_records = 1;
  options_.read_bytes = 1;
  append(0, 1);
  append(1, 2);
  run(view_, true);
  std::vector<std::string> ids;
  const auto records = engine_.pipeline->read_topic(view_.topic).value();
  for (const auto& record : records) {
    const auto place = record.headers.find("|g.GAS.GAS_IDD|");
    ASSERT_NE(place, std::string::npos);
    ids.push_back(record.headers.substr(place + 15));
  }
  const auto id = [](int64_t minute, int rows) {
    return std::to_string(kStart + minute * kMinute) + '|' + std::to_string(rows);
  };
  EXPECT_EQ(ids, (std::vector<std::string>{id(-2, 1), id(-1, 1), id(0, 1), id(-1, 2), id(0, 2), id(1, 1)}));
}

}  // namespace
}  // namespace meterstream
