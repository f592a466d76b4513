// A sink alone with a real Cassandra node, killed again and again between the store's write and the commit of its position.
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "cassandra_fixture.h"
#include "connectors/cassandra/cassandra_aggregate_store.h"
#include "metering/aggregate.h"
#include "sink_lives.h"

namespace meterstream {
namespace {

constexpr int64_t kNoonMs = 1'709'294'400'000;  // 2024-03-01T12:00:00Z
constexpr int64_t kMinuteMs = 60'000;
constexpr int32_t kPartitions = 2;
constexpr int kBatchesOfKill = 4;  // of each partition; a life commits at most six
constexpr int kRecordsOfBatch = 40;
const char* const kTopic = "metrics-aggregates-60";

using Rows = std::map<std::string, std::vector<AggregateRow>>;  // of a gateway, by time

/// A window whose values tell how many readings are in it.
Aggregate aggregate_of(int gateway, int minute, int64_t count) {
  Aggregate aggregate{fmt::format("gateway-{}", gateway), "ELECTRICITY", "VOLTAGE"};
  aggregate.window_start = EventTime(kNoonMs + minute * kMinuteMs);
  aggregate.window_end = EventTime(kNoonMs + (minute + 1) * kMinuteMs);
  aggregate.sample_count = count;
  aggregate.min = -static_cast<double>(count);
  aggregate.max = static_cast<double>(count);
  aggregate.sum = Decimal::from_units(count * Decimal::kUnitsPerOne / 2);
  aggregate.average = Decimal::from_units(Decimal::kUnitsPerOne / 2);
  return aggregate;
}

class CassandraKills : public testing::Test {
 protected:
  CassandraKills() {
    settings_ = cassandra_test_settings();
    const auto data = lives_.data();
    EXPECT_TRUE(data->log().create_topic({kTopic, kPartitions}));
    EXPECT_TRUE(data->log().create_topic({fmt::format("{}-rejected", kTopic), 1}));
    for (int batch = 0; batch < kBatchesOfKill * kills_of_run(); ++batch) append_batch(*data);
  }

  /// Refinements of windows in any order, so that older ones come later too, and records that are no results.
  void append_batch(DataDirectory& data) {
    constexpr int kGateways = 10;
    constexpr int kMinutes = 200;
    constexpr int64_t kMostReadings = 60;
    Transaction transaction;
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      RecordBatchBuilder records;
      for (int record = 0; record < kRecordsOfBatch; ++record) {
        const int gateway = static_cast<int>(random_() % kGateways) * kPartitions + partition;
        const int minute = static_cast<int>(random_() % kMinutes);
        const auto count = static_cast<int64_t>(1 + random_() % kMostReadings);
        std::string json;
        append_aggregate_json(json, aggregate_of(gateway, minute, count));
        if (random_() % 100 == 0) {
          json.resize(json.size() / 2);
          ++bad_;
        } else {
          auto& most = expected_[fmt::format("gateway-{}", gateway)][minute];
          most = std::max(most, count);
        }
        records.add("key", json, {}, IngestTime(kNoonMs));
      }
      transaction.appends.push_back({{kTopic, PartitionId(partition)}, std::move(records)});
    }
    ASSERT_TRUE(data.log().commit(std::move(transaction), Durability::kBuffered));
  }

  std::string sink(const std::string& name) const {
    return fmt::format(
        "CREATE SINK {} WITH (type = 'cassandra', topic = '{}', table = '{}', bucket = 'hours', keyspace = '{}');\n",
        name, kTopic, name, settings_.keyspace);
  }

  Rows rows(const std::string& table) const {
    Rows found;
    CassandraAggregateStore store(settings_);
    const auto opened = store.open(table);
    EXPECT_TRUE(opened) << opened.error().message;
    const auto series = (*opened)->series("", SIZE_MAX, nullptr);
    EXPECT_TRUE(series) << series.error().message;
    for (const AggregateSeries& one : *series) {
      const auto page = (*opened)->rows(one, {});
      EXPECT_TRUE(page) << page.error().message;
      found[one.gateway] = page->rows;
    }
    return found;
  }

  /// One row for each window, of the refinement with the most readings.
  void expect_the_newest_of_each_window_once(const Rows& found) {
    ASSERT_EQ(found.size(), expected_.size());
    for (const auto& [gateway, windows] : expected_) {
      const std::vector<AggregateRow>& rows = found.at(gateway);
      ASSERT_EQ(rows.size(), windows.size()) << gateway;
      auto row = rows.begin();
      for (const auto& [minute, count] : windows) {
        ASSERT_EQ(row->window_start_ms, kNoonMs + minute * kMinuteMs) << gateway;
        ASSERT_EQ(row->sample_count, count) << gateway << " " << minute;
        ASSERT_EQ(row->max, static_cast<double>(count)) << gateway << " " << minute;
        ++row;
      }
    }
  }

  int64_t rejected() const {
    return lives_.data()->log().offsets({fmt::format("{}-rejected", kTopic), PartitionId(0)})->end.value;
  }

  std::mt19937_64 random_{seed_of_run()};
  CassandraSettings settings_;
  SinkLives lives_{fmt::format("[cassandra]\nhosts = \"{}\"\n", environment_of("METERSTREAM_TEST_CASSANDRA"))};
  std::map<std::string, std::map<int, int64_t>> expected_;
  int64_t bad_ = 0;
};

TEST_F(CassandraKills, ProcessesThatDieBetweenTheRowsAndThePositionLoseNothingAndTakeNothingBack) {
  lives_.live_and_die(sink("killed"), kills_of_run(), random_);
  ASSERT_FALSE(HasFatalFailure());
  lives_.start(sink("killed"));
  lives_.finish();
  EXPECT_EQ(rejected(), bad_) << "in the commit of the position";
  lives_.start(sink("quiet"));
  lives_.finish();
  EXPECT_EQ(rejected(), 2 * bad_);
  const Rows found = rows("killed");
  expect_the_newest_of_each_window_once(found);
  EXPECT_TRUE(found == rows("quiet"));
}

}  // namespace
}  // namespace meterstream
