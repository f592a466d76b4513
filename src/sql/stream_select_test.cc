// CREATE STREAM ... AS SELECT, from text to what the engine runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/stream_plan.h"

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

}  // namespace
}  // namespace meterstream
