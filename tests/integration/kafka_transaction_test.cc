// Transactions, fencing, groups and positions on real brokers.
#include <array>
#include <atomic>
#include <map>
#include <set>
#include <span>

#include "kafka_fixture.h"

namespace meterstream {
namespace {

class KafkaTransactions : public testing::Test {
 protected:
  void SetUp() override {
    topic_ = unique(testing::UnitTest::GetInstance()->current_test_info()->name());
    auto log = KafkaLog::connect(test_settings(), topic_);
    ASSERT_TRUE(log) << log.error().message;
    log_ = *std::move(log);
    const auto created = log_->create_topic({.name = topic_, .partitions = 4});
    ASSERT_TRUE(created) << created.error().message;
  }
  [[nodiscard]] TopicPartition partition(int number) const { return {topic_, PartitionId(number)}; }
  Status append(int number, const std::vector<std::string>& values) {
    return log_->commit(append_of(partition(number), values), Durability::kSync);
  }

  std::string topic_;
  std::unique_ptr<KafkaLog> log_;
};

using Strings = std::vector<std::string>;

TEST_F(KafkaTransactions, WhatAFailedTransactionWroteIsNeverSeen) {
  ASSERT_TRUE(append(0, {"before"}));
  // The first partition takes its record; the second refuses one that is too large.
  Transaction transaction = append_of(partition(0), {"aborted"});
  transaction.appends.push_back({partition(1), records_of({std::string(size_t{11} << 20, 'x')})});
  const Status failed = log_->commit(std::move(transaction), Durability::kSync);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kInvalid) << failed.error().message;
  ASSERT_TRUE(append(0, {"after"}));
  EXPECT_EQ(values_in(*log_, partition(0)), (Strings{"before", "after"}));
  EXPECT_EQ(values_in(*log_, partition(1)), Strings{});
}

TEST_F(KafkaTransactions, SecondProducerWithTheSameIdFencesTheFirst) {
  ASSERT_TRUE(append(0, {"first"}));
  auto second = KafkaLog::connect(test_settings(), topic_);
  ASSERT_TRUE(second);
  ASSERT_TRUE((*second)->commit(append_of(partition(0), {"second"}), Durability::kSync));
  const Status fenced = append(0, {"zombie"});
  ASSERT_FALSE(fenced);
  EXPECT_EQ(fenced.error().code, ErrorCode::kConflict) << fenced.error().message;
  EXPECT_EQ(values_in(**second, partition(0)), (Strings{"first", "second"}));
}

TEST_F(KafkaTransactions, TransactionLargerThanTheQueueOfTheProducerCommits) {
  Transaction transaction;
  for (int batch = 0; batch < 4; ++batch) {
    RecordBatchBuilder builder;
    for (int index = 0; index < 150'000; ++index) builder.add("k", "v", {}, IngestTime(0));
    transaction.appends.push_back({partition(batch % 2), std::move(builder)});
  }
  ASSERT_TRUE(log_->commit(std::move(transaction), Durability::kSync));
  EXPECT_EQ(values_in(*log_, partition(0)).size(), 300'000U);
  EXPECT_EQ(values_in(*log_, partition(1)).size(), 300'000U);
}

TEST_F(KafkaTransactions, ReaderThatFollowsTheEndMissesNothing) {
  constexpr int kTransactions = 300;
  auto writer_log = KafkaLog::connect(test_settings(), unique("follow-writer"));
  ASSERT_TRUE(writer_log);
  std::thread writer([&] {
    for (int index = 0; index < kTransactions; ++index)
      EXPECT_TRUE(
          (*writer_log)->commit(append_of(partition(0), {"a" + std::to_string(index), "b"}), Durability::kSync));
  });
  // One reader asks for the end each time, the other believes it for a while.
  auto patient = KafkaConsumer::open(test_settings());
  ASSERT_TRUE(patient);
  std::array<int, 2> seen = {0, 0};
  std::array<Offset, 2> next;
  RecordSet set;
  const auto began = std::chrono::steady_clock::now();
  while (seen[0] + seen[1] < 4 * kTransactions && std::chrono::steady_clock::now() - began < std::chrono::seconds(60)) {
    for (const size_t reader : {size_t{0}, size_t{1}}) {
      const Status status = reader == 0 ? log_->read(partition(0), next[0], 1 << 20, set)
                                        : (*patient)->read(partition(0), next[1], 1 << 20, 30, set);
      ASSERT_TRUE(status) << status.error().message;
      for (const RecordView& record : set.records) {
        const int number = seen[reader]++;
        EXPECT_EQ(record.value, number % 2 == 0 ? "a" + std::to_string(number / 2) : "b");
      }
      next[reader] = set.next;
    }
  }
  writer.join();
  EXPECT_EQ(seen[0], 2 * kTransactions);
  EXPECT_EQ(seen[1], 2 * kTransactions);
}

TEST_F(KafkaTransactions, ReaderThatKnowsOfRecordsBeforeTheyComeMissesNone) {
  ASSERT_TRUE(append(0, {"first"}));
  // Brokers hold an answer back until there is much to say, or for a third of a second.
  KafkaSettings slow = test_settings();
  slow.librdkafka = {{"fetch.min.bytes", "1000000"}, {"fetch.wait.max.ms", "300"}};
  auto reader = KafkaConsumer::open(slow);
  ASSERT_TRUE(reader);
  RecordSet set;
  Offset next(0);
  for (int attempt = 0; attempt < 3; ++attempt) {
    ASSERT_TRUE((*reader)->read(partition(0), next, 1 << 20, 0, set));
    next = set.next;
    // The mark of the end comes meanwhile.
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
  }
  ASSERT_TRUE(append(0, {"second", "third"}));
  Strings values;
  for (int attempt = 0; attempt < 10 && values.size() < 2; ++attempt) {
    ASSERT_TRUE((*reader)->read(partition(0), next, 1 << 20, 0, set));
    for (const RecordView& record : set.records) values.emplace_back(record.value);
    next = set.next;
  }
  EXPECT_EQ(values, (Strings{"second", "third"}));
}

TEST_F(KafkaTransactions, ReaderBehindRetentionLearnsHowManyRecordsAreGone) {
  ASSERT_TRUE(append(0, {"a", "b", "c"}));
  ASSERT_TRUE(append(0, {"d"}));
  ASSERT_TRUE(log_->kafka_topics().delete_records(partition(0), Offset(2)));
  RecordSet set;
  const Status status = log_->read(partition(0), Offset(0), 1 << 20, set);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kOutOfRange);
  EXPECT_NE(status.error().message.find("2 records were removed"), std::string::npos) << status.error().message;
  // And the same reader goes on where the log begins.
  const Status again = log_->read(partition(0), Offset(2), 1 << 20, set);
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_FALSE(set.records.empty());
  EXPECT_EQ(set.records.front().value, "c");
}

TEST_F(KafkaTransactions, ReaderOfADeletedTopicIsTold) {
  ASSERT_TRUE(append(0, {"a"}));
  EXPECT_EQ(values_in(*log_, partition(0)), Strings{"a"});
  auto other = KafkaTopics::open(test_settings());
  ASSERT_TRUE(other);
  remove_topic(**other, topic_);
  RecordSet set;
  Status status;
  for (int attempt = 0; attempt < 1000 && status; ++attempt) {
    status = log_->read(partition(0), Offset(2), 1 << 20, set);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kNotFound) << status.error().message;
}

TEST_F(KafkaTransactions, OffsetsOfAGroupAreThoseOfItsPosition) {
  Transaction transaction = append_of(partition(1), {"result"});
  transaction.positions.push_back({"group-" + topic_, partition(0), {Offset(7), Offset(3), "note"}});
  ASSERT_TRUE(log_->commit(std::move(transaction), Durability::kSync));
  const auto position = log_->kafka_topics().group_position("group-" + topic_, partition(0));
  ASSERT_TRUE(position && *position);
  EXPECT_EQ((*position)->next, Offset(7));
  EXPECT_EQ((*position)->recovery, Offset(3));
  EXPECT_EQ((*position)->metadata, "note");
}

TEST_F(KafkaTransactions, NobodyAnswersIsUnavailableWithinTheTimeout) {
  KafkaSettings nowhere = test_settings();
  nowhere.brokers = "127.0.0.1:1";
  nowhere.request_timeout_ms = 500;
  auto log = KafkaLog::connect(nowhere);
  ASSERT_TRUE(log);
  const auto began = std::chrono::steady_clock::now();
  RecordSet set;
  EXPECT_EQ((*log)->read(partition(0), Offset(0), 1, set).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ((*log)->topics().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ((*log)->offsets(partition(0)).error().code, ErrorCode::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

// A member of a group, polled on its own thread; reads and counts what it is given.
class Member {
 public:
  Member(const std::string& group, const std::string& topic) {
    auto consumer = KafkaConsumer::open(test_settings(), {.group = group, .session_timeout_ms = 6000});
    EXPECT_TRUE(consumer) << consumer.error().message;
    consumer_ = *std::move(consumer);
    EXPECT_TRUE(
        consumer_->subscribe({topic}, {
                                          [&](const auto& given) { assigned_ += static_cast<int>(given.size()); },
                                          [&](const auto& taken) { revoked_ += static_cast<int>(taken.size()); },
                                          [&](const auto& taken) { lost_ += static_cast<int>(taken.size()); },
                                      }));
    thread_ = std::thread([this] {
      while (!stop_) EXPECT_TRUE(consumer_->poll(20));
    });
  }
  ~Member() { leave(); }
  void leave() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    EXPECT_TRUE(consumer_->close());
  }
  [[nodiscard]] size_t partitions() const { return consumer_->assignment().size(); }
  KafkaConsumer& consumer() { return *consumer_; }
  [[nodiscard]] int revoked() const { return revoked_; }

 private:
  std::unique_ptr<KafkaConsumer> consumer_;
  std::thread thread_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> assigned_ = 0;
  std::atomic<int> revoked_ = 0;
  std::atomic<int> lost_ = 0;
};

template <class Condition>
bool becomes_true(const Condition& condition) {
  for (int attempt = 0; attempt < 3000; ++attempt) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST_F(KafkaTransactions, MembersShareTheirTopicAndGiveOnlySomeOfItUp) {
  for (int number = 0; number < 4; ++number) ASSERT_TRUE(append(number, {"value"}));
  Member first("members-" + topic_, topic_);
  ASSERT_TRUE(becomes_true([&] { return first.partitions() == 4; }));
  RecordSet set;
  for (int number = 0; number < 4; ++number) {
    ASSERT_TRUE(first.consumer().read(partition(number), Offset(0), 1 << 20, 0, set));
    EXPECT_EQ(set.records.size(), 1U);
  }
  Member second("members-" + topic_, topic_);
  ASSERT_TRUE(becomes_true([&] { return first.partitions() == 2 && second.partitions() == 2; }));
  EXPECT_EQ(first.revoked(), 2);
  // Each reads its own, from any offset, and not the other's.
  int readable = 0;
  for (int number = 0; number < 4; ++number) {
    const Status one = first.consumer().read(partition(number), Offset(0), 1 << 20, 0, set);
    EXPECT_TRUE(one ? set.records.size() == 1 : one.error().code == ErrorCode::kConflict) << number;
    const Status two = second.consumer().read(partition(number), Offset(0), 1 << 20, 0, set);
    EXPECT_TRUE(two ? set.records.size() == 1 : two.error().code == ErrorCode::kConflict) << number;
    EXPECT_NE(one.has_value(), two.has_value());
    readable += one.has_value() + two.has_value();
  }
  EXPECT_EQ(readable, 4);
  first.leave();
  EXPECT_TRUE(becomes_true([&] { return second.partitions() == 4; }));
}

TEST_F(KafkaTransactions, MemberAtTheEndMissesNothingWhenAnotherJoins) {
  const std::string group = "at-the-end-" + topic_;
  auto opened = KafkaConsumer::open(test_settings(), {.group = group, .session_timeout_ms = 6000});
  ASSERT_TRUE(opened) << opened.error().message;
  KafkaConsumer& first = **opened;
  ASSERT_TRUE(first.subscribe({topic_}, {}));
  ASSERT_TRUE(becomes_true([&] { return first.poll(1) && first.assignment().size() == 4; }));
  // It reads up to the end, and the mark of the end.
  std::map<int, Offset> next;
  RecordSet set;
  for (int number = 0; number < 4; ++number) ASSERT_TRUE(append(number, {"before"}));
  for (int attempt = 0; attempt < 3; ++attempt) {
    for (int number = 0; number < 4; ++number) {
      ASSERT_TRUE(first.read(partition(number), next[number], 1 << 20, 0, set));
      next[number] = set.next;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  // Its client hears of the second and stops fetching until the first polls. Records come meanwhile.
  Member second(group, topic_);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  for (int number = 0; number < 4; ++number) ASSERT_TRUE(append(number, {"meanwhile"}));
  ASSERT_TRUE(becomes_true(
      [&] { return first.poll(1) && first.assignment().size() == 2 && second.consumer().assignment().size() == 2; }));
  for (const TopicPartition& kept : first.assignment()) {
    Offset& from = next[kept.partition.value];
    Strings values;
    for (int attempt = 0; attempt < 5 && values.empty(); ++attempt) {
      ASSERT_TRUE(first.read(kept, from, 1 << 20, 0, set));
      for (const RecordView& record : set.records) values.emplace_back(record.value);
      from = set.next;
    }
    EXPECT_EQ(values, Strings{"meanwhile"}) << kept.partition.value;
  }
}

TEST_F(KafkaTransactions, MemberThatLeftCannotCommitOffsets) {
  const std::string group = "left-" + topic_;
  auto member = std::make_unique<Member>(group, topic_);
  ASSERT_TRUE(becomes_true([&] { return member->partitions() == 4; }));
  auto producer = KafkaProducer::open(test_settings(), "left-producer-" + topic_);
  ASSERT_TRUE(producer);
  const std::vector<KafkaGroupCommit> offsets = {{group, {{partition(0), Offset(1), ""}}, &member->consumer()}};
  ASSERT_TRUE((*producer)->commit({}, offsets));
  member->leave();
  Member successor(group, topic_);
  ASSERT_TRUE(becomes_true([&] { return successor.partitions() == 4; }));
  const RecordView zombie{.key = "k", .value = "zombie", .ingest_time = IngestTime(1)};
  std::vector<KafkaAppend> appends = {{partition(1), std::span(&zombie, 1)}};
  const Status refused = (*producer)->commit(appends, offsets);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict) << refused.error().message;
  EXPECT_TRUE((*producer)->is_usable());
  EXPECT_EQ(values_in(*log_, partition(1)), Strings{});
  EXPECT_EQ((*log_->kafka_topics().group_position(group, partition(0)))->next, Offset(1));
}

TEST_F(KafkaTransactions, AskingForTheEndDoesNotWaitForTheFetchUnderWay) {
  KafkaSettings settings = test_settings();
  settings.librdkafka["fetch.wait.max.ms"] = "3000";
  const auto patient = KafkaLog::connect(settings);
  ASSERT_TRUE(patient) << patient.error().message;
  ASSERT_TRUE(append(0, {"a"}));
  EXPECT_EQ(values_in(**patient, partition(0)), Strings{"a"});
  // At the end the library has a fetch under way that waits for records.
  const auto range = (*patient)->offsets(partition(0));
  ASSERT_TRUE(range);
  const auto began = std::chrono::steady_clock::now();
  RecordSet set;
  for (int question = 0; question < 10; ++question) {
    ASSERT_TRUE((*patient)->read(partition(0), range->end, 1 << 20, set));
    EXPECT_TRUE(set.records.empty());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(9));
}

}  // namespace
}  // namespace meterstream
