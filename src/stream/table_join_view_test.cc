// A join of two tables as a whole: topics of rows and deletions in a log, tasks that stop, crash and go on at any time, and the
// table that their output makes beside one computed at once.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metering/memory_schema_store.h"
#include "state/memory_store.h"
#include "stream/view_deployment.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

struct Change {
  bool is_left = false;
  std::string key;
  std::optional<int64_t> value;  ///< none: a deletion
};

using Table = std::map<std::string, std::string>;

std::shared_ptr<Expression> column(size_t index, ColumnType type) {
  auto expression = std::make_shared<Expression>();
  expression->kind = Expression::Kind::kColumn;
  expression->column = index;
  expression->type = type;
  return expression;
}

std::shared_ptr<const TableSpec> table_of(const std::string& topic) {
  auto table = std::make_shared<TableSpec>();
  table->name = topic;
  table->topic = topic;
  table->columns = {{"k", ColumnType::kVarchar}, {"v", ColumnType::kBigint}, {"note", ColumnType::kVarchar}};
  table->partitions = 3;
  return table;
}

/// Rows whose left value is below 8, or NULL.
ViewSpec view_of(bool keeps_left, bool keeps_right) {
  auto join = std::make_shared<TableJoinSpec>();
  join->left = {table_of("a"), keeps_left};
  join->right = {table_of("b"), keeps_right};
  auto joined = std::make_shared<StreamSpec>();
  joined->name = "a";
  joined->topic = "a";
  joined->format = ValueFormat::kJson;
  joined->columns = join->left.table->columns;
  joined->columns.insert(joined->columns.end(), join->left.table->columns.begin(), join->left.table->columns.end());
  auto low = std::make_shared<Expression>();
  low->kind = Expression::Kind::kOperation;
  low->type = ColumnType::kBoolean;
  low->operation = Operator::kNotEqual;
  low->children.push_back(std::make_unique<Expression>());
  low->children[0]->kind = Expression::Kind::kColumn;
  low->children[0]->column = 4;
  low->children[0]->type = ColumnType::kBigint;
  low->children.push_back(std::make_unique<Expression>());
  low->children[1]->type = ColumnType::kBigint;
  low->children[1]->literal = int64_t{9};
  ViewSpec view;
  view.name = "o";
  view.topic = "o";
  view.source = joined;
  view.table_join = join;
  if (!keeps_left) view.filter = low;
  view.projection = {{"l", column(1, ColumnType::kBigint)},
                     {"lk", column(0, ColumnType::kVarchar)},
                     {"r", column(4, ColumnType::kBigint)},
                     {"note", column(5, ColumnType::kVarchar)}};
  view.emit = EmitMode::kChanges;
  return view;
}

/// By the note of the left row, which is the key of a right one, of none, or NULL.
ViewSpec view_by_note(bool keeps_left) {
  ViewSpec view = view_of(keeps_left, false);
  auto join = std::make_shared<TableJoinSpec>(*view.table_join);
  join->foreign_key = column(2, ColumnType::kVarchar);
  view.table_join = join;
  return view;
}

std::string left_note(int64_t value) {
  return value == 8 ? "null" : fmt::format("\"k{}\"", value);
}

Table expected_by_note(const std::vector<Change>& changes, const ViewSpec& view) {
  std::map<std::string, int64_t> left;
  std::map<std::string, int64_t> right;
  for (const Change& change : changes) {
    auto& side = change.is_left ? left : right;
    side.erase(change.key);
    if (change.value) side.emplace(change.key, *change.value);
  }
  Table table;
  for (const auto& [key, value] : left) {
    const auto found = value == 8 ? right.end() : right.find(fmt::format("k{}", value));
    const bool has_right = found != right.end();
    if (!has_right && !view.table_join->left.keeps_unmatched) continue;
    if (view.filter != nullptr && (!has_right || found->second == 9)) continue;
    table[key] = fmt::format(R"({{"l":{},"lk":"{}","r":{},"note":{}}})", value, key,
                             has_right ? std::to_string(found->second) : "null",
                             has_right ? fmt::format("\"note {}\"", found->second) : "null");
  }
  return table;
}

Table expected_of(const std::vector<Change>& changes, const ViewSpec& view) {
  if (view.table_join->foreign_key != nullptr) return expected_by_note(changes, view);
  std::map<std::string, int64_t> left;
  std::map<std::string, int64_t> right;
  std::set<std::string> keys;
  for (const Change& change : changes) {
    auto& side = change.is_left ? left : right;
    keys.insert(change.key);
    side.erase(change.key);
    if (change.value) side.emplace(change.key, *change.value);
  }
  Table table;
  for (const std::string& key : keys) {
    const bool has_left = left.contains(key);
    const bool has_right = right.contains(key);
    if (!(has_left && has_right) && !(has_left && view.table_join->left.keeps_unmatched) &&
        !(has_right && view.table_join->right.keeps_unmatched))
      continue;
    if (view.filter != nullptr && (!has_right || right[key] == 9)) continue;
    table[key] = fmt::format(R"({{"l":{},"lk":{},"r":{},"note":{}}})", has_left ? std::to_string(left[key]) : "null",
                             has_left ? "\"" + key + "\"" : "null", has_right ? std::to_string(right[key]) : "null",
                             has_right ? fmt::format("\"note {}\"", right[key]) : "null");
  }
  return table;
}

class Engine {
 public:
  explicit Engine(ViewSpec view) : view_(std::move(view)), is_by_note_(view_.table_join->foreign_key != nullptr) {
    auto opened = ViewPipeline::open(store_, clock_);
    EXPECT_TRUE(opened);
    pipeline_ = *std::move(opened);
  }

  void create(int32_t left, int32_t right) {
    ASSERT_TRUE(pipeline_->log().create_topic({"a", left}));
    ASSERT_TRUE(pipeline_->log().create_topic({"b", right}));
  }

  void append(const std::vector<Change>& changes) {
    std::map<TopicPartition, RecordBatchBuilder> builders;
    for (const Change& change : changes) {
      const std::string topic = change.is_left ? "a" : "b";
      const auto description = pipeline_->log().describe_topic(topic);
      ASSERT_TRUE(description);
      const std::string value =
          change.value ? fmt::format(R"({{"v":{},"note":{}}})", *change.value,
                                     is_by_note_ && change.is_left ? left_note(*change.value)
                                                                   : fmt::format("\"note {}\"", *change.value))
                       : "";
      builders[{topic, partition_for_key(change.key, description->config.partitions)}].add(
          change.key, change.value ? std::string_view(value) : std::string_view(), {}, IngestTime(1'700'000'000'000));
    }
    Transaction transaction;
    for (auto& [target, builder] : builders) transaction.appends.push_back({target, std::move(builder)});
    ASSERT_TRUE(pipeline_->log().commit(std::move(transaction), Durability::kSync));
  }

  void run(PassTaskOptions options, int64_t steps, bool crashes) {
    options.bounded = true;
    auto tasks = deploy_views({view_}, {pipeline_->log(), store_, schemas_, clock_}, options);
    ASSERT_TRUE(tasks) << tasks.error().message;
    accounting_ = {};
    tasks_ = tasks->size();
    for (const auto& task : *tasks) {
      const Status opened = task->open();
      ASSERT_TRUE(opened) << opened.error().message;
    }
    for (bool is_exhausted = false; steps > 0 && !is_exhausted; --steps) {
      is_exhausted = true;
      for (const auto& task : *tasks) {
        const auto step = task->step();
        ASSERT_TRUE(step) << step.error().message;
        is_exhausted = is_exhausted && *step == Task::Step::kExhausted;
      }
    }
    for (const auto& task : *tasks) {
      if (!crashes) {
        ASSERT_TRUE(task->finish(false));
      }
      for (const TaskStatus::View& view : task->status().views) accounting_ += view.accounting;
    }
  }

  /// The latest record of each key; records without a value are deletions.
  Table results() {
    Table table;
    const auto description = pipeline_->log().describe_topic("o");
    EXPECT_TRUE(description);
    RecordSet records;
    for (int32_t partition = 0; partition < description->config.partitions; ++partition) {
      for (Offset next(0);;) {
        EXPECT_TRUE(pipeline_->log().read({"o", PartitionId(partition)}, next, size_t{1} << 20, records));
        if (records.records.empty()) break;
        for (const RecordView& record : records.records) {
          ++written_;
          table.erase(std::string(record.key));
          if (!record.is_tombstone()) table[std::string(record.key)] = record.value;
        }
        next = records.next;
      }
    }
    return table;
  }

  [[nodiscard]] const ViewAccounting& accounting() const { return accounting_; }
  [[nodiscard]] size_t tasks() const { return tasks_; }
  [[nodiscard]] int64_t written() const { return written_; }

 private:
  ViewSpec view_;
  bool is_by_note_;
  MemoryStore store_;
  ManualClock clock_{IngestTime(1'700'000'000'000)};
  MemorySchemaStore schemas_;
  std::unique_ptr<ViewPipeline> pipeline_;
  ViewAccounting accounting_;
  size_t tasks_ = 0;
  int64_t written_ = 0;
};

PassTaskOptions random_options() {
  PassTaskOptions options;
  options.batch_records = static_cast<size_t>(*rc::gen::inRange(1, 20));
  options.read_bytes = *rc::gen::arbitrary<bool>() ? 1 : 1 << 20;
  options.commit_interval_ms = *rc::gen::arbitrary<bool>() ? 0 : 1'000'000;
  return options;
}

/// Gives how many records were written.
int64_t check_random_changes(const ViewSpec& view) {
  Engine engine(view);
  const int32_t right_partitions = *rc::gen::inRange(2, 4);
  engine.create(3, right_partitions);
  std::vector<Change> changes;
  for (int round = *rc::gen::inRange(1, 6); round > 0; --round) {
    std::vector<Change> more;
    for (int count = *rc::gen::inRange(1, 30); count > 0; --count) {
      Change change{*rc::gen::arbitrary<bool>(), fmt::format("k{}", *rc::gen::inRange(0, 7)), {}};
      if (*rc::gen::inRange(0, 4) > 0) change.value = *rc::gen::inRange(0, 10);
      more.push_back(std::move(change));
    }
    engine.append(more);
    changes.insert(changes.end(), more.begin(), more.end());
    for (int runs = *rc::gen::inRange(0, 3); runs > 0; --runs)
      engine.run(random_options(), *rc::gen::inRange(1, 4), *rc::gen::arbitrary<bool>());
  }
  engine.run(random_options(), INT64_MAX, false);
  const bool is_parted = right_partitions == 3 && view.table_join->foreign_key == nullptr;
  RC_ASSERT(engine.tasks() == (is_parted ? 3U : 1U));
  RC_ASSERT(engine.results() == expected_of(changes, view));
  RC_ASSERT(engine.accounting().balanced());
  RC_ASSERT(engine.accounting().read == static_cast<int64_t>(changes.size()));
  RC_ASSERT(engine.accounting().results == engine.written());
  return engine.written();
}

TEST(TableJoinView, MakesTheJoinOfBothTablesWhateverTheCommitsStopsAndCrashes) {
  int64_t written = 0;
  ASSERT_TRUE(rc::check("table", [&written] {
    const bool keeps_left = *rc::gen::arbitrary<bool>();
    written += check_random_changes(view_of(keeps_left, *rc::gen::arbitrary<bool>()));
  }));
  EXPECT_GT(written, 20);
}

TEST(TableJoinView, FindsRowsByAForeignKeyWhateverTheCommitsStopsAndCrashes) {
  int64_t written = 0;
  ASSERT_TRUE(rc::check("table by foreign key",
                        [&written] { written += check_random_changes(view_by_note(*rc::gen::arbitrary<bool>())); }));
  EXPECT_GT(written, 20);
}

TEST(TableJoinView, AChangeOfARowReachesAllThatReferToIt) {
  constexpr int kRows = 3000;
  Engine engine(view_by_note(true));
  engine.create(1, 1);
  std::vector<Change> changes;
  for (int row = 0; row < kRows; ++row) changes.push_back({true, fmt::format("row{}", row), 5});
  engine.append(changes);
  engine.run({}, INT64_MAX, false);
  changes.push_back({false, "k5", 7});
  engine.append({changes.back()});
  engine.run({}, INT64_MAX, false);
  EXPECT_EQ(engine.results(), expected_of(changes, view_by_note(true)));
  EXPECT_EQ(engine.written(), 2 * kRows);
}

TEST(TableJoinView, WritesADeletionOnlyWhereARowWas) {
  Engine engine(view_of(false, false));
  engine.create(1, 1);
  engine.append({{true, "k", 1}, {true, "alone", 1}});
  engine.run({}, INT64_MAX, false);
  engine.append({{true, "alone", std::nullopt}, {false, "k", 2}});
  engine.run({}, INT64_MAX, false);
  engine.append({{false, "k", std::nullopt}});
  engine.run({}, INT64_MAX, false);
  EXPECT_EQ(engine.results(), Table());
  EXPECT_EQ(engine.written(), 2);
}

}  // namespace
}  // namespace meterstream
