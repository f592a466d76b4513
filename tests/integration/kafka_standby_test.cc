// Copies that follow a changelog, on a real broker: at every moment a mirror that a restore brings up to the end, and when
// they are at the end, key by key what a fresh restore gives.
#include "connectors/kafka/kafka_standby.h"

#include <map>
#include <random>
#include <tuple>

#include <librdkafka/rdkafka.h>

#include "connectors/kafka/kafka_plain_producer.h"
#include "kafka_fixture.h"
#include "state/memory_store.h"

namespace meterstream {
namespace {

using Rows = std::map<std::pair<int, std::string>, std::string>;

/// Everything a mirror holds, except how far it is true.
Rows rows_in(const KeyValueStore& store) {
  Rows rows;
  for (const Space space : {Space::kState, Space::kTable, Space::kMeta}) {
    const auto cursor = store.cursor(space);
    for (cursor->seek(""); cursor->valid(); cursor->next()) {
      if (space == Space::kMeta && cursor->key().ends_with("/next")) continue;
      rows.emplace(std::pair(static_cast<int>(space), std::string(cursor->key())), cursor->value());
    }
  }
  return rows;
}

void copy(const KeyValueStore& from, KeyValueStore& to) {
  WriteBatch batch;
  for (const Space space : {Space::kState, Space::kTable, Space::kMeta}) {
    const auto cursor = from.cursor(space);
    for (cursor->seek(""); cursor->valid(); cursor->next())
      batch.put(space, std::string(cursor->key()), std::string(cursor->value()));
  }
  ASSERT_TRUE(to.write(batch, Durability::kBuffered));
}

/// Writes only the first records of a commit to the changelog, as a process that is killed there.
class TearingWriter final : public KafkaWriter {
 public:
  explicit TearingWriter(std::unique_ptr<KafkaPlainProducer> inner) : inner_(std::move(inner)) {}

  Status commit(std::span<KafkaAppend> appends, std::span<const KafkaGroupCommit> groups) override {
    if (!tears) return inner_->commit(appends, groups);
    std::vector<KafkaAppend> kept(appends.begin(), appends.end());
    for (KafkaAppend& append : kept) append.records = append.records.first(append.records.size() / 2);
    RETURN_IF_ERROR(inner_->commit(kept, {}));
    return unavailable("killed");
  }
  [[nodiscard]] bool is_usable() const override { return inner_->is_usable(); }
  [[nodiscard]] bool is_atomic() const override { return false; }

  bool tears = false;

 private:
  std::unique_ptr<KafkaPlainProducer> inner_;
};

class KafkaStandbys : public testing::Test {
 protected:
  /// A task in another process: from its restore to its end.
  struct Owner {
    std::unique_ptr<MemoryStore> store;
    std::shared_ptr<KafkaConsumer> consumer;
    std::shared_ptr<TearingWriter> tearing;  // null with transactions
    KafkaChangelog::Restored restored;
    std::unique_ptr<KafkaLog> log;
  };

  /// A copy that is asked by hand.
  struct Copy {
    MemoryStore store;
    std::unique_ptr<KafkaConsumer> consumer;
    std::unique_ptr<KafkaChangelog> changelog;
  };

  void SetUp() override {
    topic_ = unique(std::string("standby-") + testing::UnitTest::GetInstance()->current_test_info()->name());
    topics_ = *KafkaTopics::open(test_settings());
    ASSERT_TRUE(KafkaChangelog::create_topic(*topics_, topic_, 2));
  }

  [[nodiscard]] KafkaChangelogOptions options(bool is_framed) const {
    KafkaChangelogOptions options;
    options.partition = {topic_, PartitionId(0)};
    options.is_framed = is_framed;
    return options;
  }

  Owner own(bool is_framed, std::unique_ptr<MemoryStore> store = std::make_unique<MemoryStore>()) {
    Owner owner;
    owner.store = std::move(store);
    KafkaLogParts parts;
    parts.topics = topics_;
    owner.consumer = *KafkaConsumer::open(test_settings());
    parts.consumer = owner.consumer;
    if (is_framed) {
      owner.tearing = std::make_shared<TearingWriter>(*KafkaPlainProducer::open(test_settings()));
      parts.producer = owner.tearing;
    } else {
      auto producer = KafkaProducer::open(test_settings(), topic_ + "-owner");
      EXPECT_TRUE(producer) << producer.error().message;
      parts.producer = *std::move(producer);
    }
    parts.changelog = std::make_shared<KafkaChangelog>(options(is_framed), *parts.consumer, *topics_, *owner.store);
    const auto restored = parts.changelog->restore();
    EXPECT_TRUE(restored) << restored.error().message;
    if (restored) owner.restored = *restored;
    owner.log = std::make_unique<KafkaLog>(std::move(parts), KafkaLogOptions{.settings = test_settings()});
    const Status taken = owner.log->take_over();
    EXPECT_TRUE(taken) << taken.error().message;
    return owner;
  }

  [[nodiscard]] Transaction puts(const std::vector<std::string>& keys, const std::string& value) const {
    Transaction transaction;
    for (const std::string& key : keys) transaction.state.put(Space::kState, key, value);
    transaction.positions.push_back(
        {"view", {topic_, PartitionId(1)}, {Offset(static_cast<int64_t>(value.size())), Offset(0), value}});
    return transaction;
  }

  static void commit(Owner& owner, Transaction&& transaction) {
    const Status committed = owner.log->commit(std::move(transaction), Durability::kSync);
    ASSERT_TRUE(committed) << committed.error().message;
  }

  void open(Copy& copy, size_t read_bytes = size_t{4} << 20, int64_t mirror_age_ms = 3'600'000) const {
    if (!copy.consumer) copy.consumer = *KafkaConsumer::open(test_settings());
    KafkaChangelogOptions kept = options(false);
    kept.read_bytes = read_bytes;
    kept.mirror_age_ms = mirror_age_ms;
    copy.changelog = std::make_unique<KafkaChangelog>(kept, *copy.consumer, *topics_, copy.store);
  }

  static KafkaChangelog::Followed follow(Copy& copy) {
    const auto followed = copy.changelog->follow();
    EXPECT_TRUE(followed) << followed.error().message;
    const Status kept = copy.changelog->keep();
    EXPECT_TRUE(kept) << kept.error().message;
    return followed ? *followed : KafkaChangelog::Followed{};
  }

  /// Until it holds all that was committed before the call. True when it began from the beginning.
  bool catch_up(Copy& copy) {
    const TopicPartition partition{topic_, PartitionId(0)};
    const Offset end = topics_->offsets({partition}, KafkaTopics::End::kHigh)->front().end;
    bool is_rebuilt = false;
    for (int attempt = 0; attempt < 5'000; ++attempt) {
      const auto known = copy.consumer->offsets(partition, 0);
      EXPECT_TRUE(known) << known.error().message;
      const auto followed = follow(copy);
      is_rebuilt = followed.is_rebuilt || is_rebuilt;
      if (known && known->end >= end && followed.behind == 0) return is_rebuilt;
    }
    ADD_FAILURE() << "the copy does not reach offset " << end.value;
    return is_rebuilt;
  }

  KafkaChangelog::Restored restore(MemoryStore& store, bool is_framed = false) const {
    const auto consumer = *KafkaConsumer::open(test_settings());
    KafkaChangelog changelog(options(is_framed), *consumer, *topics_, store);
    const auto restored = changelog.restore();
    EXPECT_TRUE(restored) << restored.error().message;
    return restored ? *restored : KafkaChangelog::Restored{};
  }

  /// The copy, and what a take-over makes of it, are what a fresh restore gives.
  void expect_true(const Copy& copy, const std::string& when) const {
    MemoryStore fresh;
    restore(fresh);
    EXPECT_EQ(rows_in(copy.store), rows_in(fresh)) << when;
    expect_mended(copy, rows_in(fresh), when);
  }

  KafkaChangelog::Restored expect_mended(const Copy& copied, const Rows& truth, const std::string& when) const {
    MemoryStore taken;
    copy(copied.store, taken);
    const auto restored = restore(taken);
    EXPECT_EQ(rows_in(taken), truth) << when << ", taken over";
    return restored;
  }

  std::string topic_;
  std::shared_ptr<KafkaTopics> topics_;
};

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
  first.tearing->tears = true;
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
  second.tearing->tears = true;
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
      if (is_framed && number + 1 == commits) owner.tearing->tears = below(2) == 0;
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
      const bool is_torn = owner.tearing && owner.tearing->tears;
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
  for (int second = 0; second < 40 && removed() < 1'000; ++second) {
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
  constexpr int64_t kAgeMs = 4'000;
  Owner owner = own(false);
  commit(owner, puts({"a"}, "one"));
  Copy copy;
  open(copy, 1 << 20, kAgeMs);
  catch_up(copy);
  WriteBatch stray;
  stray.put(Space::kState, "stray", "its erasure is gone");
  ASSERT_TRUE(copy.store.write(stray, Durability::kBuffered));
  for (int look = 0; look < 50; ++look) {
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

/// The whole standby with its thread.
class KafkaStandbyThreads : public KafkaStandbys {
 protected:
  std::unique_ptr<KafkaStandby> start(KeyValueStore& store, std::vector<std::string>* told = nullptr) {
    KafkaStandbyOptions options;
    options.settings = test_settings();
    options.rest_ms = 5;
    options.retry_longest_ms = 200;
    options.begin_anew_ms = 500;
    if (told != nullptr) options.on_trouble = [told](const std::string& message) { told->push_back(message); };
    auto standby = std::make_unique<KafkaStandby>(options, ownership_, store);
    standby->add({topic_, PartitionId(0)}, {});
    standby->add({topic_, PartitionId(1)}, {{Space::kState, "of another task/"}});
    EXPECT_TRUE(standby->start());
    return standby;
  }

  template <class Condition>
  static bool within_seconds(int seconds, const Condition& condition) {
    for (int attempt = 0; attempt < seconds * 100; ++attempt) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  bool becomes(const MemoryStore& store, const std::string& key, const std::string& value) {
    return within_seconds(20, [&] {
      const Rows rows = rows_in(store);
      const auto found = rows.find({static_cast<int>(Space::kState), key});
      return found != rows.end() && found->second == value;
    });
  }

  std::shared_ptr<ChangelogOwnership> ownership_ = std::make_shared<ChangelogOwnership>();
};

TEST_F(KafkaStandbyThreads, TakeOverReadsOnlyTheTail) {
  MemoryStore store;
  const auto standby = start(store);
  Owner owner = own(false);
  for (int number = 0; number < 50; ++number)
    commit(owner, puts({"a", "b", "c", "key-" + std::to_string(number)}, "value-" + std::to_string(number)));
  ASSERT_TRUE(becomes(store, "a", "value-49"));
  EXPECT_TRUE(within_seconds(20, [&] {
    const auto progress = standby->progress();
    return progress.partitions == 2 && progress.behind == 0;
  }));
  const auto hold = ownership_->acquire({topic_, PartitionId(0)}, 1'000);
  ASSERT_TRUE(hold);
  commit(owner, puts({"a"}, "tail"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(rows_in(store).at({static_cast<int>(Space::kState), "a"}), "value-49") << "the standby stays away";
  const auto restored = restore(store);
  EXPECT_FALSE(restored.is_rebuilt);
  EXPECT_EQ(restored.entries, 2);
  MemoryStore fresh;
  restore(fresh);
  EXPECT_EQ(rows_in(store), rows_in(fresh));
  EXPECT_TRUE(within_seconds(20, [&] { return standby->progress().partitions == 1; }));
}

// As when the group moves a partition to and fro between this process and another.
TEST_F(KafkaStandbyThreads, PartitionMovesBetweenAWorkerHereTheStandbyAndAnotherProcess) {
  for (const bool is_framed : {false, true}) {
    auto store = std::make_unique<MemoryStore>();
    MemoryStore& here = *store;
    const auto standby = start(here);
    std::string last;
    for (int turn = 0; turn < 10; ++turn) {
      const bool is_here = turn % 2 == 1;
      std::optional<ChangelogOwnership::Hold> hold;
      if (is_here) {
        auto acquired = ownership_->acquire({topic_, PartitionId(0)}, 10'000);
        ASSERT_TRUE(acquired);
        hold.emplace(*std::move(acquired));
      }
      Owner owner = own(is_framed, is_here ? std::move(store) : std::make_unique<MemoryStore>());
      if (turn > 1) {
        EXPECT_EQ(owner.restored.is_rebuilt, !is_here);
        EXPECT_EQ(rows_in(*owner.store).at({static_cast<int>(Space::kState), "shared"}), last);
      }
      for (int number = 0; number < 5; ++number) {
        last = fmt::format("{}-{}", turn, number);
        commit(owner, puts({"shared", "key-" + std::to_string(turn), "other-" + std::to_string(number)}, last));
      }
      owner.log.reset();
      if (is_here) store = std::move(owner.store);
    }
    ASSERT_TRUE(becomes(here, "shared", last));
    MemoryStore fresh;
    restore(fresh);
    EXPECT_TRUE(within_seconds(20, [&] { return rows_in(here) == rows_in(fresh); }));
  }
}

TEST_F(KafkaStandbyThreads, TopicThatWasMadeAnewIsCopiedFromItsBeginning) {
  MemoryStore store;
  std::vector<std::string> told;
  const auto standby = start(store, &told);
  {
    Owner owner = own(false);
    commit(owner, puts({"old"}, "one"));
  }
  ASSERT_TRUE(becomes(store, "old", "one"));
  remove_topic(*topics_, topic_);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  ASSERT_TRUE(KafkaChangelog::create_topic(*topics_, topic_, 2));
  {
    Owner owner = own(false);
    for (int number = 0; number < 20; ++number) commit(owner, puts({"new"}, std::to_string(number)));
  }
  ASSERT_TRUE(becomes(store, "new", "19"));
  MemoryStore fresh;
  restore(fresh);
  EXPECT_TRUE(within_seconds(20, [&] { return rows_in(store) == rows_in(fresh); }));
  standby->stop();
  EXPECT_LE(told.size(), 4U) << fmt::format("{}", fmt::join(told, "\n"));
}

}  // namespace
}  // namespace meterstream
