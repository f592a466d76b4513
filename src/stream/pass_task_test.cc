#include "stream/pass_task.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metering/aggregate.h"
#include "testing/faulty_key_value_store.h"
#include "testing/random_readings.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'040'000 / 3'600'000 * 3'600'000;

std::vector<OracleReading> random_readings(size_t count, uint64_t seed) {
  return meterstream::random_readings(count, seed, kStart);
}

struct EngineFixture {
  FaultyKeyValueStore store;
  ManualClock clock{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline = ViewPipeline::open(store, clock).value();
};

std::vector<ViewSpec> three_views(const std::shared_ptr<const StreamSpec>& stream, int64_t grace_ms) {
  return {standard_view(stream, 3'600'000, grace_ms), standard_view(stream, 60'000, grace_ms),
          standard_view(stream, 300'000, grace_ms)};
}

std::string to_string(const ViewAccounting& a) {
  return fmt::format(
      "read {} aggregated {} filtered {} late {} duplicate {} rejected {} conflicts {} ahead {} faults {} "
      "results {}",
      a.read, a.aggregated, a.filtered, a.late, a.duplicate, a.rejected, a.conflicts, a.capped_ahead, a.faults,
      a.results);
}

OracleView oracle_view(const ViewSpec& view) {
  return OracleView(view);
}

TEST(PassTask, AgreesWithTheOracleForEveryBatchSizeCommitAndSharing) {
  EXPECT_TRUE(
      rc::check([](uint32_t seed, uint8_t batch, uint8_t grace, bool deduplicate, uint16_t memory, bool changelog) {
        const auto readings = random_readings(400, seed);
        auto stream = standard_stream();
        stream->deduplicate = deduplicate;
        stream->deduplicate_horizon_ms = 120'000;
        const auto views = three_views(stream, grace * 500);
        EngineFixture setup;
        RC_ASSERT(setup.pipeline->append(readings, 1).has_value());
        PassTaskOptions options;
        options.batch_records = 1 + batch % 64;
        options.read_bytes = 1 + seed % 5'000;
        options.commit_bytes = 1 + seed % 10'000;
        options.commit_interval_ms = 0;
        options.snapshot_min_records = 1 + seed % 100;
        options.memory_limit_bytes = memory % 2 == 0 ? 0 : memory;
        if (changelog) options.state_keeping = StateKeeping::kChangelog;
        const Status ran = setup.pipeline->run(views, options);
        RC_ASSERT(ran.has_value());
        for (const ViewSpec& view : views) {
          const OracleAnswer expected = ask_oracle(readings, oracle_view(view));
          ViewAccounting accounting = setup.pipeline->accounting().at(view.name);
          RC_ASSERT(accounting.balanced());
          RC_LOG() << to_string(accounting) << " instead of " << to_string(expected.accounting);
          RC_ASSERT(accounting == expected.accounting);
          const auto windows = setup.pipeline->read_windows(view.topic);
          RC_ASSERT(windows.has_value());
          RC_ASSERT(*windows == expected.windows);
          RC_ASSERT(setup.pipeline->read_topic(view.late_topic())->size() == static_cast<size_t>(accounting.late));
        }
      }));
}

TEST(PassTask, GivesTheSameRecordsWhenStoppedAnywhereAndStartedAgain) {
  EXPECT_TRUE(rc::check([](uint32_t seed, uint8_t stop_after, bool deduplicate, bool snapshots) {
    const auto readings = random_readings(300, seed);
    auto stream = standard_stream();
    stream->deduplicate = deduplicate;
    const auto views = three_views(stream, 5'000);
    PassTaskOptions options;
    options.batch_records = 16;
    options.snapshot_share = snapshots ? 1e9 : 0;
    options.snapshot_min_records = 1;
    options.commit_interval_ms = 0;
    EngineFixture straight;
    EngineFixture restarted;
    // Many small log batches, so that a step is a part of the input.
    for (size_t first = 0; first < readings.size(); first += 20) {
      const std::vector<OracleReading> part(
          readings.begin() + static_cast<ptrdiff_t>(first),
          readings.begin() + static_cast<ptrdiff_t>(std::min(first + 20, readings.size())));
      RC_ASSERT(straight.pipeline->append(part, 1).has_value());
      RC_ASSERT(restarted.pipeline->append(part, 1).has_value());
    }
    RC_ASSERT(straight.pipeline->run(views, options).has_value());
    options.read_bytes = 1;
    // 0: snapshots, 1: changelog, above: another way with each restart.
    const int keeping = *rc::gen::inRange(0, 4);
    for (int i = 0; i < 6; ++i) {
      const bool to_changelog = keeping < 2 ? keeping == 1 : (i + keeping) % 2 == 0;
      options.state_keeping = to_changelog ? StateKeeping::kChangelog : StateKeeping::kSnapshots;
      RC_ASSERT(restarted.pipeline->run(views, options, stop_after % 7).has_value());
    }
    RC_ASSERT(restarted.pipeline->run(views, options).has_value());
    for (const ViewSpec& view : views) {
      RC_ASSERT(*straight.pipeline->read_topic(view.topic) == *restarted.pipeline->read_topic(view.topic));
      RC_ASSERT(*straight.pipeline->read_topic(view.late_topic()) ==
                *restarted.pipeline->read_topic(view.late_topic()));
      RC_ASSERT(straight.pipeline->accounting() == restarted.pipeline->accounting());
    }
    RC_ASSERT(*straight.pipeline->read_topic("metrics-rejected") ==
              *restarted.pipeline->read_topic("metrics-rejected"));
  }));
}

class PassTaskViews : public testing::TestWithParam<StateKeeping> {};

TEST_P(PassTaskViews, AreRebuiltFromTheLogWhenOneIsAddedToThePass) {
  const auto readings = random_readings(500, 7);
  const auto stream = standard_stream();
  auto views = three_views(stream, 5'000);
  EngineFixture setup;
  ASSERT_TRUE(setup.pipeline->append(readings, 1));
  PassTaskOptions options;
  options.snapshot_min_records = 1;
  options.commit_interval_ms = 0;
  options.read_bytes = 1;
  options.state_keeping = GetParam();
  ASSERT_TRUE(setup.pipeline->run({views[1], views[2]}, options, INT64_MAX, false));
  ASSERT_TRUE(setup.pipeline->run({views[1]}, options, INT64_MAX, false));
  ASSERT_TRUE(setup.pipeline->run(views, options));
  for (const ViewSpec& view : views) {
    EXPECT_EQ(*setup.pipeline->read_windows(view.topic), ask_oracle(readings, oracle_view(view)).windows) << view.name;
  }
}

INSTANTIATE_TEST_SUITE_P(BothWaysToKeepState, PassTaskViews,
                         testing::Values(StateKeeping::kSnapshots, StateKeeping::kChangelog));

TEST(PassTask, RefusesAViewWhoseDefinitionChanged) {
  EngineFixture setup;
  const auto stream = standard_stream();
  ASSERT_TRUE(setup.pipeline->append(random_readings(10, 1), 1));
  ASSERT_TRUE(setup.pipeline->run({standard_view(stream, 60'000, 0)}, {}));
  const Status changed = setup.pipeline->run({standard_view(stream, 60'000, 1'000)}, {});
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::kConflict);
  EXPECT_NE(changed.error().message.find("metrics_aggregates_60"), std::string::npos);
}

TEST(PassTask, SumsAreTheSameForEveryPartitioning) {
  const auto readings = random_readings(400, 11);
  const auto stream = standard_stream();
  std::optional<std::map<std::pair<int64_t, std::string>, OracleWindow>> first;
  for (const int32_t partitions : {1, 2, 5}) {
    EngineFixture setup;
    ASSERT_TRUE(setup.pipeline->append(readings, partitions));
    // A grace that forgives everything: what is late depends on the partition's watermark, sums must not.
    ASSERT_TRUE(setup.pipeline->run({standard_view(stream, 60'000, 100'000'000)}, {}));
    const auto windows = setup.pipeline->read_windows("metrics-aggregates-60").value();
    if (!first) first = windows;
    EXPECT_EQ(windows, *first);
  }
}

TEST(PassTask, WindowsAreTheSameForEveryOrderOfTheReadings) {
  EXPECT_TRUE(rc::check([](uint32_t seed, uint32_t shuffle_seed) {
    auto readings = random_readings(200, seed);
    const auto stream = standard_stream();
    // Nothing is late with such a grace, so that only the arithmetic could depend on the order.
    const ViewSpec view = standard_view(stream, 60'000, 100'000'000);
    const auto expected = ask_oracle(readings, oracle_view(view)).windows;
    std::mt19937_64 random(shuffle_seed);
    std::shuffle(readings.begin(), readings.end(), random);
    EngineFixture fixture;
    RC_ASSERT(fixture.pipeline->append(readings, 1).has_value());
    RC_ASSERT(fixture.pipeline->run({view}, {}).has_value());
    RC_ASSERT(*fixture.pipeline->read_windows(view.topic) == expected);
  }));
}

TEST(PassTask, ClosesWindowsByWallClockWhenEverythingIsIdle) {
  EngineFixture setup;
  auto stream = standard_stream();
  stream->idle_timeout_ms = 1'000;
  const ViewSpec view = standard_view(stream, 60'000, 5'000);
  const std::vector<OracleReading> one = {{{{"g", "GAS", "GAS_IDD"}, EventTime(kStart + 10), 1}, IngestTime(kStart)}};
  ASSERT_TRUE(setup.pipeline->append(one, 1));
  std::vector<ViewSpec> views = {view};
  LogSchemaStore schemas(setup.store);
  auto tasks = deploy_views(views, {setup.pipeline->log(), setup.store, schemas, setup.clock}, {}).value();
  ASSERT_TRUE(tasks[0]->open());
  ASSERT_TRUE(tasks[0]->step());
  ASSERT_TRUE(tasks[0]->step());
  setup.clock.advance(64'000);
  ASSERT_TRUE(tasks[0]->step());
  EXPECT_EQ(setup.pipeline->read_topic(view.topic)->size(), 0U);
  setup.clock.advance(1'000);
  ASSERT_TRUE(tasks[0]->step());
  ASSERT_TRUE(tasks[0]->finish(false));
  EXPECT_EQ(setup.pipeline->read_topic(view.topic)->size(), 1U);
}

TEST(PassTask, EmitChangesEndsWithTheFinalValueOfEachWindow) {
  const auto readings = random_readings(300, 5);
  const auto stream = standard_stream();
  ViewSpec view = standard_view(stream, 60'000, 5'000);
  view.emit = EmitMode::kChanges;
  EngineFixture setup;
  ASSERT_TRUE(setup.pipeline->append(readings, 1));
  PassTaskOptions options;
  options.batch_records = 8;
  options.commit_interval_ms = 0;
  options.read_bytes = 1;
  ASSERT_TRUE(setup.pipeline->run({view}, options));
  std::map<std::pair<int64_t, std::string>, OracleWindow> last;
  const auto records = setup.pipeline->read_topic(view.topic).value();
  for (const auto& record : records) {
    const Aggregate aggregate = parse_aggregate_json(record.value).value();
    last[{aggregate.window_start.value, record.key}] = {aggregate.sample_count, aggregate.min, aggregate.max,
                                                        aggregate.sum};
  }
  EXPECT_EQ(last, ask_oracle(readings, oracle_view(view)).windows);
}

TEST(PassTask, GroupsThatCrossPartitionsAreCountedInOnePlace) {
  const auto readings = random_readings(300, 9);
  const auto stream = standard_stream();
  ViewSpec view = standard_view(stream, 60'000, 100'000'000);
  view.group_by = {1};
  view.output = {{"windowStart", OutputColumn::From::kWindowStart, 0}, {"count", OutputColumn::From::kAggregate, 0}};
  EngineFixture setup;
  ASSERT_TRUE(setup.pipeline->append(readings, 4));
  ASSERT_TRUE(setup.pipeline->run({view}, {}));
  std::map<std::string, int> seen;
  const auto records = setup.pipeline->read_topic(view.topic).value();
  for (const auto& record : records) ++seen[record.value.substr(0, 40)];
  EXPECT_FALSE(seen.empty());
  for (const auto& [start, count] : seen) EXPECT_EQ(count, 1) << start;
}

}  // namespace
}  // namespace meterstream
