// Joins of two streams: from text to what the engine runs, what EXPLAIN tells and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::string_view kDeclarations =
    "CREATE STREAM a (k VARCHAR KEY, t TIMESTAMP, x DOUBLE, n BIGINT) WITH (value_format = 'JSON', partitions = 2);"
    "CREATE STREAM b (id VARCHAR KEY, at TIMESTAMP, y DOUBLE, n BIGINT) WITH (value_format = 'JSON', topic = 'bs');"
    "CREATE TABLE names (id VARCHAR PRIMARY KEY, name VARCHAR);\n";

Result<Program> compile(const std::string& text) {
  return compile_sql(std::string(kDeclarations) + text, "f.sql");
}

Program compiled(const std::string& text) {
  auto program = compile(text);
  EXPECT_TRUE(program) << program.error().message;
  return program ? *std::move(program) : Program();
}

std::string error_of(const std::string& text) {
  const auto program = compile(text);
  return program ? "" : program.error().message;
}

TEST(StreamJoinStatement, HasBothStreamsTheirKeysAndTimes) {
  const Program program = compiled(
      "CREATE STREAM o AS SELECT a.k, a.x, b.y FROM a JOIN b WITHIN 5 MINUTES GRACE PERIOD 10 SECONDS ON a.k = b.id "
      "WHERE a.x > b.y EMIT CHANGES;");
  const ViewSpec& view = program.views[0];
  ASSERT_NE(view.join, nullptr);
  EXPECT_EQ(view.join->left.stream->topic, "a");
  EXPECT_EQ(view.join->right.stream->topic, "bs");
  EXPECT_EQ(view.join->left.key->column, 0U);
  EXPECT_EQ(view.join->right.key->column, 0U);
  EXPECT_FALSE(view.join->left.keeps_unmatched);
  EXPECT_FALSE(view.join->right.keeps_unmatched);
  EXPECT_EQ(view.join->before_ms, 300'000);
  EXPECT_EQ(view.join->after_ms, 300'000);
  EXPECT_EQ(view.join->grace_ms, 10'000);
  EXPECT_THAT(view.row_columns(), SizeIs(8));
  EXPECT_EQ(view.projection[2].expression->column, 6U);
  EXPECT_EQ(view.filter->children[1]->column, 6U);
  EXPECT_EQ(view.source->topic, "a");
  EXPECT_TRUE(joins_by_record_keys(*view.join));
  EXPECT_TRUE(needs_state_with_each_commit(view));
}

TEST(StreamJoinStatement, TakesBothReachesAnySideOfTheConditionAndTablesBehindIt) {
  const Program program = compiled(
      "CREATE STREAM o AS SELECT l.t, r.y, name FROM a AS l FULL OUTER JOIN b r WITHIN (1 HOUR, 0 SECONDS) ON r.n + 1 "
      "= l.n "
      "LEFT JOIN names ON l.k = names.id;");
  const ViewSpec& view = program.views[0];
  EXPECT_TRUE(view.join->left.keeps_unmatched);
  EXPECT_TRUE(view.join->right.keeps_unmatched);
  EXPECT_EQ(view.join->before_ms, 3'600'000);
  EXPECT_EQ(view.join->after_ms, 0);
  EXPECT_EQ(view.join->grace_ms, 86'400'000);
  EXPECT_EQ(to_text(*view.join->right.key, view.join->right.stream->columns), "(n + 1)");
  EXPECT_FALSE(joins_by_record_keys(*view.join));
  ASSERT_THAT(view.lookups, SizeIs(1));
  EXPECT_EQ(view.projection[2].expression->column, 9U);
}

TEST(StreamJoinStatement, ItsRowsHaveTheTimeOfTheLeftStreamIfThatIsAlwaysThere) {
  const std::string windows = "CREATE TABLE w AS SELECT k, COUNT(*) FROM o WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k;";
  const Program program =
      compiled("CREATE STREAM o AS SELECT a.k, b.at, a.t FROM a LEFT JOIN b WITHIN 1 DAY ON a.k = b.id;" + windows);
  EXPECT_EQ(program.views[1].source->timestamp_column, 2U);
  EXPECT_FALSE(groups_stay_in_partitions(program.views[1]));
  EXPECT_THAT(
      error_of("CREATE STREAM o AS SELECT a.k, b.at, a.t FROM a FULL JOIN b WITHIN 1 DAY ON a.k = b.id;" + windows),
      HasSubstr("stream o has no event time"));
  const Program full = compiled(
      "CREATE STREAM o AS SELECT COALESCE(a.k, b.id) AS k, COALESCE(a.t, b.at) AS t FROM a FULL JOIN b WITHIN 1 DAY ON "
      "a.k = "
      "b.id;" +
      windows);
  EXPECT_EQ(full.views[1].source->timestamp_column, 1U);
}

TEST(StreamJoinStatement, OfARightJoinTheTimeIsThatOfTheRightStream) {
  const Program program = compiled(
      "CREATE STREAM o AS SELECT b.id, a.t, b.at FROM a RIGHT JOIN b WITHIN 1 DAY ON a.k = b.id; EXPLAIN o;"
      "CREATE TABLE w AS SELECT id, COUNT(*) FROM o WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY id;");
  EXPECT_FALSE(program.views[0].join->left.keeps_unmatched);
  EXPECT_TRUE(program.views[0].join->right.keeps_unmatched);
  EXPECT_EQ(program.views[1].source->timestamp_column, 2U);
  EXPECT_THAT(program.explanations[0].plan, HasSubstr("StreamJoin right by k = id"));
  EXPECT_THAT(*program.explanations[0].duckdb, HasSubstr("RIGHT JOIN"));
}

TEST(StreamJoinStatement, RefusesWhatCannotBe) {
  const auto join = [](const std::string& rest) {
    return error_of("CREATE STREAM o AS SELECT a.x FROM a JOIN " + rest + ";");
  };
  EXPECT_THAT(join("b ON a.k = b.id"), HasSubstr("f.sql:2:38: a join of two streams needs WITHIN"));
  EXPECT_THAT(join("a WITHIN 1 DAY ON a.k = a.k"), HasSubstr("a join of topic a with itself"));
  EXPECT_THAT(join("b AS a WITHIN 1 DAY ON a.k = a.id"), HasSubstr("a is joined already"));
  EXPECT_THAT(join("b WITHIN -1 DAYS ON a.k = b.id"), HasSubstr("f.sql:2:52: the time before must be 0 or more"));
  EXPECT_THAT(join("b WITHIN (1 DAY, -1 DAYS) ON a.k = b.id"), HasSubstr("the time after must be 0 or more"));
  EXPECT_THAT(join("b WITHIN 1 DAY GRACE PERIOD -1 DAYS ON a.k = b.id"),
              HasSubstr("the grace period must be 0 or more"));
  EXPECT_THAT(join("b WITHIN 1 DAY ON a.k < b.id"), HasSubstr("streams are joined by one equality"));
  EXPECT_THAT(join("b WITHIN 1 DAY ON a.k = b.id AND a.n = b.n"), HasSubstr("streams are joined by one equality"));
  EXPECT_THAT(join("b WITHIN 1 DAY ON a.k = a.k"), HasSubstr("one side of = must be of the stream before JOIN"));
  EXPECT_THAT(join("b WITHIN 1 DAY ON a.n + b.n = b.n"), HasSubstr("names columns of both streams"));
  EXPECT_THAT(join("b WITHIN 1 DAY ON a.k = '1'"), HasSubstr("names columns of one of the streams"));
  EXPECT_THAT(join("b WITHIN 1 DAY ON a.k = b.n"), HasSubstr("the left key is VARCHAR, the right one BIGINT"));
  EXPECT_THAT(join("b WITHIN 1 DAY ON a.x = b.y"), HasSubstr("a key that is DOUBLE"));
  EXPECT_THAT(join("names ON a.k = names.id JOIN b WITHIN 1 DAY ON a.k = b.id"), HasSubstr("behind another join"));
  EXPECT_THAT(join("b WITHIN 1 DAY ON a.k = b.id WHERE LAG(x) > 1"), HasSubstr("LAG of a join of streams"));
  EXPECT_THAT(error_of("CREATE TABLE o AS SELECT a.k, COUNT(*) FROM a JOIN b WITHIN 1 DAY ON a.k = b.id GROUP BY a.k;"),
              HasSubstr("groups of a join of streams in one statement"));
}

TEST(StreamJoinStatement, IsExplained) {
  const Program program = compiled(
      "CREATE STREAM o AS SELECT a.k, b.y FROM a LEFT JOIN b WITHIN (1 MINUTE, 2 MINUTES) GRACE PERIOD 3 SECONDS ON "
      "a.k = b.id; "
      "EXPLAIN o;");
  const Explanation& explanation = program.explanations[0];
  EXPECT_THAT(explanation.plan, HasSubstr("    StreamJoin left by k = id, within 1m before and 2m after, grace 3s\n"
                                          "      Scan stream a, topic a"));
  EXPECT_THAT(explanation.plan, HasSubstr("\n      Scan stream b, topic bs"));
  EXPECT_THAT(explanation.operators, HasSubstr("read topic a (JSON): a task for each partition, or one for all"));
  EXPECT_THAT(explanation.operators, HasSubstr("read topic bs (JSON): in the same tasks\njoin by k = id"));
  EXPECT_THAT(explanation.operators, HasSubstr("left rows without a partner: NULLs"));
  EXPECT_THAT(explanation.operators, HasSubstr("write topic o (JSON): each pair"));
  ASSERT_TRUE(explanation.duckdb);
  EXPECT_THAT(*explanation.duckdb, HasSubstr("LEFT JOIN"));
  EXPECT_THAT(*explanation.duckdb, HasSubstr("epoch_ms(c5) BETWEEN epoch_ms(c1) - 60000 AND epoch_ms(c1) + 120000"));
}

}  // namespace
}  // namespace meterstream
