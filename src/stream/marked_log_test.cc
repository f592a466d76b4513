// A log whose partitions also hold marks of transactions, as Kafka's do: offsets without a record, which a read passes over.
#include <gtest/gtest.h>

#include "log/forwarding_log.h"
#include "state/embedded_aggregate_store.h"
#include "stream/aggregate_sink_writer.h"
#include "stream/pass_task.h"
#include "stream/sink_task.h"
#include "testing/faulty_key_value_store.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'040'000 / 60'000 * 60'000;

// Record n of the log beneath has offset 2n here, and offset 2n + 1 is a mark. A read never gives both.
class MarkedLog final : public ForwardingLog {
 public:
  explicit MarkedLog(EventLog& log) : ForwardingLog(log) {}

  Status read(const TopicPartition& source, Offset from, size_t, RecordSet& out) override {
    ASSIGN_OR_RETURN(const OffsetRange range, offsets(source));
    if (from.value % 2 == 1 && from < range.end) {
      out.clear();
      out.next = Offset(from.value + 1);
      return {};
    }
    RETURN_IF_ERROR(inner().read(source, Offset(from.value / 2), 1, out));
    for (RecordView& record : out.records) record.offset = Offset(record.offset.value * 2);
    out.next = out.records.empty() ? from : Offset(out.records.back().offset.value + 1);
    return {};
  }
  Result<OffsetRange> offsets(const TopicPartition& source) override {
    ASSIGN_OR_RETURN(const OffsetRange range, inner().offsets(source));
    return OffsetRange{Offset(range.begin.value * 2), Offset(range.end.value * 2)};
  }
  Result<bool> await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) override {
    return inner().await_data(source, Offset(from.value / 2), timeout_ms);
  }
};

class MarkedLogTest : public testing::Test {
 protected:
  std::unique_ptr<PassTask> pass(StateKeeping keeping) {
    PassTaskOptions options;
    options.state_keeping = keeping;
    options.snapshot_share = 0;
    return std::make_unique<PassTask>(PassSpec{stream_, {view_}}, std::vector{PartitionId(0)}, marked_, store_,
                                      schemas_, clock_, options);
  }
  void append(int64_t time_ms) {
    const OracleReading reading{{{"g", "GAS", "GAS_IDD"}, EventTime(time_ms), 1}, IngestTime(kStart)};
    ASSERT_TRUE(pipeline_->append({reading}, 1));
  }
  static void run_to_the_end(Task& task) {
    for (;;) {
      const auto step = task.step();
      ASSERT_TRUE(step) << step.error().message;
      if (*step == Task::Step::kExhausted) return;
    }
  }

  FaultyKeyValueStore store_;
  ManualClock clock_{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline_ = ViewPipeline::open(store_, clock_).value();
  MarkedLog marked_{pipeline_->log()};
  LogSchemaStore schemas_{store_};
  std::shared_ptr<StreamSpec> stream_ = standard_stream();
  ViewSpec view_ = standard_view(stream_, 60'000, 0);
};

class MarkedLogPassTest : public MarkedLogTest, public testing::WithParamInterface<StateKeeping> {};

TEST_P(MarkedLogPassTest, EndsWithoutLagAndGoesOnBehindTheMarks) {
  ASSERT_TRUE(pipeline_->log().create_topic({view_.topic, 4}));
  ASSERT_TRUE(pipeline_->log().create_topic({view_.late_topic(), 4}));
  for (int i = 0; i < 5; ++i) append(kStart + i * 1'000);
  const auto first = pass(GetParam());
  ASSERT_TRUE(first->open());
  run_to_the_end(*first);
  ASSERT_TRUE(first->finish(false));
  EXPECT_EQ(first->status().lag, 0);

  append(kStart + 5'000);
  const auto second = pass(GetParam());
  const Status opened = second->open();
  ASSERT_TRUE(opened) << opened.error().message;
  run_to_the_end(*second);
  ASSERT_TRUE(second->finish(true));
  EXPECT_EQ(second->status().lag, 0);
  const auto windows = pipeline_->read_windows(view_.topic).value();
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows.begin()->second.count, 6);
}

INSTANTIATE_TEST_SUITE_P(BothWaysToKeepState, MarkedLogPassTest,
                         testing::Values(StateKeeping::kSnapshots, StateKeeping::kChangelog));

TEST_F(MarkedLogTest, SinkEndsWithoutLag) {
  ASSERT_TRUE(pipeline_->log().create_topic({"results", 1}));
  ASSERT_TRUE(pipeline_->log().create_topic({"results-rejected", 1}));
  Transaction transaction;
  RecordBatchBuilder records;
  records.add("k", "no aggregate", {}, IngestTime(kStart));
  transaction.appends.push_back({{"results", PartitionId(0)}, std::move(records)});
  ASSERT_TRUE(pipeline_->log().commit(std::move(transaction), Durability::kSync));
  EmbeddedAggregateStore tables(store_);
  SinkTask sink("s", {"results", PartitionId(0)},
                std::make_unique<AggregateSinkWriter>(tables, AggregateTableDefinition{.name = "t"}), marked_, clock_,
                {});
  ASSERT_TRUE(sink.open());
  run_to_the_end(sink);
  ASSERT_TRUE(sink.finish(false));
  EXPECT_EQ(sink.status().lag, 0);
  EXPECT_EQ(sink.status().views[0].accounting.rejected, 1);
}

}  // namespace
}  // namespace meterstream
