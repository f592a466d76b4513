#include "connectors/cassandra/cassandra_schema.h"

#include <gmock/gmock.h>

namespace meterstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

CassandraSettings settings() {
  CassandraSettings settings;
  settings.hosts = "localhost";
  return settings;
}

TEST(CassandraSchemaTest, KeyspaceHasTheReplicationThatIsSet) {
  EXPECT_EQ(
      cassandra_keyspace_ddl(settings()),
      "CREATE KEYSPACE IF NOT EXISTS metrics WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  CassandraSettings wide = settings();
  wide.replication_strategy = "NetworkTopologyStrategy";
  wide.local_datacentre = "north's";
  wide.replication_factor = 3;
  EXPECT_EQ(
      cassandra_keyspace_ddl(wide),
      "CREATE KEYSPACE IF NOT EXISTS metrics WITH replication = {'class': 'NetworkTopologyStrategy', 'north''s': 3}");
}

TEST(CassandraSchemaTest, TableWithBucketsIsThatOfTheDesign) {
  const auto statements = cassandra_table_ddl(settings(), {"metrics_aggregates_60", 60'000, AggregateBucket::kDays});
  ASSERT_EQ(statements.size(), 3U);
  EXPECT_EQ(statements.back(),
            "CREATE TABLE IF NOT EXISTS metrics.metrics_aggregates_60 (\n"
            "  gateway text,\n"
            "  metric text,\n"
            "  attribute text,\n"
            "  bucket timestamp,\n"
            "  windowStart timestamp,\n"
            "  windowEnd timestamp,\n"
            "  sampleCount bigint,\n"
            "  min double,\n"
            "  max double,\n"
            "  sum decimal,\n"
            "  average decimal,\n"
            "  PRIMARY KEY ((gateway, metric, attribute, bucket), windowStart)\n"
            ") WITH CLUSTERING ORDER BY (windowStart DESC)\n"
            "  AND compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', "
            "'compaction_window_size': '1'}\n"
            "  AND default_time_to_live = 0\n"
            "  AND comment = 'meterstream aggregates: windows of 60000 ms, bucket days'");
}

TEST(CassandraSchemaTest, TableWithoutBucketsHasNeitherTheColumnNorTheirList) {
  const auto statements =
      cassandra_table_ddl(settings(), {"metrics_aggregates_86400", 86'400'000, AggregateBucket::kNone});
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_THAT(statements.back(), AllOf(HasSubstr("PRIMARY KEY ((gateway, metric, attribute), windowStart)"),
                                       Not(HasSubstr("bucket timestamp"))));
}

TEST(CassandraSchemaTest, TtlReachesRowsAndTheListOfBucketsOutlivesThem) {
  CassandraSettings brief = settings();
  brief.ttl_s = 30 * 3'600;
  const auto statements = cassandra_table_ddl(brief, {"t", 60'000, AggregateBucket::kHours});
  EXPECT_THAT(statements.back(), AllOf(HasSubstr("default_time_to_live = 108000"),
                                       HasSubstr("'compaction_window_unit': 'HOURS', 'compaction_window_size': '1'")));
  EXPECT_THAT(statements[1], AllOf(HasSubstr("t_buckets"), HasSubstr("default_time_to_live = 223200")));
  brief.compaction_window_s = 600;
  EXPECT_THAT(cassandra_table_ddl(brief, {"t", 60'000, AggregateBucket::kHours}).back(),
              HasSubstr("'compaction_window_unit': 'MINUTES', 'compaction_window_size': '10'"));
}

TEST(CassandraSchemaTest, CommentHoldsWindowAndBucket) {
  for (const auto bucket : {AggregateBucket::kNone, AggregateBucket::kMinutes, AggregateBucket::kHours,
                            AggregateBucket::kDays, AggregateBucket::kMonths}) {
    const AggregateTableDefinition definition{"t", 600'000, bucket};
    EXPECT_EQ(parse_cassandra_table_comment("t", cassandra_table_comment(definition)), definition);
  }
  for (const char* comment :
       {"", "mine", "meterstream series of t", "meterstream aggregates: windows of x ms, bucket days",
        "meterstream aggregates: windows of 60 ms, bucket weeks",
        "meterstream aggregates: windows of -1 ms, bucket days"})
    EXPECT_EQ(parse_cassandra_table_comment("t", comment), std::nullopt) << comment;
}

TEST(CassandraSchemaTest, WholeSchemaIsOneText) {
  const std::string text = cassandra_schema_text(settings(), usual_cassandra_tables());
  for (const char* part : {"CREATE KEYSPACE", "metrics.metrics_aggregates_60 (", "metrics.metrics_aggregates_600 (",
                           "metrics.metrics_aggregates_3600 (", "metrics.metrics_aggregates_86400 (", "bucket none'"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, Not(HasSubstr("metrics_aggregates_86400_buckets")));
}

TEST(CassandraSchemaTest, OwnColumnsAreAcceptedWithMoreBesideTheKey) {
  auto columns = cassandra_columns(AggregateBucket::kDays);
  columns.push_back({"quality", "regular", -1, "text", "none"});
  EXPECT_TRUE(check_cassandra_columns("t", AggregateBucket::kDays, columns));
}

TEST(CassandraSchemaTest, EachDifferenceIsNamed) {
  auto columns = cassandra_columns(AggregateBucket::kDays);
  std::erase_if(columns, [](const CassandraColumn& column) { return column.name == "average"; });
  for (CassandraColumn& column : columns) {
    if (column.name == "sum") column.type = "double";
    if (column.name == "windowstart") column.order = "asc";
    if (column.name == "bucket") column = {"bucket", "clustering", 0, "timestamp", "asc"};
  }
  columns.push_back({"site", "partition_key", 3, "text", "none"});
  const Status refused = check_cassandra_columns("t", AggregateBucket::kDays, columns);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  for (const char* part :
       {"table t ", "average decimal is missing", "sum is double and not decimal",
        "column windowstart is column 1 of the clustering, asc and not column 1 of the clustering, desc",
        "column bucket is column 1 of the clustering, asc and not column 4 of the partition key",
        "column site is column 4 of the partition key and should not be there"})
    EXPECT_THAT(refused.error().message, HasSubstr(part));
}

TEST(CassandraSchemaTest, NamesThatWouldNeedQuotesOrAreTooLongAreRefused) {
  EXPECT_TRUE(check_cassandra_table_name("metrics_aggregates_60"));
  EXPECT_TRUE(check_cassandra_table_name(std::string(40, 'a')));
  for (const std::string& name : {std::string(), std::string("A"), std::string("a-b"), std::string("1a"),
                                  std::string("_a"), std::string("a b"), std::string("a\"b"), std::string(41, 'a')})
    EXPECT_EQ(check_cassandra_table_name(name).error().code, ErrorCode::kInvalid) << name;
}

}  // namespace
}  // namespace meterstream
