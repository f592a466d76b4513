#include "connectors/kafka/kafka_topics.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <sys/resource.h>

#include "connectors/kafka/kafka_handles.h"

namespace meterstream {
namespace {

constexpr int16_t kOffsetFetch = 9;
constexpr int16_t kFindCoordinator = 10;
constexpr int64_t kShortTimeoutMs = 300;
constexpr int64_t kFarBelowTheTimeoutMs = 15'000;

// A cluster of one broker in this process, with topic "metrics" of one partition.
class KafkaTopicsTest : public testing::Test {
 protected:
  using Cluster = KafkaOwner<rd_kafka_mock_cluster_t, rd_kafka_mock_cluster_destroy>;

  void SetUp() override {
    ASSERT_EQ(rd_kafka_mock_topic_create(cluster_.get(), "metrics", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    open(KafkaSettings{}.request_timeout_ms);
  }

  void open(int64_t request_timeout_ms) {
    KafkaSettings settings;
    settings.brokers = rd_kafka_mock_cluster_bootstraps(cluster_.get());
    settings.request_timeout_ms = request_timeout_ms;
    auto topics = KafkaTopics::open(settings);
    ASSERT_TRUE(topics) << topics.error().message;
    topics_ = std::move(*topics);
  }

  /// On a busy machine a connection may take longer than one request may.
  void await_broker(const TopicPartition& partition) {
    const KafkaDeadline deadline(kFarBelowTheTimeoutMs);
    while (!topics_->ends({partition}, KafkaTopics::End::kHigh)) ASSERT_FALSE(deadline.is_over());
  }

  // Of this process, of user and system.
  static int64_t processor_ms() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
  }

  const KafkaClient client_ = make_client(RD_KAFKA_PRODUCER, make_configuration({}).value()).value();
  const Cluster cluster_{rd_kafka_mock_cluster_new(client_.get(), 1)};
  std::unique_ptr<KafkaTopics> topics_;
};

TEST_F(KafkaTopicsTest, PositionOfAGroupWhoseCoordinatorMovesIsAskedForAgain) {
  rd_kafka_mock_push_request_errors(cluster_.get(), kOffsetFetch, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                    RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
  const auto position = topics_->group_position("group", {"metrics", PartitionId(0)});
  ASSERT_TRUE(position) << position.error().message;
  EXPECT_FALSE(*position);
}

TEST_F(KafkaTopicsTest, PositionOfAGroupIsThereSoonAfterItsCoordinatorIs) {
  const KafkaDeadline deadline(kFarBelowTheTimeoutMs);
  constexpr auto kAway = RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
  rd_kafka_mock_push_request_errors(cluster_.get(), kFindCoordinator, 6, kAway, kAway, kAway, kAway, kAway, kAway);
  const auto position = topics_->group_position("group", {"metrics", PartitionId(0)});
  ASSERT_TRUE(position) << position.error().message;
  EXPECT_FALSE(*position);
  EXPECT_FALSE(deadline.is_over());
}

TEST_F(KafkaTopicsTest, OffsetsOfANewTopicWaitUntilBrokersHaveHeardOfIt) {
  rd_kafka_mock_topic_set_error(cluster_.get(), "metrics", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  std::thread news([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    rd_kafka_mock_topic_set_error(cluster_.get(), "metrics", RD_KAFKA_RESP_ERR_NO_ERROR);
  });
  const auto ends = topics_->ends({{"metrics", PartitionId(0)}}, KafkaTopics::End::kHigh);
  news.join();
  ASSERT_TRUE(ends) << ends.error().message;
  EXPECT_EQ(ends->front(), Offset(0));
}

TEST_F(KafkaTopicsTest, AsksForABrokerThatIsAwayWithoutKeepingAProcessorBusy) {
  constexpr int64_t kTimeoutMs = 2'000;
  open(kTimeoutMs);
  const std::vector<TopicPartition> partitions{{"metrics", PartitionId(0)}};
  await_broker(partitions[0]);
  rd_kafka_mock_broker_set_down(cluster_.get(), 1);
  const int64_t begun_ms = processor_ms();
  EXPECT_FALSE(topics_->ends(partitions, KafkaTopics::End::kHigh));
  EXPECT_LT(processor_ms() - begun_ms, kTimeoutMs / 5);
}

TEST_F(KafkaTopicsTest, OffsetsOfAPartitionWhoseBrokerIsAwayAreUnknown) {
  open(kShortTimeoutMs);
  const TopicPartition partition{"metrics", PartitionId(0)};
  await_broker(partition);
  rd_kafka_mock_broker_set_down(cluster_.get(), 1);
  const auto ends = topics_->ends({partition}, KafkaTopics::End::kHigh);
  ASSERT_FALSE(ends) << ends->front().value;
  EXPECT_EQ(ends.error().code, ErrorCode::kUnavailable);
  const auto ranges = topics_->offsets({partition}, KafkaTopics::End::kStable);
  ASSERT_FALSE(ranges) << ranges->front().begin.value;
  EXPECT_EQ(ranges.error().code, ErrorCode::kUnavailable);
  const auto at = topics_->offset_at(partition, IngestTime(1'000));
  ASSERT_FALSE(at) << at->value;
  EXPECT_EQ(at.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace meterstream
