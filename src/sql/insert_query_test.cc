// INSERT INTO ... SELECT and CREATE SOURCE, from text to what the engine runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::string_view kStreams =
    "CREATE STREAM metrics;"
    "CREATE STREAM gas (meter VARCHAR KEY, at TIMESTAMP, volume DOUBLE) WITH (value_format = 'JSON');"
    "CREATE STREAM uses (meter VARCHAR KEY, at TIMESTAMP, kind VARCHAR, Amount DOUBLE) "
    "  WITH (topic = 'all-uses', value_format = 'JSON', partitions = 3);"
    "CREATE TABLE bounds (id VARCHAR PRIMARY KEY, high DOUBLE);"
    "CREATE STREAM high AS SELECT gateway, metricType, metricAttribute, timestamp, value FROM metrics WHERE value > "
    "9;\n";

Program compiled(const std::string& text) {
  auto program = compile_sql(std::string(kStreams) + text, "f.sql");
  EXPECT_TRUE(program) << program.error().message;
  return program ? *std::move(program) : Program();
}

std::string error_of(const std::string& text) {
  const auto program = compile_sql(std::string(kStreams) + text, "f.sql");
  return program ? "" : program.error().message;
}

TEST(InsertQuery, IsAViewThatWritesTheTopicOfItsTarget) {
  const Program program =
      compiled("INSERT INTO uses SELECT meter, at, volume AS AMOUNT, 'gas' AS kind FROM gas WHERE volume > 1;");
  ASSERT_THAT(program.views, SizeIs(2));
  const ViewSpec& view = program.views[1];
  EXPECT_TRUE(view.is_stream());
  EXPECT_EQ(view.name, "uses.from.gas");
  EXPECT_EQ(view.topic, "all-uses");
  EXPECT_EQ(view.partitions, 3);
  EXPECT_EQ(view.source->name, "gas");
  ASSERT_THAT(view.projection, SizeIs(4));
  EXPECT_EQ(view.projection[2].name, "Amount") << "names are spelled as readers of the target look for them";
}

TEST(InsertQuery, SeveralMayWriteOneStreamAndHaveNamesOfTheirOwn) {
  const Program program = compiled(
      "INSERT INTO uses SELECT meter, at, 'a' AS kind FROM gas; INSERT INTO uses SELECT meter, at, 'b' AS kind FROM "
      "gas;"
      "INSERT INTO high SELECT * FROM metrics WHERE value < 0; EXPLAIN high; EXPLAIN uses;");
  ASSERT_THAT(program.views, SizeIs(4));
  EXPECT_EQ(program.views[1].name, "uses.from.gas");
  EXPECT_EQ(program.views[2].name, "uses.from.gas.2");
  EXPECT_EQ(program.views[3].name, "high.from.metrics");
  ASSERT_THAT(program.explanations, SizeIs(2));
  for (const Explanation& explanation : program.explanations) {
    ASSERT_TRUE(explanation.duckdb) << explanation.duckdb.error().message;
    EXPECT_THAT(*explanation.duckdb, HasSubstr("UNION ALL BY NAME"));
  }
}

TEST(InsertQuery, ThatDuckDbKnowsNothingOfIsSaidForAllOfTheStream) {
  const Program program = compiled(
      "INSERT INTO high SELECT gateway, metricType, metricAttribute, timestamp, LAG(value) AS value "
      "FROM metrics; EXPLAIN high;");
  ASSERT_THAT(program.explanations, SizeIs(1));
  ASSERT_FALSE(program.explanations[0].duckdb);
  EXPECT_THAT(program.explanations[0].duckdb.error().message, HasSubstr("no counterpart of LAG"));
}

TEST(InsertQuery, ColumnsMustBeThoseOfTheTarget) {
  EXPECT_THAT(error_of("INSERT INTO uses SELECT meter, at, volume AS amoun FROM gas;"),
              HasSubstr("f.sql:2:36: stream uses has no column amoun; did you mean Amount?"));
  EXPECT_THAT(error_of("INSERT INTO uses SELECT meter, at, volume AS kind FROM gas;"),
              HasSubstr("f.sql:2:36: column kind of uses is VARCHAR, this is DOUBLE"));
  EXPECT_EQ(error_of("INSERT INTO uses SELECT meter, at, CAST(volume AS BIGINT) AS amount FROM gas;"), "");
  EXPECT_THAT(error_of("INSERT INTO uses SELECT meter, volume AS amount FROM gas;"),
              HasSubstr("f.sql:2:25: a row of uses needs its event time: select something AS at"));
  EXPECT_THAT(error_of("INSERT INTO uses SELECT * FROM gas;"), HasSubstr("stream uses has no column volume"));
}

TEST(InsertQuery, KeysMustBeWhatTheTargetSaysOfThem) {
  EXPECT_THAT(error_of("INSERT INTO uses SELECT at, volume AS amount FROM gas;"),
              HasSubstr("f.sql:2:25: meter of uses is the record's key"));
  EXPECT_THAT(error_of("INSERT INTO uses SELECT UCASE(meter) AS meter, at FROM gas;"),
              HasSubstr("f.sql:2:25: meter of uses is the record's key"));
  // Also by way of a computed stream.
  EXPECT_EQ(
      error_of("CREATE STREAM a AS SELECT at, meter AS m FROM gas; INSERT INTO uses SELECT m AS meter, at FROM a;"),
      "");
  EXPECT_THAT(
      error_of(
          "CREATE STREAM a AS SELECT at, UCASE(meter) AS m FROM gas; INSERT INTO uses SELECT m AS meter, at FROM a;"),
      HasSubstr("is the record's key"));
  EXPECT_THAT(error_of("INSERT INTO uses SELECT gateway AS meter, timestamp AS at FROM metrics;"),
              HasSubstr("is the record's key"));
  EXPECT_THAT(
      error_of("INSERT INTO high SELECT 'all' AS gateway, metricType, metricAttribute, timestamp, value FROM metrics;"),
      HasSubstr("the keys of high are made of gateway, metricType and metricAttribute"));
}

TEST(InsertQuery, GoesIntoStreamsOfJsonThatMayBeWritten) {
  EXPECT_THAT(error_of("INSERT INTO use SELECT * FROM gas;"),
              HasSubstr("f.sql:2:13: unknown stream use; did you mean uses?"));
  EXPECT_THAT(error_of("INSERT INTO bounds SELECT * FROM gas;"), HasSubstr("f.sql:2:13: bounds is a table"));
  EXPECT_THAT(error_of("INSERT INTO metrics SELECT * FROM high;"), HasSubstr("a stream of AVRO; its rows are JSON"));
  EXPECT_THAT(error_of("CREATE SOURCE STREAM s (meter VARCHAR KEY, at TIMESTAMP) WITH (value_format = 'JSON');\n"
                       "INSERT INTO s SELECT meter, at FROM gas;"),
              HasSubstr("f.sql:3:13: s is a SOURCE, which is only read"));
  EXPECT_THAT(error_of("INSERT INTO uses SELECT meter, COUNT(*) AS Amount FROM gas GROUP BY meter;"),
              HasSubstr("f.sql:2:"));
}

TEST(InsertQuery, RowsDoNotComeRound) {
  EXPECT_THAT(error_of("INSERT INTO uses SELECT * FROM uses;"),
              HasSubstr("f.sql:2:32: what this reads comes from uses itself"));
  EXPECT_THAT(error_of("CREATE STREAM a AS SELECT * FROM uses; CREATE STREAM b AS SELECT * FROM a;\n"
                       "INSERT INTO uses SELECT * FROM b;"),
              HasSubstr("comes from uses itself"));
  // By way of another INSERT.
  EXPECT_THAT(error_of("CREATE STREAM other (meter VARCHAR KEY, at TIMESTAMP) WITH (value_format = 'JSON');"
                       "INSERT INTO other SELECT meter, at FROM uses;\nINSERT INTO uses SELECT meter, at FROM other;"),
              HasSubstr("comes from uses itself"));
}

TEST(CreateSource, IsReadAsAnyOtherAndNotWritten) {
  EXPECT_THAT(error_of("CREATE SOURCE TABLE t (id VARCHAR PRIMARY KEY, high DOUBLE);\nINSERT INTO t VALUES ('a', 1);"),
              HasSubstr("f.sql:3:13: t is a SOURCE, which is only read"));
  EXPECT_THAT(error_of("CREATE SOURCE STREAM t AS SELECT * FROM gas;"), HasSubstr("f.sql:2:8: a SOURCE is only read"));
  const Program program = compiled(
      "CREATE SOURCE STREAM t (meter VARCHAR KEY, at TIMESTAMP) WITH (value_format = 'JSON');"
      "CREATE STREAM u AS SELECT * FROM t;");
  EXPECT_THAT(program.views, SizeIs(2));
}

}  // namespace
}  // namespace meterstream
