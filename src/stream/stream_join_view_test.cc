// A join of two streams as a whole: two topics in a log, tasks that stop, crash and go on at any time, commits of any size, and
// what they wrote beside a nested loop.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metering/memory_schema_store.h"
#include "metering/timestamp.h"
#include "state/memory_store.h"
#include "stream/view_deployment.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'000'000;
constexpr int64_t kWithinMs = 20'000;

struct Row {
  bool is_left = false;
  int64_t id = 0;
  int64_t time_ms = 0;
  std::string key;  ///< empty: NULL
  bool is_broken = false;
};

std::shared_ptr<Expression> column(size_t index, ColumnType type) {
  auto expression = std::make_shared<Expression>();
  expression->kind = Expression::Kind::kColumn;
  expression->column = index;
  expression->type = type;
  return expression;
}

std::shared_ptr<const StreamSpec> stream_of(const std::string& name, bool by_record_key) {
  auto stream = std::make_shared<StreamSpec>();
  stream->name = name;
  stream->topic = name;
  stream->format = ValueFormat::kJson;
  stream->columns = {{"k", ColumnType::kVarchar}, {"t", ColumnType::kTimestamp}, {"id", ColumnType::kBigint}};
  stream->timestamp_column = 1;
  if (by_record_key) stream->key_column = 0;
  stream->partitions = 3;
  return stream;
}

ViewSpec view_of(bool by_record_key, bool keeps_left, bool keeps_right, int64_t grace_ms) {
  auto join = std::make_shared<StreamJoinSpec>();
  join->left = {stream_of("a", by_record_key), column(0, ColumnType::kVarchar), keeps_left};
  join->right = {stream_of("b", by_record_key), column(0, ColumnType::kVarchar), keeps_right};
  join->before_ms = kWithinMs;
  join->after_ms = kWithinMs / 2;
  join->grace_ms = grace_ms;
  auto joined = std::make_shared<StreamSpec>(*join->left.stream);
  joined->columns.insert(joined->columns.end(), join->right.stream->columns.begin(), join->right.stream->columns.end());
  joined->key_column.reset();
  ViewSpec view;
  view.name = "o";
  view.topic = "o";
  view.source = joined;
  view.join = join;
  view.projection = {{"l", column(2, ColumnType::kBigint)}, {"r", column(5, ColumnType::kBigint)}};
  view.emit = EmitMode::kChanges;
  return view;
}

std::multiset<std::string> nested_loop(const std::vector<Row>& rows, const ViewSpec& view) {
  std::multiset<std::string> results;
  std::set<int64_t> matched;
  const auto text = [](std::string_view left, std::string_view right) {
    return fmt::format(R"({{"l":{},"r":{}}})", left, right);
  };
  for (const Row& left : rows) {
    for (const Row& right : rows) {
      if (!left.is_left || right.is_left || left.key.empty() || left.key != right.key) continue;
      if (left.is_broken || right.is_broken) continue;
      const int64_t apart_ms = right.time_ms - left.time_ms;
      if (apart_ms < -view.join->before_ms || apart_ms > view.join->after_ms) continue;
      results.insert(text(std::to_string(left.id), std::to_string(right.id)));
      matched.insert({left.id, right.id});
    }
  }
  for (const Row& row : rows) {
    if (row.is_broken || matched.contains(row.id)) continue;
    if (row.is_left && view.join->left.keeps_unmatched) results.insert(text(std::to_string(row.id), "null"));
    if (!row.is_left && view.join->right.keeps_unmatched) results.insert(text("null", std::to_string(row.id)));
  }
  return results;
}

class Engine {
 public:
  explicit Engine(ViewSpec view, int32_t left_partitions = 3) : view_(std::move(view)) {
    auto opened = ViewPipeline::open(store_, clock_);
    EXPECT_TRUE(opened);
    pipeline_ = *std::move(opened);
    EXPECT_TRUE(pipeline_->log().create_topic({"a", left_partitions}));
  }

  Result<TopicDescription> create_right(int32_t partitions) { return pipeline_->log().create_topic({"b", partitions}); }

  void append(const std::vector<Row>& rows) {
    std::map<TopicPartition, RecordBatchBuilder> builders;
    for (const Row& row : rows) {
      const std::string topic = row.is_left ? "a" : "b";
      const auto description = pipeline_->log().describe_topic(topic);
      ASSERT_TRUE(description);
      const std::string key = row.key.empty() ? "" : fmt::format(R"("k":"{}",)", row.key);
      const std::string value = fmt::format(R"({{{}"t":"{}","id":{}}})", key, format_timestamp(EventTime(row.time_ms)),
                                            row.is_broken ? "\"?\"" : std::to_string(row.id));
      const PartitionId partition = row.key.empty()
                                        ? PartitionId(static_cast<int32_t>(row.id) % description->config.partitions)
                                        : partition_for_key(row.key, description->config.partitions);
      builders[{topic, partition}].add(row.key.empty() ? std::string_view() : std::string_view(row.key), value, {},
                                       IngestTime(row.time_ms + 1'000));
    }
    Transaction transaction;
    for (auto& [target, builder] : builders) transaction.appends.push_back({target, std::move(builder)});
    ASSERT_TRUE(pipeline_->log().commit(std::move(transaction), Durability::kSync));
  }

  /// New tasks work for some steps; then they stop with a commit, or as a crash does.
  void run(PassTaskOptions options, int64_t steps, bool crashes, bool closes = false) {
    options.bounded = true;
    auto tasks = deploy_views({view_}, {pipeline_->log(), store_, schemas_, clock_}, options);
    ASSERT_TRUE(tasks) << tasks.error().message;
    tasks_ = tasks->size();
    accounting_ = {};
    for (const auto& task : *tasks) {
      const Status opened = task->open();
      ASSERT_TRUE(opened) << opened.error().message;
    }
    bool is_exhausted = false;
    for (; steps > 0 && !is_exhausted; --steps) {
      is_exhausted = true;
      for (const auto& task : *tasks) {
        const auto step = task->step();
        ASSERT_TRUE(step) << step.error().message;
        is_exhausted = is_exhausted && *step == Task::Step::kExhausted;
      }
    }
    for (const auto& task : *tasks) {
      if (!crashes) {
        ASSERT_TRUE(task->finish(closes));
      }
      for (const TaskStatus::View& view : task->status().views) accounting_ += view.accounting;
    }
  }

  std::multiset<std::string> results() {
    const auto records = pipeline_->read_topic("o");
    EXPECT_TRUE(records);
    std::multiset<std::string> values;
    for (const ViewPipeline::Record& record : *records) values.insert(record.value);
    return values;
  }

  [[nodiscard]] size_t tasks() const { return tasks_; }
  [[nodiscard]] const ViewAccounting& accounting() const { return accounting_; }
  ViewPipeline& pipeline() { return *pipeline_; }

 private:
  ViewSpec view_;
  MemoryStore store_;
  ManualClock clock_{IngestTime(kStart)};
  MemorySchemaStore schemas_;
  std::unique_ptr<ViewPipeline> pipeline_;
  ViewAccounting accounting_;
  size_t tasks_ = 0;
};

std::vector<Row> random_rows() {
  std::vector<Row> rows;
  const int count = *rc::gen::inRange(1, 120);
  int64_t now_ms = kStart;
  for (int id = 0; id < count; ++id) {
    Row row;
    row.is_left = *rc::gen::arbitrary<bool>();
    row.id = id;
    now_ms += *rc::gen::inRange(0, 6'000);
    row.time_ms = now_ms - *rc::gen::inRange(0, 30'000);
    const int key = *rc::gen::inRange(0, 6);
    if (key > 0) row.key = fmt::format("k{}", key);
    row.is_broken = *rc::gen::inRange(0, 30) == 0;
    rows.push_back(std::move(row));
  }
  return rows;
}

PassTaskOptions random_options() {
  PassTaskOptions options;
  options.batch_records = static_cast<size_t>(*rc::gen::inRange(1, 20));
  options.read_bytes = *rc::gen::arbitrary<bool>() ? 1 : 1 << 20;
  options.commit_interval_ms = *rc::gen::arbitrary<bool>() ? 0 : 1'000'000;
  return options;
}

TEST(StreamJoinView, GivesThePairsOfANestedLoopWhateverTheCommitsStopsAndCrashes) {
  size_t pairs = 0;
  ASSERT_TRUE(rc::check("results", [&pairs] {
    const bool keeps_left = *rc::gen::arbitrary<bool>();
    const bool by_record_key = *rc::gen::arbitrary<bool>();
    // No row is as late as that.
    const ViewSpec view = view_of(by_record_key, keeps_left, *rc::gen::arbitrary<bool>(), 10'000'000);
    Engine engine(view);
    const int32_t right_partitions = *rc::gen::inRange(2, 4);
    RC_ASSERT(engine.create_right(right_partitions).has_value());
    const std::vector<Row> rows = random_rows();
    for (size_t first = 0; first < rows.size();) {
      const size_t count = std::min(rows.size() - first, static_cast<size_t>(*rc::gen::inRange(1, 50)));
      engine.append(
          {rows.begin() + static_cast<ptrdiff_t>(first), rows.begin() + static_cast<ptrdiff_t>(first + count)});
      first += count;
      for (int runs = *rc::gen::inRange(0, 3); runs > 0; --runs)
        engine.run(random_options(), *rc::gen::inRange(1, 4), *rc::gen::arbitrary<bool>());
    }
    engine.run(random_options(), INT64_MAX, false, true);
    RC_ASSERT(engine.tasks() == (by_record_key && right_partitions == 3 ? 3U : 1U));
    RC_ASSERT(engine.results() == nested_loop(rows, view));
    RC_ASSERT(engine.accounting().balanced());
    RC_ASSERT(engine.accounting().read == static_cast<int64_t>(rows.size()));
    RC_ASSERT(engine.accounting().late == 0);
    RC_ASSERT(engine.accounting().results == static_cast<int64_t>(engine.results().size()));
    RC_ASSERT(engine.accounting().rejected == std::ranges::count_if(rows, &Row::is_broken));
    pairs += engine.results().size();
  }));
  EXPECT_GT(pairs, 20U);
}

TEST(StreamJoinView, DropsAndCountsALateRowAndKeepsItInTheLateTopic) {
  Engine engine(view_of(false, true, true, 1'000), 1);
  ASSERT_TRUE(engine.create_right(1));
  engine.append({{true, 1, kStart, "k", false}, {false, 2, kStart, "k", false}});
  engine.run({}, INT64_MAX, false);
  engine.append({{true, 3, kStart + 100'000, "k", false}, {false, 4, kStart + 100'000, "k", false}});
  engine.run({}, INT64_MAX, false);
  engine.append({{true, 5, kStart + 50'000, "k", false}});
  engine.run({}, INT64_MAX, false, true);
  EXPECT_EQ(engine.accounting().late, 1);
  EXPECT_EQ(engine.accounting().read, 5);
  EXPECT_TRUE(engine.accounting().balanced());
  EXPECT_EQ(engine.results(), (std::multiset<std::string>{R"({"l":1,"r":2})", R"({"l":3,"r":4})"}));
  const auto late = engine.pipeline().read_topic("o-late");
  ASSERT_TRUE(late);
  ASSERT_EQ(late->size(), 1U);
  EXPECT_NE(late->front().value.find("\"id\":5"), std::string::npos);
  EXPECT_NE(late->front().headers.find("late for o"), std::string::npos);
}

TEST(StreamJoinView, GivesResultsTheKeyOfTheJoin) {
  Engine engine(view_of(false, false, false, 1'000));
  ASSERT_TRUE(engine.create_right(2));
  engine.append({{true, 1, kStart, "the key", false}, {false, 2, kStart, "the key", false}});
  engine.run({}, INT64_MAX, false);
  const auto results = engine.pipeline().read_topic("o");
  ASSERT_TRUE(results);
  ASSERT_EQ(results->size(), 1U);
  EXPECT_EQ(results->front().key, "the key");
}

TEST(StreamJoinView, StatesWhatItIsInItsDefinition) {
  const ViewSpec view = view_of(true, true, false, 1'000);
  EXPECT_NE(view.definition().find("within 20000 ms before, 10000 ms after, grace 1000 ms"), std::string::npos);
  EXPECT_NE(view.definition(), view_of(true, false, false, 1'000).definition());
  EXPECT_NE(view.definition(), view_of(true, true, false, 2'000).definition());
}

}  // namespace
}  // namespace meterstream
