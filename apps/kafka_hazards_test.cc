#include "apps/kafka_hazards.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

constexpr KafkaTopicUse kRecords = KafkaTopicUse::kRecords;
constexpr KafkaTopicUse kLatest = KafkaTopicUse::kLatest;

TEST(KafkaHazards, TopicThatKeepsEverythingHasNone) {
  EXPECT_TRUE(
      hazards_of("metrics", kRecords, {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}})
          .empty());
  EXPECT_TRUE(
      hazards_of("a-changelog", kLatest, {{"cleanup.policy", "compact"}, {"retention.ms", "604800000"}}).empty());
}

TEST(KafkaHazards, RetentionIsSevereWhenItIsShort) {
  const auto week = hazards_of("metrics", kRecords, {{"cleanup.policy", "delete"}, {"retention.ms", "604800000"}});
  ASSERT_EQ(week.size(), 1U);
  EXPECT_FALSE(week[0].is_severe);
  EXPECT_EQ(week[0].detail, "topic metrics deletes records 7d after they arrive");
  EXPECT_EQ(week[0].advice, "kafka-configs --alter --topic metrics --add-config retention.ms=-1");
  const auto minute = hazards_of("metrics", kRecords, {{"cleanup.policy", "delete"}, {"retention.ms", "60000"}});
  ASSERT_EQ(minute.size(), 1U);
  EXPECT_TRUE(minute[0].is_severe);
}

TEST(KafkaHazards, CompactionTakesReadingsAndItsLackTakesState) {
  const auto readings = hazards_of("metrics", kRecords, {{"cleanup.policy", "compact"}});
  ASSERT_EQ(readings.size(), 1U);
  EXPECT_TRUE(readings[0].is_severe);
  const auto state = hazards_of("a-changelog", kLatest, {{"cleanup.policy", "delete"}, {"retention.ms", "604800000"}});
  ASSERT_EQ(state.size(), 2U);
  EXPECT_TRUE(state[0].is_severe);
  EXPECT_TRUE(state[1].is_severe);
}

TEST(KafkaHazards, SizeLimitAndUncleanElectionAreWarnings) {
  const auto hazards = hazards_of("metrics", kRecords,
                                  {{"cleanup.policy", "delete"},
                                   {"retention.ms", "-1"},
                                   {"retention.bytes", "1000000000"},
                                   {"unclean.leader.election.enable", "true"}});
  ASSERT_EQ(hazards.size(), 2U);
  EXPECT_NE(hazards[0].detail.find("above 1.00 GB"), std::string::npos) << hazards[0].detail;
  EXPECT_FALSE(hazards[0].is_severe);
  EXPECT_FALSE(hazards[1].is_severe);
}

TEST(KafkaHazards, NamesTellTheUse) {
  EXPECT_EQ(use_of_topic("meterstream-metrics-changelog"), kLatest);
  EXPECT_EQ(use_of_topic("meterstream-passes"), kLatest);
  EXPECT_EQ(use_of_topic("metrics-aggregates-60"), kRecords);
}

}  // namespace
}  // namespace meterstream
