#include "connectors/kafka/kafka_topics.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "connectors/kafka/kafka_handles.h"

namespace meterstream {
namespace {

constexpr int16_t kOffsetFetch = 9;

TEST(KafkaTopicsTest, PositionOfAGroupWhoseCoordinatorMovesIsAskedForAgain) {
  using Cluster = KafkaOwner<rd_kafka_mock_cluster_t, rd_kafka_mock_cluster_destroy>;
  const KafkaClient client = make_client(RD_KAFKA_PRODUCER, make_configuration({}).value()).value();
  const Cluster cluster(rd_kafka_mock_cluster_new(client.get(), 1));
  ASSERT_EQ(rd_kafka_mock_topic_create(cluster.get(), "metrics", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
  KafkaSettings settings;
  settings.brokers = rd_kafka_mock_cluster_bootstraps(cluster.get());
  const auto topics = KafkaTopics::open(settings);
  ASSERT_TRUE(topics) << topics.error().message;
  rd_kafka_mock_push_request_errors(cluster.get(), kOffsetFetch, 2, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                    RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
  const auto position = (*topics)->group_position("group", {"metrics", PartitionId(0)});
  ASSERT_TRUE(position) << position.error().message;
  EXPECT_FALSE(*position);
}

}  // namespace
}  // namespace meterstream
