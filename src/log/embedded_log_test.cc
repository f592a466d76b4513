#include "log/embedded_log.h"

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "testing/faulty_key_value_store.h"

namespace meterstream {
namespace {

constexpr IngestTime kStart{1'700'000'000'000};

RecordBatchBuilder records_of(int first, int count) {
  RecordBatchBuilder builder;
  for (int index = first; index < first + count; ++index)
    builder.add("key", "value-" + std::to_string(index), {}, IngestTime(0));
  return builder;
}

/// Calls back when somebody asks for the time.
class CallingClock final : public Clock {
 public:
  [[nodiscard]] IngestTime now() const override {
    if (on_now) std::exchange(on_now, {})();
    return IngestTime(kStart.value + 1'000'000);
  }
  [[nodiscard]] int64_t monotonic_ns() const override { return 0; }
  mutable std::function<void()> on_now;
};

/// Calls back when somebody reads a batch.
class CallingStore final : public KeyValueStore {
 public:
  explicit CallingStore(KeyValueStore& inner) : inner_(inner) {}
  Status write(const WriteBatch& batch, Durability durability) override { return inner_.write(batch, durability); }
  Result<std::optional<PinnedValue>> get(Space space, std::string_view key) const override {
    if (space == Space::kLog && on_read) std::exchange(on_read, {})();
    return inner_.get(space, key);
  }
  [[nodiscard]] std::unique_ptr<KeyValueCursor> cursor(Space space) const override { return inner_.cursor(space); }
  mutable std::function<void()> on_read;

 private:
  KeyValueStore& inner_;
};

class EmbeddedLogTest : public testing::Test {
 protected:
  void SetUp() override {
    open();
    ASSERT_TRUE(log_->create_topic({.name = "metrics", .partitions = 2}));
  }
  void open(EmbeddedLogOptions options = {.recent_bytes = 0}) {
    auto log = EmbeddedLog::open(*store_, clock_, options);
    ASSERT_TRUE(log) << log.error().message;
    log_ = *std::move(log);
  }
  Status append(const std::string& topic, int partition, int first, int count) {
    Transaction transaction;
    transaction.appends.push_back({{topic, PartitionId(partition)}, records_of(first, count)});
    return log_->commit(std::move(transaction), Durability::kSync);
  }
  Status save(const std::string& group, int partition, int64_t next, int64_t recovery) {
    Transaction transaction;
    transaction.positions.push_back(
        {group, {"metrics", PartitionId(partition)}, {Offset(next), Offset(recovery), "mark"}});
    return log_->commit(std::move(transaction), Durability::kSync);
  }

  const TopicPartition first_{"metrics", PartitionId(0)};
  ManualClock clock_{kStart};
  std::unique_ptr<FaultyKeyValueStore> store_ = std::make_unique<FaultyKeyValueStore>();
  std::unique_ptr<EmbeddedLog> log_;
};

TEST_F(EmbeddedLogTest, DamagedBatchIsNamedByTopicPartitionAndOffset) {
  ASSERT_TRUE(append("metrics", 0, 0, 5));
  ASSERT_TRUE(append("metrics", 0, 5, 5));
  ASSERT_TRUE(store_->damage(Space::kLog, batch_key(1, PartitionId(0), Offset(5)), 600));
  RecordSet set;
  EXPECT_TRUE(log_->read(first_, Offset(0), 1, set));
  const Status status = log_->read(first_, Offset(5), 1, set);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(status.error().message.find("topic metrics partition 0 offset 5"), std::string::npos)
      << status.error().message;
  EXPECT_TRUE(set.records.empty());
}

TEST_F(EmbeddedLogTest, MissingLastBatchIsFoundAtOpen) {
  ASSERT_TRUE(append("metrics", 0, 0, 5));
  WriteBatch batch;
  batch.erase(Space::kLog, batch_key(1, PartitionId(0), Offset(0)));
  ASSERT_TRUE(store_->write(batch, Durability::kSync));
  const auto reopened = EmbeddedLog::open(*store_, clock_);
  ASSERT_FALSE(reopened);
  EXPECT_EQ(reopened.error().code, ErrorCode::kCorrupt);
}

TEST_F(EmbeddedLogTest, RetentionByTimeRemovesWholeOldBatches) {
  ASSERT_TRUE(log_->create_topic({.name = "short", .partitions = 1, .retention_ms = 1'000}));
  for (int batch = 0; batch < 5; ++batch) {
    ASSERT_TRUE(append("short", 0, batch * 10, 10));
    clock_.advance(600);
  }
  // Batches arrived 3000, 2400, 1800, 1200 and 600 ms ago.
  const auto removed = log_->apply_retention();
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(removed->records, 40);
  const TopicPartition source{"short", PartitionId(0)};
  EXPECT_EQ(*log_->offsets(source), (OffsetRange{Offset(40), Offset(50)}));
  RecordSet set;
  const Status gone = log_->read(source, Offset(25), 1, set);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kOutOfRange);
  EXPECT_NE(gone.error().message.find("15 records"), std::string::npos) << gone.error().message;
  ASSERT_TRUE(log_->read(source, Offset(40), 1 << 20, set));
  EXPECT_EQ(set.records.size(), 10U);
  open();
  EXPECT_EQ(*log_->offsets(source), (OffsetRange{Offset(40), Offset(50)}));
}

TEST_F(EmbeddedLogTest, RetentionByBytesKeepsTheNewest) {
  ASSERT_TRUE(append("metrics", 0, 0, 10));
  const int64_t batch_bytes = log_->describe_topic("metrics")->bytes;
  ASSERT_TRUE(log_->create_topic({.name = "small", .partitions = 1, .retention_bytes = batch_bytes * 5 / 2}));
  for (int batch = 0; batch < 6; ++batch) ASSERT_TRUE(append("small", 0, 0, 10));
  ASSERT_TRUE(log_->apply_retention());
  EXPECT_EQ(log_->offsets({"small", PartitionId(0)})->begin, Offset(40));
  EXPECT_EQ(log_->describe_topic("small")->bytes, batch_bytes * 2);
}

TEST_F(EmbeddedLogTest, RetentionNeverRemovesWhatAGroupMayNeed) {
  ASSERT_TRUE(log_->create_topic({.name = "small", .partitions = 1, .retention_bytes = 0}));
  for (int batch = 0; batch < 6; ++batch) ASSERT_TRUE(append("small", 0, 0, 10));
  const TopicPartition source{"small", PartitionId(0)};
  for (const auto& [group, recovery] : {std::pair{"fast", 55}, std::pair{"slow", 25}}) {
    Transaction transaction;
    transaction.positions.push_back({group, source, {Offset(60), Offset(recovery), {}}});
    ASSERT_TRUE(log_->commit(std::move(transaction), Durability::kSync));
  }
  ASSERT_TRUE(log_->apply_retention());
  EXPECT_EQ(log_->offsets(source)->begin, Offset(20));
  open();  // floors survive
  ASSERT_TRUE(log_->apply_retention());
  EXPECT_EQ(log_->offsets(source)->begin, Offset(20));
}

TEST_F(EmbeddedLogTest, FailedCommitLeavesNothingAndTheNextOneTakesItsOffsets) {
  store_->set_plan(StoreFaultPlan::fail_at(0, StoreFault::kNoSpace));
  const Status failed = append("metrics", 0, 0, 5);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(log_->offsets(first_)->end, Offset(0));
  ASSERT_TRUE(append("metrics", 0, 100, 5));
  RecordSet set;
  ASSERT_TRUE(log_->read(first_, Offset(0), 1 << 20, set));
  ASSERT_EQ(set.records.size(), 5U);
  EXPECT_EQ(set.records[0].value, "value-100");
}

TEST_F(EmbeddedLogTest, ReaderCloseToTheEndDoesNotAskTheStore) {
  open({.recent_bytes = 1 << 20});
  ASSERT_TRUE(append("metrics", 0, 0, 5));
  const uint64_t before = store_->counters().reads;
  RecordSet set;
  ASSERT_TRUE(log_->read(first_, Offset(2), 1 << 20, set));
  EXPECT_EQ(set.records.size(), 3U);
  EXPECT_EQ(store_->counters().reads, before);
}

TEST_F(EmbeddedLogTest, ConcurrentCommitsAreAllThereInOrderOfEachWriter) {
  constexpr int kThreads = 4;
  constexpr int kCommits = 200;
  std::vector<std::thread> writers;
  for (int thread = 0; thread < kThreads; ++thread) {
    writers.emplace_back([&, thread] {
      for (int index = 0; index < kCommits; ++index) ASSERT_TRUE(append("metrics", 0, thread * 1'000'000 + index, 1));
    });
  }
  std::vector<int> seen;
  Offset next{0};
  while (next.value < kThreads * kCommits) {
    ASSERT_TRUE(*log_->await_data(first_, next, 10'000));
    RecordSet set;
    ASSERT_TRUE(log_->read(first_, next, 1'000, set));
    for (const RecordView& record : set.records) {
      ASSERT_EQ(record.offset.value, static_cast<int64_t>(seen.size()));
      seen.push_back(std::stoi(std::string(record.value.substr(6))));
    }
    next = set.next;
  }
  for (std::thread& writer : writers) writer.join();
  std::vector<int> last(kThreads, -1);
  for (const int value : seen) {
    EXPECT_EQ(value % 1'000'000, last[static_cast<size_t>(value / 1'000'000)] + 1);
    last[static_cast<size_t>(value / 1'000'000)] = value % 1'000'000;
  }
}

TEST_F(EmbeddedLogTest, ADeletedTopicIsGoneWithItsRecordsAndPositions) {
  ASSERT_TRUE(log_->create_topic({.name = "other", .partitions = 1}));
  ASSERT_TRUE(append("metrics", 0, 0, 5));
  ASSERT_TRUE(append("other", 0, 0, 3));
  ASSERT_TRUE(save("view", 0, 3, 1));
  ASSERT_TRUE(log_->delete_topic("metrics"));
  const auto check = [&] {
    EXPECT_EQ(*log_->topics(), std::vector<std::string>{"other"});
    RecordSet set;
    EXPECT_EQ(log_->read(first_, Offset(0), 1, set).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(append("metrics", 0, 0, 1).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(log_->offsets({"other", PartitionId(0)})->end, Offset(3));
  };
  check();
  open();
  check();
  EXPECT_EQ(log_->delete_topic("metrics").error().code, ErrorCode::kNotFound);
  // One that comes again has nothing of it.
  ASSERT_TRUE(log_->create_topic({.name = "metrics", .partitions = 3}));
  EXPECT_EQ(*log_->offsets(first_), (OffsetRange{Offset(0), Offset(0)}));
  EXPECT_EQ(*log_->position("view", first_), std::nullopt);
  ASSERT_TRUE(append("metrics", 2, 0, 2));
  open();
  EXPECT_EQ(log_->offsets({"metrics", PartitionId(2)})->end, Offset(2));
}

TEST_F(EmbeddedLogTest, RetentionBesideADeletionLeavesNothingForTheNextTopicOfThatNumber) {
  // Of retention the batches are in memory, or in the store.
  for (const size_t recent_bytes : {size_t{1} << 20, size_t{0}}) {
    CallingClock clock;
    log_ = EmbeddedLog::open(*store_, clock, {.recent_bytes = recent_bytes}).value();
    ASSERT_TRUE(log_->create_topic({.name = "short", .partitions = 1, .retention_bytes = 0}));
    for (int batch = 0; batch < 3; ++batch) ASSERT_TRUE(append("short", 0, 0, 10));
    clock.on_now = [&] { EXPECT_TRUE(log_->delete_topic("short")); };
    const auto removed = log_->apply_retention();
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_EQ(removed->records, 0);
    open();
    ASSERT_TRUE(log_->create_topic({.name = "next", .partitions = 1}));
    open();
    EXPECT_EQ(*log_->offsets({"next", PartitionId(0)}), (OffsetRange{Offset(0), Offset(0)}));
    ASSERT_TRUE(log_->delete_topic("next"));
  }
}

TEST_F(EmbeddedLogTest, AReaderBesideADeletionIsToldThatTheTopicIsGone) {
  CallingStore store(*store_);
  log_ = EmbeddedLog::open(store, clock_, {.recent_bytes = 0}).value();
  ASSERT_TRUE(append("metrics", 0, 0, 5));
  store.on_read = [&] { EXPECT_TRUE(log_->delete_topic("metrics")); };
  RecordSet set;
  const Status status = log_->read(first_, Offset(0), 1, set);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kNotFound) << status.error().message;
  log_.reset();
}

TEST_F(EmbeddedLogTest, GroupsOfATopicAreThoseWithPositionsInAnyPartition) {
  ASSERT_TRUE(log_->create_topic({.name = "other", .partitions = 1}));
  ASSERT_TRUE(save("b", 0, 0, 0));
  ASSERT_TRUE(save("a", 1, 0, 0));
  ASSERT_TRUE(save("b", 1, 0, 0));
  EXPECT_EQ(*log_->groups_in("metrics"), (std::vector<std::string>{"a", "b"}));
  open();
  EXPECT_EQ(*log_->groups_in("metrics"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(log_->groups_in("other")->empty());
  EXPECT_EQ(log_->groups_in("none").error().code, ErrorCode::kNotFound);
}

TEST_F(EmbeddedLogTest, CommitsBesideADeletionFailOrAreGone) {
  ASSERT_TRUE(log_->create_topic({.name = "other", .partitions = 1}));
  std::atomic<bool> stop = false;
  int64_t written = 0;
  std::thread writer([&] {
    while (!stop) {
      Transaction transaction;
      transaction.appends.push_back({{"metrics", PartitionId(0)}, records_of(0, 1)});
      transaction.appends.push_back({{"other", PartitionId(0)}, records_of(0, 1)});
      if (!log_->commit(std::move(transaction), Durability::kBuffered)) return;
      ++written;
    }
  });
  while (log_->offsets(first_)->end.value < 20) std::this_thread::yield();
  ASSERT_TRUE(log_->delete_topic("metrics"));
  writer.join();
  stop = true;
  // A commit of both is there whole or not at all.
  EXPECT_EQ(log_->offsets({"other", PartitionId(0)})->end.value, written);
  open();
  EXPECT_EQ(*log_->topics(), std::vector<std::string>{"other"});
}

}  // namespace
}  // namespace meterstream
