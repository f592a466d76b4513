// State in changelogs on real brokers: what a task commits is what its successor finds, on this machine or another.
#include <map>

#include <librdkafka/rdkafka.h>

#include "kafka_fixture.h"
#include "state/memory_store.h"
#include "state/rocksdb_store.h"
#include "testing/faulty_key_value_store.h"
#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

using Rows = std::map<std::string, std::string>;

class KafkaChangelogs : public testing::Test {
 protected:
  // A task's life: from its restore to its end.
  struct Life {
    std::shared_ptr<KafkaChangelog> changelog;
    KafkaChangelog::Restored restored;
    std::unique_ptr<KafkaLog> log;
  };

  void SetUp() override {
    const std::string name = unique(testing::UnitTest::GetInstance()->current_test_info()->name());
    topic_ = "input-" + name;
    changelog_ = "changelog-" + name;
    topics_ = *KafkaTopics::open(test_settings());
    ASSERT_TRUE(topics_->create({.name = topic_, .partitions = 2}));
    ASSERT_TRUE(KafkaChangelog::create_topic(*topics_, changelog_, 2));
  }

  Life begin(KeyValueStore& store, int partition, std::vector<std::pair<Space, std::string>> prefixes = {}) {
    KafkaLogParts parts;
    parts.topics = topics_;
    parts.consumer = *KafkaConsumer::open(test_settings());
    auto producer = KafkaProducer::open(test_settings(), changelog_ + std::to_string(partition));
    EXPECT_TRUE(producer) << producer.error().message;
    parts.producer = *std::move(producer);
    parts.changelog = std::make_shared<KafkaChangelog>(
        KafkaChangelogOptions{{changelog_, PartitionId(partition)}, std::move(prefixes)}, *parts.consumer, *topics_,
        store);
    Life life{parts.changelog, {}, nullptr};
    const auto restored = life.changelog->restore();
    EXPECT_TRUE(restored) << restored.error().message;
    if (restored) life.restored = *restored;
    life.log = std::make_unique<KafkaLog>(std::move(parts), KafkaLogOptions{.settings = test_settings()});
    return life;
  }

  static Rows rows_in(const KeyValueStore& store, Space space) {
    Rows rows;
    const auto cursor = store.cursor(space);
    for (cursor->seek(""); cursor->valid(); cursor->next()) rows.emplace(cursor->key(), cursor->value());
    return rows;
  }

  [[nodiscard]] TopicPartition input(int partition) const { return {topic_, PartitionId(partition)}; }

  std::string topic_;
  std::string changelog_;
  std::shared_ptr<KafkaTopics> topics_;
};

TEST_F(KafkaChangelogs, AnotherMachineFindsStateAndPosition) {
  MemoryStore here;
  {
    Life life = begin(here, 0);
    EXPECT_TRUE(life.restored.is_rebuilt);
    Transaction first = append_of(input(1), {"result"});
    first.state.put(Space::kState, "page-1", "one");
    first.state.put(Space::kState, "page-2", "two");
    first.state.put(Space::kTable, "row", std::string("a\0b", 3));
    first.positions.push_back({"view", input(0), {Offset(5), Offset(2), "memo"}});
    ASSERT_TRUE(life.log->commit(std::move(first), Durability::kSync));
    Transaction second;
    second.state.put(Space::kState, "page-2", "");
    second.state.erase(Space::kState, "page-1");
    second.positions.push_back({"view", input(0), {Offset(9), Offset(2), "memo-2"}});
    ASSERT_TRUE(life.log->commit(std::move(second), Durability::kSync));
  }
  MemoryStore elsewhere;
  Life life = begin(elsewhere, 0);
  EXPECT_TRUE(life.restored.is_rebuilt);
  EXPECT_EQ(rows_in(elsewhere, Space::kState), (Rows{{"page-2", ""}}));
  EXPECT_EQ(rows_in(elsewhere, Space::kState), rows_in(here, Space::kState));
  EXPECT_EQ(rows_in(elsewhere, Space::kTable), rows_in(here, Space::kTable));
  const auto position = life.log->position("view", input(0));
  ASSERT_TRUE(position && *position);
  EXPECT_EQ((*position)->next, Offset(9));
  EXPECT_EQ((*position)->metadata, "memo-2");
}

TEST_F(KafkaChangelogs, LocalMirrorNeedsOnlyTheTail) {
  MemoryStore store;
  {
    Life life = begin(store, 0);
    for (int index = 0; index < 10; ++index) {
      Transaction transaction;
      transaction.state.put(Space::kState, "key-" + std::to_string(index), "value");
      ASSERT_TRUE(life.log->commit(std::move(transaction), Durability::kSync));
    }
  }
  MemoryStore elsewhere;
  {
    const Life again = begin(store, 0);
    EXPECT_FALSE(again.restored.is_rebuilt);
    EXPECT_EQ(again.restored.entries, 0);
    Life other = begin(elsewhere, 0);
    EXPECT_EQ(other.restored.entries, 10);
    Transaction transaction;
    transaction.state.put(Space::kState, "key-0", "from elsewhere");
    transaction.state.erase(Space::kState, "key-1");
    ASSERT_TRUE(other.log->commit(std::move(transaction), Durability::kSync));
  }
  const Life life = begin(store, 0);
  EXPECT_FALSE(life.restored.is_rebuilt);
  EXPECT_EQ(life.restored.entries, 2);
  EXPECT_EQ(rows_in(store, Space::kState), rows_in(elsewhere, Space::kState));
  EXPECT_EQ(rows_in(store, Space::kState).size(), 9U);
}

TEST_F(KafkaChangelogs, ErasedRangeIsErasedElsewhereToo) {
  MemoryStore store;
  Life life = begin(store, 0);
  Transaction first;
  for (const char* key : {"a/1", "b/1", "b/2", "c/1"}) first.state.put(Space::kState, key, "old");
  ASSERT_TRUE(life.log->commit(std::move(first), Durability::kSync));
  Transaction second;
  second.state.put(Space::kState, "b/3", "written and erased");
  second.state.erase_range(Space::kState, "b/", "b0");
  second.state.put(Space::kState, "b/2", "written after");
  ASSERT_TRUE(life.log->commit(std::move(second), Durability::kSync));
  MemoryStore elsewhere;
  begin(elsewhere, 0);
  EXPECT_EQ(rows_in(elsewhere, Space::kState), (Rows{{"a/1", "old"}, {"b/2", "written after"}, {"c/1", "old"}}));
  EXPECT_EQ(rows_in(store, Space::kState), rows_in(elsewhere, Space::kState));
}

TEST_F(KafkaChangelogs, TasksShareAStoreWithoutTouchingEachOther) {
  MemoryStore store;
  {
    Life zero = begin(store, 0, {{Space::kState, "task-0/"}});
    Life one = begin(store, 1, {{Space::kState, "task-1/"}});
    for (auto* life : {&zero, &one}) {
      Transaction transaction;
      transaction.state.put(Space::kState, life == &zero ? "task-0/x" : "task-1/x", "value");
      transaction.positions.push_back({"view", input(life == &zero ? 0 : 1), {Offset(1), Offset(1), ""}});
      ASSERT_TRUE(life->log->commit(std::move(transaction), Durability::kSync));
    }
    Transaction foreign;
    foreign.state.put(Space::kState, "task-1/y", "value");
    EXPECT_EQ(zero.log->commit(std::move(foreign), Durability::kSync).error().code, ErrorCode::kInvalid);
    Transaction wide;
    wide.state.erase_range(Space::kState, "task-0/", "task-2");
    EXPECT_EQ(zero.log->commit(std::move(wide), Durability::kSync).error().code, ErrorCode::kInvalid);
  }
  // A changelog that was made anew: task 0 begins with nothing, task 1 keeps what it has.
  remove_topic(*topics_, changelog_);
  ASSERT_TRUE(KafkaChangelog::create_topic(*topics_, changelog_, 2));
  Life zero = begin(store, 0, {{Space::kState, "task-0/"}});
  EXPECT_TRUE(zero.restored.is_rebuilt);
  EXPECT_EQ(rows_in(store, Space::kState), (Rows{{"task-1/x", "value"}}));
  EXPECT_EQ(*zero.log->position("view", input(0)), std::nullopt);
}

TEST_F(KafkaChangelogs, MirrorThatIsTooOldIsBuiltAnew) {
  MemoryStore store;
  {
    Life life = begin(store, 0);
    Transaction transaction;
    transaction.state.put(Space::kState, "key", "value");
    ASSERT_TRUE(life.log->commit(std::move(transaction), Durability::kSync));
  }
  WriteBatch stray;
  stray.put(Space::kState, "forgotten", "its erasure is gone from the changelog");
  ASSERT_TRUE(store.write(stray, Durability::kSync));
  auto consumer = *KafkaConsumer::open(test_settings());
  KafkaChangelogOptions options{{changelog_, PartitionId(0)}};
  options.mirror_age_ms = 1;
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  KafkaChangelog changelog(options, *consumer, *topics_, store);
  const auto restored = changelog.restore();
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(restored->is_rebuilt);
  EXPECT_EQ(rows_in(store, Space::kState), (Rows{{"key", "value"}}));
}

TEST_F(KafkaChangelogs, StateOfManyMegabytesIsRebuiltInAStoreOnDisk) {
  MemoryStore store;
  {
    Life life = begin(store, 0);
    for (int round = 0; round < 8; ++round) {
      Transaction transaction;
      for (int key = 0; key < 40; ++key) {
        const std::string name = "key-" + std::to_string((round * 25 + key) % 100);
        if ((round + key) % 5 == 0)
          transaction.state.erase(Space::kState, name);
        else
          transaction.state.put(Space::kState, name, std::string(100'000, static_cast<char>('a' + round)) + name);
      }
      transaction.positions.push_back({"view", input(0), {Offset(round), Offset(round), ""}});
      ASSERT_TRUE(life.log->commit(std::move(transaction), Durability::kSync));
    }
  }
  const TemporaryDirectory directory;
  auto consumer = *KafkaConsumer::open(test_settings());
  for (const bool is_first : {true, false}) {
    const auto rebuilt = *RocksDbStore::open(directory.path());
    KafkaChangelogOptions options{{changelog_, PartitionId(0)}};
    options.restore_batch_bytes = size_t{9} << 20;
    KafkaChangelog changelog(options, *consumer, *topics_, *rebuilt);
    const auto restored = changelog.restore();
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(restored->is_rebuilt, is_first);
    EXPECT_TRUE(rows_in(*rebuilt, Space::kState) == rows_in(store, Space::kState));
    const auto position = changelog.position("view", input(0));
    ASSERT_TRUE(position && *position);
    EXPECT_EQ((*position)->next, Offset(7));
  }
}

TEST_F(KafkaChangelogs, ProcessThatDiesWhileItRebuildsLeavesAMirrorThatTheNextOneCompletes) {
  MemoryStore store;
  {
    Life life = begin(store, 0);
    for (int round = 0; round < 4; ++round) {
      Transaction transaction;
      for (int key = round; key < round + 3; ++key)
        transaction.state.put(Space::kState, "key-" + std::to_string(key), std::to_string(round));
      transaction.state.erase(Space::kState, "key-" + std::to_string(round - 1));
      transaction.positions.push_back({"view", input(0), {Offset(round), Offset(round), ""}});
      ASSERT_TRUE(life.log->commit(std::move(transaction), Durability::kSync));
    }
  }
  auto consumer = *KafkaConsumer::open(test_settings());
  KafkaChangelogOptions options{{changelog_, PartitionId(0)}};
  options.read_bytes = 40;
  options.restore_batch_bytes = 1;
  for (const StoreCrash crash : {StoreCrash::kProcessKilled, StoreCrash::kPowerLoss}) {
    uint64_t write = 0;
    for (bool is_done = false; !is_done; ++write) {
      SCOPED_TRACE(write);
      // Rows of another time, without a checkpoint.
      auto mirror = std::make_unique<FaultyKeyValueStore>();
      WriteBatch stray;
      stray.put(Space::kState, "key-0", "stray");
      ASSERT_TRUE(mirror->write(stray, Durability::kSync));
      mirror->set_plan(StoreFaultPlan::fail_at(write, StoreFault::kCrashAfter));
      is_done = KafkaChangelog(options, *consumer, *topics_, *mirror).restore().has_value();
      consumer->release(options.partition);
      mirror = mirror->crash(crash);
      const auto restored = KafkaChangelog(options, *consumer, *topics_, *mirror).restore();
      ASSERT_TRUE(restored) << restored.error().message;
      EXPECT_EQ(rows_in(*mirror, Space::kState), rows_in(store, Space::kState));
    }
    EXPECT_GT(write, 3);
  }
}

// A transaction whose owner died: written, neither committed nor aborted.
void leave_pending(const std::string& topic, const std::string& id, int timeout_ms) {
  char reason[256];
  rd_kafka_conf_t* configuration = rd_kafka_conf_new();
  const std::string timeout = std::to_string(timeout_ms);
  rd_kafka_conf_set(configuration, "bootstrap.servers", test_settings().brokers.c_str(), reason, sizeof(reason));
  rd_kafka_conf_set(configuration, "transactional.id", id.c_str(), reason, sizeof(reason));
  rd_kafka_conf_set(configuration, "transaction.timeout.ms", timeout.c_str(), reason, sizeof(reason));
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, reason, sizeof(reason));
  ASSERT_EQ(rd_kafka_init_transactions(producer, 10'000), nullptr);
  ASSERT_EQ(rd_kafka_begin_transaction(producer), nullptr);
  ASSERT_EQ(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_KEY("Spending", 8), RD_KAFKA_V_VALUE(const_cast<char*>("x"), 1),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_EQ(rd_kafka_flush(producer, 10'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_destroy(producer);
}

TEST_F(KafkaChangelogs, PendingTransactionOfADeadOwnerIsWaitedFor) {
  MemoryStore store;
  {
    Life life = begin(store, 0);
    Transaction transaction;
    transaction.state.put(Space::kState, "key", "value");
    ASSERT_TRUE(life.log->commit(std::move(transaction), Durability::kSync));
  }
  leave_pending(changelog_, unique("dead-owner"), 1500);
  const auto began = std::chrono::steady_clock::now();
  MemoryStore elsewhere;
  Life life = begin(elsewhere, 0);
  EXPECT_GT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(500));
  EXPECT_EQ(rows_in(elsewhere, Space::kState), (Rows{{"key", "value"}}));
  Transaction transaction;
  transaction.state.put(Space::kState, "key", "next");
  ASSERT_TRUE(life.log->commit(std::move(transaction), Durability::kSync));
  begin(store, 0);
  EXPECT_EQ(rows_in(store, Space::kState), (Rows{{"key", "next"}}));
}

TEST_F(KafkaChangelogs, CompactedChangelogRestoresTheSame) {
  // Small segments that are cleaned at once.
  remove_topic(*topics_, changelog_);
  ASSERT_TRUE(topics_->create({.name = changelog_, .partitions = 2}, {true,
                                                                      0,
                                                                      {{"segment.bytes", "1048576"},
                                                                       {"min.cleanable.dirty.ratio", "0.01"},
                                                                       {"delete.retention.ms", "0"},
                                                                       {"segment.ms", "1000"}}}));
  MemoryStore store;
  Life life = begin(store, 0);
  for (int round = 0; round < 30; ++round) {
    Transaction transaction;
    for (int key = 0; key < 100; ++key)
      transaction.state.put(Space::kState, "key-" + std::to_string(key),
                            std::string(2000, static_cast<char>('a' + round % 26)) + std::to_string(round));
    if (round % 3 == 0) transaction.state.erase_range(Space::kState, "key-5", "key-6");
    transaction.positions.push_back({"view", input(0), {Offset(round), Offset(round), ""}});
    ASSERT_TRUE(life.log->commit(std::move(transaction), Durability::kSync));
  }
  MemoryStore elsewhere;
  const Life other = begin(elsewhere, 0);
  EXPECT_TRUE(other.restored.is_rebuilt);
  EXPECT_EQ(rows_in(elsewhere, Space::kState), rows_in(store, Space::kState));
  EXPECT_EQ((*other.log->position("view", input(0)))->next, Offset(29));
}

}  // namespace
}  // namespace meterstream
