#include "connectors/kafka/kafka_standby.h"

#include <chrono>

#include <gtest/gtest.h>

#include "state/memory_store.h"

namespace meterstream {
namespace {

TEST(KafkaStandbyTest, WithoutBrokersItTellsOnceAndStopsSoon) {
  MemoryStore store;
  KafkaStandbyOptions options;
  options.settings.brokers = "127.0.0.1:1";
  options.settings.request_timeout_ms = 100;
  options.retry_first_ms = 1;
  options.retry_longest_ms = 1;
  std::atomic<int> told = 0;
  options.on_trouble = [&told](const std::string&) { ++told; };
  KafkaStandby standby(std::move(options), std::make_shared<ChangelogOwnership>(), store);
  for (int partition = 0; partition < 3; ++partition) standby.add({"changelog", PartitionId(partition)}, {});
  ASSERT_TRUE(standby.start());
  for (int attempt = 0; attempt < 1000 && told == 0; ++attempt)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(told, 1);
  EXPECT_EQ(standby.progress().partitions, 0);
  const auto asked = std::chrono::steady_clock::now();
  standby.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(3));
}

TEST(KafkaStandbyTest, SettingThatIsNotFreeIsRefused) {
  MemoryStore store;
  KafkaStandbyOptions options;
  options.settings.brokers = "127.0.0.1:1";
  options.settings.librdkafka["isolation.level"] = "read_uncommitted";
  KafkaStandby standby(std::move(options), std::make_shared<ChangelogOwnership>(), store);
  EXPECT_EQ(standby.start().error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace meterstream
