// Tasks that commit together on a real broker: all of them or none, and never half of one.
#include "connectors/kafka/kafka_commit_pipeline.h"

#include <functional>
#include <map>

#include "kafka_fixture.h"
#include "state/memory_store.h"

namespace meterstream {
namespace {

using Strings = std::vector<std::string>;
using Rows = std::map<std::string, std::string>;

void await(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) ASSERT_LT(std::chrono::steady_clock::now(), end);
}

// Waits before it passes commits on, and notes what it was given.
class SlowWriter final : public KafkaWriter {
 public:
  explicit SlowWriter(std::unique_ptr<KafkaProducer> inner) : inner_(std::move(inner)) {}

  Status commit(std::span<KafkaAppend> appends, std::span<const KafkaGroupCommit> groups) override {
    while (holds) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++commits;
    for (const KafkaGroupCommit& group : groups) offsets_of_group.push_back(group.offsets.size());
    return inner_->commit(appends, groups);
  }
  [[nodiscard]] bool is_usable() const override { return inner_->is_usable(); }
  [[nodiscard]] bool is_atomic() const override { return true; }

  std::atomic<bool> holds{false};
  int commits = 0;
  std::vector<size_t> offsets_of_group;

 private:
  std::unique_ptr<KafkaProducer> inner_;
};

class KafkaCommitPipelines : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = unique(testing::UnitTest::GetInstance()->current_test_info()->name());
    topic_ = "joint-" + name;
    changelog_ = "joint-changelog-" + name;
    topics_ = *KafkaTopics::open(test_settings());
    ASSERT_TRUE(topics_->create({.name = topic_, .partitions = 2}));
    ASSERT_TRUE(KafkaChangelog::create_topic(*topics_, changelog_, 2));
    auto producer = KafkaProducer::open(test_settings(), changelog_);
    ASSERT_TRUE(producer) << producer.error().message;
    writer_ = std::make_shared<SlowWriter>(*std::move(producer));
    pipeline_ = std::make_unique<KafkaCommitPipeline>(*topics_, 20'000);
    reader_ = *KafkaLog::connect(test_settings());
  }

  std::unique_ptr<KafkaLog> begin(int partition, std::shared_ptr<KafkaConsumer> member = nullptr) {
    KafkaLogParts parts;
    parts.topics = topics_;
    parts.consumer = *KafkaConsumer::open(test_settings());
    parts.producer = writer_;
    parts.changelog =
        std::make_shared<KafkaChangelog>(KafkaChangelogOptions{{changelog_, PartitionId(partition)}, {}},
                                         *parts.consumer, *topics_, mirrors_[static_cast<size_t>(partition)]);
    parts.pipeline = pipeline_.get();
    parts.member = std::move(member);
    EXPECT_TRUE(parts.changelog->restore());
    return std::make_unique<KafkaLog>(std::move(parts),
                                      KafkaLogOptions{.settings = test_settings(), .group = "group-" + topic_});
  }

  /// Comes back when the group has said which partitions the member has.
  [[nodiscard]] std::shared_ptr<KafkaConsumer> join() const {
    std::shared_ptr<KafkaConsumer> member = *KafkaConsumer::open(test_settings(), {.group = "group-" + topic_});
    const auto has_place = std::make_shared<bool>(false);
    EXPECT_TRUE(member->subscribe({topic_}, {.assigned = [has_place](const auto&) { *has_place = true; }}));
    await([&] {
      EXPECT_TRUE(member->poll(50));
      return *has_place;
    });
    return member;
  }

  Status give(KafkaLog& log, int partition, const std::string& value, int64_t next) const {
    Transaction transaction = append_of(target(partition), {value});
    transaction.state.put(Space::kState, "page", value);
    transaction.positions.push_back({"view", target(partition), {Offset(next), Offset(next), ""}});
    return log.commit(std::move(transaction), Durability::kSync);
  }

  [[nodiscard]] std::string mirrored(int partition) const {
    const auto found = mirrors_[static_cast<size_t>(partition)].get(Space::kState, "page");
    return found && *found ? std::string((*found)->bytes) : "";
  }
  [[nodiscard]] TopicPartition target(int number) const { return {topic_, PartitionId(number)}; }
  [[nodiscard]] Strings values(int partition) { return values_in(*reader_, target(partition)); }

  std::string topic_;
  std::string changelog_;
  std::array<MemoryStore, 2> mirrors_;
  std::shared_ptr<KafkaTopics> topics_;
  std::shared_ptr<SlowWriter> writer_;
  std::unique_ptr<KafkaCommitPipeline> pipeline_;
  std::unique_ptr<KafkaLog> reader_;
};

TEST_F(KafkaCommitPipelines, TasksCommitInOneTransactionWithTheirOffsets) {
  const auto first = begin(0);
  const auto second = begin(1);
  ASSERT_TRUE(give(*first, 0, "a", 3));
  ASSERT_TRUE(give(*second, 1, "b", 7));
  EXPECT_TRUE(pipeline_->is_waiting());
  EXPECT_EQ(values(0), Strings{});
  pipeline_->begin(writer_);
  ASSERT_TRUE(pipeline_->settle());
  EXPECT_FALSE(pipeline_->is_waiting());
  EXPECT_EQ(writer_->commits, 1);
  EXPECT_EQ(writer_->offsets_of_group, std::vector<size_t>{2});
  EXPECT_EQ(values(0), Strings{"a"});
  EXPECT_EQ(values(1), Strings{"b"});
  EXPECT_EQ(mirrored(0), "a");
  EXPECT_EQ(mirrored(1), "b");
  const auto position = topics_->group_position("group-" + topic_, target(1));
  ASSERT_TRUE(position);
  ASSERT_TRUE(*position);
  EXPECT_EQ((*position)->next, Offset(7));
}

TEST_F(KafkaCommitPipelines, WorkGoesOnWhileTheClusterAnswers) {
  const auto log = begin(0);
  ASSERT_TRUE(give(*log, 0, "a", 1));
  writer_->holds = true;
  pipeline_->begin(writer_);
  EXPECT_TRUE(pipeline_->is_under_way());
  EXPECT_FALSE(pipeline_->is_answered());
  EXPECT_EQ(mirrored(0), "");
  writer_->holds = false;
  // The next commit of the same task waits for the last one, and its changelog goes on where that ended.
  ASSERT_TRUE(give(*log, 0, "b", 2));
  EXPECT_EQ(mirrored(0), "a");
  pipeline_->begin(writer_);
  ASSERT_TRUE(pipeline_->settle());
  EXPECT_EQ(values(0), (Strings{"a", "b"}));
  EXPECT_EQ(mirrored(0), "b");
}

// A commit that waited for its records must not bring the place its member had before.
TEST_F(KafkaCommitPipelines, CommitHoldsWhenAnotherMemberJoinsWhileItIsMade) {
  const auto member = join();
  ASSERT_EQ(member->assignment().size(), 2U);
  const auto log = begin(0, member);
  ASSERT_TRUE(give(*log, 0, "a", 3));
  writer_->holds = true;
  pipeline_->begin(writer_);
  // The group has counted on, for the first member too.
  const auto other = join();
  writer_->holds = false;
  const Status settled = pipeline_->settle();
  ASSERT_TRUE(settled) << settled.error().message;
  EXPECT_EQ(values(0), Strings{"a"});
}

TEST_F(KafkaCommitPipelines, FailureOfOneTaskCommitsNoneAndLeavesTheMirrorsAlone) {
  const auto first = begin(0);
  const auto second = begin(1);
  ASSERT_TRUE(give(*first, 0, "before", 1));
  pipeline_->begin(writer_);
  ASSERT_TRUE(pipeline_->settle());
  ASSERT_TRUE(give(*first, 0, "fine", 2));
  ASSERT_TRUE(give(*second, 1, std::string(size_t{11} << 20, 'x'), 1));
  pipeline_->begin(writer_);
  const Status settled = pipeline_->settle();
  ASSERT_FALSE(settled);
  EXPECT_EQ(settled.error().code, ErrorCode::kInvalid) << settled.error().message;
  EXPECT_TRUE(pipeline_->has_failed());
  EXPECT_EQ(values(0), Strings{"before"});
  EXPECT_EQ(values(1), Strings{});
  EXPECT_EQ(mirrored(0), "before");
  EXPECT_EQ(mirrored(1), "");
  // Tasks made anew go on.
  pipeline_->reset();
  const auto again = begin(0);
  ASSERT_TRUE(give(*again, 0, "again", 2));
  pipeline_->begin(writer_);
  ASSERT_TRUE(pipeline_->settle());
  EXPECT_EQ(values(0), (Strings{"before", "again"}));
}

TEST_F(KafkaCommitPipelines, TaskThatCommitsBesideAFailedCommitIsTold) {
  const auto first = begin(0);
  const auto second = begin(1);
  ASSERT_TRUE(give(*first, 0, "zombie", 1));
  // Somebody else has taken the producer's name.
  const auto thief = KafkaProducer::open(test_settings(), changelog_);
  ASSERT_TRUE(thief) << thief.error().message;
  pipeline_->begin(writer_);
  const Status told = give(*second, 1, "b", 1);
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, ErrorCode::kConflict) << told.error().message;
  EXPECT_TRUE(pipeline_->has_failed());
  // And so is every other one, until the tasks are made anew.
  const Status again = give(*first, 0, "c", 2);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict) << again.error().message;
  EXPECT_FALSE(pipeline_->is_waiting());
  EXPECT_EQ(values(0), Strings{});
  EXPECT_EQ(mirrored(0), "");
}

TEST_F(KafkaCommitPipelines, DroppedWhileACommitIsUnderWayItWaitsForTheAnswer) {
  const auto log = begin(0);
  ASSERT_TRUE(give(*log, 0, "a", 1));
  pipeline_->begin(writer_);
  pipeline_.reset();
  EXPECT_EQ(values(0), Strings{"a"});
  EXPECT_EQ(mirrored(0), "");
}

}  // namespace
}  // namespace meterstream
