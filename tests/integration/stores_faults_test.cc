// Sinks of all three stores at once behind proxies: an outage of 30 s, answers that come late, and answers that come too late.
// Everything is as in the program but the log's producer. Run by with_cassandra, with_s3 and with_redis.
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "apps/sink_stores.h"
#include "cassandra_fixture.h"
#include "connectors/cassandra/cassandra_aggregate_store.h"
#include "connectors/lake/lake_store.h"
#include "connectors/redis/redis_latest_table.h"
#include "fault_proxy.h"
#include "metering/aggregate.h"
#include "metering/avro_encoder.h"
#include "redis_fixture.h"
#include "stream/sink_deployment.h"
#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using Steady = std::chrono::steady_clock;

constexpr int64_t kNoonMs = 1'709'294'400'000;  // 2024-03-01T12:00:00Z
constexpr int64_t kMinuteMs = 60'000;
constexpr int32_t kPartitions = 2;
constexpr int kGateways = 20;
/// What the process may grow by, whatever is behind the sinks.
constexpr int64_t kMostGrowthMb = 200;
const char* const kReadings = "metrics";
const char* const kAggregates = "metrics-aggregates-60";

uint16_t port_in(const std::string& address) {
  return static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

int64_t elapsed_ms(Steady::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - since).count();
}

void sleep_ms(int64_t duration_ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(duration_ms));
}

int64_t resident_mb() {
  int64_t all_pages = 0;
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> all_pages >> pages;
  return pages * sysconf(_SC_PAGESIZE) / 1'000'000;
}

/// What is in the stores, as a client that knows nothing of the faults reads it.
struct Contents {
  std::map<std::string, std::vector<int64_t>> window_starts;  ///< Cassandra, by gateway
  std::map<std::string, std::vector<LatestReading>> latest;   ///< Redis
  std::map<std::string, std::string> objects;                 ///< the lake, with their bytes

  [[nodiscard]] size_t rows() const {
    size_t count = 0;
    for (const auto& [gateway, starts] : window_starts) count += starts.size();
    return count;
  }
};

/// Three sinks of one configuration, of which each has its threads, as in the program.
class Sinks {
 public:
  Sinks(DataDirectory& data, const Clock& clock, std::string name, const std::string& toml)
      : data_(data), clock_(clock), name_(std::move(name)), configuration_(*parse_configuration(toml, "test")) {
    specs_ = {{name_ + "_cassandra", kAggregates, "cassandra", name_, "hours", {{"keyspace", "faults"}}},
              {name_ + "_redis", kReadings, "redis", "", "", {{"key_prefix", name_ + ":"}}},
              {name_ + "_lake", kReadings, "lake", "", "", {{"uri", "s3://lake/" + name_}}}};
    for (const SinkSpec& spec : specs_) EXPECT_TRUE(create_sink_topics(spec, data_.log(), kPartitions));
  }

  void start() {
    running_ = static_cast<int>(specs_.size());
    for (size_t number = 0; number < specs_.size(); ++number) {
      threads_.emplace_back([this, number] {
        run(specs_[number]);
        --running_;
      });
    }
  }
  /// All is in the log; until all of it is in the stores.
  void finish() {
    is_complete_ = true;
    while (running_ > 0) {
      peak_mb_ = std::max(peak_mb_, resident_mb());
      sleep_ms(20);
    }
    threads_.clear();
  }
  [[nodiscard]] int64_t growth_mb() const { return peak_mb_ - began_mb_; }

 private:
  void run(const SinkSpec& spec) {
    const CommandContext context{configuration_, false, false, {}, {}, clock_, {}};
    SinkStores stores(data_, data_.schemas(), context);
    SinkTask::Options options;
    options.durability = Durability::kBuffered;
    auto tasks =
        deploy_sinks({spec}, data_.log(), clock_, options, kPartitions,
                     [&](const SinkSpec& sink, PartitionId partition) { return stores.writer(sink, partition); });
    ASSERT_TRUE(tasks) << tasks.error().message;
    for (const auto& task : *tasks) ASSERT_TRUE(task->open()) << spec.name;
    const auto deadline = Steady::now() + std::chrono::seconds(120);
    std::vector<bool> is_done(tasks->size(), false);
    while (std::ranges::count(is_done, false) > 0) {
      ASSERT_LT(Steady::now(), deadline) << spec.name;
      bool worked = false;
      for (size_t number = 0; number < tasks->size(); ++number) {
        if (is_done[number]) continue;
        const bool was_complete = is_complete_;
        const auto step = (*tasks)[number]->step();
        ASSERT_TRUE(step) << step.error().message;
        worked |= *step == Task::Step::kWorked;
        if (*step != Task::Step::kExhausted || !was_complete) continue;
        const Status finished = (*tasks)[number]->finish(true);
        ASSERT_TRUE(finished || finished.error().code == ErrorCode::kUnavailable) << finished.error().message;
        is_done[number] = finished.has_value();
      }
      if (!worked) sleep_ms(2);
    }
  }

  DataDirectory& data_;
  const Clock& clock_;
  std::string name_;
  Configuration configuration_;
  std::vector<SinkSpec> specs_;
  std::atomic<bool> is_complete_ = false;
  std::atomic<int> running_ = 0;
  int64_t began_mb_ = resident_mb();
  int64_t peak_mb_ = 0;
  std::vector<std::jthread> threads_;
};

class StoresFaults : public testing::Test {
 protected:
  StoresFaults() {
    data_ = *DataDirectory::open(directory_.path() / "data", DataDirectory::Mode::kCreate, clock_);
    schema_ = *data_->schemas().register_schema(kMetricAvroSubject, kMetricAvroSchema);
    for (const char* topic : {kReadings, kAggregates}) EXPECT_TRUE(data_->log().create_topic({topic, kPartitions}));
  }

  /// So many readings and so many results, each window of a series once.
  void append(int count) {
    Transaction transaction;
    std::vector<RecordBatchBuilder> readings(kPartitions);
    std::vector<RecordBatchBuilder> aggregates(kPartitions);
    for (int end = appended_ + count; appended_ < end; ++appended_) {
      const SeriesKey series{fmt::format("gateway-{}", appended_ % kGateways), "ELECTRICITY", "VOLTAGE"};
      const int64_t start_ms = kNoonMs + appended_ / kGateways * kMinuteMs;
      const auto partition = static_cast<size_t>(appended_ % kGateways % kPartitions);
      const IngestTime now = clock_.now();
      readings[partition].add(series.text(),
                              encode_metric_avro(schema_, {series, EventTime(start_ms), appended_ * 0.5}), {}, now);
      Aggregate aggregate{series.gateway, series.metric_type, series.metric_attribute};
      aggregate.window_start = EventTime(start_ms);
      aggregate.window_end = EventTime(start_ms + kMinuteMs);
      aggregate.sample_count = 1;
      std::string json;
      append_aggregate_json(json, aggregate);
      aggregates[partition].add(series.text(), json, {}, now);
    }
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      const auto index = static_cast<size_t>(partition);
      transaction.appends.push_back({{kReadings, PartitionId(partition)}, std::move(readings[index])});
      transaction.appends.push_back({{kAggregates, PartitionId(partition)}, std::move(aggregates[index])});
    }
    ASSERT_TRUE(data_->log().commit(std::move(transaction), Durability::kBuffered));
  }

  [[nodiscard]] std::string settings(const std::string& cassandra, int redis_port, const std::string& s3,
                                     const std::string& request_timeout) const {
    return fmt::format(
        "[cassandra]\nhosts = \"{}\"\nrequest_timeout = \"{}\"\n"
        "[redis]\nport = {}\nrequest_timeout = \"{}\"\n"
        "[lake]\nendpoint = \"{}\"\nregion = \"us-east-1\"\naccess_key = \"meterstream\"\n"
        "secret_key = \"local-secret\"\nroll_rows = {}\nrequest_timeout = \"{}\"\n",
        cassandra, request_timeout, redis_port, request_timeout, s3, roll_rows_, request_timeout);
  }
  [[nodiscard]] std::string direct() const { return settings(cassandra_, redis_.plain_port(), s3_, "10s"); }
  [[nodiscard]] std::string through_proxies(const std::string& request_timeout) const {
    return settings(proxies_[0]->address(), proxies_[1]->port(), proxies_[2]->url(), request_timeout);
  }

  [[nodiscard]] Contents contents(const std::string& name) const {
    Contents found;
    CassandraSettings cassandra;
    cassandra.hosts = cassandra_;
    cassandra.keyspace = "faults";
    CassandraAggregateStore store(cassandra);
    const auto table = store.open(name);
    EXPECT_TRUE(table) << table.error().message;
    const auto all = (*table)->series("", 1'000, nullptr);
    for (const AggregateSeries& series : *all) {
      const auto page = (*table)->rows(series, {});
      for (const AggregateRow& row : page->rows) found.window_starts[series.gateway].push_back(row.window_start_ms);
    }
    RedisSettings redis = redis_.settings();
    redis.key_prefix = name + ":";
    const auto latest = *RedisLatestTable::make(redis, clock_, {});
    const auto gateways = latest->gateways("", 1'000, nullptr);
    for (const std::string& gateway : *gateways) found.latest[gateway] = *latest->values(gateway);
    LakeSettings lake = parse_configuration(direct(), "test")->lake;
    lake.uri = "s3://lake/" + name;
    const auto objects = *open_lake_store(lake, clock_);
    const auto listed = objects->list("");
    for (const LakeStore::Entry& entry : *listed) found.objects[entry.path] = *objects->read(entry.path);
    return found;
  }

  /// Everything is there once, and nothing else.
  void expect_the_same_as_undisturbed(const std::string& name) {
    Sinks undisturbed(*data_, clock_, name + "_quiet", direct());
    undisturbed.start();
    undisturbed.finish();
    const Contents disturbed = contents(name);
    const Contents quiet = contents(name + "_quiet");
    EXPECT_EQ(disturbed.rows(), static_cast<size_t>(appended_));
    EXPECT_TRUE(disturbed.window_starts == quiet.window_starts);
    EXPECT_EQ(disturbed.latest.size(), static_cast<size_t>(kGateways));
    EXPECT_TRUE(disturbed.latest == quiet.latest);
    EXPECT_GT(disturbed.objects.size(), 2U);
    EXPECT_TRUE(disturbed.objects == quiet.objects);
  }

  /// What the program says of one store.
  static std::vector<std::string> lines_of(const std::string& output, const std::string& sink) {
    std::vector<std::string> lines;
    std::istringstream all(output);
    for (std::string line; std::getline(all, line);) {
      if (line.starts_with("sink " + sink)) lines.push_back(line.substr(5 + sink.size()));
    }
    return lines;
  }
  static int64_t lines_in(const std::string& output) { return std::ranges::count(output, '\n'); }
  static void expect_one_outage(const std::string& output, const std::string& name);

  void delay_all(int delay_ms) {
    for (const auto& proxy : proxies_) proxy->delay_answers(delay_ms);
  }

  TemporaryDirectory directory_;
  SystemClock clock_;
  std::unique_ptr<DataDirectory> data_;
  SchemaId schema_;
  int appended_ = 0;
  /// Of the lake's objects.
  int roll_rows_ = 1'000;
  std::string cassandra_ = environment_of("METERSTREAM_TEST_CASSANDRA");
  std::string s3_ = environment_of("METERSTREAM_S3_URL");
  RedisServer redis_{testing::UnitTest::GetInstance()->current_test_info()->name()};
  /// Of Cassandra, Redis, S3. A cluster of one node has for its clients the port that they came by.
  std::vector<std::unique_ptr<FaultProxy>> proxies_ = [this] {
    std::vector<std::unique_ptr<FaultProxy>> proxies;
    proxies.push_back(std::make_unique<FaultProxy>(port_in(cassandra_)));
    proxies.push_back(std::make_unique<FaultProxy>(static_cast<uint16_t>(redis_.plain_port())));
    proxies.push_back(std::make_unique<FaultProxy>(port_in(s3_)));
    return proxies;
  }();
};

const char* const kStores[] = {"cassandra", "redis", "lake"};

/// A line when it begins and one when it ends, of each store.
void StoresFaults::expect_one_outage(const std::string& output, const std::string& name) {
  EXPECT_EQ(lines_in(output), 6) << output;
  for (const std::string store : kStores)
    EXPECT_THAT(lines_of(output, name + "_" + store), ElementsAre(StartsWith(" waits: "), " goes on")) << output;
}

TEST_F(StoresFaults, AnOutageOf30SecondsInTheMiddleChangesNothingAndIsTwoLines) {
  testing::internal::CaptureStderr();
  Sinks sinks(*data_, clock_, "outage", through_proxies("5s"));
  sinks.start();
  const auto began = Steady::now();
  bool is_down = false;
  bool was_down = false;
  while (elapsed_ms(began) < 35'000) {
    append(80);
    sleep_ms(50);
    if (!was_down && elapsed_ms(began) > 2'000) {
      for (const auto& proxy : proxies_) proxy->go_down();
      is_down = was_down = true;
    }
    if (is_down && elapsed_ms(began) > 32'000) {
      for (const auto& proxy : proxies_) proxy->come_back();
      is_down = false;
    }
  }
  sinks.finish();
  expect_one_outage(testing::internal::GetCapturedStderr(), "outage");
  EXPECT_LT(sinks.growth_mb(), kMostGrowthMb);
  expect_the_same_as_undisturbed("outage");
}

TEST_F(StoresFaults, AnswersThatComeLateSlowNobodyDownToOneRecordPerAnswer) {
  constexpr int kRecords = 20'000;
  constexpr int kDelayMs = 200;
  roll_rows_ = 5'000;
  append(kRecords);
  delay_all(kDelayMs);
  testing::internal::CaptureStderr();
  Sinks sinks(*data_, clock_, "late", through_proxies("5s"));
  const auto began = Steady::now();
  sinks.start();
  sinks.finish();
  const int64_t took_ms = elapsed_ms(began);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
  RecordProperty("took_ms", std::to_string(took_ms));
  for (const auto& proxy : proxies_) EXPECT_GT(proxy->faults(), 0);
  // Most of it is the making of keyspace and tables. Record by record it would be more than an hour.
  EXPECT_LT(took_ms, kRecords * kDelayMs / 100);
  EXPECT_LT(sinks.growth_mb(), kMostGrowthMb);
  delay_all(0);
  expect_the_same_as_undisturbed("late");
}

TEST_F(StoresFaults, AnswersThatComeTooLateAreAnOutage) {
  append(20'000);
  delay_all(3'000);
  testing::internal::CaptureStderr();
  Sinks sinks(*data_, clock_, "toolate", through_proxies("1s"));
  sinks.start();
  sleep_ms(8'000);
  delay_all(0);
  sinks.finish();
  expect_one_outage(testing::internal::GetCapturedStderr(), "toolate");
  EXPECT_LT(sinks.growth_mb(), kMostGrowthMb);
  expect_the_same_as_undisturbed("toolate");
}

}  // namespace
}  // namespace meterstream
