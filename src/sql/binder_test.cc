#include "sql/binder.h"

#include <gtest/gtest.h>

#include "sql/parser.h"
#include "sql/stream_plan.h"

namespace meterstream {
namespace {

constexpr std::string_view kStream = "CREATE STREAM metrics WITH (topic = 'metrics');\n";

Result<Program> compile(const std::string& statements) {
  return compile_sql(std::string(kStream) + statements, "f.sql");
}

/// Place and message of the error, without the file's name.
std::string error_of(const std::string& statements) {
  const auto program = compile(statements);
  if (program) return "no error";
  const std::string& message = program.error().message;
  return message.substr(6, message.find('\n') - 6);
}

std::string table(const std::string& select, const std::string& where = "") {
  return "CREATE TABLE t AS SELECT " + select + "\nFROM metrics WINDOW TUMBLING (SIZE 1 HOUR)" + where +
         "\nGROUP BY gateway;";
}

std::string where_error(const std::string& where) {
  return error_of(table("COUNT(*) AS n", "\nWHERE " + where));
}

std::string bound_where(const std::string& where) {
  const auto program = compile(table("COUNT(*) AS n", "\nWHERE " + where));
  if (!program) return program.error().message;
  return to_text(*program->views[0].filter, program->streams[0]->columns);
}

TEST(Binder, GivesAStreamOfReadingsItsColumnsAndDefaults) {
  const auto program = compile("");
  ASSERT_TRUE(program) << program.error().message;
  const StreamSpec& stream = *program->streams.at(0);
  EXPECT_EQ(stream.columns, reading_columns());
  EXPECT_EQ(stream.timestamp_column, 3u);
  EXPECT_EQ(stream.format, ValueFormat::kAvro);
  EXPECT_FALSE(stream.deduplicate);
  EXPECT_EQ(stream.partitions, 4);
}

TEST(Binder, ReadsEveryOptionOfAStream) {
  const auto program = compile_sql(
      "CREATE STREAM s (x BIGINT, a TIMESTAMP, b TIMESTAMP) WITH (kafka_topic = 'k', VALUE_FORMAT = 'json', timestamp "
      "= 'B',"
      "deduplicate = '2 days', idle_timeout = '1m', max_ahead = '1500 milliseconds', partitions = 9)",
      "f");
  ASSERT_TRUE(program) << program.error().message;
  const StreamSpec& stream = *program->streams.at(0);
  EXPECT_EQ(stream.topic, "k");
  EXPECT_EQ(stream.format, ValueFormat::kJson);
  EXPECT_EQ(stream.timestamp_column, 2u);
  EXPECT_TRUE(stream.deduplicate);
  EXPECT_EQ(stream.deduplicate_horizon_ms, 172'800'000);
  EXPECT_EQ(stream.idle_timeout_ms, 60'000);
  EXPECT_EQ(stream.max_ahead_ms, 1'500);
  EXPECT_EQ(stream.partitions, 9);
}

TEST(Binder, KeepsSelectOrderAndSharesEqualAggregates) {
  const auto program =
      compile(table("MAX(value) AS a, gateway, AVG(value), WINDOWEND AS e, MAX(VALUE) AS b, max(value + 1)"));
  ASSERT_TRUE(program) << program.error().message;
  const ViewSpec& view = program->views.at(0);
  EXPECT_EQ(view.aggregates.size(), 3u);
  ASSERT_EQ(view.output.size(), 6u);
  EXPECT_EQ(view.output[0].index, 0u);
  EXPECT_EQ(view.output[1].from, OutputColumn::From::kGroupKey);
  EXPECT_EQ(view.output[2].name, "KSQL_COL_2");
  EXPECT_EQ(view.output[3].from, OutputColumn::From::kWindowEnd);
  EXPECT_EQ(view.output[4].index, 0u);
  EXPECT_EQ(view.output[5].index, 2u);
}

TEST(Binder, DefaultsAreKsqlDbs) {
  const auto program = compile(table("COUNT(*) AS n"));
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->views[0].grace_ms, 86'400'000);
  EXPECT_EQ(program->views[0].emit, EmitMode::kChanges);
  EXPECT_EQ(program->views[0].topic, "t");
}

TEST(Binder, TypesConditions) {
  EXPECT_EQ(bound_where("value > 1"), "(value > 1.0)");
  EXPECT_EQ(bound_where("METRICTYPE = 'GAS' AND metrics.value < -1.5"), "((metricType = 'GAS') AND (value < -1.5))");
  EXPECT_EQ(bound_where("timestamp >= '1970-01-01T00:00:01Z'"), "(timestamp >= TIMESTAMP(1000))");
  EXPECT_EQ(bound_where("value NOT BETWEEN 1 AND 2"), "(NOT ((value >= 1.0) AND (value <= 2.0)))");
  EXPECT_EQ(bound_where("CASE gateway WHEN 'a' THEN TRUE END"), "CASE WHEN (gateway = 'a') THEN TRUE ELSE NULL END");
  EXPECT_EQ(bound_where("-9223372036854775808 < CAST(value AS INT)"), "(-9223372036854775808 < CAST(value AS BIGINT))");
  EXPECT_EQ(bound_where("gateway IN ('a', NULL)"), "(gateway IN ('a', NULL))");
}

TEST(BinderError, PointsAtTypesThatDoNotFit) {
  EXPECT_EQ(where_error("value"), "4:7: a condition must be BOOLEAN, this is DOUBLE");
  EXPECT_EQ(where_error("gateway > 1"), "4:17: VARCHAR cannot be compared with BIGINT; use CAST(... AS VARCHAR)");
  EXPECT_EQ(where_error("value + gateway > 1"), "4:15: '+' needs numbers, this is VARCHAR");
  EXPECT_EQ(where_error("value LIKE '1%'"), "4:7: LIKE needs VARCHAR, this is DOUBLE");
  EXPECT_EQ(where_error("9223372036854775808 > value").substr(0, 36), "4:7: this number does not fit BIGINT");
  EXPECT_EQ(where_error("CASE WHEN TRUE THEN 1 ELSE 'a' END = 1"),
            "4:34: the results of CASE must have one type: this is VARCHAR, an earlier one is BIGINT");
  EXPECT_NE(where_error("timestamp > 'yesterday'"), "no error");
  EXPECT_NE(where_error("'a' IN ('b', timestamp)"), "no error");
  EXPECT_EQ(error_of(table("SUM(gateway)")), "2:26: SUM needs a number, this is VARCHAR");
}

TEST(BinderError, PointsAtNamesThatDoNotExistAndOffersTheNearest) {
  EXPECT_EQ(where_error("vlaue > 1"), "4:7: unknown column vlaue; did you mean value?");
  EXPECT_EQ(where_error("\"VALUE\" > 1"), "4:7: unknown column VALUE; did you mean value?");
  EXPECT_EQ(where_error("x.value > 1"), "4:7: unknown source x");
  EXPECT_EQ(error_of("CREATE TABLE t AS SELECT COUNT(*) FROM metric WINDOW TUMBLING (SIZE 1 DAY) GROUP BY gateway"),
            "2:40: unknown stream metric; did you mean metrics?");
  EXPECT_EQ(error_of(table("CUONT(*)")), "2:26: not supported yet: function CUONT; did you mean COUNT?");
  EXPECT_EQ(error_of("CREATE SINK s WITH (type = 'embedded', topik = 'a')").substr(0, 5), "2:13:");
  EXPECT_EQ(error_of("CREATE SINK s WITH (type = 'embedded', topic = 'a', buckett = 'days')"),
            "2:53: unknown option buckett; did you mean bucket?");
}

TEST(BinderError, PointsAtMisplacedAggregatesAndColumns) {
  EXPECT_EQ(where_error("COUNT(*) > 1"), "4:7: the aggregate COUNT cannot stand inside WHERE");
  EXPECT_EQ(where_error("WINDOWSTART > timestamp"), "4:7: WINDOWSTART is known after grouping only, not in WHERE");
  EXPECT_EQ(error_of(table("MAX(MIN(value))")), "2:30: the aggregate MIN cannot stand inside an aggregate");
  EXPECT_EQ(error_of(table("COUNT(*), value")), "2:36: column value must be in GROUP BY or inside an aggregate");
  EXPECT_EQ(error_of(table("gateway")), "2:26: SELECT needs at least one aggregate: COUNT, MIN, MAX, SUM or AVG");
  EXPECT_EQ(error_of(table("COUNT(*) AS n, MAX(value) AS N")),
            "2:55: the result has two columns N; give one another name with AS");
  EXPECT_EQ(error_of(table("MAX(*)")), "2:26: MAX(*) has no meaning; only COUNT takes *");
  EXPECT_EQ(error_of(table("*")).substr(0, 5), "2:26:");
}

TEST(BinderError, PointsAtTablesThatCannotBe) {
  const std::string from = "CREATE TABLE t AS SELECT COUNT(*) AS n FROM metrics ";
  EXPECT_EQ(error_of(from + "GROUP BY gateway"), "no error");
  EXPECT_EQ(error_of(from + "GROUP BY gateway EMIT FINAL").substr(0, 46),
            "2:45: a table without a window is never final;");
  EXPECT_EQ(error_of("CREATE TABLE t AS SELECT COUNT(*), WINDOWEND FROM metrics GROUP BY gateway"),
            "2:36: WINDOWEND needs a window: WINDOW TUMBLING (SIZE ...) after the source");
  EXPECT_EQ(error_of(from + "WINDOW TUMBLING (SIZE 1 DAY)").substr(0, 38), "2:45: an aggregating table needs GROUP");
  EXPECT_EQ(error_of(from + "WINDOW TUMBLING (SIZE 0 DAYS) GROUP BY gateway"),
            "2:75: the window's size must be above 0");
  EXPECT_EQ(error_of(from + "WINDOW TUMBLING (SIZE -5 DAYS) GROUP BY gateway"),
            "2:75: the window's size must be above 0");
  EXPECT_EQ(error_of(from + "WINDOW TUMBLING (SIZE 99999 DAYS) GROUP BY gateway"),
            "2:75: the window's size is longer than 100 years");
  EXPECT_EQ(error_of(from + "WINDOW TUMBLING (SIZE 2 DAYS, RETENTION 1 DAY, GRACE PERIOD 0 DAYS) GROUP BY gateway"),
            "2:93: the retention must cover the window's size and its grace period");
  EXPECT_EQ(error_of(from + "WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 61 MINUTES) GROUP BY gateway"),
            "2:93: windows that advance by more than their size leave readings out; ADVANCE BY at most SIZE");
  EXPECT_EQ(error_of(from + "WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 0 MINUTES) GROUP BY gateway"),
            "2:93: the window's advance must be above 0");
  EXPECT_EQ(error_of(from + "WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 71 MILLISECONDS) GROUP BY gateway"),
            "2:93: each reading would lie in 50704 windows; advance by more, so that it is at most 50000");
  EXPECT_EQ(error_of(from + "WINDOW HOPPING (SIZE 2 DAYS, ADVANCE BY 1 DAY, RETENTION 1 DAY) GROUP BY gateway"),
            "2:110: the retention must cover the window's size and its grace period (24 hours unless GRACE PERIOD says "
            "otherwise)");
  EXPECT_EQ(error_of(from + "WINDOW TUMBLING (SIZE 1 DAY) GROUP BY gateway, Gateway"),
            "2:100: column gateway is in GROUP BY twice");
  EXPECT_EQ(error_of(from + "WINDOW TUMBLING (SIZE 1 DAY) GROUP BY value"),
            "2:91: GROUP BY cannot take value, which is DOUBLE; CAST(... AS BIGINT) makes classes of it");
}

TEST(Binder, GivesHoppingWindowsTheirAdvanceInTheDefinition) {
  const auto compiled = [](const std::string& window) {
    const auto program = compile("CREATE TABLE t AS SELECT COUNT(*) AS n FROM metrics WINDOW " + window +
                                 " GROUP BY gateway EMIT FINAL");
    EXPECT_TRUE(program) << program.error().message;
    return program->views.at(0);
  };
  const ViewSpec hopping = compiled("HOPPING (SIZE 1 HOUR, ADVANCE BY 5 MINUTES, GRACE PERIOD 1 SECOND)");
  EXPECT_EQ(hopping.window_size_ms, 3'600'000);
  EXPECT_EQ(hopping.advance_ms, 300'000);
  EXPECT_TRUE(hopping.is_hopping());
  EXPECT_NE(hopping.definition().find("\nwindow 3600000 ms, advance 300000 ms, grace 1000 ms, emit final\n"),
            std::string::npos);
  // The same windows, so the same view.
  const ViewSpec tumbling = compiled("TUMBLING (SIZE 1 HOUR)");
  EXPECT_FALSE(tumbling.is_hopping());
  EXPECT_EQ(compiled("HOPPING (SIZE 1 HOUR, ADVANCE BY 60 MINUTES)").definition(), tumbling.definition());
  EXPECT_NE(tumbling.definition().find("\nwindow 3600000 ms, grace 86400000 ms, emit final\n"), std::string::npos);
}

TEST(BinderError, RefusesNamesAndTopicsUsedTwice) {
  EXPECT_EQ(error_of("CREATE STREAM METRICS WITH (topic = 'x')"),
            "2:15: the name METRICS is used already, by a stream");
  EXPECT_EQ(
      error_of("CREATE TABLE t WITH (topic = 'metrics') AS SELECT COUNT(*) FROM metrics WINDOW TUMBLING (SIZE 1 DAY) "
               "GROUP BY gateway"),
      "2:14: topic metrics belongs to stream metrics already; give another: WITH (topic = '...')");
  EXPECT_EQ(error_of("CREATE STREAM s WITH (topic = 'a', Topic = 'b')"), "2:36: option Topic is given twice");
  EXPECT_EQ(error_of("CREATE STREAM s WITH (topic = 'a b')"),
            "2:31: a topic's name has letters, digits, '.', '_' and '-' only");
  EXPECT_EQ(error_of("CREATE STREAM s (a INT KEY, timestamp TIMESTAMP)"),
            "2:18: not supported yet: a KEY that is BIGINT; the record's key is a VARCHAR");
  EXPECT_EQ(error_of("CREATE STREAM s (a VARCHAR KEY, b VARCHAR KEY, timestamp TIMESTAMP)"),
            "2:33: a record has one key: leave KEY out here");
}

TEST(BinderError, KeepsNestedCopiesFromGrowingWithoutBound) {
  std::string nested = "TRUE";
  for (int level = 0; level < 80; ++level) nested = "(" + nested + " BETWEEN TRUE AND TRUE)";
  EXPECT_NE(where_error(nested).find("this expression is too large"), std::string::npos);
}

TEST(LogicalPlan, PrintsANodeALine) {
  const std::string text = std::string(kStream) + table("gateway, MAX(value + 1) AS m", "\nWHERE value > 1");
  const SourceText source(text, "f.sql");
  const auto script = parse_sql(source);
  ASSERT_TRUE(script);
  Catalog catalog;
  const auto bound = bind_script(*script, source, catalog);
  ASSERT_TRUE(bound) << bound.error().message;
  EXPECT_EQ(to_text(*bound->views.at(0).plan),
            "Sink topic t with 4 partitions, emit changes\n"
            "  Project gateway AS gateway VARCHAR, \"MAX((value + 1.0))\" AS m DOUBLE\n"
            "    WindowAggregate tumbling 1h, grace 1d, by gateway: MAX((value + 1.0))\n"
            "      Filter (value > 1.0)\n"
            "        Scan stream metrics, topic metrics, event time timestamp (gateway VARCHAR, metricType VARCHAR, "
            "metricAttribute VARCHAR, timestamp TIMESTAMP, value DOUBLE)\n");
}

TEST(Binder, KnowsTheSettingsAndChecksTheirValues) {
  const auto program = compile("SET 'commit.interval' = '2 seconds'; SET 'application.id' = 'a';");
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(program->settings.at("commit.interval"), "2s");
  EXPECT_EQ(program->settings.at("application.id"), "a");
  EXPECT_EQ(error_of("SET 'foo' = 'bar';"),
            "2:5: there is no setting 'foo'; there are 'application.id' and 'commit.interval'");
  EXPECT_EQ(error_of("SET 'commit.intervall' = '1s';"),
            "2:5: there is no setting 'commit.intervall'; did you mean 'commit.interval'?");
  EXPECT_EQ(error_of("SET 'commit.interval' = '0';"), "2:25: a commit interval must be longer than 0");
  EXPECT_EQ(error_of("SET 'commit.interval' = 'abc';").substr(0, 6), "2:25: ");
  EXPECT_EQ(error_of("SET 'application.id' = '';"), "2:24: an application id must not be empty");
}

}  // namespace
}  // namespace meterstream
