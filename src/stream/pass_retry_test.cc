#include <gtest/gtest.h>

#include "log/forwarding_log.h"
#include "metering/avro_encoder.h"
#include "stream/pass_task.h"
#include "testing/faulty_key_value_store.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'040'000 / 3'600'000 * 3'600'000;
constexpr size_t kReadings = 60;

/// Knows its second schema only after somebody tells it to.
class LateSchemaStore final : public SchemaStore {
 public:
  Result<std::string> schema(SchemaId id) override {
    ++asked_;
    if (id.value > known_) return unavailable("the registry is away");
    return std::string(kMetricAvroSchema);
  }
  Result<SchemaId> register_schema(std::string_view /*subject*/, std::string_view /*schema*/) override {
    return SchemaId(1);
  }
  void know(int32_t highest) { known_ = highest; }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  int32_t known_ = 1;
  int asked_ = 0;
};

/// Refuses commits when told to, as a cluster without its coordinator does.
class RefusingLog final : public ForwardingLog {
 public:
  explicit RefusingLog(EventLog& log) : ForwardingLog(log) {}
  Status read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) override {
    if (refuse_reads) return unavailable("no broker answers");
    return inner().read(source, from, max_bytes, out);
  }
  Status commit(Transaction&& transaction, Durability durability) override {
    if (refuse_commits) return unavailable("the transaction was aborted");
    return inner().commit(std::move(transaction), durability);
  }
  bool refuse_commits = false;
  bool refuse_reads = false;
};

struct RetryFixture {
  FaultyKeyValueStore store;
  ManualClock clock{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline = ViewPipeline::open(store, clock).value();
  RefusingLog log{pipeline->log()};
  LateSchemaStore schemas;
  ViewSpec view = standard_view(standard_stream(), 60'000, 0);
  PassTaskOptions options;

  RetryFixture() {
    options.bounded = true;
    options.batch_records = 8;
    options.commit_interval_ms = 0;
  }

  /// One partition; the writer changes to schema 2 in the middle.
  void append() {
    ASSERT_TRUE(log.create_topic({"metrics", 1}));
    ASSERT_TRUE(log.create_topic({"metrics-rejected", 1}));
    ASSERT_TRUE(log.create_topic({view.topic, view.partitions}));
    ASSERT_TRUE(log.create_topic({view.late_topic(), view.late_partitions}));
    RecordBatchBuilder records;
    for (size_t i = 0; i < kReadings; ++i) {
      const EventTime time(kStart + static_cast<int64_t>(i) * 5'000);
      const SchemaId schema(i < kReadings / 2 ? 1 : 2);
      records.add("g.GAS.GAS_IDD", encode_metric_avro(schema, {{"g", "GAS", "GAS_IDD"}, time, 1.0}), {},
                  IngestTime(time.value));
    }
    Transaction transaction;
    transaction.appends.push_back({{"metrics", PartitionId(0)}, std::move(records)});
    ASSERT_TRUE(log.commit(std::move(transaction), Durability::kSync));
  }

  std::unique_ptr<PassTask> open_task() {
    PassSpec spec{view.source, {view}};
    auto task = std::make_unique<PassTask>(std::move(spec), std::vector<PartitionId>{PartitionId(0)}, log, store,
                                           schemas, clock, options);
    const Status opened = task->open();
    EXPECT_TRUE(opened) << opened.error().message;
    return task;
  }

  /// 60 readings, 5 s apart, of value 1: five windows of 12.
  void expect_every_reading_once() {
    const auto windows = pipeline->read_windows(view.topic);
    ASSERT_TRUE(windows) << windows.error().message;
    ASSERT_EQ(windows->size(), kReadings / 12);
    for (const auto& [key, window] : *windows) EXPECT_EQ(window.count, 12) << key.first;
    EXPECT_EQ(pipeline->read_topic("metrics-rejected").value_or(std::vector<ViewPipeline::Record>()).size(), 0U);
  }
};

void drain(PassTask& task) {
  while (true) {
    const auto step = task.step();
    ASSERT_TRUE(step) << step.error().message;
    if (*step == Task::Step::kExhausted) break;
  }
  ASSERT_TRUE(task.finish(true));
}

TEST(PassRetry, AStepThatFailedForASchemaIsTriedAgainWithoutCountingTwice) {
  RetryFixture setup;
  setup.append();
  const auto task = setup.open_task();
  for (int i = 0; i < 5; ++i) {
    const auto step = task->step();
    ASSERT_FALSE(step);
    EXPECT_EQ(step.error().code, ErrorCode::kUnavailable);
  }
  EXPECT_GE(setup.schemas.asked(), 5);
  setup.schemas.know(2);
  drain(*task);
  setup.expect_every_reading_once();
  EXPECT_EQ(task->status().views[0].accounting.read, static_cast<int64_t>(kReadings));
  EXPECT_TRUE(task->status().views[0].accounting.balanced());
}

TEST(PassRetry, WhatCameBeforeTheUnknownSchemaIsCommittedMeanwhile) {
  RetryFixture setup;
  setup.append();
  const auto task = setup.open_task();
  ASSERT_FALSE(task->step());
  // 24 of the first 30 records fill whole batches of 8.
  const auto position = setup.log.position("meterstream." + setup.view.name, {"metrics", PartitionId(0)});
  ASSERT_TRUE(position && *position);
  EXPECT_EQ((*position)->next, Offset(24));
  EXPECT_EQ(setup.pipeline->read_topic(setup.view.topic)->size(), 1U);
}

TEST(PassRetry, ATaskOpenedAgainWhileTheSchemaIsAwayLosesNothing) {
  RetryFixture setup;
  setup.append();
  ASSERT_FALSE(setup.open_task()->step());
  const auto second = setup.open_task();
  ASSERT_FALSE(second->step());
  setup.schemas.know(2);
  drain(*second);
  setup.expect_every_reading_once();
}

TEST(PassRetry, AReadThatFailedIsTriedAgain) {
  RetryFixture setup;
  setup.schemas.know(2);
  setup.append();
  const auto task = setup.open_task();
  setup.log.refuse_reads = true;
  EXPECT_EQ(task->step().error().code, ErrorCode::kUnavailable);
  setup.log.refuse_reads = false;
  drain(*task);
  setup.expect_every_reading_once();
}

TEST(PassRetry, AfterAFailedCommitTheTaskMustBeOpenedAgain) {
  RetryFixture setup;
  setup.schemas.know(2);
  setup.append();
  auto task = setup.open_task();
  setup.log.refuse_commits = true;
  EXPECT_EQ(task->step().error().code, ErrorCode::kUnavailable);
  setup.log.refuse_commits = false;
  // Its results went with the transaction: going on would lose them.
  const auto again = task->step();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  EXPECT_NE(again.error().message.find("the transaction was aborted"), std::string::npos) << again.error().message;
  EXPECT_EQ(task->finish(true).error().code, ErrorCode::kConflict);
  task = setup.open_task();
  drain(*task);
  setup.expect_every_reading_once();
}

TEST(PassRetry, AfterWindowStateWasLostHalfWayTheTaskMustBeOpenedAgain) {
  RetryFixture setup;
  setup.schemas.know(2);
  setup.append();
  setup.options.memory_limit_bytes = 1;
  setup.options.commit_interval_ms = 1'000'000;
  auto task = setup.open_task();
  setup.store.set_plan(StoreFaultPlan::fail_at(0, StoreFault::kNoSpace));
  ASSERT_FALSE(task->step());
  EXPECT_EQ(task->step().error().code, ErrorCode::kConflict);
  setup.options.memory_limit_bytes = 0;
  task = setup.open_task();
  drain(*task);
  setup.expect_every_reading_once();
}

}  // namespace
}  // namespace meterstream
