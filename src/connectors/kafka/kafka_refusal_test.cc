#include "connectors/kafka/kafka_refusal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meterstream {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::map<std::string, std::string> kLogin = {
    {"sasl.username", "meter-reader"}, {"sasl.password", "hush"}, {"sasl.mechanisms", "SCRAM-SHA-512"}};

constexpr std::string_view kWrongPassword =
    "[thrd:sasl_ssl://kafka-1:9093/bootstrap]: sasl_ssl://kafka-1:9093/bootstrap: SASL authentication error: "
    "Authentication "
    "failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512 (after 141ms in state "
    "AUTH_REQ, 1 identical error(s) suppressed)";

TEST(KafkaRefusalTest, AWrongPasswordNamesBrokerUserAndMechanismButNoSecret) {
  const auto refusal = refusal_in(kWrongPassword, kLogin);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->error.code, ErrorCode::kInvalid);
  EXPECT_EQ(
      refusal->error.message,
      "Kafka at kafka-1:9093: the broker refuses user 'meter-reader' with SCRAM-SHA-512 (Authentication failed during "
      "authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512); correct sasl.username and "
      "sasl.password under [kafka.librdkafka], or give the user this password in the cluster");
}

TEST(KafkaRefusalTest, AMechanismThatTheBrokerDoesNotTakeNamesThoseThatItTakes) {
  const auto refusal = refusal_in(
      "[thrd:sasl_ssl://kafka-1:9093/bootstrap]: sasl_ssl://kafka-1:9093/bootstrap: SASL SCRAM-SHA-512 mechanism "
      "handshake "
      "failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: PLAIN (after 3ms in state "
      "AUTH_HANDSHAKE)",
      kLogin);
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->error.message, HasSubstr("with SCRAM-SHA-512, but with PLAIN; correct sasl.mechanisms"));
}

TEST(KafkaRefusalTest, ABrokerThatMayBeGoingDownIsNoFaultOfTheConfiguration) {
  const auto refusal = refusal_in(
      "[thrd:kafka-1:9093/bootstrap]: kafka-1:9093/bootstrap: Disconnected: connection closed by peer: receive 0 after "
      "POLLIN (after 1ms in state APIVERSION_QUERY)",
      {});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(refusal->error.message, HasSubstr("Kafka at kafka-1:9093: "));
  EXPECT_GT(refusal->patience_ms, 1000);
}

TEST(KafkaRefusalTest, ABrokerThatIsAwayIsNoRefusal) {
  EXPECT_FALSE(
      refusal_in("[thrd:kafka-1:9093/bootstrap]: kafka-1:9093/bootstrap: Connect to ipv4#127.0.0.1:9093 failed: "
                 "Connection refused (after 0ms in state CONNECT)",
                 kLogin));
}

TEST(KafkaRefusalTest, IsToldOnlyWhenItLastsAndNobodyAnswers) {
  KafkaRefusals refusals(kLogin);
  refusals.note(kWrongPassword);
  EXPECT_FALSE(refusals.lasting());
  refusals.note_answer();
  refusals.note(kWrongPassword);
  EXPECT_FALSE(refusals.lasting());
}

}  // namespace
}  // namespace meterstream
