// State that is kept by what each commit changed: opened from the store it was committed to, and from one that only followed the
// commits' writes, as another machine's would.
#include "stream/state_changelog.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "stream/pass_task.h"
#include "testing/faulty_key_value_store.h"
#include "testing/mirrored_log.h"
#include "testing/random_readings.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'040'000 / 3'600'000 * 3'600'000;
using Outcome = RecoveryDecision::Outcome;

// An engine whose tasks are driven one by one, over a log that is mirrored.
class MirroredEngine {
 public:
  explicit MirroredEngine(std::vector<ViewSpec> views) : views_(std::move(views)) {
    options_.state_keeping = StateKeeping::kChangelog;
    options_.bounded = true;
    options_.commit_interval_ms = 0;
    options_.read_bytes = 1;
    options_.batch_records = 16;
    options_.snapshot_share = 1e9;
    options_.snapshot_min_records = 1;
  }

  PassTaskOptions& options() { return options_; }
  ViewPipeline& pipeline() { return *pipeline_; }
  MirroredLog& log() { return log_; }
  FaultyKeyValueStore& store() { return store_; }
  FaultyKeyValueStore& mirror() { return mirror_; }

  void append(const std::vector<OracleReading>& readings, size_t step = 20) {
    for (size_t first = 0; first < readings.size(); first += step) {
      const auto begin = readings.begin() + static_cast<ptrdiff_t>(first);
      const auto end = readings.begin() + static_cast<ptrdiff_t>(std::min(first + step, readings.size()));
      RC_ASSERT(pipeline_->append({begin, end}, 1).has_value());
    }
  }

  /// Runs `steps` steps, or to the end and closes; returns how the tasks recovered.
  Result<std::vector<Outcome>> run(KeyValueStore& state, int64_t steps = INT64_MAX) {
    ASSIGN_OR_RETURN(const auto tasks, deploy_views(views_, {log_, state, schemas_, clock_}, options_));
    std::vector<Outcome> outcomes;
    for (const auto& task : tasks) {
      RETURN_IF_ERROR(task->open());
      outcomes.push_back(static_cast<const PassTask&>(*task).recovery());
      int64_t left = steps;
      for (; left > 0; --left) {
        ASSIGN_OR_RETURN(const Task::Step step, task->step());
        if (step == Task::Step::kExhausted) break;
      }
      RETURN_IF_ERROR(task->finish(steps == INT64_MAX));
    }
    return outcomes;
  }

  /// All that the views wrote.
  std::vector<std::vector<ViewPipeline::Record>> output() {
    std::vector<std::vector<ViewPipeline::Record>> all;
    for (const ViewSpec& view : views_) {
      all.push_back(pipeline_->read_topic(view.topic).value());
      all.push_back(pipeline_->read_topic(view.late_topic()).value());
    }
    all.push_back(pipeline_->read_topic(views_[0].source->topic + "-rejected").value());
    return all;
  }

  static std::vector<std::string> keys(const KeyValueStore& store, std::string_view prefix) {
    std::vector<std::string> keys;
    const auto cursor = store.cursor(Space::kState);
    for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
      keys.emplace_back(cursor->key());
    }
    return keys;
  }

 private:
  std::vector<ViewSpec> views_;
  FaultyKeyValueStore store_;
  FaultyKeyValueStore mirror_;
  ManualClock clock_{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline_ = ViewPipeline::open(store_, clock_).value();
  MirroredLog log_{pipeline_->log(), mirror_};
  LogSchemaStore schemas_{store_};
  PassTaskOptions options_;
};

std::vector<ViewSpec> some_views(bool deduplicate, bool changes, bool crossing) {
  auto stream = standard_stream();
  stream->deduplicate = deduplicate;
  stream->deduplicate_horizon_ms = 120'000;
  std::vector<ViewSpec> views = {standard_view(stream, 60'000, 5'000), standard_view(stream, 300'000, 5'000),
                                 standard_view(stream, 3'600'000, 60'000)};
  if (changes) views[1].emit = EmitMode::kChanges;
  if (!crossing) return views;
  for (ViewSpec& view : views) {
    view.group_by = {0};
    view.output = {{"windowStart", OutputColumn::From::kWindowStart, 0}, {"n", OutputColumn::From::kAggregate, 0}};
  }
  return views;
}

TEST(StateChangelog, AStoreThatFollowsTheCommitsGoesOnAsIfNothingHadHappened) {
  EXPECT_TRUE(rc::check([](uint32_t seed, bool deduplicate, bool changes, bool crossing, uint16_t memory) {
    const auto views = some_views(deduplicate, changes, crossing);
    const auto readings = random_readings(300, seed, kStart);
    MirroredEngine straight(views);
    MirroredEngine moved(views);
    for (MirroredEngine* engine : {&straight, &moved}) {
      engine->options().memory_limit_bytes = memory % 2 == 0 ? 0 : memory;
      engine->append(readings);
    }
    RC_ASSERT(straight.run(straight.store()).has_value());
    for (int i = 0; i < 5; ++i) {
      // Now here, now there: each is opened with what the other committed. The store is written by the log itself.
      KeyValueStore& state = i % 2 == 0 ? static_cast<KeyValueStore&>(moved.mirror()) : moved.store();
      const auto outcomes = moved.run(state, *rc::gen::inRange(1, 5));
      if (!outcomes) RC_FAIL(outcomes.error().message);
      for (const Outcome outcome : *outcomes) RC_ASSERT(outcome == (i == 0 ? Outcome::kFresh : Outcome::kFromState));
    }
    const auto last = moved.run(moved.mirror());
    if (!last) RC_FAIL(last.error().message);
    RC_ASSERT(straight.output() == moved.output());
  }));
}

TEST(StateChangelog, ReadsNothingOfTheLogAgain) {
  MirroredEngine engine(some_views(true, false, false));
  engine.append(random_readings(300, 4, kStart));
  ASSERT_TRUE(engine.run(engine.store(), 12));
  const auto opened = engine.run(engine.store(), 0);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->front(), Outcome::kFromState);
}

TEST(StateChangelog, KeepsNothingOfWhatIsClosedAndForgotten) {
  MirroredEngine engine(some_views(true, false, false));
  auto readings = random_readings(300, 5, kStart);
  engine.append(readings);
  ASSERT_TRUE(engine.run(engine.store()));
  const size_t first_round = engine.keys(engine.store(), "windows/").size();
  for (int round = 0; round < 5; ++round) {
    for (OracleReading& reading : readings) {
      reading.ingest_time.value += 86'400'000;
      reading.reading.timestamp.value += 86'400'000;
    }
    engine.append(readings);
    ASSERT_TRUE(engine.run(engine.store()));
  }
  for (const std::string& key : engine.keys(engine.store(), "windows/")) {
    EXPECT_EQ(key.substr(key.find('/', 8)).find("/w"), std::string::npos) << "a window that is closed is still there";
  }
  EXPECT_LT(engine.keys(engine.store(), "windows/").size(), first_round + 150);
  EXPECT_EQ(engine.keys(engine.store(), ""), engine.keys(engine.mirror(), ""));
}

TEST(StateChangelog, RefusesStateOfAnotherCommitThanThePositions) {
  MirroredEngine engine(some_views(false, false, false));
  engine.append(random_readings(200, 6, kStart));
  ASSERT_TRUE(engine.run(engine.mirror(), 5));
  engine.log().stop_mirroring();
  ASSERT_TRUE(engine.run(engine.store(), 1));
  const auto stale = engine.run(engine.mirror());
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(stale.error().message.find("--application-id"), std::string::npos) << stale.error().message;
  FaultyKeyValueStore empty;
  const auto missing = engine.run(empty);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kCorrupt);
}

TEST(StateChangelog, RefusesDamagedValues) {
  MirroredEngine engine(some_views(true, false, false));
  engine.append(random_readings(200, 6, kStart));
  ASSERT_TRUE(engine.run(engine.store(), 5));
  const std::vector<std::string> keys = engine.keys(engine.store(), "windows/");
  ASSERT_GT(keys.size(), 10U);
  for (const std::string& key : keys) {
    // The version is the first byte of all but keys of series.
    const std::string kind = key.substr(key.find('/', 8) + 1);
    if (kind.size() > 5 && kind[5] == 'k') continue;
    ASSERT_TRUE(engine.store().damage(Space::kState, key, 3));
    const auto opened = engine.run(engine.store(), 0);
    ASSERT_FALSE(opened) << kind;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
    ASSERT_TRUE(engine.store().damage(Space::kState, key, 3));
  }
  EXPECT_TRUE(engine.run(engine.store(), 0));
}

TEST(StateChangelog, WritesEverythingAgainAfterAnotherWayToKeepState) {
  MirroredEngine engine(some_views(true, false, false));
  engine.append(random_readings(300, 8, kStart));
  ASSERT_TRUE(engine.run(engine.store(), 3));
  engine.options().state_keeping = StateKeeping::kSnapshots;
  auto outcomes = engine.run(engine.store(), 3);
  ASSERT_TRUE(outcomes);
  EXPECT_EQ(outcomes->front(), Outcome::kFromState);
  EXPECT_TRUE(engine.keys(engine.store(), "windows/").empty());
  EXPECT_FALSE(engine.keys(engine.store(), "snapshot/").empty());
  engine.options().state_keeping = StateKeeping::kChangelog;
  outcomes = engine.run(engine.store(), 1);
  ASSERT_TRUE(outcomes);
  EXPECT_EQ(outcomes->front(), Outcome::kFromSnapshot);
  EXPECT_FALSE(engine.keys(engine.store(), "windows/").empty());
  EXPECT_TRUE(engine.keys(engine.store(), "snapshot/").empty());
  outcomes = engine.run(engine.mirror(), 1);
  ASSERT_TRUE(outcomes) << outcomes.error().message;
  EXPECT_EQ(outcomes->front(), Outcome::kFromState);
}

TEST(StateChangelog, WritesOnlyWhatChangedAndInSmallValues) {
  const auto stream = standard_stream();
  MirroredEngine engine({standard_view(stream, 3'600'000, 0)});
  engine.options().read_bytes = size_t{1} << 30;
  std::vector<OracleReading> readings;
  readings.reserve(30'000);
  for (int i = 0; i < 30'000; ++i) {
    readings.push_back({{{fmt::format("a-household-with-a-long-name-{}", i), "GAS", "GAS_IDD"}, EventTime(kStart), 1},
                        IngestTime(kStart)});
  }
  engine.append(readings, readings.size());
  ASSERT_TRUE(engine.run(engine.store(), 1));
  EXPECT_LT(engine.log().largest_value(), 500'000U);
  const int64_t before = engine.log().operations();
  readings.resize(2);
  engine.append(readings);
  ASSERT_TRUE(engine.run(engine.store(), 1));
  // One block of slots and the mark.
  EXPECT_EQ(engine.log().operations() - before, 2);
}

TEST(StateChangelog, TaskIsNamedByApplicationLayoutAndFirstPartition) {
  const auto stream = standard_stream();
  PassSpec pass{stream, {standard_view(stream, 60'000, 0)}};
  const std::string name = pass_task_name(pass, {PartitionId(3), PartitionId(4)}, "app");
  EXPECT_EQ(name, "app-999927123c94081d-3") << "the state of running applications has this name";
  EXPECT_EQ(pass_task_name(pass, {PartitionId(3)}, "app"), name);
  // What belongs to a run or to topics does not count.
  auto other = std::make_shared<StreamSpec>(*stream);
  other->idle_timeout_ms += 1;
  other->partitions += 1;
  pass.views[0].partitions += 1;
  pass.views[0].late_partitions += 1;
  pass.source = other;
  pass.views[0].source = other;
  EXPECT_EQ(pass_task_name(pass, {PartitionId(3)}, "app"), name);
  pass.views[0].grace_ms = 1;
  EXPECT_NE(pass_task_name(pass, {PartitionId(3)}, "app"), name);
}

}  // namespace
}  // namespace meterstream
