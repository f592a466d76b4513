// The contract of every EventLog, on real brokers: as a program without a group uses it, and as a task with a changelog.
#include "connectors/kafka/kafka_log.h"

#include "connectors/kafka/kafka_plain_producer.h"
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

class ChangelogSubject : public EventLogSubject {
 public:
  explicit ChangelogSubject(bool is_atomic) : changelog_(test_name() + "-changelog"), is_atomic_(is_atomic) {
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
    parts.producer = writer();
    KafkaChangelogOptions options;
    options.partition = {changelog_, PartitionId(0)};
    options.is_framed = !is_atomic_;
    parts.changelog = std::make_shared<KafkaChangelog>(options, *parts.consumer, *parts.topics, store_);
    const auto restored = parts.changelog->restore();
    EXPECT_TRUE(restored) << restored.error().message;
    // Offsets without a transaction need a member of the group.
    const std::string group = is_atomic_ ? "contract" : "";
    log_ = std::make_unique<KafkaLog>(std::move(parts), KafkaLogOptions{.settings = test_settings(), .group = group});
    const Status taken = log_->take_over();
    EXPECT_TRUE(taken) << taken.error().message;
  }
  [[nodiscard]] bool has_dense_offsets() const override { return false; }

 private:
  std::shared_ptr<KafkaWriter> writer() const {
    if (is_atomic_) {
      auto producer = KafkaProducer::open(test_settings(), "contract-changelog");
      EXPECT_TRUE(producer) << producer.error().message;
      return *std::move(producer);
    }
    auto producer = KafkaPlainProducer::open(test_settings());
    EXPECT_TRUE(producer) << producer.error().message;
    return *std::move(producer);
  }

  const std::string changelog_;
  const bool is_atomic_;
  MemoryStore store_;
  std::unique_ptr<KafkaLog> log_;
};

std::unique_ptr<EventLogSubject> make_plain() {
  return std::make_unique<PlainSubject>();
}
std::unique_ptr<EventLogSubject> make_changelog() {
  return std::make_unique<ChangelogSubject>(true);
}
std::unique_ptr<EventLogSubject> make_without_transactions() {
  return std::make_unique<ChangelogSubject>(false);
}

INSTANTIATE_TEST_SUITE_P(Kafka, EventLogContract,
                         testing::Values(&make_plain, &make_changelog, &make_without_transactions));

}  // namespace
}  // namespace meterstream
