// PARTITION BY and DELIMITED through the whole engine: where rows go, and what reads them there.
#include <map>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"
#include "state/memory_store.h"
#include "stream/view_deployment.h"
#include "testing/random_readings.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'040'000;

struct EngineFixture {
  MemoryStore store;
  ManualClock clock{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline = ViewPipeline::open(store, clock).value();

  /// Each view when those before it are done.
  void run(const std::string& sql) {
    const auto program = compile_sql("CREATE STREAM metrics WITH (topic = 'metrics');" + sql, "f.sql");
    ASSERT_TRUE(program) << program.error().message;
    for (const ViewSpec& view : program->views) {
      const Status status = pipeline->run({view}, {});
      ASSERT_TRUE(status) << status.error().message;
    }
  }

  struct Row {
    int32_t partition = 0;
    std::string key;  ///< "(none)" without
    std::string value;
  };
  std::vector<Row> rows(const std::string& topic) {
    std::vector<Row> rows;
    const auto description = pipeline->log().describe_topic(topic).value();
    RecordSet records;
    for (int32_t partition = 0; partition < description.config.partitions; ++partition) {
      const Status read = pipeline->log().read({topic, PartitionId(partition)}, Offset(0), size_t{1} << 24, records);
      EXPECT_TRUE(read);
      for (const RecordView& record : records.records)
        rows.push_back({partition, record.has_key() ? std::string(record.key) : "(none)", std::string(record.value)});
    }
    return rows;
  }
};

TEST(PartitionBy, PutsRowsOfOneKeyIntoOnePartitionAndThoseWithoutOneWhereTheirSourceWas) {
  EngineFixture engine;
  const auto readings = random_readings(300, 3, kStart);
  ASSERT_TRUE(engine.pipeline->append(readings, 2));
  engine.run(
      "CREATE STREAM s WITH (partitions = 5) AS SELECT metricAttribute AS a, timestamp, value FROM metrics PARTITION "
      "BY "
      "CASE WHEN metricAttribute = 'x.y' THEN NULL ELSE metricAttribute END;");
  size_t keyless = 0;
  std::map<std::string, std::set<int32_t>> partitions;
  for (const EngineFixture::Row& row : engine.rows("s")) {
    if (row.key == "(none)") {
      ++keyless;
      EXPECT_LT(row.partition, 2);
      EXPECT_NE(row.value.find("\"a\":\"x.y\""), std::string::npos);
    } else {
      EXPECT_EQ(row.partition, partition_for_key(row.key, 5).value);
      EXPECT_NE(row.value.find(fmt::format("\"a\":\"{}\"", row.key)), std::string::npos);
    }
  }
  EXPECT_GT(keyless, 0U);
}

TEST(PartitionBy, AGroupByTheKeyIsTheSameAsOverTheSourceAlsoThroughDelimitedLines) {
  EngineFixture engine;
  ASSERT_TRUE(engine.pipeline->append(random_readings(500, 4, kStart), 3));
  const std::string aggregates =
      "COUNT(*) AS n, SUM(value) AS total, MAX(timestamp) AS latest FROM {} WINDOW TUMBLING (SIZE 1 MINUTE, GRACE "
      "PERIOD "
      "1000 DAYS) GROUP BY metricAttribute EMIT FINAL;";
  const auto table = [&](const std::string& name, const std::string& source) {
    return fmt::format("CREATE TABLE {} AS SELECT metricAttribute, WINDOWSTART AS ws, ", name) +
           fmt::format(fmt::runtime(aggregates), source);
  };
  engine.run(
      "CREATE STREAM json AS SELECT timestamp, metricAttribute, value FROM metrics PARTITION BY metricAttribute;"
      "CREATE STREAM lines WITH (value_format = 'DELIMITED', value_delimiter = ';') AS SELECT timestamp, "
      "metricAttribute, "
      "value FROM metrics PARTITION BY metricAttribute;" +
      table("direct", "metrics") + table("by_json", "json") + table("by_lines", "lines"));
  const auto results = [&](const std::string& topic) {
    std::multiset<std::string> values;
    for (const EngineFixture::Row& row : engine.rows(topic)) values.insert(row.key + ' ' + row.value);
    return values;
  };
  EXPECT_GT(results("direct").size(), 5U);
  EXPECT_EQ(results("by_json"), results("direct"));
  EXPECT_EQ(results("by_lines"), results("direct"));
}

TEST(Delimited, RecordsThatCannotBeReadAreRejectedWithTheirReason) {
  EngineFixture engine;
  ASSERT_TRUE(engine.pipeline->log().create_topic({"lines", 1}));
  Transaction transaction;
  RecordBatchBuilder builder;
  for (const std::string_view line : {"2023-11-14T22:14:00Z,1.5,a", "2023-11-14T22:14:00Z,1.5", "yesterday,2,b",
                                      "2023-11-14T22:15:00Z,,\"c, d\"\n", ",1,e"})
    builder.add("m1", line, {}, IngestTime(kStart));
  transaction.appends.push_back({{"lines", PartitionId(0)}, std::move(builder)});
  ASSERT_TRUE(engine.pipeline->log().commit(std::move(transaction), Durability::kSync));
  engine.run(
      "CREATE STREAM lines (meter VARCHAR KEY, at TIMESTAMP, x DOUBLE, note VARCHAR) WITH (value_format = 'DELIMITED');"
      "CREATE STREAM s WITH (value_format = 'DELIMITED', value_delimiter = 'TAB') AS SELECT meter, x, note, at FROM "
      "lines;");
  std::vector<std::string> values;
  for (const EngineFixture::Row& row : engine.rows("s")) values.push_back(row.key + ' ' + row.value);
  EXPECT_EQ(values,
            (std::vector<std::string>{"m1 m1\t1.5\ta\t2023-11-14T22:14:00Z", "m1 m1\t\tc, d\t2023-11-14T22:15:00Z"}));
  const auto rejected = engine.pipeline->read_topic("lines-rejected").value();
  ASSERT_EQ(rejected.size(), 3U);
  EXPECT_NE(rejected[0].headers.find("found 2 field(s) between ',', expected 3"), std::string::npos);
  EXPECT_NE(rejected[1].headers.find("field 'at': "), std::string::npos);
  EXPECT_NE(rejected[2].headers.find("no event time: at is NULL"), std::string::npos);
}

}  // namespace
}  // namespace meterstream
