// Commits without transactions on a real broker: what a crash between their steps leaves, and who may commit.
#include "connectors/kafka/kafka_plain_producer.h"

#include <map>

#include "dying_writer.h"
#include "kafka_fixture.h"
#include "state/memory_store.h"

namespace meterstream {
namespace {

using Strings = std::vector<std::string>;
using Rows = std::map<std::string, std::string>;

class KafkaPlainCommits : public testing::Test {
 protected:
  struct Life {
    std::shared_ptr<DyingWriter> writer;
    std::unique_ptr<KafkaLog> log;
    Status taken;
  };

  void SetUp() override {
    const std::string name = unique(testing::UnitTest::GetInstance()->current_test_info()->name());
    topic_ = "plain-" + name;
    changelog_ = "plain-changelog-" + name;
    topics_ = *KafkaTopics::open(test_settings());
    ASSERT_TRUE(topics_->create({.name = topic_, .partitions = 2}));
    ASSERT_TRUE(KafkaChangelog::create_topic(*topics_, changelog_, 1));
  }

  Life begin(KeyValueStore& store, bool take_over = true) {
    KafkaLogParts parts;
    parts.topics = topics_;
    parts.consumer = *KafkaConsumer::open(test_settings());
    Life life{std::make_shared<DyingWriter>(*KafkaPlainProducer::open(test_settings())), nullptr, {}};
    parts.producer = life.writer;
    KafkaChangelogOptions options;
    options.partition = {changelog_, PartitionId(0)};
    options.is_framed = true;
    parts.changelog = std::make_shared<KafkaChangelog>(options, *parts.consumer, *topics_, store);
    const auto restored = parts.changelog->restore();
    EXPECT_TRUE(restored) << restored.error().message;
    life.log = std::make_unique<KafkaLog>(std::move(parts), KafkaLogOptions{.settings = test_settings()});
    if (take_over) {
      life.taken = life.log->take_over();
      EXPECT_TRUE(life.taken) << life.taken.error().message;
    }
    return life;
  }

  Status commit(Life& life, const std::string& value, int64_t next) {
    Transaction transaction = append_of({topic_, PartitionId(1)}, {value});
    for (const char* key : {"a", "b", "c", "d"}) transaction.state.put(Space::kState, key, value);
    transaction.positions.push_back({"view", {topic_, PartitionId(0)}, {Offset(next), Offset(0), ""}});
    return life.log->commit(std::move(transaction), Durability::kSync);
  }
  Offset position(Life& life) { return (*life.log->position("view", {topic_, PartitionId(0)}))->next; }
  static Rows rows(const KeyValueStore& store) {
    Rows rows;
    const auto cursor = store.cursor(Space::kState);
    for (cursor->seek(""); cursor->valid(); cursor->next()) rows.emplace(cursor->key(), cursor->value());
    return rows;
  }
  static Rows all(const std::string& value) { return {{"a", value}, {"b", value}, {"c", value}, {"d", value}}; }

  std::string topic_;
  std::string changelog_;
  std::shared_ptr<KafkaTopics> topics_;
};

TEST_F(KafkaPlainCommits, DeathBetweenStepsLosesNoResultAndLeavesNoHalfState) {
  for (const auto moment : {DyingWriter::Moment::kAfterResults, DyingWriter::Moment::kInChangelog}) {
    MemoryStore here;
    Life life = begin(here);
    ASSERT_TRUE(commit(life, "one", 5));
    life.writer->moment = moment;
    ASSERT_FALSE(commit(life, "two", 9));
    for (MemoryStore elsewhere;
         KeyValueStore * store : {static_cast<KeyValueStore*>(&elsewhere), static_cast<KeyValueStore*>(&here)}) {
      Life next = begin(*store);
      EXPECT_EQ(rows(*store), all("one"));
      EXPECT_EQ(position(next), Offset(5));
    }
    // Its successor makes the result again.
    Life next = begin(here);
    ASSERT_TRUE(commit(next, "two", 9));
  }
  EXPECT_EQ(values_in(*begin(*std::make_unique<MemoryStore>()).log, {topic_, PartitionId(1)}),
            (Strings{"one", "two", "two", "one", "two", "two"}));
}

TEST_F(KafkaPlainCommits, DeathBeforeTheOffsetsRepeatsNothing) {
  MemoryStore here;
  Life life = begin(here);
  ASSERT_TRUE(commit(life, "one", 5));
  life.writer->moment = DyingWriter::Moment::kBeforeOffsets;
  ASSERT_FALSE(commit(life, "two", 9));
  Life next = begin(here);
  EXPECT_EQ(rows(here), all("two"));
  EXPECT_EQ(position(next), Offset(9));
}

TEST_F(KafkaPlainCommits, DisplacedWriterChangesNoState) {
  MemoryStore here;
  MemoryStore elsewhere;
  Life zombie = begin(here);
  ASSERT_TRUE(commit(zombie, "one", 5));
  Life life = begin(elsewhere);
  const Status refused = commit(zombie, "zombie", 7);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict) << refused.error().message;
  // The owner notices that somebody wrote between its records.
  const Status disturbed = commit(life, "two", 9);
  ASSERT_FALSE(disturbed);
  EXPECT_EQ(disturbed.error().code, ErrorCode::kConflict) << disturbed.error().message;
  Life next = begin(elsewhere);
  EXPECT_EQ(rows(elsewhere), all("two"));
  EXPECT_EQ(position(next), Offset(9));
  ASSERT_TRUE(commit(next, "three", 12));
}

TEST_F(KafkaPlainCommits, TakeOverWaitsUntilTheLastOwnerHasEnded) {
  MemoryStore here;
  MemoryStore elsewhere;
  Life last = begin(here);
  Life life = begin(elsewhere, false);
  ASSERT_TRUE(commit(last, "one", 5));
  const Status taken = life.log->take_over();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kUnavailable) << taken.error().message;
  Life next = begin(elsewhere);
  EXPECT_EQ(rows(elsewhere), all("one"));
  EXPECT_EQ(position(next), Offset(5));
}

TEST_F(KafkaPlainCommits, OffsetsNeedAMemberThatHasItsPlace) {
  const std::string group = "plain-members-" + topic_;
  auto member = *KafkaConsumer::open(test_settings(), {.group = group, .session_timeout_ms = 6000});
  ASSERT_TRUE(member->subscribe({topic_}, {}));
  for (int attempt = 0; attempt < 1000 && member->assignment().size() < 2; ++attempt) ASSERT_TRUE(member->poll(20));
  auto producer = *KafkaPlainProducer::open(test_settings());
  const std::vector<KafkaGroupOffset> offsets = {{{topic_, PartitionId(0)}, Offset(3), ""}};
  const std::vector<KafkaGroupCommit> strangers = {{group, offsets, nullptr}};
  EXPECT_EQ(producer->commit({}, strangers).error().code, ErrorCode::kInvalid);
  const std::vector<KafkaGroupCommit> members = {{group, offsets, member.get()}};
  const Status committed = producer->commit({}, members);
  ASSERT_TRUE(committed) << committed.error().message;
  EXPECT_EQ((*topics_->group_position(group, {topic_, PartitionId(0)}))->next, Offset(3));
  ASSERT_TRUE(member->close());
  EXPECT_EQ(producer->commit({}, members).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace meterstream
