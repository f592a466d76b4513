#include "connectors/kafka/kafka_consumer.h"

#include <chrono>
#include <future>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "connectors/kafka/kafka_handles.h"

namespace meterstream {
namespace {

constexpr int16_t kFindCoordinator = 10;
constexpr int16_t kHeartbeat = 12;
constexpr auto kTimeToJoin = std::chrono::milliseconds(1'000);
constexpr auto kFarMoreThanAClose = std::chrono::seconds(10);

// The library's own thread speaks here. When it is about to end the group it says so, and must wait for a moment.
class GroupEndSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::future<void> about_to_end() { return about_to_end_.get_future(); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    has_left_ |= text.find("-> term") != std::string_view::npos;
    if (!has_left_ || text.find("clearing group assignment") == std::string_view::npos) return;
    has_left_ = false;
    if (std::exchange(is_told_, true)) return;
    about_to_end_.set_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  void flush_() override {}

 private:
  bool has_left_ = false;
  bool is_told_ = false;
  std::promise<void> about_to_end_;
};

class KafkaConsumerTest : public testing::Test {
 protected:
  using Cluster = KafkaOwner<rd_kafka_mock_cluster_t, rd_kafka_mock_cluster_destroy>;

  void SetUp() override {
    ASSERT_EQ(rd_kafka_mock_topic_create(cluster_.get(), "metrics", 4, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_mock_group_initial_rebalance_delay_ms(cluster_.get(), 0);
    settings_.brokers = rd_kafka_mock_cluster_bootstraps(cluster_.get());
    settings_.librdkafka["debug"] = "cgrp";
    auto logger = std::make_shared<spdlog::logger>("test", sink_);
    logger->set_level(spdlog::level::trace);
    spdlog::set_default_logger(logger);
  }
  void TearDown() override { spdlog::set_default_logger(before_); }

  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  const std::shared_ptr<GroupEndSink> sink_ = std::make_shared<GroupEndSink>();
  const KafkaClient client_ = make_client(RD_KAFKA_PRODUCER, make_configuration({}).value()).value();
  const Cluster cluster_{rd_kafka_mock_cluster_new(client_.get(), 1)};
  KafkaSettings settings_;
};

// A member that closes before it was asked whether it takes its new partitions: the library takes the answer for the
// return of the partitions, and ends the group while the member still gives them back.
TEST_F(KafkaConsumerTest, ClosingEndsWhenTheGroupEndsWhilePartitionsAreGivenBack) {
  auto opened = KafkaConsumer::open(settings_, {.group = "group"});
  ASSERT_TRUE(opened) << opened.error().message;
  const std::shared_ptr<KafkaConsumer> member = std::move(*opened);
  const auto about_to_end = std::make_shared<std::future<void>>(sink_->about_to_end());
  const auto has_met = std::make_shared<bool>(false);
  const auto revoked = [=](const auto&) {
    *has_met = about_to_end->wait_for(kFarMoreThanAClose / 2) == std::future_status::ready;
  };
  ASSERT_TRUE(member->subscribe({"metrics"}, {.revoked = revoked}));
  std::this_thread::sleep_for(kTimeToJoin);
  std::packaged_task<Status()> close([member] { return member->close(); });
  std::future<Status> closed = close.get_future();
  std::thread(std::move(close)).detach();
  ASSERT_EQ(closed.wait_for(kFarMoreThanAClose), std::future_status::ready);
  EXPECT_TRUE(closed.get());
  EXPECT_TRUE(*has_met);
}

TEST_F(KafkaConsumerTest, ClosingEndsWhileAllBrokersAreAway) {
  auto member = KafkaConsumer::open(settings_, {.group = "group"});
  ASSERT_TRUE(member) << member.error().message;
  ASSERT_TRUE((*member)->subscribe({"metrics"}, {}));
  const KafkaDeadline deadline(10'000);
  while ((*member)->assignment().size() < 4 && !deadline.is_over()) ASSERT_TRUE((*member)->poll(50));
  ASSERT_EQ((*member)->assignment().size(), 4U);
  rd_kafka_mock_broker_set_down(cluster_.get(), 1);
  std::this_thread::sleep_for(kTimeToJoin);
  const KafkaDeadline end(kClientEndMs);
  EXPECT_TRUE((*member)->close());
  EXPECT_FALSE(end.is_over());
}

TEST_F(KafkaConsumerTest, ClosingEndsWhileTheCoordinatorIsAway) {
  auto member = KafkaConsumer::open(settings_, {.group = "group"});
  ASSERT_TRUE(member) << member.error().message;
  ASSERT_TRUE((*member)->subscribe({"metrics"}, {}));
  const KafkaDeadline deadline(10'000);
  while ((*member)->assignment().size() < 4 && !deadline.is_over()) ASSERT_TRUE((*member)->poll(50));
  ASSERT_EQ((*member)->assignment().size(), 4U);
  const std::vector<rd_kafka_resp_err_t> away(100, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE);
  rd_kafka_mock_push_request_errors_array(cluster_.get(), kFindCoordinator, away.size(), away.data());
  rd_kafka_mock_push_request_errors(cluster_.get(), kHeartbeat, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
  // With the next heartbeat the member hears that it has none.
  std::this_thread::sleep_for(kTimeToJoin);
  EXPECT_TRUE((*member)->close());
}

}  // namespace
}  // namespace meterstream
