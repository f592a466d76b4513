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

TEST(TableJoinStatement, RefusesWhatCannotBe) {
  const auto select = [](const std::string& rest) {
    return error_of("CREATE TABLE o AS SELECT a.x FROM a " + rest + ";");
  };
  EXPECT_THAT(select("JOIN b ON a.id = b.y"), HasSubstr("tables are joined by their primary keys: ON a.id = b.id"));
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
  EXPECT_THAT(explanation.operators, HasSubstr("read topics a and bs (JSON)"));
  ASSERT_TRUE(explanation.duckdb);
  EXPECT_THAT(*explanation.duckdb, HasSubstr("FULL JOIN"));
}

}  // namespace
}  // namespace meterstream
