// INSERT INTO ... SELECT and CREATE SOURCE, from text to what the engine runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

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
  EXPECT_THAT(view.name, MatchesRegex(R"(uses\.from\.gas\.[0-9a-f]{8})"));
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
  EXPECT_NE(program.views[1].name, program.views[2].name);
  EXPECT_THAT(program.views[3].name, MatchesRegex(R"(high\.from\.metrics\.[0-9a-f]{8})"));
  ASSERT_THAT(program.explanations, SizeIs(2));
  for (const Explanation& explanation : program.explanations) {
    ASSERT_TRUE(explanation.duckdb) << explanation.duckdb.error().message;
    EXPECT_THAT(*explanation.duckdb, HasSubstr("UNION ALL\n"));
  }
}

/// Names and definitions of the views that INSERTs make.
std::vector<std::string> insertions(const std::string& text) {
  std::vector<std::string> made;
  for (const ViewSpec& view : compiled(text).views) {
    if (view.name != "high") made.push_back(view.name + ": " + view.definition());
  }
  return made;
}

TEST(InsertQuery, GoesOnAsTheSameViewWhenOthersGoOrStandElsewhere) {
  const std::string one = "INSERT INTO uses SELECT meter, at, 'a' AS kind FROM gas;";
  const std::string two = "INSERT INTO uses SELECT meter, at, 'b' AS kind FROM gas;";
  const std::string three = "INSERT INTO uses SELECT meter, at, 'c' AS kind FROM gas;";
  const std::vector<std::string> all = insertions(one + two + three);
  EXPECT_EQ(insertions(one), std::vector{all.at(0)});
  EXPECT_EQ(insertions(two), std::vector{all.at(1)});
  EXPECT_EQ(insertions(three + one), (std::vector{all.at(2), all.at(0)}));
  EXPECT_THAT(insertions(three + two + one), UnorderedElementsAreArray(all));
  // The very same twice: which of both goes does not matter.
  const std::vector<std::string> twice = insertions(one + one);
  EXPECT_EQ(twice.at(0), all.at(0));
  EXPECT_THAT(twice.at(1), HasSubstr(".2: view "));
}

TEST(InsertQuery, SharesNoNameWithAnythingElse) {
  const std::string insert = "INSERT INTO uses SELECT meter, at FROM gas;\n";
  const std::string name = compiled(insert).views.at(1).name;
  EXPECT_THAT(error_of(insert + "CREATE STREAM `" + name + "` AS SELECT * FROM gas;"),
              HasSubstr("f.sql:3:15: the name " + name + " is used already, by an INSERT"));
  const Program program =
      compiled("CREATE STREAM `" + name + "` WITH (topic = 'other') AS SELECT * FROM gas;" + insert);
  ASSERT_THAT(program.views, SizeIs(3));
  EXPECT_EQ(program.views[1].name, name);
  EXPECT_EQ(program.views[2].name, name + ".2");
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
  // Columns that are left out are NULL, which is not what the keys say.
  EXPECT_THAT(error_of("INSERT INTO high SELECT gateway, metricType, timestamp, value FROM metrics;"),
              HasSubstr("f.sql:2:25: the keys of high are made of gateway, metricType and metricAttribute"));
  EXPECT_THAT(error_of("CREATE STREAM named (id VARCHAR KEY, gateway VARCHAR, metricType VARCHAR, metricAttribute "
                       "VARCHAR, timestamp TIMESTAMP) WITH (value_format = 'JSON');\n"
                       "INSERT INTO high SELECT gateway, metricType, metricAttribute, timestamp FROM named;"),
              HasSubstr("the keys of high are made of gateway"));
}

TEST(InsertQuery, KeepsTheKeysThatAComputedStreamHas) {
  const std::string computed =
      "CREATE STREAM by_meter AS SELECT meter, at, volume FROM gas;"
      "CREATE STREAM others (id VARCHAR KEY, meter VARCHAR, at TIMESTAMP) WITH (value_format = 'JSON');\n";
  EXPECT_THAT(error_of(computed + "INSERT INTO by_meter SELECT meter, at FROM others;"),
              HasSubstr("f.sql:3:29: meter of by_meter is the record's key"));
  EXPECT_THAT(error_of(computed + "INSERT INTO by_meter SELECT at FROM gas;"),
              HasSubstr("f.sql:3:29: meter of by_meter is the record's key"));
  EXPECT_EQ(error_of(computed + "INSERT INTO by_meter SELECT id AS meter, at FROM others;"), "");
  EXPECT_EQ(error_of("CREATE STREAM plain AS SELECT at, UCASE(meter) AS name FROM gas;"
                     "INSERT INTO plain SELECT at, 'x' AS name FROM uses;"),
            "")
      << "there no column is a key";
}

TEST(InsertQuery, MayGiveKeysByPartitionBy) {
  const auto insert = [](const std::string& select) { return error_of("INSERT INTO uses SELECT " + select + ";"); };
  EXPECT_EQ(insert("UCASE(meter) AS meter, at FROM gas PARTITION BY UCASE(meter)"), "");
  EXPECT_EQ(insert("gateway AS meter, timestamp AS at FROM metrics PARTITION BY gateway"), "");
  EXPECT_THAT(insert("meter, at FROM gas PARTITION BY UCASE(meter)"),
              HasSubstr("f.sql:2:25: meter of uses is the record's key"));
  EXPECT_THAT(error_of("INSERT INTO high SELECT * FROM metrics PARTITION BY gateway;"),
              HasSubstr("f.sql:2:53: the keys of high are made of gateway"));
  const std::string computed = "CREATE STREAM by_kind AS SELECT kind, at FROM uses PARTITION BY kind;\n";
  EXPECT_THAT(error_of(computed + "INSERT INTO by_kind SELECT meter AS kind, at FROM gas PARTITION BY UCASE(meter);"),
              HasSubstr("f.sql:3:28: kind of by_kind is the record's key"));
  EXPECT_EQ(error_of(computed + "INSERT INTO by_kind SELECT meter AS kind, at FROM gas;"), "");
  // Its rows have that key, and no longer the one of their source.
  EXPECT_EQ(error_of(computed + "CREATE STREAM kinds (kind VARCHAR KEY, at TIMESTAMP) WITH (value_format = 'JSON');"
                                "INSERT INTO kinds SELECT kind, at FROM by_kind;"),
            "");
  EXPECT_THAT(error_of("CREATE STREAM moved AS SELECT kind, meter, at FROM uses PARTITION BY kind;"
                       "CREATE STREAM meters (meter VARCHAR KEY, at TIMESTAMP) WITH (value_format = 'JSON');"
                       "INSERT INTO meters SELECT meter, at FROM moved;"),
              HasSubstr("meter of meters is the record's key"));
  EXPECT_EQ(error_of("CREATE STREAM free (name VARCHAR, at TIMESTAMP) WITH (value_format = 'JSON');"
                     "INSERT INTO free SELECT meter AS name, at FROM gas PARTITION BY UCASE(meter);"),
            "");
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

TEST(InsertQuery, RowsDoNotComeRoundByWayOfThoseThatAreLateOrRejected) {
  const std::string late =
      "CREATE STREAM late (meter VARCHAR KEY, at TIMESTAMP, volume DOUBLE) WITH (topic = 'totals-late', value_format "
      "= 'JSON');\n";
  const std::string totals =
      "CREATE TABLE totals AS SELECT meter, COUNT(*) AS n FROM gas WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY meter;\n";
  const std::string insert = "INSERT INTO gas SELECT * FROM late;\n";
  EXPECT_THAT(error_of(late + totals + insert), HasSubstr("f.sql:4:31: what this reads comes from gas itself"));
  EXPECT_THAT(error_of(totals + late + insert), HasSubstr("f.sql:4:31: what this reads comes from gas itself"));
  EXPECT_THAT(error_of(late + insert + totals), HasSubstr("f.sql:4:57: what this reads comes from totals itself"));
  EXPECT_THAT(error_of(late + "CREATE TABLE totals AS SELECT meter, COUNT(*) AS n FROM late WINDOW TUMBLING (SIZE 1 "
                              "HOUR) GROUP BY meter;"),
              HasSubstr("what this reads comes from totals itself"));
  EXPECT_EQ(error_of(late + totals + "INSERT INTO uses SELECT meter, at FROM late;"), "");
  const std::string rejected =
      "CREATE STREAM refused (meter VARCHAR KEY, at TIMESTAMP, volume DOUBLE) WITH (topic = 'gas-rejected', "
      "value_format = 'JSON');\n";
  EXPECT_THAT(error_of(rejected + insert.substr(0, 23) + "* FROM refused;"),
              HasSubstr("f.sql:3:31: what this reads comes from gas itself"));
  EXPECT_EQ(error_of(rejected + "INSERT INTO uses SELECT meter, at FROM refused;"), "");
  // A late row of a join of streams comes from either side.
  EXPECT_THAT(
      error_of("CREATE STREAM pairs AS SELECT gas.meter AS meter, gas.at AS at FROM gas JOIN uses WITHIN 1 HOUR ON "
               "gas.meter = uses.meter;"
               "CREATE STREAM lost (meter VARCHAR KEY, at TIMESTAMP) WITH (topic = 'pairs-late', value_format = "
               "'JSON');\nINSERT INTO uses SELECT * FROM lost;"),
      HasSubstr("what this reads comes from uses itself"));
}

TEST(Topics, ThatMeterstreamWritesDownAreNotOfStatements) {
  const std::string own = "_meterstream-meterstream-statements";
  const std::string with = " WITH (topic = '" + own + "', value_format = 'JSON')";
  const auto refused = HasSubstr("topics whose names begin with _meterstream- keep what Meterstream itself writes");
  EXPECT_THAT(error_of("CREATE STREAM hack (text VARCHAR, timestamp TIMESTAMP)" + with + ";"),
              AllOf(refused, HasSubstr("f.sql:2:70: ")));
  EXPECT_THAT(error_of("CREATE STREAM \"" + own + "\" (text VARCHAR, timestamp TIMESTAMP);"),
              AllOf(refused, HasSubstr("f.sql:2:15: ")));
  EXPECT_THAT(error_of("CREATE TABLE hack (text VARCHAR PRIMARY KEY)" + with + ";"), refused);
  EXPECT_THAT(error_of("CREATE STREAM hack" + with + " AS SELECT * FROM gas;"), refused);
  EXPECT_THAT(error_of("CREATE TABLE hack" + with + " AS SELECT meter, COUNT(*) AS n FROM gas GROUP BY meter;"),
              refused);
  EXPECT_THAT(error_of("CREATE STREAM \"" + own + "\" AS SELECT * FROM gas;"), refused);
  EXPECT_THAT(error_of("CREATE SINK hack WITH (type = 'lake', topic = '" + own + "');"), refused);
  EXPECT_EQ(
      error_of("CREATE STREAM mine (a BIGINT, at TIMESTAMP) WITH (topic = '_meterstream', value_format = 'JSON');"),
      "");
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
