// Joins of two tables: from text to what the engine runs, what EXPLAIN tells and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::string_view kDeclarations =
    "CREATE STREAM metrics; CREATE TABLE a (id VARCHAR PRIMARY KEY, x DOUBLE); CREATE TABLE b (y DOUBLE, id VARCHAR "
    "PRIMARY "
    "KEY) WITH (topic = 'bs'); CREATE TABLE timed (id VARCHAR PRIMARY KEY, t TIMESTAMP) WITH (timestamp = 't');"
    "CREATE TABLE totals AS SELECT gateway, COUNT(*) AS n FROM metrics GROUP BY gateway;\n";

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

TEST(TableJoinStatement, HasBothTablesAndWhatItSelects) {
  const Program program =
      compiled("CREATE TABLE o AS SELECT a.id, a.x, t.n FROM a LEFT JOIN totals t ON t.gateway = a.id WHERE a.x > 1;");
  const ViewSpec& view = program.views[1];
  ASSERT_NE(view.table_join, nullptr);
  EXPECT_EQ(view.table_join->left.table->topic, "a");
  EXPECT_TRUE(view.table_join->right.table->is_computed);
  EXPECT_TRUE(view.table_join->left.keeps_unmatched);
  EXPECT_FALSE(view.table_join->right.keeps_unmatched);
  EXPECT_THAT(view.projection, SizeIs(3));
  EXPECT_EQ(view.projection[2].expression->column, 3U);
  EXPECT_NE(view.filter, nullptr);
  EXPECT_TRUE(needs_state_with_each_commit(view));
}

TEST(TableJoinStatement, ItsTableIsJoinedByTheKeyThatIsAlwaysThere) {
  const Program program = compiled(
      "CREATE TABLE o AS SELECT b.y, a.id FROM a JOIN b ON a.id = b.id;"
      "CREATE STREAM s AS SELECT m.gateway, o.y FROM metrics m JOIN o ON m.gateway = o.id;");
  EXPECT_EQ(program.views[2].lookups[0].table->key_column, 1U);
  EXPECT_THAT(error_of("CREATE TABLE o AS SELECT b.y, a.id FROM a FULL JOIN b ON a.id = b.id;"
                       "CREATE STREAM s AS SELECT m.gateway, o.y FROM metrics m JOIN o ON m.gateway = o.id;"),
              HasSubstr("whose SELECT has no primary key"));
}

TEST(TableJoinStatement, OfARightJoinTheKeyOfTheSecondTableIsAlwaysThere) {
  const Program program = compiled(
      "CREATE TABLE o AS SELECT a.id AS other, b.id, a.x FROM a RIGHT OUTER JOIN b ON a.id = b.id; EXPLAIN o;"
      "CREATE STREAM s AS SELECT m.gateway, o.x FROM metrics m JOIN o ON m.gateway = o.id;");
  EXPECT_FALSE(program.views[1].table_join->left.keeps_unmatched);
  EXPECT_TRUE(program.views[1].table_join->right.keeps_unmatched);
  EXPECT_EQ(program.views[2].lookups[0].table->key_column, 1U);
  EXPECT_THAT(program.explanations[0].plan, HasSubstr("TableJoin right by id = id"));
  EXPECT_THAT(*program.explanations[0].duckdb, HasSubstr("RIGHT JOIN"));
}

TEST(TableJoinStatement, AnotherColumnThanThePrimaryKeyIsAForeignKey) {
  const Program program = compiled(
      "CREATE TABLE o AS SELECT a.id, b.y FROM a LEFT JOIN b ON b.id = UCASE(a.id); EXPLAIN o;"
      "CREATE TABLE counts AS SELECT CAST(value AS BIGINT) AS v, COUNT(*) AS n FROM metrics GROUP BY CAST(value AS "
      "BIGINT);"
      "CREATE TABLE p AS SELECT a.id, c.n FROM a JOIN counts c ON CAST(a.x AS BIGINT) = c.v;"
      "CREATE STREAM s AS SELECT m.gateway, o.y FROM metrics m JOIN o ON m.gateway = o.id;");
  const TableJoinSpec& join = *program.views[1].table_join;
  ASSERT_NE(join.foreign_key, nullptr);
  EXPECT_EQ(to_text(*join.foreign_key, join.left.table->columns), "UCASE(id)");
  EXPECT_TRUE(join.left.keeps_unmatched);
  EXPECT_THAT(program.views[1].definition(), HasSubstr("join by foreign key UCASE(id)\n"));
  EXPECT_EQ(program.views[3].table_join->foreign_key->type, ColumnType::kVarchar);
  EXPECT_EQ(program.views[4].lookups[0].table->key_column, 0U);
  EXPECT_THAT(program.explanations[0].plan, HasSubstr("TableJoin left by UCASE(id) = id"));
  EXPECT_THAT(program.explanations[0].operators, HasSubstr("one task for all partitions\njoin by UCASE(id) = id"));
  EXPECT_THAT(*program.explanations[0].duckdb, HasSubstr("LEFT JOIN"));
}

TEST(TableJoinStatement, RefusesWhatCannotBe) {
  const auto select = [](const std::string& rest) {
    return error_of("CREATE TABLE o AS SELECT a.x FROM a " + rest + ";");
  };
  EXPECT_THAT(select("JOIN b ON a.id = b.y"), HasSubstr("by the primary key of the second one: ON a.id = b.id"));
  EXPECT_THAT(select("JOIN b ON a.x = b.id"), HasSubstr("f.sql:2:47: the primary key of b is VARCHAR, this is DOUBLE"));
  EXPECT_THAT(select("JOIN b ON CONCAT(a.id, b.id) = b.id"),
              HasSubstr("this names a column of b; it must be of a alone"));
  EXPECT_THAT(select("JOIN b ON 'x' = b.id"), HasSubstr("this names no column of a"));
  EXPECT_THAT(select("JOIN b ON NULL = b.id"), HasSubstr("this is NULL"));
  EXPECT_THAT(select("JOIN b ON a.id > b.id"), HasSubstr("by the primary key of the second one"));
  EXPECT_THAT(select("RIGHT JOIN b ON UCASE(a.id) = b.id"),
              HasSubstr("RIGHT and FULL JOIN need the primary keys of both"));
  EXPECT_THAT(select("JOIN b ON a.id = b.id PARTITION BY a.x"), HasSubstr("a table keeps its primary key"));
  EXPECT_THAT(select("JOIN metrics ON a.id = metrics.gateway"), HasSubstr("metrics is a stream"));
  EXPECT_THAT(select("JOIN timed ON a.id = timed.id"), HasSubstr("whose rows have times"));
  EXPECT_THAT(select("JOIN a z ON a.id = z.id"), HasSubstr("a table with itself"));
  EXPECT_THAT(select("JOIN b AS a ON a.id = a.id"), HasSubstr("a is joined already"));
  EXPECT_THAT(select("JOIN b WITHIN 1 DAY ON a.id = b.id"), HasSubstr("without WITHIN"));
  EXPECT_THAT(select("JOIN b ON a.id = b.id GROUP BY a.x"), HasSubstr("GROUP BY over tables"));
  EXPECT_THAT(select("JOIN b ON a.id = b.id EMIT FINAL"), HasSubstr("never final"));
  EXPECT_THAT(select("JOIN b ON a.id = b.id JOIN totals ON a.id = totals.gateway"), HasSubstr("more than two tables"));
  EXPECT_THAT(error_of("CREATE STREAM o AS SELECT a.x FROM a JOIN b ON a.id = b.id;"),
              HasSubstr("a join of tables is a table"));
  EXPECT_THAT(error_of("CREATE TABLE o AS SELECT a.x FROM a JOIN b ON a.id = b.id;"
                       "CREATE SINK s WITH (type = 'redis', topic = 'o');"),
              HasSubstr("has results of table o"));
}

TEST(TableJoinStatement, IsExplained) {
  const Program program = compiled("CREATE TABLE o AS SELECT a.x, b.y FROM a FULL JOIN b ON a.id = b.id; EXPLAIN o;");
  const Explanation& explanation = program.explanations[0];
  EXPECT_THAT(explanation.plan, HasSubstr("    TableJoin full by id = id\n      Scan table a, topic a"));
  EXPECT_THAT(explanation.plan, HasSubstr("\n      Scan table b, topic bs"));
  EXPECT_THAT(explanation.operators, HasSubstr("read topics a (JSON) and bs (JSON)"));
  ASSERT_TRUE(explanation.duckdb);
  EXPECT_THAT(*explanation.duckdb, HasSubstr("FULL JOIN"));
}

}  // namespace
}  // namespace meterstream
