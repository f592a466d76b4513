// Purpose: the behaviour that every EventLog must show, embedded or Kafka, as parameterised tests.
// Use: include it in one test file of a binary, define an EventLogSubject, and
//   INSTANTIATE_TEST_SUITE_P(Name, EventLogContract, testing::Values(&make_subject));
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "log/event_log.h"

namespace meterstream {

/// A log under test. Topics that a subject has from before do not disturb: names are unique per test.
class EventLogSubject {
 public:
  virtual ~EventLogSubject() = default;
  virtual EventLog& log() = 0;
  /// An orderly restart of the client, and of the log where it lives inside the process.
  virtual void reopen() = 0;
  /// Kafka's transactions leave gaps in the offsets.
  [[nodiscard]] virtual bool has_dense_offsets() const { return true; }
};

class EventLogContract : public testing::TestWithParam<std::unique_ptr<EventLogSubject> (*)()> {
 protected:
  void SetUp() override {
    subject_ = GetParam()();
    topic_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::erase(topic_, '/');
    const auto created = log().create_topic({.name = topic_, .partitions = 3});
    ASSERT_TRUE(created) << created.error().message;
  }
  EventLog& log() { return subject_->log(); }
  [[nodiscard]] TopicPartition partition(int number) const { return {topic_, PartitionId(number)}; }

  static RecordBatchBuilder records(const std::vector<std::string>& values) {
    RecordBatchBuilder builder;
    for (const std::string& value : values) builder.add("key", value, {}, IngestTime(0));
    return builder;
  }
  Status append(int number, const std::vector<std::string>& values) {
    Transaction transaction;
    transaction.appends.push_back({partition(number), records(values)});
    return log().commit(std::move(transaction), Durability::kSync);
  }
  std::vector<std::string> read_all(int number) {
    std::vector<std::string> values;
    const auto range = log().offsets(partition(number));
    EXPECT_TRUE(range) << range.error().message;
    RecordSet set;
    for (Offset next = range->begin; next < range->end; next = set.next) {
      const Status status = log().read(partition(number), next, 1, set);
      EXPECT_TRUE(status) << status.error().message;
      if (!status || set.next == next) break;
      for (const RecordView& record : set.records) values.emplace_back(record.value);
    }
    return values;
  }

  std::unique_ptr<EventLogSubject> subject_;
  std::string topic_;
};

TEST_P(EventLogContract, TopicIsCreatedOnceAndNeverAltered) {
  const auto again = log().create_topic({.name = topic_, .partitions = 7});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->config.partitions, 3);
  EXPECT_EQ(log().describe_topic(topic_)->partitions.size(), 3U);
  const auto names = log().topics();
  ASSERT_TRUE(names);
  EXPECT_NE(std::ranges::find(*names, topic_), names->end());
  EXPECT_TRUE(std::ranges::is_sorted(*names));
}

TEST_P(EventLogContract, WrongNamesAndUnknownTopicsAreErrors) {
  for (const std::string name : {"", ".", "..", "a b", "a/b", "\xc3\xa4"})
    EXPECT_EQ(log().create_topic({.name = name}).error().code, ErrorCode::kInvalid) << name;
  EXPECT_EQ(log().create_topic({.name = std::string(250, 'a')}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(log().create_topic({.name = "none", .partitions = 0}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(log().describe_topic("no-such-topic").error().code, ErrorCode::kNotFound);
  RecordSet set;
  EXPECT_EQ(log().read({"no-such-topic", PartitionId(0)}, Offset(0), 1, set).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(log().read(partition(3), Offset(0), 1, set).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(log().offsets(partition(-1)).error().code, ErrorCode::kInvalid);
}

TEST_P(EventLogContract, RecordsComeBackInOrderFromTheirPartition) {
  ASSERT_TRUE(append(0, {"a", "b"}));
  ASSERT_TRUE(append(1, {"x"}));
  ASSERT_TRUE(append(0, {"c"}));
  EXPECT_EQ(read_all(0), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(read_all(1), (std::vector<std::string>{"x"}));
  EXPECT_EQ(read_all(2), (std::vector<std::string>{}));
  if (subject_->has_dense_offsets()) {
    EXPECT_EQ(*log().offsets(partition(0)), (OffsetRange{Offset(0), Offset(3)}));
  }
}

TEST_P(EventLogContract, KeysNullsHeadersAndTimesSurvive) {
  RecordBatchBuilder builder;
  std::string headers;
  append_sized(headers, "reason");
  append_sized(headers, "late");
  builder.add("k", "v", headers, IngestTime(1'000'000'000'000));
  builder.add({}, "", {}, IngestTime(0));
  builder.add("k", {}, {}, IngestTime(1'000'000'000'001));
  Transaction transaction;
  transaction.appends.push_back({partition(0), std::move(builder)});
  ASSERT_TRUE(log().commit(std::move(transaction), Durability::kSync));
  RecordSet set;
  ASSERT_TRUE(log().read(partition(0), Offset(0), 1 << 20, set));
  ASSERT_EQ(set.records.size(), 3U);
  EXPECT_EQ(set.records[0].headers, headers);
  EXPECT_EQ(set.records[0].ingest_time, IngestTime(1'000'000'000'000));
  EXPECT_FALSE(set.records[1].has_key());
  EXPECT_FALSE(set.records[1].is_tombstone());
  EXPECT_GT(set.records[1].ingest_time, IngestTime(1'000'000'000'001));
  EXPECT_TRUE(set.records[2].is_tombstone());
}

TEST_P(EventLogContract, ReadStartsInsideABatchAndStopsAtMaxBytes) {
  ASSERT_TRUE(append(0, {"a", "b", "c"}));
  ASSERT_TRUE(append(0, {"d", "e"}));
  RecordSet set;
  ASSERT_TRUE(log().read(partition(0), Offset(1), 1, set));
  ASSERT_FALSE(set.records.empty());
  EXPECT_EQ(set.records.front().value, "b");
  EXPECT_EQ(set.records.front().offset, Offset(1));
  if (subject_->has_dense_offsets()) {
    EXPECT_EQ(set.records.size(), 2U);
    EXPECT_EQ(set.next, Offset(3));
  }
  ASSERT_TRUE(log().read(partition(0), Offset(0), 1 << 20, set));
  EXPECT_EQ(set.records.size(), 5U);
}

TEST_P(EventLogContract, AtTheEndThereIsNothingAndBeyondItAnError) {
  ASSERT_TRUE(append(0, {"a"}));
  const Offset end = log().offsets(partition(0))->end;
  RecordSet set;
  ASSERT_TRUE(log().read(partition(0), end, 1 << 20, set));
  EXPECT_TRUE(set.records.empty());
  EXPECT_EQ(set.next, end);
  EXPECT_EQ(log().read(partition(0), Offset(end.value + 10), 1, set).error().code, ErrorCode::kOutOfRange);
}

TEST_P(EventLogContract, RecordsOfAReadLiveAsLongAsTheirSet) {
  ASSERT_TRUE(append(0, {std::string(20'000, 'x')}));
  RecordSet kept;
  ASSERT_TRUE(log().read(partition(0), Offset(0), 1, kept));
  for (int index = 0; index < 20; ++index) ASSERT_TRUE(append(0, {std::string(20'000, 'y')}));
  RecordSet other;
  ASSERT_TRUE(log().read(partition(0), Offset(0), 1 << 20, other));
  EXPECT_EQ(kept.records[0].value, std::string(20'000, 'x'));
}

TEST_P(EventLogContract, TransactionWritesSeveralPartitionsAndPositionsTogether) {
  EXPECT_EQ(*log().position("group", partition(0)), std::nullopt);
  Transaction transaction;
  transaction.appends.push_back({partition(1), records({"out-1"})});
  transaction.appends.push_back({partition(2), records({"out-2"})});
  transaction.appends.push_back({partition(1), records({"out-3"})});
  transaction.positions.push_back({"group", partition(0), {Offset(17), Offset(5), std::string("m\0rk", 4)}});
  ASSERT_TRUE(log().commit(std::move(transaction), Durability::kSync));
  subject_->reopen();
  EXPECT_EQ(read_all(1), (std::vector<std::string>{"out-1", "out-3"}));
  EXPECT_EQ(read_all(2), (std::vector<std::string>{"out-2"}));
  const auto position = log().position("group", partition(0));
  ASSERT_TRUE(position && *position);
  EXPECT_EQ((*position)->next, Offset(17));
  EXPECT_EQ((*position)->recovery, Offset(5));
  EXPECT_EQ((*position)->metadata, std::string("m\0rk", 4));
  EXPECT_EQ(*log().position("group", partition(1)), std::nullopt);
  EXPECT_EQ(*log().position("grou", partition(0)), std::nullopt);
}

TEST_P(EventLogContract, WrongTransactionChangesNothing) {
  Transaction transaction;
  transaction.appends.push_back({partition(0), records({"a"})});
  transaction.appends.push_back({{"no-such-topic", PartitionId(0)}, records({"b"})});
  EXPECT_EQ(log().commit(std::move(transaction), Durability::kSync).error().code, ErrorCode::kNotFound);
  Transaction reserved;
  reserved.appends.push_back({partition(0), records({"a"})});
  reserved.state.put(Space::kLog, "k", "v");
  EXPECT_EQ(log().commit(std::move(reserved), Durability::kSync).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(read_all(0), (std::vector<std::string>{}));
}

TEST_P(EventLogContract, EmptyTransactionAndEmptyAppendAreFine) {
  EXPECT_TRUE(log().commit({}, Durability::kSync));
  EXPECT_TRUE(append(0, {}));
  EXPECT_EQ(read_all(0), (std::vector<std::string>{}));
}

TEST_P(EventLogContract, AwaitDataWakesWhenARecordArrives) {
  EXPECT_FALSE(*log().await_data(partition(0), Offset(0), 0));
  EXPECT_FALSE(*log().await_data(partition(0), Offset(0), 20));
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(append(0, {"a"}));
  });
  EXPECT_TRUE(*log().await_data(partition(0), Offset(0), 20'000));
  writer.join();
  EXPECT_EQ(read_all(0), (std::vector<std::string>{"a"}));
}

TEST_P(EventLogContract, EverythingIsThereAfterReopening) {
  std::vector<std::string> expected;
  for (int index = 0; index < 30; ++index) {
    expected.push_back(std::string(static_cast<size_t>(index) * 500, 'v') + std::to_string(index));
    ASSERT_TRUE(append(0, {expected.back()}));
    if (index % 10 == 9) subject_->reopen();
  }
  EXPECT_EQ(read_all(0), expected);
  ASSERT_TRUE(append(0, {"after"}));
  expected.emplace_back("after");
  EXPECT_EQ(read_all(0), expected);
}

}  // namespace meterstream
