// GROUP BY, HAVING and calculations with results, from text to what the engine runs.
#include "sql/result_binder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/binder.h"
#include "sql/parser.h"
#include "sql/stream_plan.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::string_view kStreams =
    "CREATE STREAM metrics; CREATE STREAM states (meter VARCHAR, number BIGINT, leaking BOOLEAN, \"read at\" "
    "TIMESTAMP) "
    "WITH (value_format = 'JSON');\n";

Result<Program> compile(const std::string& statements) {
  return compile_sql(std::string(kStreams) + statements, "f.sql");
}

ViewSpec compiled(const std::string& statement) {
  const auto program = compile(statement);
  EXPECT_TRUE(program) << program.error().message;
  return program ? program->views.at(0) : ViewSpec();
}

/// Place and message of the error, without the file's name.
std::string error_of(const std::string& statement) {
  const auto program = compile(statement);
  if (program) return "no error";
  const std::string& message = program.error().message;
  return message.substr(6, message.find('\n') - 6);
}

std::string table(const std::string& select, const std::string& group_by = "gateway", const std::string& having = "") {
  return "CREATE TABLE t AS SELECT " + select + "\nFROM metrics WINDOW TUMBLING (SIZE 1 HOUR)\nGROUP BY " + group_by +
         (having.empty() ? "" : "\nHAVING " + having) + ";";
}

std::string calculation_of(const ViewSpec& view, size_t column) {
  EXPECT_EQ(view.output.at(column).from, OutputColumn::From::kCalculation);
  return to_text(*view.calculations.at(view.output[column].index), view.result_columns());
}

TEST(ResultBinder, CalculatesWithAggregatesGroupsAndBoundsOfTheWindow) {
  const ViewSpec view =
      compiled(table("SUM(value) / COUNT(*) AS mean, gateway, UCASE(gateway) AS loud, MAX(value), 7 AS seven, "
                     "UNIX_TIMESTAMP(WINDOWEND) - UNIX_TIMESTAMP(WINDOWSTART), "
                     "CASE WHEN MAX(value) > 240 THEN 'OVER' ELSE 'OK' END AS state"));
  EXPECT_EQ(calculation_of(view, 0), "(\"SUM(value)\" / \"COUNT(*)\")");
  EXPECT_EQ(view.output[1].from, OutputColumn::From::kGroupKey);
  EXPECT_EQ(calculation_of(view, 2), "UCASE(gateway)");
  EXPECT_EQ(view.output[3].from, OutputColumn::From::kAggregate);
  EXPECT_EQ(view.output[3].index, 2U);
  EXPECT_EQ(calculation_of(view, 4), "7");
  EXPECT_EQ(view.output[5].name, "KSQL_COL_5");
  EXPECT_EQ(calculation_of(view, 5), "(UNIX_TIMESTAMP(WINDOWEND) - UNIX_TIMESTAMP(WINDOWSTART))");
  EXPECT_EQ(calculation_of(view, 6), "CASE WHEN (\"MAX(value)\" > 240.0) THEN 'OVER' ELSE 'OK' END");
  EXPECT_THAT(view.aggregates, SizeIs(3));
  EXPECT_EQ(view.having, nullptr);
}

TEST(ResultBinder, TypesOfResultsAreThoseOfTheirAggregates) {
  const auto type = [](const std::string& item) {
    return compiled(table(item + " AS x, COUNT(*) AS n")).calculations.at(0)->type;
  };
  EXPECT_EQ(type("-COUNT(value)"), ColumnType::kBigint);
  EXPECT_EQ(type("COALESCE(AVG(CAST(value AS BIGINT)), 0)"), ColumnType::kDouble);
  EXPECT_EQ(type("-SUM(CAST(value AS BIGINT))"), ColumnType::kBigint);
  EXPECT_EQ(type("-SUM(value)"), ColumnType::kDouble);
  EXPECT_EQ(type("CASE WHEN TRUE THEN MAX(timestamp) END"), ColumnType::kTimestamp);
}

TEST(ResultBinder, HavingTakesAggregatesThatAreNotSelected) {
  const ViewSpec view =
      compiled(table("gateway, COUNT(*) AS n", "gateway", "MAX(value) > 5 AND COUNT(*) > 2 AND gateway LIKE 'h%'"));
  ASSERT_NE(view.having, nullptr);
  EXPECT_EQ(to_text(*view.having, view.result_columns()),
            "((\"MAX(value)\" > 5.0) AND (\"COUNT(*)\" > 2) AND (gateway LIKE 'h%'))");
  EXPECT_THAT(view.aggregates, SizeIs(2));
  EXPECT_THAT(view.output, SizeIs(2));
  EXPECT_THAT(view.calculations, SizeIs(0));
  EXPECT_EQ(compiled(table("gateway", "gateway", "COUNT(*) > 1")).aggregates.size(), 1U);
}

TEST(ResultBinder, SpreadsHaveShortNamesAndAreDouble) {
  const ViewSpec view = compiled(
      table("STDDEV(value), stddev_samp(value) AS b, VARIANCE(CAST(value AS BIGINT)) AS c, VAR_POP(value) AS d, "
            "STDDEV_POP(value) AS e"));
  ASSERT_THAT(view.aggregates, SizeIs(4));
  EXPECT_EQ(view.output[1].index, 0U);
  const std::string names[] = {"STDDEV_SAMP(value)", "VAR_SAMP(CAST(value AS BIGINT))", "VAR_POP(value)",
                               "STDDEV_POP(value)"};
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(view.result_columns().at(3 + i), (ColumnSchema{names[i], ColumnType::kDouble}));
  EXPECT_EQ(error_of(table("VARIANCE(timestamp)")), "2:26: VARIANCE needs a number, this is TIMESTAMP");
}

TEST(ResultBinder, GroupsByColumnsOfAllTypesThatCountAndByExpressions) {
  const ViewSpec view = compiled(
      "CREATE TABLE t AS SELECT meter, number AS no, leaking, \"read at\" AS t, hour(\"read at\", 'Europe/Athens') AS "
      "h, "
      "number + 1, COUNT(*) AS n FROM states WINDOW TUMBLING (SIZE 1 HOUR) "
      "GROUP BY meter, number, leaking, \"read at\", HOUR(states.\"read at\", 'Europe/Athens') HAVING HOUR(`read at`, "
      "'Europe/Athens') < 7;");
  EXPECT_EQ(view.group_by, (std::vector<size_t>{0, 1, 2, 3, 4}));
  ASSERT_THAT(view.group_expressions, SizeIs(1));
  EXPECT_EQ(view.group_column(4), (ColumnSchema{"HOUR(\"read at\", 'Europe/Athens')", ColumnType::kBigint}));
  EXPECT_FALSE(view.groups_by_texts());
  EXPECT_EQ(view.output[4].from, OutputColumn::From::kGroupKey);
  EXPECT_EQ(view.output[4].index, 4U);
  EXPECT_EQ(calculation_of(view, 5), "(number + 1)");
  EXPECT_EQ(to_text(*view.having, view.result_columns()), "(\"HOUR(\"\"read at\"\", 'Europe/Athens')\" < 7)");
  EXPECT_EQ(view.output[1].name, "no");
}

TEST(ResultBinder, FindsAGroupInsideOfACalculation) {
  const ViewSpec view = compiled(
      table("MINUTE(timestamp) * 60 + MINUTE(timestamp) / 2 AS x, COUNT(*) AS n", "gateway, MINUTE(timestamp)"));
  EXPECT_EQ(calculation_of(view, 0), "((\"MINUTE(timestamp)\" * 60) + (\"MINUTE(timestamp)\" / 2))");
}

TEST(ResultBinder, ColumnsOfOneNameInTwoSourcesAreNotOne) {
  const auto program = compile(
      "CREATE TABLE bounds (id VARCHAR PRIMARY KEY, value DOUBLE, gateway VARCHAR); "
      "CREATE TABLE t AS SELECT UCASE(m.gateway) AS g, SUM(m.value) AS mine, SUM(b.value) AS theirs, "
      "SUM(b.value) / SUM(m.value) AS share FROM metrics m JOIN bounds b ON m.gateway = b.id "
      "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY UCASE(b.gateway), UCASE(m.gateway), b.id HAVING UCASE(b.gateway) <> "
      "'X';");
  ASSERT_TRUE(program) << program.error().message;
  const ViewSpec& view = program->views.at(0);
  EXPECT_EQ(view.group_by, (std::vector<size_t>{8, 9, 5}));
  EXPECT_EQ(view.output[0].index, 1U);
  ASSERT_THAT(view.aggregates, SizeIs(2));
  EXPECT_EQ(view.aggregates[0].argument->column, 4U);
  EXPECT_EQ(view.aggregates[1].argument->column, 6U);
  EXPECT_EQ(view.calculations.at(0)->children[0]->column, 6U);
  EXPECT_EQ(view.having->children[0]->column, 0U);
  EXPECT_FALSE(view.groups_by_texts());
  const auto definition = [](const std::string& argument) {
    return compile(
               "CREATE TABLE bounds (id VARCHAR PRIMARY KEY, value DOUBLE); CREATE TABLE t AS SELECT SUM(" + argument +
               ") AS s FROM metrics m JOIN bounds b ON m.gateway = b.id WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY b.id;")
        ->views.at(0)
        .definition();
  };
  EXPECT_NE(definition("m.value"), definition("b.value"));
}

TEST(ResultBinderError, PointsAtWhatCannotBeCalculated) {
  EXPECT_EQ(error_of(table("COUNT(*) + value AS x")), "2:37: column value must be in GROUP BY or inside an aggregate");
  EXPECT_EQ(error_of(table("MAX(value) + gateway")), "2:39: '+' needs numbers, this is VARCHAR");
  EXPECT_EQ(error_of(table("COUNT(*), NULL AS nothing")), "2:36: NULL has no type; say one: CAST(NULL AS DOUBLE)");
  EXPECT_EQ(error_of(table("UCASE(gateway) AS loud")),
            "2:26: SELECT needs at least one aggregate: COUNT, MIN, MAX, SUM or AVG");
  EXPECT_EQ(error_of(table("MAX(SUM(value) + 1)")), "2:30: the aggregate SUM cannot stand inside an aggregate");
  EXPECT_THAT(error_of(table("ABS(COUNT(*), 1)")), HasSubstr("2:26: ABS does not take (BIGINT, BIGINT)"));
}

TEST(ResultBinderError, PointsAtHavingThatCannotBe) {
  const auto having_error = [](const std::string& having) {
    return error_of(table("COUNT(*) AS n", "gateway", having));
  };
  EXPECT_EQ(having_error("COUNT(*)"), "5:8: a condition must be BOOLEAN, this is BIGINT");
  EXPECT_EQ(having_error("value > 1"), "5:8: column value must be in GROUP BY or inside an aggregate");
  EXPECT_EQ(having_error("n > 1"),
            "5:8: unknown column n; stream metrics has gateway, metricType, metricAttribute, timestamp, value");
  EXPECT_THAT(having_error("MAX(gateway) > 1"), HasSubstr("VARCHAR cannot be compared with BIGINT"));
  EXPECT_EQ(having_error("CUONT(*) > 1"), "5:8: not supported yet: function CUONT; did you mean COUNT?");
  EXPECT_THAT(
      error_of("CREATE TABLE t AS SELECT COUNT(*) FROM metrics WINDOW TUMBLING (SIZE 1 DAY) HAVING COUNT(*) > 1;"),
      HasSubstr("needs GROUP BY"));
}

TEST(ResultBinderError, PointsAtGroupsThatCannotBe) {
  const auto group_error = [](const std::string& group_by) { return error_of(table("COUNT(*) AS n", group_by)); };
  EXPECT_EQ(group_error("gateway, value * 2"),
            "4:25: GROUP BY cannot take (value * 2.0), which is DOUBLE; CAST(... AS BIGINT) makes classes of it");
  EXPECT_EQ(group_error("1"), "4:10: GROUP BY needs columns; this is the same for every row");
  EXPECT_EQ(group_error("gateway, HOUR(timestamp), hour(metrics.timestamp)"),
            "4:36: HOUR(timestamp) is in GROUP BY twice");
  EXPECT_EQ(group_error("COUNT(*)"), "4:10: the aggregate COUNT cannot stand inside GROUP BY");
  EXPECT_EQ(group_error("WINDOWSTART"), "4:10: WINDOWSTART is known after grouping only, not in GROUP BY");
  EXPECT_EQ(group_error("getaway"), "4:10: unknown column getaway; did you mean gateway?");
  EXPECT_EQ(error_of(table("COUNT(*) AS n, HOUR(timestamp)", "gateway, MINUTE(timestamp)")),
            "2:46: column timestamp must be in GROUP BY or inside an aggregate");
  EXPECT_EQ(error_of(table("COUNT(*) AS n, timestamp", "gateway, MINUTE(timestamp)")),
            "2:41: column timestamp must be in GROUP BY or inside an aggregate");
}

TEST(ResultBinder, DefinitionOfPlainResultsStays) {
  // As it is in the checkpoints of older programs.
  EXPECT_EQ(compiled("CREATE TABLE t WITH (topic = 'x') AS SELECT WINDOWSTART AS \"from\", MAX(value + 1) AS m, "
                     "gateway, COUNT(*) AS n "
                     "FROM metrics WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 5 MINUTES) WHERE value > 0 "
                     "GROUP BY metricType, gateway EMIT FINAL;")
                .definition(),
            "view 1:t to topic 1:x\nfrom topic 7:metrics AVRO\ncolumn 7:gateway VARCHAR\ncolumn 10:metricType VARCHAR\n"
            "column 15:metricAttribute VARCHAR\ncolumn 9:timestamp TIMESTAMP\ncolumn 5:value DOUBLE\n"
            "event time column 3\nwindow 3600000 ms, grace 300000 ms, emit final\nfilter (value > 0.0)\ngroup by 1\n"
            "group by 0\naggregate MAX((value + 1.0))\naggregate COUNT(*)\noutput 4:from from window start 0\n"
            "output 1:m from aggregate 0\noutput 7:gateway from key 1\noutput 1:n from aggregate 1\n");
}

TEST(ResultBinder, DefinitionTellsHavingCalculationsAndGroups) {
  const std::string plain = compiled(table("gateway, COUNT(*) AS n")).definition();
  const std::string with_having = compiled(table("gateway, COUNT(*) AS n", "gateway", "COUNT(*) > 1")).definition();
  EXPECT_NE(plain, with_having);
  EXPECT_NE(with_having, compiled(table("gateway, COUNT(*) AS n", "gateway", "COUNT(*) > 2")).definition());
  EXPECT_NE(compiled(table("gateway, COUNT(*) + 1 AS n")).definition(),
            compiled(table("gateway, COUNT(*) + 2 AS n")).definition());
  EXPECT_NE(compiled(table("COUNT(*) AS n", "gateway, HOUR(timestamp)")).definition(),
            compiled(table("COUNT(*) AS n", "gateway, MINUTE(timestamp)")).definition());
  EXPECT_THAT(with_having, HasSubstr("having (\"COUNT(*)\" > 1)\n"));
  EXPECT_THAT(plain, Not(HasSubstr("having")));
}

TEST(ResultBinder, PlanShowsHavingAboveTheWindows) {
  const std::string text = std::string(kStreams) + table("HOUR(timestamp) AS h, MAX(value) + 1 AS m",
                                                         "gateway, HOUR(timestamp)", "COUNT(*) > 1");
  const SourceText source(text, "f.sql");
  const auto script = parse_sql(source);
  ASSERT_TRUE(script);
  Catalog catalog;
  const auto bound = bind_script(*script, source, catalog);
  ASSERT_TRUE(bound) << bound.error().message;
  EXPECT_THAT(
      to_text(*bound->views.at(0).plan),
      HasSubstr("  Project \"HOUR(timestamp)\" AS h BIGINT, (\"MAX(value)\" + 1.0) AS m DOUBLE\n"
                "    Filter (\"COUNT(*)\" > 1)\n"
                "      WindowAggregate tumbling 1h, grace 1d, by gateway, HOUR(timestamp): MAX(value), COUNT(*)\n"
                "        Scan"));
}

}  // namespace
}  // namespace meterstream
