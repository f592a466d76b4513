// Keyspaces that ask for more nodes than a real cluster has.
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "cassandra_fixture.h"
#include "connectors/cassandra/cassandra_aggregate_store.h"

namespace meterstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr int64_t kMinuteMs = 60'000;
const AggregateTableDefinition kTable{"minutes", kMinuteMs, AggregateBucket::kHours};

class CassandraReplication : public testing::Test {
 protected:
  /// Of one row.
  static Status write(AggregateTable& table) {
    const AggregateEntry entry{{"household-1", "ELECTRICITY", "VOLTAGE"}, {0, kMinuteMs, 1, 0.5, 1.5, 2, 1}, 1};
    RETURN_IF_ERROR(table.write(std::vector{entry}));
    return table.flush();
  }
  void execute_what_is_proposed(const std::string& message) {
    const size_t begin = message.find("ALTER KEYSPACE");
    ASSERT_NE(begin, std::string::npos) << message;
    const Status done = CassandraClient(settings_).execute(message.substr(begin));
    ASSERT_TRUE(done) << done.error().message;
  }

  CassandraSettings settings_ = [] {
    CassandraSettings settings = cassandra_test_settings();
    settings.replication_factor = 3;
    settings.retry_for_ms = 100;
    return settings;
  }();
};

TEST_F(CassandraReplication, RowsThatCannotBeKeptOftenEnoughAreWaitedForAndToldAsSuch) {
  CassandraNews news;
  news.listen_to(settings_);
  CassandraAggregateStore store(settings_);
  const auto table = store.create(kTable);
  ASSERT_TRUE(table) << table.error().message;
  const Status refused = write(**table);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("too few nodes for consistency LOCAL_QUORUM"),
                    HasSubstr("keyspace " + settings_.keyspace + " keeps each row on 3 nodes (SimpleStrategy)"),
                    HasSubstr("the cluster has 1 (1 up)"), Not(HasSubstr("does not answer"))));
  ASSERT_THAT(news.messages(), SizeIs(1));
  EXPECT_THAT(news.messages()[0], AllOf(HasSubstr("too few nodes"), HasSubstr(settings_.keyspace)));
  execute_what_is_proposed(refused.error().message);
  const Status stored = write(**table);
  EXPECT_TRUE(stored) << stored.error().message;
  EXPECT_THAT(news.messages(), SizeIs(2));
}

TEST_F(CassandraReplication, ShortageIsFoundBeforeARowIsWrittenWhateverTheConsistency) {
  settings_.consistency = "ONE";
  CassandraAggregateStore store(settings_);
  EXPECT_THAT(*store.replication_shortage(), IsEmpty()) << "there is no keyspace yet";
  const auto table = store.create(kTable);
  ASSERT_TRUE(table) << table.error().message;
  const auto shortage = store.replication_shortage();
  ASSERT_TRUE(shortage) << shortage.error().message;
  EXPECT_THAT(*shortage, AllOf(HasSubstr(settings_.keyspace), HasSubstr("on 3 nodes"), HasSubstr("has 1 (1 up)")));
  EXPECT_TRUE(write(**table));
  execute_what_is_proposed(*shortage);
  EXPECT_THAT(*store.replication_shortage(), IsEmpty());
}

TEST_F(CassandraReplication, DataCentreWithTooFewNodesIsNamed) {
  settings_.replication_strategy = "NetworkTopologyStrategy";
  settings_.local_datacentre = "datacenter1";
  CassandraAggregateStore store(settings_);
  const auto table = store.create(kTable);
  ASSERT_TRUE(table) << table.error().message;
  const Status refused = write(**table);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("(NetworkTopologyStrategy), and data centre datacenter1 has 1"),
                                             HasSubstr("{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}")));
  execute_what_is_proposed(refused.error().message);
  EXPECT_TRUE(write(**table));
}

}  // namespace
}  // namespace meterstream
