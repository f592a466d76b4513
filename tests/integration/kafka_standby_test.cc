// Copies that follow a changelog, on a real broker: at every moment a mirror that a restore brings up to the end, and when
// they are at the end, key by key what a fresh restore gives.
#include <cstring>
#include <random>

#include <librdkafka/rdkafka.h>

#include "kafka_standby_fixture.h"

namespace meterstream {
namespace {

// A transaction that is written and not ended; ends when `producer` is told so.
struct OpenTransaction {
  OpenTransaction(const std::string& topic, const std::string& id) {
    char reason[256];
    rd_kafka_conf_t* configuration = rd_kafka_conf_new();
    rd_kafka_conf_set(configuration, "bootstrap.servers", test_settings().brokers.c_str(), reason, sizeof(reason));
    rd_kafka_conf_set(configuration, "transactional.id", id.c_str(), reason, sizeof(reason));
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, reason, sizeof(reason));
    EXPECT_EQ(rd_kafka_init_transactions(producer, 10'000), nullptr);
    EXPECT_EQ(rd_kafka_begin_transaction(producer), nullptr);
    for (const char* key : {"Sa", "Snever"}) {
      EXPECT_EQ(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(0),
                                  RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE(const_cast<char*>("bad"), 3),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    EXPECT_EQ(rd_kafka_flush(producer, 10'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  ~OpenTransaction() { rd_kafka_destroy(producer); }
  void abort() const { EXPECT_EQ(rd_kafka_abort_transaction(producer, 10'000), nullptr); }

  rd_kafka_t* producer = nullptr;
};

TEST_F(KafkaStandbys, CopyEqualsAFreshRestoreAfterCommitsTombstonesAndAborts) {
  Copy copy;
  open(copy);
  EXPECT_TRUE(catch_up(copy));
  Owner owner = own(false);
  commit(owner, puts({"a", "b", "c/1", "c/2", "d"}, "one"));
  EXPECT_FALSE(catch_up(copy));
  expect_true(copy, "after a commit");
  Transaction erasing = puts({"b"}, "second");
  erasing.state.erase(Space::kState, "a");
  erasing.state.erase_range(Space::kState, "c/", "c0");
  erasing.state.put(Space::kTable, "row", std::string("a\0b", 3));
  erasing.state.put(Space::kState, "empty", "");
  commit(owner, std::move(erasing));
  EXPECT_FALSE(catch_up(copy));
  expect_true(copy, "after tombstones");
  const Rows before = rows_in(copy.store);
  EXPECT_FALSE(before.contains({static_cast<int>(Space::kState), "a"}));
  {
    const OpenTransaction aborted(topic_, topic_ + "-aborted");
    follow(copy);
    EXPECT_EQ(rows_in(copy.store), before) << "beside an open transaction";
    aborted.abort();
  }
  EXPECT_FALSE(catch_up(copy));
  EXPECT_EQ(rows_in(copy.store), before) << "after an abort";
  expect_true(copy, "after an abort");
  commit(owner, puts({"a"}, "third"));
  EXPECT_FALSE(catch_up(copy));
  expect_true(copy, "after the next commit");
}

TEST_F(KafkaStandbys, TornCommitIsInNoCopyAndItsRepairIs) {
  Copy copy;
  open(copy);
  Owner first = own(true);
  commit(first, puts({"a", "b", "c", "d"}, "one"));
  catch_up(copy);
  expect_true(copy, "after a commit");
  first.dying->moment = DyingWriter::Moment::kInChangelog;
  EXPECT_FALSE(first.log->commit(puts({"a", "b", "c", "d", "e"}, "torn"), Durability::kSync));
  catch_up(copy);
  expect_true(copy, "after a torn commit");
  const Rows whole = rows_in(copy.store);
  EXPECT_EQ(whole.at({static_cast<int>(Space::kState), "a"}), "one");
  // Whoever takes over reads the torn records, so that they are repaired.
  EXPECT_EQ(expect_mended(copy, whole, "after a torn commit").entries, 3);
  auto taken = std::make_unique<MemoryStore>();
  meterstream::copy(copy.store, *taken);
  Owner second = own(true, std::move(taken));
  EXPECT_FALSE(second.restored.is_rebuilt);
  catch_up(copy);
  expect_true(copy, "after the take-over");
  EXPECT_EQ(rows_in(copy.store).at({static_cast<int>(Space::kState), "a"}), "one");
  commit(second, puts({"a", "e"}, "three"));
  EXPECT_FALSE(catch_up(copy));
  expect_true(copy, "after the next commit");
  EXPECT_EQ(expect_mended(copy, rows_in(copy.store), "at the end").entries, 0);
  // Now with transactions, after a torn commit of the last owner without.
  second.dying->moment = DyingWriter::Moment::kInChangelog;
  EXPECT_FALSE(second.log->commit(puts({"a", "b", "c", "d", "e"}, "torn again"), Durability::kSync));
  Owner third = own(false);
  commit(third, puts({"b"}, "four"));
  catch_up(copy);
  expect_true(copy, "after the switch to transactions");
}

// Looks of one record at a time, so that they end in the middle of commits.
TEST_F(KafkaStandbys, MirrorIsMendedByARestoreAtEveryMoment) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::minstd_rand random(seed);
  const auto below = [&random](uint32_t limit) { return static_cast<int>(random() % limit); };
  Copy copy;
  open(copy, 1);
  int moments = 0;
  for (int life = 0; life < 6; ++life) {
    const bool is_framed = life % 3 != 2;
    Owner owner = own(is_framed);
    const int commits = 1 + below(3);
    for (int number = 0; number < commits; ++number) {
      if (is_framed && number + 1 == commits) {
        using enum DyingWriter::Moment;
        owner.dying->moment = below(2) == 0 ? kInChangelog : kNever;
      }
      const std::string value = std::to_string(life * 100 + number);
      Transaction transaction = puts({}, value);
      for (int key = 0; key < 6; ++key) {
        if (below(3) == 0) continue;
        const std::string name = "key-" + std::to_string(key);
        if (below(4) == 0)
          transaction.state.erase(Space::kState, name);
        else
          transaction.state.put(Space::kState, name, value);
      }
      const bool is_torn = owner.dying && owner.dying->moment != DyingWriter::Moment::kNever;
      EXPECT_EQ(owner.log->commit(std::move(transaction), Durability::kSync).has_value(), !is_torn);
    }
    owner.log.reset();
    MemoryStore fresh;
    restore(fresh);
    for (int look = below(4); look > 0; --look) {
      follow(copy);
      EXPECT_FALSE(expect_mended(copy, rows_in(fresh), fmt::format("life {}", life)).is_rebuilt);
      ++moments;
    }
    // A standby that begins anew goes on from its mirror.
    if (below(3) == 0) open(copy, 1);
  }
  catch_up(copy);
  expect_true(copy, "at the end");
  EXPECT_GT(moments, 0);
}

TEST_F(KafkaStandbys, FollowerThatWasOvertakenBeginsAnew) {
  remove_topic(*topics_, topic_);
  ASSERT_TRUE(topics_->create({.name = topic_, .partitions = 2}, {false, 0, {}}));
  Owner owner = own(false);
  commit(owner, puts({"a", "b"}, "one"));
  Copy copy;
  open(copy);
  catch_up(copy);
  commit(owner, puts({"a"}, "second"));
  commit(owner, puts({"c"}, "third"));
  const TopicPartition partition{topic_, PartitionId(0)};
  const Offset end = topics_->offsets({partition}, KafkaTopics::End::kHigh)->front().end;
  commit(owner, puts({"d"}, "fourth"));
  ASSERT_TRUE(topics_->delete_records(partition, end));
  // Fetched ahead, or gone: either way it ends with the truth of a restore.
  copy.changelog.reset();
  copy.consumer->release(partition);
  open(copy);
  EXPECT_TRUE(catch_up(copy));
  expect_true(copy, "after records were deleted");
  EXPECT_EQ(rows_in(copy.store).count({static_cast<int>(Space::kState), "b"}), 0U);
}

TEST_F(KafkaStandbys, CompactedChangelogIsFollowedToTheSame) {
  remove_topic(*topics_, topic_);
  ASSERT_TRUE(topics_->create(
      {.name = topic_, .partitions = 2},
      {true, 0, {{"segment.bytes", "1048576"}, {"min.cleanable.dirty.ratio", "0.01"}, {"segment.ms", "1000"}}}));
  Owner owner = own(true);
  Copy near;
  Copy far;
  open(near);
  open(far);
  const auto round = [&](int number) {
    std::vector<std::string> keys;
    for (int key = 0; key < 100; ++key) keys.push_back("key-" + std::to_string(key));
    Transaction transaction = puts(keys, std::string(2000, 'v') + std::to_string(number));
    if (number % 3 == 0) transaction.state.erase_range(Space::kState, "key-5", "key-6");
    commit(owner, std::move(transaction));
  };
  for (int number = 0; number < 15; ++number) round(number);
  catch_up(near);
  // The far one has seen the beginning only.
  round(15);
  follow(far);
  for (int number = 16; number < 30; ++number) {
    round(number);
    follow(near);
  }
  // The cleaner looks every 15 s.
  const auto removed = [&] {
    MemoryStore fresh;
    const auto range = topics_->offsets({{topic_, PartitionId(0)}}, KafkaTopics::End::kHigh)->front();
    return range.end.value - range.begin.value - restore(fresh).entries;
  };
  for (int second = 0; second < 150 && removed() < 1'000; ++second) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    round(100 + second);
  }
  EXPECT_GE(removed(), 1'000) << "nothing was compacted";
  EXPECT_FALSE(catch_up(near));
  expect_true(near, "after compaction");
  catch_up(far);
  expect_true(far, "after compaction, from behind");
}

TEST_F(KafkaStandbys, QuietChangelogKeepsItsMirrorYoungAndASleeperBeginsAnew) {
  constexpr int64_t kAgeMs = 8'000;
  Owner owner = own(false);
  commit(owner, puts({"a"}, "one"));
  Copy copy;
  open(copy, 1 << 20, kAgeMs);
  catch_up(copy);
  WriteBatch stray;
  stray.put(Space::kState, "stray", "its erasure is gone");
  ASSERT_TRUE(copy.store.write(stray, Durability::kBuffered));
  for (int look = 0; look < 90; ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(follow(copy).is_rebuilt);
  }
  open(copy, 1 << 20, kAgeMs);
  EXPECT_FALSE(follow(copy).is_rebuilt) << "its checkpoint is not renewed";
  std::this_thread::sleep_for(std::chrono::milliseconds(kAgeMs + 500));
  EXPECT_TRUE(follow(copy).is_rebuilt);
  catch_up(copy);
  expect_true(copy, "after it slept");
}

}  // namespace
}  // namespace meterstream
