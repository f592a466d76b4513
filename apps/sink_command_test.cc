#include "apps/sink_command.h"

#include <gtest/gtest.h>

#include "sql/stream_plan.h"

namespace meterstream {
namespace {

std::vector<SinkSpec> sinks(const SinkOptions& options) {
  const auto sql = sink_sql(options);
  EXPECT_TRUE(sql) << sql.error().message;
  if (!sql) return {};
  const auto program = compile_sql(*sql, "sink");
  EXPECT_TRUE(program) << program.error().message << *sql;
  return program ? program->sinks : std::vector<SinkSpec>();
}

TEST(SinkCommand, EachWindowIsASinkOfItsTopicAndTable) {
  const auto made = sinks({.type = "cassandra", .windows = {"60", "1h"}, .bucket = "months", .ttl = "30d"});
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made[0].topic, "metrics-aggregates-60");
  EXPECT_EQ(made[0].table, "metrics_aggregates_60");
  EXPECT_EQ(made[1].topic, "metrics-aggregates-3600");
  EXPECT_EQ(made[1].bucket, "months");
  EXPECT_EQ(made[1].options.at("ttl_s"), "2592000");
}

TEST(SinkCommand, ReadingsGoToRedisAndTheLake) {
  EXPECT_EQ(sinks({.type = "redis", .contents = "activity"}).at(0).topic, "metrics");
  EXPECT_EQ(sinks({.type = "lake", .topic = "other", .uri = "/tmp/a 'lake'"}).at(0).options.at("uri"), "/tmp/a 'lake'");
}

TEST(SinkCommand, OptionsThatDoNotGoWithTheTypeAreRefused) {
  const std::vector<SinkOptions> wrong = {{.type = "redis", .windows = {"60"}},
                                          {.type = "lake", .table = "t"},
                                          {.type = "embedded"},
                                          {.type = "cassandra", .windows = {"60"}, .topic = "t"},
                                          {.type = "lake", .ttl = "1d"},
                                          {.type = "cassandra", .windows = {"60"}, .uri = "/x"},
                                          {.type = "cassandra", .windows = {"0"}},
                                          {.type = "embedded", .windows = {"60"}, .keyspace = "k"},
                                          {.type = "lake", .contents = "activity"},
                                          {.type = "cassandra", .windows = {"60"}, .key_prefix = "p"}};
  for (const SinkOptions& options : wrong) {
    const auto refused = sink_sql(options);
    ASSERT_FALSE(refused) << options.type;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace meterstream
