#include "sql/aggregate_sql.h"

#include <gtest/gtest.h>

#include "sql/stream_plan.h"

namespace meterstream {
namespace {

TEST(AggregateSql, CompilesToOneViewAndOneSinkPerStoredWindow) {
  AggregateOptions options;
  options.windows = {{60'000, "embedded", "days"}, {3'600'000, "embedded", ""}, {86'400'000, "", ""}};
  options.deduplicate_horizon_ms = 3'600'000;
  const auto program = compile_sql(aggregate_sql(options), "generated.sql");
  ASSERT_TRUE(program) << program.error().message;
  ASSERT_EQ(program->streams.size(), 1u);
  EXPECT_EQ(program->streams[0]->topic, "metrics");
  EXPECT_TRUE(program->streams[0]->deduplicate);
  EXPECT_EQ(program->streams[0]->deduplicate_horizon_ms, 3'600'000);
  ASSERT_EQ(program->views.size(), 3u);
  EXPECT_EQ(program->views[0].topic, "metrics-aggregates-60");
  EXPECT_EQ(program->views[2].topic, "metrics-aggregates-86400");
  EXPECT_EQ(program->views[2].window_size_ms, 86'400'000);
  EXPECT_EQ(program->views[1].grace_ms, 300'000);
  EXPECT_EQ(program->views[1].emit, EmitMode::kFinal);
  EXPECT_EQ(program->views[1].source, program->streams[0]);
  ASSERT_EQ(program->sinks.size(), 2u);
  EXPECT_EQ(program->sinks[0].table, "metrics_aggregates_60");
  EXPECT_EQ(program->sinks[0].bucket, "days");
  EXPECT_EQ(program->sinks[1].bucket, "");
}

TEST(AggregateSql, GivesTheColumnsOfThePlatformsAggregatesInTheirOrder) {
  AggregateOptions options;
  options.windows = {{60'000, "", ""}};
  const auto program = compile_sql(aggregate_sql(options), "generated.sql");
  ASSERT_TRUE(program) << program.error().message;
  std::vector<std::string> names;
  for (const OutputColumn& column : program->views[0].output) names.push_back(column.name);
  EXPECT_EQ(names, (std::vector<std::string>{"windowStart", "windowEnd", "sampleCount", "min", "max", "sum", "average",
                                             "metricType", "metricAttribute", "gateway"}));
}

TEST(AggregateSql, KeepsOddSizesTopicsAndEmitMode) {
  AggregateOptions options;
  options.source_topic = "it.s-odd";
  options.format = ValueFormat::kJson;
  options.windows = {{1'500, "embedded", "minutes"}};
  options.grace_ms = 0;
  options.emit = EmitMode::kChanges;
  options.partitions = 7;
  const auto program = compile_sql(aggregate_sql(options), "generated.sql");
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->streams[0]->format, ValueFormat::kJson);
  EXPECT_EQ(program->streams[0]->topic, "it.s-odd");
  EXPECT_FALSE(program->streams[0]->deduplicate);
  EXPECT_EQ(program->views[0].window_size_ms, 1'500);
  EXPECT_EQ(program->views[0].grace_ms, 0);
  EXPECT_EQ(program->views[0].topic, "metrics-aggregates-1500ms");
  EXPECT_EQ(program->views[0].emit, EmitMode::kChanges);
  EXPECT_EQ(program->views[0].partitions, 7);
}

}  // namespace
}  // namespace meterstream
