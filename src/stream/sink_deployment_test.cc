#include "stream/sink_deployment.h"

#include <gtest/gtest.h>

#include "log/embedded_log.h"
#include "log/log_schema_store.h"
#include "state/aggregate_table.h"
#include "state/memory_store.h"

namespace meterstream {
namespace {

class SinkDeploymentTest : public testing::Test {
 protected:
  Status deploy(const std::vector<SinkSpec>& sinks, const std::string& application) {
    PassTaskOptions options;
    options.application = application;
    const auto tasks = deploy_sinks(sinks, {*log_, store_, schemas_, clock_}, options, 1);
    if (!tasks) return tasks.error();
    return {};
  }

  MemoryStore store_;
  ManualClock clock_{IngestTime(0)};
  std::unique_ptr<EmbeddedLog> log_ = EmbeddedLog::open(store_, clock_).value();
  LogSchemaStore schemas_{store_};
};

TEST_F(SinkDeploymentTest, RefusesAnotherBucketForAStoredTableUnderAnyApplication) {
  WriteBatch batch;
  put_table({.name = "hourly", .window_ms = 3'600'000, .bucket = AggregateBucket::kDays}, batch);
  ASSERT_TRUE(store_.write(std::move(batch), Durability::kSync));
  EXPECT_TRUE(deploy({{"s", "results", "embedded", "hourly", "days"}}, "a2"));
  const Status refused = deploy({{"s", "results", "embedded", "hourly", "months"}}, "a2");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_NE(refused.error().message.find("table hourly exists with bucket 'days', not 'months'"), std::string::npos)
      << refused.error().message;
}

TEST_F(SinkDeploymentTest, RefusesTwoBucketsForOneTableInOneProgram) {
  const Status refused =
      deploy({{"a", "results", "embedded", "hourly", ""}, {"b", "results", "embedded", "hourly", "hours"}}, "a1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace meterstream
