// CREATE STREAM ... AS SELECT, from text to what the engine runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

Program compiled(const std::string& text) {
  auto program = compile_sql("CREATE STREAM metrics; " + text, "f.sql");
  EXPECT_TRUE(program) << program.error().message;
  return program ? *std::move(program) : Program();
}

std::string error_of(const std::string& text) {
  const auto program = compile_sql("CREATE STREAM metrics;\n" + text, "f.sql");
  return program ? "" : program.error().message;
}

std::string columns_of(const ViewSpec& view) {
  std::string text;
  for (const ProjectedColumn& column : view.projection)
    text += column.name + "=" + to_text(*column.expression, view.source->columns) + ";";
  return text;
}

TEST(StreamSelect, IsAFilterAndAProjection) {
  const Program program = compiled(
      "CREATE STREAM high WITH (topic = 'metrics_', partitions = 2) AS SELECT gateway, value * 2 AS doubled, "
      "ABS(value) FROM metrics m WHERE m.value > 240;");
  ASSERT_THAT(program.views, SizeIs(1));
  const ViewSpec& view = program.views[0];
  EXPECT_TRUE(view.is_stream());
  EXPECT_EQ(view.topic, "metrics_");
  EXPECT_EQ(view.partitions, 2);
  EXPECT_EQ(view.source, program.streams[0]);
  EXPECT_EQ(columns_of(view), "gateway=gateway;doubled=(value * 2.0);KSQL_COL_2=ABS(value);");
  ASSERT_NE(view.filter, nullptr);
  EXPECT_TRUE(view.group_by.empty());
}

TEST(StreamSelect, StarIsAllColumns) {
  const Program program = compiled("CREATE STREAM copy AS SELECT *, 1 AS one FROM metrics;");
  EXPECT_EQ(
      columns_of(program.views[0]),
      "gateway=gateway;metricType=metricType;metricAttribute=metricAttribute;timestamp=timestamp;value=value;one=1;");
}

TEST(StreamSelect, ResultIsAStreamThatOthersRead) {
  const Program program = compiled(
      "CREATE STREAM high WITH (topic = 'metrics_') AS SELECT gateway, timestamp AS \"at\", value FROM metrics;"
      "CREATE STREAM higher AS SELECT gateway, \"at\" FROM high WHERE value > 250;"
      "CREATE TABLE counts AS SELECT gateway, COUNT(*) AS n FROM high WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY gateway;");
  ASSERT_THAT(program.views, SizeIs(3));
  const StreamSpec& high = *program.views[2].source;
  EXPECT_EQ(high.topic, "metrics_");
  EXPECT_EQ(high.format, ValueFormat::kJson);
  ASSERT_THAT(high.columns, SizeIs(3));
  EXPECT_EQ(high.columns[1], (ColumnSchema{"at", ColumnType::kTimestamp}));
  EXPECT_EQ(high.timestamp_column, 1U);
  EXPECT_EQ(program.views[1].source, program.views[2].source);
  EXPECT_THAT(program.streams, SizeIs(1));
}

TEST(StreamSelect, StreamWithoutEventTimeIsWrittenAndNotRead) {
  EXPECT_EQ(error_of("CREATE STREAM names AS SELECT gateway FROM metrics;"), "");
  EXPECT_THAT(error_of("CREATE STREAM names AS SELECT gateway FROM metrics;\n"
                       "CREATE STREAM more AS SELECT gateway FROM names;"),
              HasSubstr("f.sql:3:43: stream names has no event time"));
}

TEST(StreamSelect, RefusesWhatOnlyTablesHave) {
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT COUNT(*) FROM metrics;"),
              HasSubstr("the aggregate COUNT cannot stand inside the SELECT of a stream"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT gateway FROM metrics GROUP BY gateway;"), HasSubstr("has no groups"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT gateway FROM metrics WINDOW TUMBLING (SIZE 1 HOUR);"),
              HasSubstr("has no windows"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT gateway FROM metrics HAVING gateway = '1';"),
              HasSubstr("f.sql:2:63: a stream has no groups for HAVING; WHERE leaves rows out"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT gateway FROM metrics EMIT FINAL;"),
              HasSubstr("leave EMIT FINAL out"));
  EXPECT_EQ(error_of("CREATE STREAM s AS SELECT gateway FROM metrics EMIT CHANGES;"), "");
}

TEST(StreamSelect, RefusesColumnsWithoutTypeOrNameOfTheirOwn) {
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT NULL AS nothing FROM metrics;"), HasSubstr("NULL has no type"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT *, gateway FROM metrics;"), HasSubstr("two columns gateway"));
  EXPECT_THAT(error_of("CREATE STREAM s (a BIGINT) AS SELECT gateway FROM metrics;"),
              HasSubstr("those of the SELECT; leave the list out"));
}

TEST(StreamSelect, NamesAndTopicsAreTakenOnce) {
  EXPECT_THAT(error_of("CREATE STREAM s WITH (topic = 'metrics') AS SELECT gateway FROM metrics;"),
              HasSubstr("topic metrics belongs to stream metrics already"));
  EXPECT_THAT(error_of("CREATE STREAM metrics AS SELECT gateway FROM metrics;"), HasSubstr("is used already"));
}

TEST(StreamSelect, DefinitionTellsWhatIsSelected) {
  const auto definition = [](const std::string& select) {
    return compiled("CREATE STREAM s AS SELECT " + select + " FROM metrics;").views[0].definition();
  };
  EXPECT_EQ(definition("gateway"), definition("gateway"));
  EXPECT_NE(definition("gateway"), definition("gateway AS g"));
  EXPECT_NE(definition("value + 1 AS v"), definition("value + 2 AS v"));
}

TEST(StreamSelect, SinksOfReadingsMayKeepIt) {
  EXPECT_EQ(error_of("CREATE STREAM s AS SELECT * FROM metrics; CREATE SINK l WITH (type = 'lake', topic = 's', "
                     "value_format = 'JSON');"),
            "");
}

TEST(StreamSelect, GroupsByTheSeriesOfAStreamWithAnotherKeyAreInAllPartitions) {
  const Program program = compiled(
      "CREATE STREAM keyed (meter VARCHAR KEY, gateway VARCHAR, metricType VARCHAR, metricAttribute VARCHAR, at "
      "TIMESTAMP) "
      "WITH (topic = 'keyed', value_format = 'JSON');"
      "CREATE STREAM copied AS SELECT gateway, metricType, metricAttribute, at FROM keyed;"
      "CREATE TABLE a AS SELECT gateway, metricType, metricAttribute, COUNT(*) AS n FROM keyed "
      "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY gateway, metricType, metricAttribute;"
      "CREATE TABLE b AS SELECT gateway, metricType, metricAttribute, COUNT(*) AS n FROM copied "
      "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY gateway, metricType, metricAttribute;");
  EXPECT_FALSE(groups_stay_in_partitions(program.views[1]));
  EXPECT_FALSE(groups_stay_in_partitions(program.views[2]));
}

TEST(StreamSelect, PartitionByMakesTheKeyOfItsRecords) {
  const Program program = compiled(
      "CREATE STREAM s AS SELECT timestamp, value, metricAttribute AS attribute FROM metrics WHERE value > 0 "
      "PARTITION BY metricAttribute EMIT CHANGES; EXPLAIN s;"
      "CREATE TABLE t AS SELECT attribute, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY attribute;"
      "CREATE STREAM whole AS SELECT gateway, metricType, metricAttribute, timestamp FROM metrics "
      "PARTITION BY CAST(value AS BIGINT);"
      "CREATE TABLE w AS SELECT gateway, metricType, metricAttribute, COUNT(*) AS n FROM whole "
      "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY gateway, metricType, metricAttribute;");
  EXPECT_EQ(to_text(*program.views[0].partition_by, program.views[0].source->columns), "metricAttribute");
  EXPECT_THAT(program.views[0].definition(), HasSubstr("partition by metricAttribute\n"));
  EXPECT_EQ(program.views[1].source->key_column, 2U);
  EXPECT_TRUE(groups_stay_in_partitions(program.views[1]));
  EXPECT_EQ(to_text(*program.views[2].partition_by, program.views[2].source->columns),
            "CAST(CAST(value AS BIGINT) AS VARCHAR)");
  EXPECT_EQ(program.views[3].source->key_column, std::nullopt);
  EXPECT_FALSE(groups_stay_in_partitions(program.views[3]));
  EXPECT_THAT(program.explanations[0].plan, HasSubstr("emit changes, partition by metricAttribute"));
  EXPECT_THAT(program.explanations[0].operators, HasSubstr("write topic s (JSON), by metricAttribute: each row"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT value FROM metrics PARTITION BY value;"),
              HasSubstr("f.sql:2:59: not supported yet: a key that is DOUBLE"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT value FROM metrics PARTITION BY NULL;"),
              HasSubstr("PARTITION BY NULL"));
  EXPECT_THAT(error_of("CREATE STREAM s AS SELECT value FROM metrics PARTITION BY LAG(gateway);"),
              HasSubstr("LAG cannot stand inside PARTITION BY"));
  EXPECT_THAT(
      error_of("CREATE TABLE s AS SELECT gateway, COUNT(*) AS n FROM metrics GROUP BY gateway PARTITION BY gateway;"),
      HasSubstr("a table's key is what it groups by"));
}

TEST(StreamSelect, DelimitedIsAFormatOfWhatIsDeclaredAndOfComputedStreams) {
  const Program program = compiled(
      "CREATE STREAM lines (id VARCHAR KEY, at TIMESTAMP, x DOUBLE) WITH (value_format = 'delimited', value_delimiter "
      "= ';');"
      "CREATE TABLE bounds (id VARCHAR PRIMARY KEY, high DOUBLE, note VARCHAR) WITH (value_format = 'DELIMITED', "
      "value_delimiter = 'tab');"
      "INSERT INTO bounds VALUES ('a', 2.5, 'x\ty'), ('b', NULL, '');"
      "CREATE STREAM s WITH (value_format = 'DELIMITED', value_delimiter = '|') AS SELECT l.id, at, high FROM lines l "
      "JOIN "
      "bounds b ON l.id = b.id; EXPLAIN s;"
      "CREATE STREAM u AS SELECT id FROM s;");
  const ViewSpec& view = program.views[0];
  EXPECT_EQ(view.source->format, ValueFormat::kDelimited);
  EXPECT_EQ(view.source->delimiter, ';');
  EXPECT_EQ(view.lookups[0].table->delimiter, '\t');
  EXPECT_EQ(view.result_delimiter, '|');
  EXPECT_EQ(program.views[1].source->delimiter, '|');
  EXPECT_EQ(program.inserts[0].value, "2.5\t\"x\ty\"");
  EXPECT_EQ(program.inserts[1].value, "\t\"\"");
  EXPECT_THAT(view.definition(), HasSubstr("from topic 5:lines DELIMITED by ;\n"));
  EXPECT_THAT(view.definition(), HasSubstr("results DELIMITED by |\n"));
  EXPECT_THAT(program.explanations[0].operators, HasSubstr("write topic s (DELIMITED by |): each row"));
  EXPECT_THAT(error_of("CREATE STREAM s WITH (value_delimiter = ';') AS SELECT value FROM metrics;"),
              HasSubstr("value_delimiter is for value_format = 'DELIMITED'"));
  for (const std::string delimiter : {"", ";;", "a", "1", "\"", ".", "-", "é"}) {
    EXPECT_THAT(error_of("CREATE STREAM s WITH (value_format = 'DELIMITED', value_delimiter = '" + delimiter +
                         "') AS SELECT value FROM metrics;"),
                HasSubstr("a delimiter is one character"))
        << delimiter;
  }
  EXPECT_THAT(
      error_of(
          "CREATE TABLE t WITH (value_format = 'DELIMITED') AS SELECT gateway, COUNT(*) AS n FROM metrics GROUP BY "
          "gateway;"),
      HasSubstr("there is JSON"));
  EXPECT_THAT(error_of("CREATE STREAM s WITH (value_format = 'DELIMITED');"),
              HasSubstr("a stream of DELIMITED needs its columns"));
  EXPECT_THAT(error_of("CREATE STREAM s WITH (value_format = 'DELIMITED') AS SELECT * FROM metrics;"
                       "CREATE SINK l WITH (type = 'lake', topic = 's');"),
              HasSubstr("topic s of stream s is DELIMITED"));
}

}  // namespace
}  // namespace meterstream
