// The query that a view is in DuckDB and in Spark: the same steps in other words. What they answer is compared by tests/oracle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Of the view v.
Explanation explained(const std::string& text) {
  const auto program = compile_sql("CREATE STREAM metrics; " + text + " EXPLAIN v;", "f.sql");
  if (!program) return {"", program.error().message, "", program.error(), program.error()};
  return program->explanations.at(0);
}

Explanation selected(const std::string& items) {
  return explained("CREATE STREAM v AS SELECT " + items + " FROM metrics;");
}

const std::string kHours =
    "CREATE TABLE v AS SELECT gateway, WINDOWSTART AS \"the \"\"start\"\"`\", SUM(value) AS total FROM metrics "
    "WINDOW TUMBLING (SIZE 1 HOUR) WHERE metricType <> 'it''s' GROUP BY gateway HAVING COUNT(*) > 1;";

TEST(BatchText, SaysOnePlanInTheWordsOfDuckDb) {
  EXPECT_EQ(*explained(kHours).duckdb,
            R"(WITH step1 AS (
  SELECT "gateway" AS c0, "metricType" AS c1, "metricAttribute" AS c2, "timestamp" AS c3, "value" AS c4 FROM "metrics"),
step2 AS (
  SELECT * FROM step1 WHERE (c1 <> 'it''s')),
step3 AS (
  SELECT c0 AS c0, epoch_ms(start_ms) AS c1, epoch_ms(start_ms + 3600000) AS c2, CAST(CAST(SUM((CAST(CAST(c4 - c4 % 1 AS HUGEINT) AS DECIMAL(29, 9)) + CAST(c4 % 1 AS DECIMAL(29, 9)))) AS VARCHAR) AS DOUBLE) AS c3, COUNT(*) AS c4 FROM (SELECT *, (epoch_ms(c3) - ((epoch_ms(c3)) % 3600000 + 3600000) % 3600000) AS start_ms FROM step2) GROUP BY c0, start_ms),
step4 AS (
  SELECT * FROM step3 WHERE (c4 > (1)::BIGINT))
SELECT c0 AS "gateway", c1 AS "the ""start""`", c3 AS "total" FROM step4)");
}

TEST(BatchText, SaysTheSamePlanInTheWordsOfSpark) {
  EXPECT_EQ(*explained(kHours).spark,
            R"(WITH step1 AS (
  SELECT `gateway` AS c0, `metricType` AS c1, `metricAttribute` AS c2, `timestamp` AS c3, `value` AS c4 FROM `metrics`),
step2 AS (
  SELECT * FROM step1 WHERE (c1 <> 'it\'s')),
step3 AS (
  SELECT c0 AS c0, timestamp_millis(start_ms) AS c1, timestamp_millis(start_ms + 3600000) AS c2, try_cast(try_sum(try_cast(try_cast(c4 - c4 % 1D AS DECIMAL(29, 9)) + try_cast(c4 % 1D AS DECIMAL(29, 9)) AS DECIMAL(29, 9))) AS DOUBLE) AS c3, COUNT(*) AS c4 FROM (SELECT *, (unix_millis(c3) - ((unix_millis(c3)) % 3600000 + 3600000) % 3600000) AS start_ms FROM step2) GROUP BY c0, start_ms),
step4 AS (
  SELECT * FROM step3 WHERE (c4 > 1L))
SELECT c0 AS `gateway`, c1 AS `the "start"```, c3 AS `total` FROM step4)");
}

TEST(BatchText, KeepsTextsAndPatternsWhatTheyAreInSpark) {
  EXPECT_THAT(*selected(R"('a\b' AS t)").spark, HasSubstr(R"('a\\b' AS `t`)"));
  EXPECT_THAT(*selected("'${x} $1' AS t").spark, HasSubstr(R"('\u0024{x} $1' AS `t`)"));
  EXPECT_THAT(*selected(R"(gateway LIKE '\_%' AS t)").spark, HasSubstr(R"((c0 LIKE '\\\\_%') AS `t`)"));
  EXPECT_THAT(*selected("FORMAT_TIMESTAMP(timestamp, 'e ''day%''') AS t").spark,
              HasSubstr(R"((CAST(weekday(c3) + 1 AS STRING) || date_format(c3, '\' day%\'')) AS `t`)"));
  EXPECT_THAT(*selected("FORMAT_TIMESTAMP(timestamp, 'e ''day%''') AS t").duckdb,
              HasSubstr("strftime(c3, '%u day%%') AS \"t\""));
}

TEST(BatchText, NamesAnArgumentOnceWhereItBecomesNull) {
  const std::string text = *selected("((value * 2 + 1) * 3 - 4) / value AS t").spark;
  EXPECT_EQ(text.find("c4 * "), text.rfind("c4 * "));
}

TEST(BatchText, FindsTheRowThatWasValidAtATime) {
  const Explanation owned = explained(
      "CREATE TABLE owners (gateway VARCHAR PRIMARY KEY, since TIMESTAMP, name VARCHAR) WITH (timestamp = 'since');"
      "CREATE STREAM v AS SELECT o.name FROM metrics m LEFT JOIN owners o ON m.gateway = o.gateway;");
  EXPECT_THAT(*owned.duckdb, HasSubstr("step1 ASOF LEFT JOIN (SELECT \"gateway\" AS c5, \"since\" AS c6, \"name\" AS "
                                       "c7 FROM \"owners\") ON c0 = c5 AND c3 >= c6"));
  EXPECT_THAT(*owned.spark, HasSubstr("LEAD(c6) OVER (PARTITION BY c5 ORDER BY c6) AS until"));
  EXPECT_THAT(*owned.spark, Not(HasSubstr("ASOF")));
}

TEST(BatchText, SaysWhichSystemHasNoCounterpart) {
  const Explanation changes = selected("LAG(value) AS was");
  EXPECT_THAT(changes.duckdb.error().message, HasSubstr("DuckDB has no counterpart of LAG"));
  EXPECT_THAT(changes.spark.error().message, HasSubstr("Spark has no counterpart of LAG"));
  const Explanation texts = selected("CAST(value AS VARCHAR) AS t");
  EXPECT_EQ(texts.spark.error().message, "Spark has no counterpart of CAST(DOUBLE AS VARCHAR)");
  const Explanation dates = selected("PARSE_TIMESTAMP(gateway, 'HH:mm ''yyyy-MM-dd''') AS t");
  EXPECT_THAT(dates.duckdb.error().message, HasSubstr("DuckDB has no counterpart of PARSE_TIMESTAMP with the pattern"));
  EXPECT_THAT(dates.spark.error().message, HasSubstr("Spark has no counterpart of PARSE_TIMESTAMP with the pattern"));
}

TEST(BatchText, SaysWhereNamesAndPatternsHaveNoCounterpart) {
  const Explanation variables = selected("value AS \"${x}\"");
  EXPECT_TRUE(variables.duckdb.has_value());
  EXPECT_THAT(variables.spark.error().message, HasSubstr("Spark has no counterpart of a name with ${"));
  EXPECT_THAT(selected("(gateway LIKE '😀_') AS t").spark.error().message,
              HasSubstr("Spark has no counterpart of LIKE with the pattern '😀_'"));
  EXPECT_TRUE(selected("(gateway LIKE '%😀%') AS t").spark.has_value());
  EXPECT_TRUE(selected("(gateway LIKE 'α_') AS t").spark.has_value());
  EXPECT_THAT(selected("EXTRACTJSONFIELD(gateway, '$[''*'']') AS t").duckdb.error().message, HasSubstr("the name *"));
}

TEST(BatchText, CallsItsStepsOtherwiseThanTheRelations) {
  const Explanation steps = explained(
      "CREATE STREAM \"STEP1\" (id BIGINT, t TIMESTAMP, k VARCHAR) WITH (topic = 's', value_format = 'JSON');"
      "CREATE TABLE step_2 (k VARCHAR PRIMARY KEY, z BIGINT) WITH (topic = 'z');"
      "CREATE STREAM v AS SELECT s.id, z.z FROM \"STEP1\" s JOIN step_2 z ON s.k = z.k;");
  EXPECT_THAT(*steps.duckdb, HasSubstr("WITH step__1 AS (\n"));
  EXPECT_THAT(*steps.spark, HasSubstr("FROM step__1 JOIN (SELECT `k` AS c3"));
}

TEST(BatchText, EndsWindowsOfAPlaceWhereItsDayEnds) {
  const Explanation days = explained(
      "CREATE TABLE v AS SELECT gateway, TIME_WEIGHTED_AVG(value) AS held FROM metrics "
      "WINDOW TUMBLING (SIZE 1 DAY, TIMEZONE 'Europe/Athens') GROUP BY gateway;");
  for (const auto& text : {*days.duckdb, *days.spark}) {
    EXPECT_THAT(text, HasSubstr("(end_ms)"));
    EXPECT_THAT(text, Not(HasSubstr("start_ms + 86400000")));
  }
}

TEST(BatchText, HasNoTimesBeyondTheCalendar) {
  for (const char* items : {"FROM_UNIXTIME(CAST(value AS BIGINT)) AS t", "CAST(value AS TIMESTAMP) AS t"}) {
    EXPECT_THAT(*selected(items).duckdb, HasSubstr("BETWEEN -62135596800000 AND 253402300799999 THEN"));
    EXPECT_THAT(*selected(items).spark, HasSubstr("BETWEEN -62135596800000 AND 253402300799999 THEN"));
  }
}

TEST(BatchText, ShowsThreeRuntimes) {
  const Explanation hours = explained(kHours);
  const std::string text = to_text(hours);
  EXPECT_THAT(text, HasSubstr("Logical plan\nSink"));
  EXPECT_THAT(text, HasSubstr("\nStream engine\n" + hours.operators));
  EXPECT_THAT(text, HasSubstr("\nDuckDB\n" + *hours.duckdb + "\n"));
  EXPECT_THAT(text, HasSubstr("\nSpark, in ANSI mode with a session in UTC\n" + *hours.spark + "\n"));
}

}  // namespace
}  // namespace meterstream
