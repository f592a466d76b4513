// Purpose: what the tests of standby copies share: owners of a changelog's partition, copies that follow it, and what they hold.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dying_writer.h"
#include "kafka_fixture.h"
#include "state/memory_store.h"

namespace meterstream {

using Rows = std::map<std::pair<int, std::string>, std::string>;

/// Everything a mirror holds, except how far it is true.
inline Rows rows_in(const KeyValueStore& store) {
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

inline void copy(const KeyValueStore& from, KeyValueStore& to) {
  WriteBatch batch;
  for (const Space space : {Space::kState, Space::kTable, Space::kMeta}) {
    const auto cursor = from.cursor(space);
    for (cursor->seek(""); cursor->valid(); cursor->next())
      batch.put(space, std::string(cursor->key()), std::string(cursor->value()));
  }
  ASSERT_TRUE(to.write(batch, Durability::kBuffered));
}

class KafkaStandbys : public testing::Test {
 protected:
  /// A task in another process: from its restore to its end.
  struct Owner {
    std::unique_ptr<MemoryStore> store;
    std::shared_ptr<KafkaConsumer> consumer;
    std::shared_ptr<DyingWriter> dying;  // null with transactions
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
      owner.dying = std::make_shared<DyingWriter>(*KafkaPlainProducer::open(test_settings()));
      parts.producer = owner.dying;
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

}  // namespace meterstream
