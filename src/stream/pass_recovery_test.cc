#include <algorithm>

#include <gtest/gtest.h>

#include "stream/pass_task.h"
#include "stream/sink_deployment.h"
#include "stream/task_runner.h"
#include "testing/faulty_key_value_store.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kDay = 86'400'000;
constexpr int64_t kStart = 1'700'000'000'000 / kDay * kDay;
constexpr int64_t kHour = 3'600'000;

struct Engine {
  FaultyKeyValueStore store;
  ManualClock clock{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline = ViewPipeline::open(store, clock).value();
};

OracleReading reading_at(int64_t time_ms, double value, const std::string& gateway = "g") {
  return {{{gateway, "GAS", "GAS_IDD"}, EventTime(time_ms), value}, IngestTime(kStart + 10 * kDay)};
}

// The view's day with value above 5 only, so that the window does not reach back to the first reading.
ViewSpec filtered_day(const std::shared_ptr<const StreamSpec>& stream) {
  ViewSpec view = standard_view(stream, kDay, 0);
  auto filter = std::make_shared<Expression>();
  filter->kind = Expression::Kind::kOperation;
  filter->operation = Operator::kGreater;
  filter->type = ColumnType::kBoolean;
  auto value = std::make_unique<Expression>();
  value->kind = Expression::Kind::kColumn;
  value->type = ColumnType::kDouble;
  value->column = 4;
  auto five = std::make_unique<Expression>();
  five->type = ColumnType::kDouble;
  five->literal = 5.0;
  filter->children.push_back(std::move(value));
  filter->children.push_back(std::move(five));
  view.filter = filter;
  return view;
}

class PassRecoveryDuplicates : public testing::TestWithParam<StateKeeping> {};

TEST_P(PassRecoveryDuplicates, JudgesRepeatsOfForgottenReadingsAsBeforeTheRestart) {
  auto stream = standard_stream();
  stream->deduplicate = true;
  stream->deduplicate_horizon_ms = kHour;
  const std::vector<OracleReading> readings = {reading_at(kStart + 10 * kHour, 3),
                                               reading_at(kStart + 10 * kHour + 60'000, 8),
                                               reading_at(kStart + 10 * kHour, 7), reading_at(kStart + 14 * kHour, 3)};
  Engine straight;
  Engine restarted;
  for (const OracleReading& reading : readings) {
    ASSERT_TRUE(straight.pipeline->append({reading}, 1));
    ASSERT_TRUE(restarted.pipeline->append({reading}, 1));
  }
  const ViewSpec view = filtered_day(stream);
  ASSERT_TRUE(straight.pipeline->run({view}, {}));
  PassTaskOptions options;
  options.snapshot_share = 0;
  options.state_keeping = GetParam();
  ASSERT_TRUE(restarted.pipeline->run({view}, options, INT64_MAX, false));
  ASSERT_TRUE(restarted.pipeline->run({view}, options));
  EXPECT_EQ(*straight.pipeline->read_topic(view.topic), *restarted.pipeline->read_topic(view.topic));
  EXPECT_EQ(restarted.pipeline->accounting().at(view.name).conflicts, 1);
}

INSTANTIATE_TEST_SUITE_P(BothWaysToKeepState, PassRecoveryDuplicates,
                         testing::Values(StateKeeping::kSnapshots, StateKeeping::kChangelog));

TEST(PassRecovery, CountsAGroupOnceWhenTheStreamDeclaresOnlyAPartOfTheKey) {
  auto stream = std::make_shared<StreamSpec>(*standard_stream());
  stream->columns = {
      {"gateway", ColumnType::kVarchar}, {"timestamp", ColumnType::kTimestamp}, {"value", ColumnType::kDouble}};
  stream->timestamp_column = 1;
  ViewSpec view = standard_view(stream, kDay, 0);
  view.group_by = {0};
  view.aggregates = {{AggregateFunction::kCountAll, nullptr}};
  view.output = {{"n", OutputColumn::From::kAggregate, 0}};
  std::vector<OracleReading> readings;
  for (int i = 0; i < 40; ++i) {
    readings.push_back(reading_at(kStart + i, 1));
    readings.back().reading.series.metric_attribute = "register-" + std::to_string(i);
  }
  Engine engine;
  ASSERT_TRUE(engine.pipeline->append(readings, 4));
  ASSERT_TRUE(engine.pipeline->run({view}, {}));
  const auto results = engine.pipeline->read_topic(view.topic).value();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].value, R"({"n":40})");
}

TEST(PassRecovery, WritesLateReadingsToATopicOfAnotherPartitionCount) {
  const ViewSpec view = standard_view(standard_stream(), 60'000, 0);
  Engine engine;
  ASSERT_TRUE(engine.pipeline->log().create_topic({view.late_topic(), 1}));
  std::vector<OracleReading> readings;
  readings.reserve(40);
  for (int i = 0; i < 20; ++i) readings.push_back(reading_at(kStart + kHour, 1, "g" + std::to_string(i)));
  for (int i = 0; i < 20; ++i) readings.push_back(reading_at(kStart, 1, "g" + std::to_string(i)));
  ASSERT_TRUE(engine.pipeline->append(readings, 1));
  ASSERT_TRUE(engine.pipeline->run({view}, {}));
  EXPECT_EQ(engine.pipeline->read_topic(view.late_topic())->size(), 20U);
}

TEST(PassRecovery, RejectsEventTimesThatNoCalendarHas) {
  const ViewSpec view = standard_view(standard_stream(), 60'000, 0);
  Engine engine;
  ASSERT_TRUE(
      engine.pipeline->append({reading_at(INT64_MAX / 4, 1), reading_at(-INT64_MAX / 4, 1), reading_at(kStart, 1)}, 1));
  ASSERT_TRUE(engine.pipeline->run({view}, {}));
  EXPECT_EQ(engine.pipeline->accounting().at(view.name).rejected, 2);
  EXPECT_EQ(engine.pipeline->read_topic(view.topic)->size(), 1U);
}

TEST(PassRecovery, AFastClockInABoundedRunDoesNotMakeLaterReadingsLate) {
  const auto stream = standard_stream();
  const std::vector<ViewSpec> views = {standard_view(stream, 60'000, 0), standard_view(stream, kDay, 0)};
  Engine engine;
  // Arrived on the tenth day after the start; the second reading claims to be from the year after.
  ASSERT_TRUE(engine.pipeline->append({reading_at(kStart, 1), reading_at(kStart + 400 * kDay, 2)}, 1));
  ASSERT_TRUE(engine.pipeline->run(views, {}));
  ASSERT_TRUE(engine.pipeline->append({reading_at(kStart + 11 * kDay, 3), reading_at(kStart + 400 * kDay + 1, 4)}, 1));
  ASSERT_TRUE(engine.pipeline->run(views, {}));
  for (const ViewSpec& view : views) {
    const ViewAccounting accounting = engine.pipeline->accounting().at(view.name);
    EXPECT_EQ(accounting.aggregated, 3) << view.name;
    // Its window was closed, alone: what comes to it afterwards is late, and it is not emitted again.
    EXPECT_EQ(accounting.late, 1) << view.name;
    EXPECT_EQ(engine.pipeline->read_windows(view.topic)->size(), 3U) << view.name;
  }
}

TEST(PassRecovery, ABoundedReaderOfAViewReadsAllThatTheViewWrites) {
  const auto metrics = standard_stream();
  const ViewSpec minutes = standard_view(metrics, 60'000, 0);
  auto derived = std::make_shared<StreamSpec>();
  derived->name = "minutes";
  derived->topic = minutes.topic;
  derived->format = ValueFormat::kJson;
  derived->columns = {{"metricType", ColumnType::kVarchar}, {"windowStart", ColumnType::kTimestamp}};
  derived->timestamp_column = 1;
  ViewSpec types = standard_view(derived, kDay, 0);
  types.name = "types";
  types.topic = "types";
  types.group_by = {0};
  types.aggregates = {{AggregateFunction::kCountAll, nullptr}};
  types.output = {{"n", OutputColumn::From::kAggregate, 0}};
  std::vector<OracleReading> readings;
  readings.reserve(3'000);
  for (int i = 0; i < 3'000; ++i)
    readings.push_back(reading_at(kStart + i % 1'000 * 60'000, 1, "g" + std::to_string(i % 7)));
  std::sort(readings.begin(), readings.end(),
            [](const OracleReading& a, const OracleReading& b) { return a.reading.timestamp < b.reading.timestamp; });
  Engine engine;
  for (size_t first = 0; first < readings.size(); first += 100) {
    ASSERT_TRUE(engine.pipeline->append(
        {readings.begin() + static_cast<ptrdiff_t>(first), readings.begin() + static_cast<ptrdiff_t>(first + 100)}, 4));
  }
  LogSchemaStore schemas(engine.store);
  PassTaskOptions options;
  options.bounded = true;
  options.read_bytes = 1;
  options.commit_interval_ms = 0;
  auto tasks =
      deploy_views({minutes, types}, {engine.pipeline->log(), engine.store, schemas, engine.clock}, options).value();
  TaskRunner::Options runner_options;
  runner_options.threads = 2;
  runner_options.bounded = true;
  TaskRunner runner(std::move(tasks), runner_options);
  ASSERT_TRUE(runner.run());
  const size_t written = engine.pipeline->read_topic(minutes.topic)->size();
  ViewAccounting read;
  for (const TaskStatus& status : runner.status()) {
    for (const TaskStatus::View& view : status.views) {
      if (view.name == "types") read += view.accounting;
    }
  }
  EXPECT_EQ(static_cast<size_t>(read.read), written);
  EXPECT_EQ(read.late, 0);
}

}  // namespace
}  // namespace meterstream
