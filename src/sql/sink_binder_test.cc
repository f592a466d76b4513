#include <gtest/gtest.h>

#include "sql/stream_plan.h"

namespace meterstream {
namespace {

Result<SinkSpec> sink(const std::string& options) {
  const auto program = compile_sql("CREATE SINK s WITH (" + options + ");", "test.sql");
  if (!program) return program.error();
  return program->sinks.at(0);
}

TEST(SinkBinder, EveryTypeHasItsOptions) {
  const auto embedded = sink("type = 'embedded', topic = 't'");
  ASSERT_TRUE(embedded) << embedded.error().message;
  EXPECT_EQ(embedded->table, "s");
  EXPECT_EQ(embedded->bucket, "");

  const auto cassandra =
      sink("type = 'CASSANDRA', topic = 't', table = 'a', bucket = 'days', keyspace = 'k', ttl = '90 days'");
  ASSERT_TRUE(cassandra) << cassandra.error().message;
  EXPECT_EQ(cassandra->type, "cassandra");
  EXPECT_EQ(cassandra->table, "a");
  EXPECT_EQ(cassandra->bucket, "days");
  EXPECT_EQ(cassandra->options, (std::map<std::string, std::string>{{"keyspace", "k"}, {"ttl_s", "7776000"}}));

  const auto redis =
      sink("type = 'redis', topic = 't', contents = 'values', db = 3, key_prefix = 'm:', ttl = '1500 milliseconds'");
  ASSERT_TRUE(redis) << redis.error().message;
  EXPECT_EQ(redis->table, "");
  EXPECT_EQ(redis->options,
            (std::map<std::string, std::string>{
                {"contents", "values"}, {"db", "3"}, {"key_prefix", "m:"}, {"ttl_s", "2"}, {"value_format", "avro"}}));
  EXPECT_EQ(sink("type = 'redis', topic = 't'")->options.at("contents"), "both");

  const auto latest = sink("type = 'embedded', topic = 't', contents = 'both', value_format = 'JSON'");
  ASSERT_TRUE(latest) << latest.error().message;
  EXPECT_EQ(latest->table, "s");
  EXPECT_EQ(latest->options, (std::map<std::string, std::string>{{"contents", "both"}, {"value_format", "json"}}));

  const auto lake = sink("type = 'lake', topic = 't', uri = 's3://bucket/readings'");
  ASSERT_TRUE(lake) << lake.error().message;
  EXPECT_EQ(lake->options.at("uri"), "s3://bucket/readings");
}

TEST(SinkBinder, OptionsOfAnotherTypeAreRefusedWithTheirPlace) {
  for (const char* const options :
       {"type = 'lake', topic = 't', bucket = 'days'", "type = 'embedded', topic = 't', ttl = '1 day'",
        "type = 'redis', topic = 't', table = 'x'", "type = 'redis', topic = 't', contents = 'everything'",
        "type = 'influx', topic = 't'", "type = 'embedded', topic = 't', contents = 'both', bucket = 'days'",
        "topic = 't'", "type = 'lake'"}) {
    const auto refused = sink(options);
    ASSERT_FALSE(refused) << options;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
    EXPECT_NE(refused.error().message.find("test.sql:1:"), std::string::npos) << refused.error().message;
  }
}

TEST(SinkBinder, MisspelledWordsAreRefusedWithTheNearest) {
  const auto refused = [](const std::string& options) { return sink(options).error().message; };
  EXPECT_NE(refused("type = 'casandra', topic = 't'")
                .find("'casandra' is not supported for type; there is embedded, cassandra, redis, lake. Did you mean "
                      "'cassandra'?"),
            std::string::npos);
  EXPECT_NE(refused("type = 'redis', topic = 't', contents = 'value'").find("Did you mean 'values'?"),
            std::string::npos);
  EXPECT_EQ(refused("type = 'influx', topic = 't'").find("Did you mean"), std::string::npos);
}

TEST(SinkBinder, RefusesATopicWhoseContentsTheSinkDoesNotKeep) {
  const std::string table =
      "CREATE STREAM metrics; CREATE TABLE hourly AS SELECT gateway, COUNT(*) AS n FROM metrics WINDOW TUMBLING (SIZE "
      "1 "
      "HOUR) GROUP BY gateway; ";
  const auto refused = [&](const std::string& sink) {
    const auto program = compile_sql(table + sink, "f.sql");
    return program ? std::string() : program.error().message;
  };
  EXPECT_NE(refused("CREATE SINK s WITH (type = 'redis', topic = 'hourly');")
                .find("topic hourly has results of table hourly"),
            std::string::npos);
  EXPECT_NE(refused("CREATE SINK s WITH (type = 'lake', topic = 'hourly');").find("keeps readings"), std::string::npos);
  EXPECT_NE(
      refused("CREATE SINK s WITH (type = 'cassandra', topic = 'metrics');").find("has readings of stream metrics"),
      std::string::npos);
  EXPECT_EQ(refused("CREATE SINK s WITH (type = 'lake', topic = 'hourly-late');"), "");
  EXPECT_EQ(refused("CREATE SINK s WITH (type = 'lake', topic = 'metrics');"), "");
  EXPECT_EQ(refused("CREATE SINK s WITH (type = 'cassandra', topic = 'elsewhere');"), "");
}

}  // namespace
}  // namespace meterstream
