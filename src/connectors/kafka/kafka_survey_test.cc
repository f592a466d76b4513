#include "connectors/kafka/kafka_survey.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

TEST(KafkaSurvey, TakesVersionsOutOfTheClientsDiagnostics) {
  std::string broker;
  std::string request;
  int highest = 0;
  ASSERT_TRUE(parse_api_version_line(
      "[thrd:kafka-1:9092/2]: kafka-1:9092/2:   ApiKey TxnOffsetCommit (28) Versions 0..5", broker, request, highest));
  EXPECT_EQ(broker, "kafka-1:9092/2");
  EXPECT_EQ(request, "TxnOffsetCommit");
  EXPECT_EQ(highest, 5);
}

TEST(KafkaSurvey, PassesOverOtherLines) {
  std::string broker;
  std::string request;
  int highest = 0;
  for (const char* line :
       {"", "[thrd:a:1/1]: a:1/1: Broker API support:", "ApiKey Fetch (1) Versions 4..18", "[thrd:a]: ApiKey Fetch",
        "[thrd:a:1/1]: a:1/1:   ApiKey Fetch (1) Versions 4..x", "[thrd:a:1/1]: a:1/1: feature ..9"}) {
    EXPECT_FALSE(parse_api_version_line(line, broker, request, highest)) << line;
  }
}

TEST(KafkaSurvey, ClusterThatIsAwayIsUnavailable) {
  KafkaSettings settings;
  settings.brokers = "127.0.0.1:1";
  settings.request_timeout_ms = 300;
  const auto survey = KafkaSurvey::open(settings);
  ASSERT_TRUE(survey) << survey.error().message;
  const auto brokers = (*survey)->brokers();
  ASSERT_FALSE(brokers);
  EXPECT_EQ(brokers.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace meterstream
