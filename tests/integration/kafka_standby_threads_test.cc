// The whole standby with its thread, beside workers of its process and of others.
#include <optional>

#include "connectors/kafka/kafka_standby.h"
#include "kafka_standby_fixture.h"

namespace meterstream {
namespace {

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
