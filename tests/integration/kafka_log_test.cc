// The contract of every EventLog, on real brokers: as a program without a group uses it, and as a task with a changelog.
#include "connectors/kafka/kafka_log.h"

#include "kafka_fixture.h"
#include "state/memory_store.h"
#include "testing/event_log_contract.h"

namespace meterstream {
namespace {

std::string test_name() {
  std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  std::erase(name, '/');
  return name;
}

class PlainSubject final : public EventLogSubject {
 public:
  PlainSubject() {
    reopen();
    remove_topic(log_->kafka_topics(), test_name());
  }
  EventLog& log() override { return *log_; }
  void reopen() override {
    auto log = KafkaLog::connect(test_settings(), "contract");
    EXPECT_TRUE(log) << log.error().message;
    log_ = *std::move(log);
  }
  [[nodiscard]] bool has_dense_offsets() const override { return false; }

 private:
  std::unique_ptr<KafkaLog> log_;
};

class ChangelogSubject final : public EventLogSubject {
 public:
  ChangelogSubject() : changelog_(test_name() + "-changelog") {
    auto topics = KafkaTopics::open(test_settings());
    EXPECT_TRUE(topics) << topics.error().message;
    remove_topic(**topics, test_name());
    remove_topic(**topics, changelog_);
    EXPECT_TRUE(KafkaChangelog::create_topic(**topics, changelog_, 1));
    reopen();
  }
  EventLog& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    KafkaLogParts parts;
    parts.topics = *KafkaTopics::open(test_settings());
    parts.consumer = *KafkaConsumer::open(test_settings());
    auto producer = KafkaProducer::open(test_settings(), "contract-changelog");
    EXPECT_TRUE(producer) << producer.error().message;
    parts.producer = *std::move(producer);
    parts.changelog = std::make_shared<KafkaChangelog>(KafkaChangelogOptions{{changelog_, PartitionId(0)}},
                                                       *parts.consumer, *parts.topics, store_);
    const auto restored = parts.changelog->restore();
    EXPECT_TRUE(restored) << restored.error().message;
    log_ =
        std::make_unique<KafkaLog>(std::move(parts), KafkaLogOptions{.settings = test_settings(), .group = "contract"});
  }
  [[nodiscard]] bool has_dense_offsets() const override { return false; }

 private:
  const std::string changelog_;
  MemoryStore store_;
  std::unique_ptr<KafkaLog> log_;
};

std::unique_ptr<EventLogSubject> make_plain() {
  return std::make_unique<PlainSubject>();
}
std::unique_ptr<EventLogSubject> make_changelog() {
  return std::make_unique<ChangelogSubject>();
}

INSTANTIATE_TEST_SUITE_P(Kafka, EventLogContract, testing::Values(&make_plain, &make_changelog));

}  // namespace
}  // namespace meterstream
