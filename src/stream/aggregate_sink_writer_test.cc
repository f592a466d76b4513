#include "stream/aggregate_sink_writer.h"

#include <gtest/gtest.h>

#include "state/embedded_aggregate_store.h"
#include "state/memory_store.h"

namespace meterstream {
namespace {

std::string json(const std::string& gateway, const std::string& count) {
  return R"({"windowStart":"2007-01-01T00:00:00Z","windowEnd":"2007-01-01T00:01:00Z","sampleCount":)" + count +
         R"(,"min":1,"max":1,"sum":1,"average":1,"metricType":"GAS","metricAttribute":"GAS_IDD","gateway":")" +
         gateway + "\"}";
}

class AggregateSinkWriterTest : public testing::Test {
 protected:
  std::vector<SinkWriter::Rejected> add(SinkWriter& writer, const std::vector<std::string>& values) {
    RecordSet records;
    for (const std::string& value : values) records.records.push_back({.key = "k", .value = value});
    std::vector<SinkWriter::Rejected> rejected;
    EXPECT_TRUE(writer.add(records, rejected));
    return rejected;
  }
  MemoryStore kept_;
  EmbeddedAggregateStore store_{kept_};
};

TEST_F(AggregateSinkWriterTest, RejectsWhatSomeStoreCouldNotHold) {
  AggregateSinkWriter writer(store_, {.name = "t"});
  ASSERT_TRUE(writer.open(Offset(0)));
  const auto rejected = add(writer, {json("g", "2"), json("g", "0"), json("g", "-4"), json("g", "9000000000000000000"),
                                     json(std::string(70'000, 'x'), "1"), "rubbish"});
  ASSERT_EQ(rejected.size(), 5U);
  EXPECT_EQ(rejected[0].index, 1U);
  EXPECT_EQ(rejected[0].reason, "sampleCount 0 is no count of readings");
  EXPECT_EQ(*writer.settle(Offset(6), SinkWriter::Settle::kPeriodic), Offset(6));
  auto table = store_.open("t");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ((*table)->series({}, SIZE_MAX, nullptr)->size(), 1U);
}

TEST_F(AggregateSinkWriterTest, DefinitionTellsStoresTablesAndBucketsApart) {
  const std::string first = AggregateSinkWriter(store_, {.name = "t"}).definition();
  EXPECT_NE(AggregateSinkWriter(store_, {.name = "u"}).definition(), first);
  EXPECT_NE(AggregateSinkWriter(store_, {.name = "t", .bucket = AggregateBucket::kHours}).definition(), first);
  EXPECT_NE(AggregateSinkWriter(store_, {.name = "t"}, "cassandra keyspace k").definition(), first);
}

}  // namespace
}  // namespace meterstream
