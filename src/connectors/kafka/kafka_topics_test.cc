#include "connectors/kafka/kafka_topics.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "connectors/kafka/kafka_handles.h"

namespace meterstream {
namespace {

constexpr int16_t kOffsetFetch = 9;
constexpr int16_t kFindCoordinator = 10;
constexpr int64_t kFarBelowTheTimeoutMs = 15'000;

// A cluster of one broker in this process, with topic "metrics" of one partition.
class KafkaTopicsTest : public testing::Test {
 protected:
  using Cluster = KafkaOwner<rd_kafka_mock_cluster_t, rd_kafka_mock_cluster_destroy>;

  void SetUp() override {
    ASSERT_EQ(rd_kafka_mock_topic_create(cluster_.get(), "metrics", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    KafkaSettings settings;
    settings.brokers = rd_kafka_mock_cluster_bootstraps(cluster_.get());
    auto topics = KafkaTopics::open(settings);
    ASSERT_TRUE(topics) << topics.error().message;
    topics_ = std::move(*topics);
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

}  // namespace
}  // namespace meterstream
