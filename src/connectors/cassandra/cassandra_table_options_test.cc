#include "connectors/cassandra/cassandra_table_options.h"

#include <gmock/gmock.h>

namespace meterstream {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kDailyJson =
    R"({"class": "org.apache.cassandra.db.compaction.TimeWindowCompactionStrategy", "compaction_window_size": "1", )"
    R"("compaction_window_unit": "DAYS", "max_threshold": "32", "min_threshold": "4"})";
constexpr std::string_view kTieredJson =
    R"({"class": "org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy", "max_threshold": "32"})";

TEST(CassandraTableOptionsTest, ATableAsItIsWantedDiffersInNothing) {
  const CassandraSettings settings;
  EXPECT_THAT(cassandra_option_differences("m.t", parse_cassandra_table_options(0, kDailyJson),
                                           cassandra_table_options(settings)),
              IsEmpty());
  CassandraSettings hours;
  hours.compaction_window_s = 86'400;
  CassandraTableOptions same = parse_cassandra_table_options(0, kDailyJson);
  same.window_unit = "HOURS";
  same.window_size = 24;
  EXPECT_THAT(cassandra_option_differences("m.t", same, cassandra_table_options(hours)), IsEmpty());
  // What Cassandra takes for an option that is not given.
  EXPECT_THAT(cassandra_option_differences(
                  "m.t", parse_cassandra_table_options(0, R"({"class":"TimeWindowCompactionStrategy"})"),
                  cassandra_table_options(settings)),
              IsEmpty());
}

TEST(CassandraTableOptionsTest, EachDifferenceNamesBothValuesAndTheStatement) {
  CassandraSettings settings;
  settings.ttl_s = 30 * 86'400;
  EXPECT_THAT(
      cassandra_option_differences("m.t", parse_cassandra_table_options(7, kTieredJson),
                                   cassandra_table_options(settings)),
      ElementsAre(
          AllOf(HasSubstr("table m.t: default_time_to_live is 7 and not 2592000"),
                HasSubstr("ALTER TABLE m.t WITH default_time_to_live = 2592000;")),
          AllOf(HasSubstr("compaction is SizeTieredCompactionStrategy and not TimeWindowCompactionStrategy with "
                          "windows of 1 DAYS"),
                HasSubstr("ALTER TABLE m.t WITH compaction = {'class': 'TimeWindowCompactionStrategy', "
                          "'compaction_window_unit': 'DAYS', 'compaction_window_size': '1'};"))));
  settings.compaction_window_s = 7'200;
  EXPECT_THAT(
      cassandra_option_differences("m.t", parse_cassandra_table_options(settings.ttl_s, kDailyJson),
                                   cassandra_table_options(settings)),
      ElementsAre(HasSubstr("with windows of 1 DAYS and not TimeWindowCompactionStrategy with windows of 2 HOURS")));
}

TEST(CassandraTableOptionsTest, OfTheListOfBucketsOnlyTheTimeToLiveCounts) {
  CassandraSettings settings;
  settings.ttl_s = 100;
  const CassandraTableOptions wanted = cassandra_buckets_options(settings, AggregateBucket::kDays);
  EXPECT_THAT(cassandra_option_differences("m.t_buckets", parse_cassandra_table_options(0, kTieredJson), wanted),
              ElementsAre(HasSubstr("default_time_to_live is 0 and not 173000")));
}

}  // namespace
}  // namespace meterstream
