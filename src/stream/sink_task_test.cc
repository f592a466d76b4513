#include "stream/sink_task.h"

#include <map>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "log/embedded_log.h"
#include "log/forwarding_log.h"
#include "state/memory_store.h"
#include "stream/record_headers.h"

namespace meterstream {
namespace {

/// What survives the writers: values by offset.
struct Shelf {
  std::map<int64_t, std::string> values;
  std::vector<Offset> opened_at;
  bool is_away = false;
  bool is_of_others = false;
  bool takes_nothing = false;  // but answers
  int failures_left = 0;
};

/// Collects `keep_back` records before the oldest of them become durable; values that begin with '!' are bad.
class ShelfWriter final : public SinkWriter {
 public:
  ShelfWriter(Shelf& shelf, int64_t keep_back) : shelf_(shelf), keep_back_(keep_back) {}

  Status open(Offset next) override {
    if (shelf_.is_away) return unavailable("the shelf is away");
    if (shelf_.is_of_others) return conflict("the shelf holds something else");
    waiting_.clear();
    shelf_.opened_at.push_back(next);
    return {};
  }
  Status add(const RecordSet& records, std::vector<Rejected>& rejected) override {
    if (fails()) return unavailable("the shelf fell while adding");
    for (size_t index = 0; index < records.records.size(); ++index) {
      const RecordView& record = records.records[index];
      if (record.value.starts_with('!')) {
        rejected.push_back({index, "begins with '!'"});
      } else {
        waiting_.emplace(record.offset.value, record.value);
      }
    }
    return {};
  }
  Result<Offset> settle(Offset next, Settle how) override {
    if (fails()) return unavailable("the shelf fell while settling");
    const Offset durable(how == Settle::kAll ? next.value
                                             : std::max(shelf_.opened_at.back().value, next.value - keep_back_));
    while (!waiting_.empty() && waiting_.begin()->first < durable.value) {
      shelf_.values.insert_or_assign(waiting_.begin()->first, waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
    }
    return std::max(durable, last_);
  }
  [[nodiscard]] std::string definition() const override { return fmt::format("keeps back {}", keep_back_); }

 private:
  bool fails() {
    if (shelf_.is_away || shelf_.takes_nothing) return true;
    return shelf_.failures_left > 0 && --shelf_.failures_left == 0;
  }
  Shelf& shelf_;
  int64_t keep_back_;
  Offset last_;
  std::map<int64_t, std::string> waiting_;
};

class SinkTaskTest : public testing::Test {
 protected:
  SinkTaskTest() {
    EXPECT_TRUE(log_->create_topic({"t", 1}));
    EXPECT_TRUE(log_->create_topic({"t-rejected", 1}));
  }
  void append(const std::vector<std::string>& values, const std::string& topic = "t") {
    Transaction transaction;
    RecordBatchBuilder records;
    for (const std::string& value : values) records.add("k", value, {}, IngestTime(1));
    transaction.appends.push_back({{topic, PartitionId(0)}, std::move(records)});
    ASSERT_TRUE(log_->commit(std::move(transaction), Durability::kSync));
  }
  void expect_first_step_fails(const SinkTask::Options& options, ErrorCode code, std::string_view message) {
    const auto sink = task(options);
    ASSERT_TRUE(sink->open());
    const auto failed = sink->step();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, code);
    EXPECT_EQ(failed.error().message, message);
  }
  void append_numbered(int count) {
    std::vector<std::string> values;
    for (int number = 0; number < count; ++number)
      values.push_back(number % 7 == 3 ? fmt::format("!{}", number) : fmt::format("value {}", number));
    append(values);
  }
  std::unique_ptr<SinkTask> task(SinkTask::Options options = {}, int64_t keep_back = 0) {
    options.commit_interval_ms = 100;
    options.read_bytes = 200;
    options.on_store = [this](SinkTask::StoreChange change, const std::string& message) {
      told_.push_back(change == SinkTask::StoreChange::kAway ? "away: " + message : "back");
    };
    auto made = std::make_unique<SinkTask>("s", TopicPartition{"t", PartitionId(0)},
                                           std::make_unique<ShelfWriter>(shelf_, keep_back), *log_, clock_, options);
    return made;
  }
  /// Until the input is at its end, with time passing.
  void run_to_the_end(SinkTask& sink) {
    for (int step = 0; step < 10'000; ++step) {
      const auto done = sink.step();
      ASSERT_TRUE(done) << done.error().message;
      if (*done == Task::Step::kExhausted) return;
      clock_.advance(10);
    }
    FAIL() << "never at the end";
  }
  std::vector<std::string> rejected() {
    std::vector<std::string> values;
    RecordSet records;
    for (Offset next(0);;) {
      EXPECT_TRUE(log_->read({"t-rejected", PartitionId(0)}, next, size_t{1} << 20, records));
      if (records.records.empty()) return values;
      for (const RecordView& record : records.records) values.emplace_back(record.value);
      next = records.next;
    }
  }
  ViewAccounting accounting(const SinkTask& sink) { return sink.status().views.at(0).accounting; }

  MemoryStore store_;
  ManualClock clock_{IngestTime(0)};
  std::unique_ptr<EmbeddedLog> log_ = EmbeddedLog::open(store_, clock_).value();
  Shelf shelf_;
  std::vector<std::string> told_;
};

TEST_F(SinkTaskTest, ARejectedRecordSaysWhereItCameFrom) {
  append({"good", "!bad"});
  const auto sink = task({.bounded = true});
  ASSERT_TRUE(sink->open());
  run_to_the_end(*sink);
  ASSERT_TRUE(sink->finish(true));
  RecordSet records;
  ASSERT_TRUE(log_->read({"t-rejected", PartitionId(0)}, Offset(0), size_t{1} << 20, records));
  ASSERT_EQ(records.records.size(), 1U);
  std::string wanted;
  append_reason_header(wanted, "begins with '!'");
  append_source_id(wanted, "t", PartitionId(0), Offset(1));
  EXPECT_EQ(records.records[0].headers, wanted) << "as a pass over the topic would say";
}

TEST_F(SinkTaskTest, WritesEveryRecordAndRejectsTheBadOnes) {
  append_numbered(100);
  const auto sink = task();
  ASSERT_TRUE(sink->open());
  run_to_the_end(*sink);
  ASSERT_TRUE(sink->finish(false));
  EXPECT_EQ(shelf_.values.size(), 86U);
  EXPECT_EQ(rejected().size(), 14U);
  EXPECT_EQ(accounting(*sink).read, 100);
  EXPECT_EQ(accounting(*sink).results, 86);
  EXPECT_EQ(accounting(*sink).rejected, 14);
  EXPECT_EQ(sink->status().lag, 0);
}

TEST_F(SinkTaskTest, PositionStaysBehindWhatIsDurable) {
  append_numbered(100);
  {
    const auto sink = task({}, 30);
    ASSERT_TRUE(sink->open());
    run_to_the_end(*sink);
    ASSERT_TRUE(sink->finish(false));
    EXPECT_EQ(accounting(*sink).read, 70);
    EXPECT_EQ(rejected().size(), 10U);
  }
  const auto sink = task({}, 30);
  ASSERT_TRUE(sink->open());
  run_to_the_end(*sink);
  EXPECT_EQ(shelf_.opened_at.back(), Offset(70));
  ASSERT_TRUE(sink->finish(true));
  EXPECT_EQ(accounting(*sink).read, 100);
  EXPECT_EQ(accounting(*sink).rejected, 14);
  EXPECT_EQ(shelf_.values.size(), 86U);
  EXPECT_EQ(rejected().size(), 14U) << "a rejected record goes with the commit that passes over it";
}

TEST_F(SinkTaskTest, WaitsForAStoreThatIsAwayAndSaysSoOnce) {
  append_numbered(50);
  shelf_.is_away = true;
  SinkTask::Options options;
  options.bounded = true;
  const auto sink = task(options);
  ASSERT_TRUE(sink->open());
  for (int step = 0; step < 100; ++step) {
    const auto done = sink->step();
    ASSERT_TRUE(done);
    ASSERT_EQ(*done, Task::Step::kWaiting);
    clock_.advance(100);
  }
  EXPECT_EQ(told_, std::vector<std::string>{"away: the shelf is away"});
  EXPECT_TRUE(sink->finish(false)) << "a stop does not wait for it";
  shelf_.is_away = false;
  clock_.advance(10'000);
  run_to_the_end(*sink);
  EXPECT_EQ(told_.size(), 2U);
  EXPECT_EQ(shelf_.values.size(), 43U);
  EXPECT_EQ(accounting(*sink).read, 50);
}

TEST_F(SinkTaskTest, StoreThatAnswersAndTakesNothingIsTriedLessAndLessOften) {
  append_numbered(50);
  shelf_.takes_nothing = true;
  const auto sink = task();
  ASSERT_TRUE(sink->open());
  for (int step = 0; step < 6'000; ++step) {
    ASSERT_EQ(*sink->step(), Task::Step::kWaiting);
    clock_.advance(10);
  }
  EXPECT_EQ(told_.size(), 1U);
  EXPECT_LT(shelf_.opened_at.size(), 30U) << "in a minute";
  shelf_.takes_nothing = false;
  clock_.advance(10'000);
  run_to_the_end(*sink);
  ASSERT_TRUE(sink->finish(true));
  EXPECT_EQ(told_, (std::vector<std::string>{"away: the shelf fell while adding", "back"}));
  EXPECT_EQ(shelf_.values.size(), 43U);
}

/// A log that refuses commits as long as it is told to.
class RefusingLog final : public ForwardingLog {
 public:
  explicit RefusingLog(EventLog& log) : ForwardingLog(log) {}
  Status commit(Transaction&& transaction, Durability durability) override {
    if (refuses) return unavailable("brokers are away");
    return inner().commit(std::move(transaction), durability);
  }
  bool refuses = false;
};

TEST_F(SinkTaskTest, TaskWhoseCommitTheLogRefusedMustBeOpenedAnew) {
  append_numbered(50);
  RefusingLog log(*log_);
  const auto make = [&] {
    SinkTask::Options options;
    options.bounded = true;
    return std::make_unique<SinkTask>("s", TopicPartition{"t", PartitionId(0)},
                                      std::make_unique<ShelfWriter>(shelf_, 0), log, clock_, options);
  };
  {
    const auto sink = make();
    ASSERT_TRUE(sink->open());
    log.refuses = true;
    while (sink->step()) clock_.advance(10);
    log.refuses = false;
    EXPECT_EQ(sink->step().error().code, ErrorCode::kConflict);
    EXPECT_EQ(sink->finish(true).error().code, ErrorCode::kConflict);
  }
  const auto sink = make();
  ASSERT_TRUE(sink->open());
  run_to_the_end(*sink);
  ASSERT_TRUE(sink->finish(true));
  EXPECT_EQ(rejected().size(), 7U);
  EXPECT_EQ(accounting(*sink).read, 50);
}

TEST_F(SinkTaskTest, LosesAndDoublesNothingWhereverTheStoreFails) {
  append_numbered(300);
  for (int failure = 1; failure < 60; ++failure) {
    shelf_ = {};
    shelf_.failures_left = failure;
    SinkTask::Options options;
    options.application = fmt::format("a{}", failure);
    options.bounded = true;
    const size_t rejected_before = rejected().size();
    const auto sink = task(options, failure % 3 * 20);
    ASSERT_TRUE(sink->open());
    run_to_the_end(*sink);
    ASSERT_TRUE(sink->finish(true));
    EXPECT_EQ(shelf_.values.size(), 257U) << failure;
    EXPECT_EQ(rejected().size() - rejected_before, 43U) << failure;
    EXPECT_EQ(accounting(*sink).read, 300) << failure;
    EXPECT_EQ(accounting(*sink).results, 257) << failure;
  }
}

TEST_F(SinkTaskTest, FailureOfAStoreOfTheProcessItselfEndsIt) {
  append_numbered(10);
  shelf_.is_away = true;
  SinkTask::Options options;
  options.waits_for_store = false;
  expect_first_step_fails(options, ErrorCode::kUnavailable, "sink s: the shelf is away");
}

// On a cluster a task that says kConflict is made anew, which would go on for ever.
TEST_F(SinkTaskTest, StoreThatHoldsSomethingElseEndsIt) {
  append_numbered(10);
  shelf_.is_of_others = true;
  SinkTask::Options options;
  options.conflicts_are_retried = true;
  expect_first_step_fails(options, ErrorCode::kInvalid, "sink s: the shelf holds something else");
}

TEST_F(SinkTaskTest, PositionOfAnotherDefinitionIsRefused) {
  append_numbered(10);
  const auto first = task({}, 0);
  ASSERT_TRUE(first->open());
  run_to_the_end(*first);
  ASSERT_TRUE(first->finish(true));
  const Status refused = task({}, 5)->open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_NE(refused.error().message.find("exists as 'keeps back 0'"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace meterstream
