#include "connectors/kafka/kafka_settings.h"

#include <gtest/gtest.h>

#include "connectors/kafka/kafka_handles.h"

namespace meterstream {
namespace {

KafkaSettings settings_for(const std::string& brokers) {
  KafkaSettings settings;
  settings.brokers = brokers;
  return settings;
}

TEST(KafkaSettingsTest, EveryKindOfClientTakesItsConfiguration) {
  for (const auto kind : {KafkaClientKind::kConsumer, KafkaClientKind::kProducer, KafkaClientKind::kTopics}) {
    const auto properties = kafka_configuration(settings_for("localhost:9092"), kind);
    ASSERT_TRUE(properties) << properties.error().message;
    EXPECT_EQ(properties->at("bootstrap.servers"), "localhost:9092");
    const auto configuration = make_configuration(*properties);
    EXPECT_TRUE(configuration) << configuration.error().message;
  }
}

TEST(KafkaSettingsTest, ReadersSeeCommittedRecordsOnlyAndCheckThem) {
  const auto properties = *kafka_configuration(settings_for("localhost:9092"), KafkaClientKind::kConsumer);
  EXPECT_EQ(properties.at("isolation.level"), "read_committed");
  EXPECT_EQ(properties.at("check.crcs"), "true");
  EXPECT_EQ(properties.at("auto.offset.reset"), "error");
  EXPECT_EQ(properties.at("enable.auto.commit"), "false");
}

TEST(KafkaSettingsTest, SettingsOfTheUserWinAndReachTheLibrary) {
  KafkaSettings settings = settings_for("localhost:9092");
  settings.librdkafka = {{"linger.ms", "77"},
                         {"security.protocol", "sasl_ssl"},
                         {"sasl.mechanisms", "SCRAM-SHA-512"},
                         {"sasl.username", "me"},
                         {"sasl.password", "secret"}};
  const auto properties = kafka_configuration(settings, KafkaClientKind::kProducer);
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->at("linger.ms"), "77");
  auto configuration = make_configuration(*properties);
  ASSERT_TRUE(configuration) << configuration.error().message;
  // The library was built with TLS and SCRAM.
  EXPECT_TRUE(make_client(RD_KAFKA_PRODUCER, *std::move(configuration)));
}

TEST(KafkaSettingsTest, SettingsThatWouldBreakAGuaranteeAreRefusedWithTheReason) {
  for (const char* name : {"isolation.level", "enable.idempotence", "auto.offset.reset", "transactional.id", "acks"}) {
    KafkaSettings settings = settings_for("localhost:9092");
    settings.librdkafka = {{name, "x"}};
    const auto properties = kafka_configuration(settings, KafkaClientKind::kConsumer);
    ASSERT_FALSE(properties) << name;
    EXPECT_EQ(properties.error().code, ErrorCode::kInvalid);
    EXPECT_NE(properties.error().message.find(name), std::string::npos) << properties.error().message;
  }
}

TEST(KafkaSettingsTest, MissingBrokersAndUnknownSettingsAreInvalid) {
  EXPECT_EQ(kafka_configuration({}, KafkaClientKind::kTopics).error().code, ErrorCode::kInvalid);
  KafkaSettings settings = settings_for("localhost:9092");
  settings.librdkafka = {{"no.such.setting", "1"}};
  const auto configuration = make_configuration(*kafka_configuration(settings, KafkaClientKind::kTopics));
  ASSERT_FALSE(configuration);
  EXPECT_EQ(configuration.error().code, ErrorCode::kInvalid);
  EXPECT_NE(configuration.error().message.find("no.such.setting"), std::string::npos);
}

TEST(KafkaErrorTest, CodesSayWhatTheCallerCanDo) {
  EXPECT_EQ(error_code_of(RD_KAFKA_RESP_ERR__TRANSPORT), ErrorCode::kUnavailable);
  EXPECT_EQ(error_code_of(RD_KAFKA_RESP_ERR__TIMED_OUT), ErrorCode::kUnavailable);
  EXPECT_EQ(error_code_of(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS), ErrorCode::kUnavailable);
  EXPECT_EQ(error_code_of(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART), ErrorCode::kNotFound);
  EXPECT_EQ(error_code_of(RD_KAFKA_RESP_ERR__FENCED), ErrorCode::kConflict);
  EXPECT_EQ(error_code_of(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION), ErrorCode::kConflict);
  EXPECT_EQ(error_code_of(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID), ErrorCode::kConflict);
  EXPECT_EQ(error_code_of(RD_KAFKA_RESP_ERR__BAD_MSG), ErrorCode::kCorrupt);
  EXPECT_EQ(error_code_of(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET), ErrorCode::kOutOfRange);
  EXPECT_EQ(error_code_of(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), ErrorCode::kInvalid);
}

TEST(KafkaErrorTest, MessageSaysWhatWhereAndWhatToDo) {
  const Error error = kafka_error(RD_KAFKA_RESP_ERR__TRANSPORT, "offsets of topic t partition 3");
  EXPECT_NE(error.message.find("topic t partition 3"), std::string::npos);
  EXPECT_NE(error.message.find("see that the brokers run"), std::string::npos) << error.message;
}

TEST(KafkaErrorTest, AMissingRightIsNamedWithTheCommandThatGrantsIt) {
  const std::string reading =
      kafka_error(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "reading topic t partition 3", {}, "Read").message;
  EXPECT_NE(reading.find("lacks the right Read on the topic"), std::string::npos) << reading;
  EXPECT_NE(reading.find("--operation Read --topic"), std::string::npos) << reading;
  const std::string joining = kafka_error(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "group g").message;
  EXPECT_NE(joining.find("--operation Read --group"), std::string::npos) << joining;
}

TEST(KafkaSettingsTest, ASettingThatIsRefusedDoesNotShowItsValue) {
  const auto refused = make_configuration({{"sasl.oauthbearer.scope.secret", "hush"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.find("hush"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace meterstream
