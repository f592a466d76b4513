// Declared tables, joins with them, LAG and INSERT INTO: from text to what the engine runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::string_view kDeclarations =
    "CREATE STREAM metrics; CREATE TABLE bounds (id VARCHAR PRIMARY KEY, low DOUBLE, high DOUBLE, value BIGINT);"
    "CREATE TABLE groups (gateway VARCHAR PRIMARY KEY, since TIMESTAMP, parent VARCHAR) WITH (timestamp = 'since', "
    "partitions = 2, topic = 'gateway-groups');\n";

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

std::string text_of(const std::shared_ptr<const Expression>& expression, const ViewSpec& view) {
  return to_text(*expression, view.row_columns());
}

TEST(Join, AddsTheColumnsOfTheTableByItsPrimaryKey) {
  const Program program = compiled(
      "CREATE STREAM alarms AS SELECT m.gateway, m.value, b.high FROM metrics m "
      "JOIN bounds b ON CONCAT(m.gateway, '.x') = b.id WHERE m.value > b.high;");
  const ViewSpec& view = program.views[0];
  ASSERT_THAT(view.lookups, SizeIs(1));
  const LookupSpec& lookup = view.lookups[0];
  EXPECT_EQ(lookup.table->topic, "bounds");
  EXPECT_EQ(lookup.table->key_column, 0U);
  EXPECT_FALSE(lookup.table->valid_from_column.has_value());
  EXPECT_FALSE(lookup.keeps_unmatched);
  EXPECT_EQ(text_of(lookup.key, view), "CONCAT(gateway, '.x')");
  EXPECT_THAT(view.row_columns(), SizeIs(9));
  EXPECT_EQ(view.filter->children[0]->column, 4U);
  EXPECT_EQ(view.filter->children[1]->column, 7U);
}

TEST(Join, EitherSideOfTheConditionMayBeTheKeyAndSeveralTablesFollowOneAnother) {
  const Program program = compiled(
      "CREATE TABLE totals AS SELECT top.parent, SUM(m.value) AS total FROM metrics m "
      "LEFT JOIN groups g ON g.gateway = m.gateway INNER JOIN groups AS top ON g.parent = top.gateway "
      "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY top.parent;");
  const ViewSpec& view = program.views[0];
  ASSERT_THAT(view.lookups, SizeIs(2));
  EXPECT_TRUE(view.lookups[0].keeps_unmatched);
  EXPECT_FALSE(view.lookups[1].keeps_unmatched);
  EXPECT_EQ(view.lookups[0].table->valid_from_column, 1U);
  EXPECT_EQ(view.lookups[0].table->partitions, 2);
  EXPECT_EQ(view.lookups[1].key->column, 7U);
  EXPECT_EQ(view.group_by, std::vector<size_t>{10});
}

TEST(Join, TellsApartAndSuggestsColumns) {
  const std::string from = " FROM metrics m JOIN bounds b ON m.gateway = b.id;";
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT value" + from),
              HasSubstr("f.sql:2:27: column value is in m and in b; write m.value or b.value"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT hig" + from), HasSubstr("did you mean high?"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT b.gateway" + from),
              HasSubstr("unknown column gateway; table bounds has id, low, high, value"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT c.gateway" + from), HasSubstr("unknown source c"));
}

TEST(Join, RefusesConditionsThatAreNotTheKey) {
  const auto on = [](const std::string& condition) {
    return error_of("CREATE STREAM s AS SELECT m.gateway FROM metrics m JOIN bounds b ON " + condition + ";");
  };
  EXPECT_THAT(on("m.value = b.high"), HasSubstr("f.sql:2:77: a table is joined by its primary key: ON ... = b.id"));
  EXPECT_THAT(on("m.gateway > b.id"), HasSubstr("is joined by its primary key"));
  EXPECT_THAT(on("m.gateway = b.id AND TRUE"), HasSubstr("is joined by its primary key"));
  EXPECT_THAT(on("m.value = b.id"), HasSubstr("the key of bounds is VARCHAR, this is DOUBLE"));
  EXPECT_THAT(on("CONCAT(b.id, '') = b.id"), HasSubstr("column id is of the table itself"));
  EXPECT_THAT(on("NULL = b.id"), HasSubstr("this is NULL"));
}

TEST(Join, RefusesSourcesThatCannotBeJoined) {
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT gateway FROM metrics JOIN bound ON gateway = id;"),
              HasSubstr("unknown table bound; did you mean bounds?"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT gateway FROM metrics JOIN bounds WITHIN 1 DAY ON gateway = id;"),
              HasSubstr("f.sql:2:60: bounds is a table: leave WITHIN out"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT gateway FROM metrics FULL JOIN bounds ON gateway = id;"),
              HasSubstr("RIGHT and FULL JOIN are for two streams"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT m.gateway FROM metrics m JOIN bounds ON m.gateway = bounds.id "
                       "JOIN bounds ON m.gateway = bounds.id;"),
              HasSubstr("bounds is joined already"));
}

TEST(Join, LooksUpInTheResultsOfATableWithoutWindows) {
  const Program program = compiled(
      "CREATE TABLE totals WITH (topic = 'sums', partitions = 7) AS SELECT SUM(value) AS total, gateway FROM metrics "
      "GROUP "
      "BY gateway HAVING COUNT(*) > 1;"
      "CREATE TABLE ranks AS SELECT LEN(gateway) AS length, COUNT(*) AS n FROM metrics GROUP BY LEN(gateway);"
      "CREATE STREAM s AS SELECT m.gateway, t.total, r.n FROM metrics m LEFT JOIN totals t ON m.gateway = t.gateway "
      "JOIN ranks r ON LEN(m.metricType) = r.length;");
  const ViewSpec& view = program.views[2];
  ASSERT_THAT(view.lookups, SizeIs(2));
  EXPECT_TRUE(view.lookups[0].table->is_computed);
  EXPECT_EQ(view.lookups[0].table->topic, "sums");
  EXPECT_EQ(view.lookups[0].table->partitions, 7);
  EXPECT_EQ(view.lookups[0].table->key_column, 1U);
  EXPECT_EQ(text_of(view.lookups[1].key, view), "CAST(LEN(metricType) AS VARCHAR)");
}

TEST(Join, RefusesComputedTablesWithoutASingleKey) {
  const auto joined = [](const std::string& table) {
    return error_of("CREATE TABLE c AS SELECT " + table +
                    ";CREATE STREAM s AS SELECT m.gateway FROM metrics m JOIN c ON m.gateway = c.gateway;");
  };
  EXPECT_THAT(joined("gateway, COUNT(*) FROM metrics WINDOW TUMBLING (SIZE 1 DAY) GROUP BY gateway"),
              HasSubstr("a join with c, which has a result for each window"));
  EXPECT_THAT(joined("gateway, metricType, COUNT(*) FROM metrics GROUP BY gateway, metricType"),
              HasSubstr("whose primary key has several columns"));
  EXPECT_THAT(joined("COUNT(*) AS gateway FROM metrics GROUP BY gateway"), HasSubstr("leaves out what it groups by"));
  EXPECT_THAT(joined("value > 1 AS gateway, COUNT(*) FROM metrics GROUP BY value > 1"),
              HasSubstr("whose primary key is BOOLEAN"));
}

TEST(DeclaredTable, NeedsOnePrimaryKeyOfText) {
  EXPECT_THAT(error_of("CREATE TABLE t (a VARCHAR);"), HasSubstr("needs columns with a primary key"));
  EXPECT_THAT(error_of("CREATE TABLE t;"), HasSubstr("needs columns with a primary key"));
  EXPECT_THAT(error_of("CREATE TABLE t (a BIGINT PRIMARY KEY);"), HasSubstr("a primary key that is BIGINT"));
  EXPECT_THAT(error_of("CREATE TABLE t (a VARCHAR PRIMARY KEY, b VARCHAR PRIMARY KEY);"),
              HasSubstr("a primary key of several columns"));
  EXPECT_THAT(error_of("CREATE TABLE t (a VARCHAR PRIMARY KEY, A BIGINT);"), HasSubstr("declared twice"));
  EXPECT_THAT(error_of("CREATE TABLE t (a VARCHAR PRIMARY KEY) WITH (timestamp = 'a');"),
              HasSubstr("a row is valid from a TIMESTAMP on"));
  EXPECT_THAT(error_of("CREATE TABLE t (a VARCHAR PRIMARY KEY, at TIMESTAMP) WITH (timestamp = 'att');"),
              HasSubstr("did you mean at?"));
  EXPECT_THAT(error_of("CREATE STREAM s (a VARCHAR PRIMARY KEY);"), HasSubstr("a stream has no PRIMARY KEY"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT gateway FROM bounds;"), HasSubstr("bounds"));
}

TEST(LagOfAStream, IsAColumnBehindThoseOfTheSources) {
  const Program program = compiled(
      "CREATE STREAM changes AS SELECT m.gateway, LAG(m.value) AS was, LAG(m.gateway, 1, 'none') AS other FROM metrics "
      "m "
      "JOIN bounds b ON m.gateway = b.id WHERE m.value <> LAG(m.value, 1, 0.5);");
  const ViewSpec& view = program.views[0];
  ASSERT_THAT(view.lags, SizeIs(3));
  EXPECT_EQ(view.filter->children[1]->column, 9U);
  EXPECT_EQ(text_of(view.lags[0].first, view), "0.5");
  EXPECT_EQ(view.projection[1].expression->column, 10U);
  EXPECT_EQ(view.lags[1].first, nullptr);
  EXPECT_EQ(view.projection[2].expression->column, 11U);
  EXPECT_EQ(view.projection[2].expression->type, ColumnType::kVarchar);
}

TEST(LagOfAStream, GoesBackSeveralRows) {
  const Program program =
      compiled("CREATE STREAM s AS SELECT LAG(value, 3) AS was, LAG(value) AS before FROM metrics;");
  EXPECT_EQ(program.views[0].lags[0].rows, 3U);
  EXPECT_EQ(program.views[0].lags[1].rows, 1U);
  EXPECT_THAT(program.views[0].definition(), HasSubstr("lag of value 3 rows before or NULL\nlag of value or NULL\n"));
}

TEST(LagOfAStream, TakesAWholeNumberAsTheFirstDouble) {
  const Program program = compiled("CREATE STREAM s AS SELECT LAG(value, 1, 0) AS was FROM metrics;");
  EXPECT_EQ(program.views[0].lags[0].first->type, ColumnType::kDouble);
}

TEST(Join, OfOneTableTwiceNeedsTheAliases) {
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT bounds.low FROM metrics m JOIN bounds a ON m.gateway = a.id "
                       "JOIN bounds b ON m.metricType = b.id;"),
              HasSubstr("unknown source bounds"));
}

TEST(LagOfAStream, RefusesWhatItCannotDo) {
  const auto select = [](const std::string& item) {
    return error_of("CREATE STREAM s AS SELECT " + item + " AS x FROM metrics;");
  };
  EXPECT_THAT(select("LAG()"), HasSubstr("LAG takes a value"));
  for (const std::string rows : {"0", "-1", "1001", "1.5", "99999999999999999999", "value"})
    EXPECT_THAT(select("LAG(value, " + rows + ")"), HasSubstr("LAG goes back 1 to 1000 rows")) << rows;
  EXPECT_THAT(select("LAG(value, 1, 'a')"), HasSubstr("LAG's value is DOUBLE and its first is VARCHAR"));
  EXPECT_THAT(select("LAG(LAG(value))"), HasSubstr("LAG cannot stand inside LAG"));
  EXPECT_THAT(select("LAG(NULL)"), HasSubstr("always NULL"));
  EXPECT_THAT(
      error_of("CREATE TABLE t AS SELECT gateway, MAX(LAG(value)) FROM metrics WINDOW TUMBLING (SIZE 1 DAY) GROUP BY "
               "gateway;"),
      HasSubstr("LAG cannot stand inside an aggregate"));
}

TEST(Insert, MakesARecordOfEachRow) {
  const Program program = compiled(
      "INSERT INTO bounds VALUES ('1.A', 1, 2.5, 3), ('2.A', NULL, -1e3, 2 * 3);"
      "INSERT INTO groups (parent, gateway, since) VALUES ('north \"1\"', '1', '2007-01-01T00:00:00Z');"
      "INSERT INTO bounds (high, id) VALUES (7, CONCAT('3', '.A'));");
  ASSERT_THAT(program.inserts, SizeIs(4));
  EXPECT_EQ(program.inserts[0].key, "1.A");
  EXPECT_EQ(program.inserts[0].value, R"({"low":1,"high":2.5,"value":3})");
  EXPECT_EQ(program.inserts[1].value, R"({"low":null,"high":-1000,"value":6})");
  EXPECT_EQ(program.inserts[2].table->topic, "gateway-groups");
  EXPECT_EQ(program.inserts[2].value, R"({"since":"2007-01-01T00:00:00Z","parent":"north \"1\""})");
  EXPECT_EQ(program.inserts[3].key, "3.A");
  EXPECT_EQ(program.inserts[3].value, R"({"low":null,"high":7,"value":null})");
}

TEST(Insert, RefusesValuesThatDoNotFit) {
  EXPECT_THAT(error_of("INSERT INTO bounds VALUES ('1', 1, 2);"), HasSubstr("the row has 3 values for 4 columns"));
  EXPECT_THAT(error_of("INSERT INTO bounds (id, lo) VALUES ('1', 1);"),
              HasSubstr("unknown column lo; did you mean low?"));
  EXPECT_THAT(error_of("INSERT INTO bounds (id, low, LOW) VALUES ('1', 1, 2);"),
              HasSubstr("column LOW is given twice"));
  EXPECT_THAT(error_of("INSERT INTO bounds (id, value) VALUES ('1', 1.5);"),
              HasSubstr("column value is BIGINT, this is DOUBLE"));
  EXPECT_THAT(error_of("INSERT INTO bounds (id, low) VALUES ('1', value);"),
              HasSubstr("VALUES takes constants, no columns"));
  EXPECT_THAT(error_of("INSERT INTO bounds (low) VALUES (1);"),
              HasSubstr("the row has no id, which is the primary key"));
  EXPECT_THAT(error_of("INSERT INTO groups VALUES ('1', 'today', 'x');"), HasSubstr("this is no TIMESTAMP"));
  EXPECT_THAT(error_of("INSERT INTO bounds (id, low) VALUES ('1', 1 / 0);"), HasSubstr("this is no DOUBLE"));
}

}  // namespace
}  // namespace meterstream
