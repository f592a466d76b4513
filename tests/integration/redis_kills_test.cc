// A sink alone with a real Redis server, killed again and again between the store's write and the commit of its position.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "connectors/redis/redis_latest_table.h"
#include "metering/avro_encoder.h"
#include "redis_fixture.h"
#include "sink_lives.h"

namespace meterstream {
namespace {

constexpr int64_t kNoonMs = 1'709'294'400'000;  // 2024-03-01T12:00:00Z
constexpr int32_t kPartitions = 2;
constexpr int kBatchesOfKill = 4;  // of each partition; a life commits at most six
constexpr int kRecordsOfBatch = 40;
/// So many that many a reading is the latest of its series, and would be missed.
constexpr int kGateways = 1'500;

/// What is kept of a gateway.
struct Kept {
  std::optional<int64_t> activity_ms;
  std::vector<LatestReading> values;
  bool operator==(const Kept&) const = default;
};
using Contents = std::map<std::string, Kept>;

class RedisKills : public testing::Test {
 protected:
  RedisKills() {
    const auto data = lives_.data();
    schema_ = *data->schemas().register_schema(kMetricAvroSubject, kMetricAvroSchema);
    EXPECT_TRUE(data->log().create_topic({"metrics", kPartitions}));
    EXPECT_TRUE(data->log().create_topic({"metrics-rejected", 1}));
    for (int batch = 0; batch < kBatchesOfKill * kills_of_run(); ++batch) append_batch(*data);
  }

  /// Readings in any order of time, so that older ones come later too, and records that are no readings. A gateway's series lie in
  /// both partitions.
  void append_batch(DataDirectory& data) {
    Transaction transaction;
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      RecordBatchBuilder records;
      for (int record = 0; record < kRecordsOfBatch; ++record) {
        const SeriesKey series{fmt::format("gateway-{}", random_() % kGateways), "ELECTRICITY",
                               partition == 0 ? "VOLTAGE" : "INTENSITY"};
        // No two at the same time.
        const int64_t time_ms = kNoonMs + static_cast<int64_t>(random_() % 100'000) * 1'000'000 + appended_;
        const double value = 0.5 * appended_++;
        std::string avro = encode_metric_avro(schema_, {series, EventTime(time_ms), value});
        if (random_() % 100 == 0) {
          avro.resize(avro.size() / 2);
          ++bad_;
        } else {
          take({series.gateway, series.metric_type, series.metric_attribute, time_ms, value});
        }
        records.add(series.text(), avro, {}, IngestTime(time_ms));
      }
      transaction.appends.push_back({{"metrics", PartitionId(partition)}, std::move(records)});
    }
    ASSERT_TRUE(data.log().commit(std::move(transaction), Durability::kBuffered));
  }
  void take(const LatestReading& reading) {
    Kept& kept = expected_[reading.gateway];
    kept.activity_ms = std::max(kept.activity_ms.value_or(0), reading.timestamp_ms);
    const auto same = std::ranges::find(kept.values, reading.metric_attribute, &LatestReading::metric_attribute);
    if (same == kept.values.end()) {
      kept.values.push_back(reading);
      std::ranges::sort(kept.values, {}, &LatestReading::metric_attribute);
    } else if (same->timestamp_ms < reading.timestamp_ms) {
      *same = reading;
    }
  }

  static std::string sink(const std::string& name) {
    return fmt::format(
        "CREATE SINK {} WITH (type = 'redis', topic = 'metrics', contents = 'both', key_prefix = '{}:');\n", name,
        name);
  }

  Contents contents(const std::string& name) const {
    RedisSettings settings = server_.settings();
    settings.key_prefix = name + ":";
    const auto table = *RedisLatestTable::make(settings, clock_, {});
    Contents found;
    const auto gateways = table->gateways("", SIZE_MAX, nullptr);
    EXPECT_TRUE(gateways) << gateways.error().message;
    for (const std::string& gateway : *gateways) found[gateway] = {*table->activity(gateway), *table->values(gateway)};
    return found;
  }

  int64_t rejected() const { return lives_.data()->log().offsets({"metrics-rejected", PartitionId(0)})->end.value; }

  std::mt19937_64 random_{seed_of_run()};
  SystemClock clock_;
  RedisServer server_{"kills"};
  SinkLives lives_{fmt::format("[redis]\nport = {}\n", server_.plain_port())};
  SchemaId schema_;
  int appended_ = 0;
  Contents expected_;
  int64_t bad_ = 0;
};

TEST_F(RedisKills, ProcessesThatDieBetweenTheValuesAndThePositionLoseNothingAndTakeNothingBack) {
  lives_.live_and_die(sink("killed"), kills_of_run(), random_);
  ASSERT_FALSE(HasFatalFailure());
  lives_.start(sink("killed"));
  lives_.finish();
  EXPECT_EQ(rejected(), bad_) << "in the commit of the position";
  lives_.start(sink("quiet"));
  lives_.finish();
  EXPECT_EQ(rejected(), 2 * bad_);
  const Contents found = contents("killed");
  EXPECT_TRUE(found == expected_);
  EXPECT_TRUE(found == contents("quiet"));
  EXPECT_EQ(server_.cli("DBSIZE"), std::to_string(2 * 2 * expected_.size()));
}

}  // namespace
}  // namespace meterstream
