// A sink of latest readings on a real Redis server, killed again and again on both sides.
#include <map>
#include <random>
#include <sstream>

#include <gmock/gmock.h>

#include "connectors/redis/redis_latest_table.h"
#include "log/embedded_log.h"
#include "metering/avro_encoder.h"
#include "metering/memory_schema_store.h"
#include "metering/timestamp.h"
#include "redis_fixture.h"
#include "state/memory_store.h"
#include "stream/latest_sink_writer.h"
#include "stream/sink_task.h"

namespace meterstream {
namespace {

using testing::HasSubstr;

constexpr int64_t kNoonMs = 1'167'652'800'000;  // 2007-01-01T12:00:00Z
constexpr int32_t kPartitions = 4;
constexpr int kReadings = 20'000;
constexpr int kReadingsOfCommit = 100;

class RedisSink : public testing::Test {
 protected:
  RedisSink() {
    EXPECT_TRUE(log_->create_topic({"metrics", kPartitions}));
    EXPECT_TRUE(log_->create_topic({"metrics-rejected", 1}));
  }

  /// Readings in any order of time, some of them no readings; a gateway's series lie in different partitions.
  void append_readings() {
    for (int number = 0; number < kReadings; number += kReadingsOfCommit) append_readings(number, kReadingsOfCommit);
  }
  void append_readings(int first, int count) {
    std::vector<RecordBatchBuilder> batches(kPartitions);
    for (int number = first; number < first + count; ++number) {
      const SeriesKey series{"gateway-" + std::to_string(random_() % 40), "ELECTRICITY",
                             random_() % 2 == 0 ? "VOLTAGE" : "INTENSITY"};
      const int64_t time_ms = kNoonMs + static_cast<int64_t>(random_() % 1'000'000) * 1'000 + number % 1'000;
      const auto value = static_cast<double>(number);
      std::string record = encode_metric_avro(id_, {series, EventTime(time_ms), value});
      if (number % 100 == 7) {
        record.resize(20);
        ++bad_;
      } else {
        auto& latest = latest_[series.gateway][series.metric_type + "." + series.metric_attribute];
        latest = std::max(latest, {time_ms, value});
      }
      const auto partition = static_cast<size_t>(partition_for_key(series.text(), kPartitions).value);
      batches[partition].add(series.text(), record, {}, IngestTime(time_ms));
    }
    Transaction transaction;
    for (size_t partition = 0; partition < kPartitions; ++partition) {
      if (batches[partition].empty()) continue;
      transaction.appends.push_back(
          {{"metrics", PartitionId(static_cast<int32_t>(partition))}, std::move(batches[partition])});
    }
    ASSERT_TRUE(log_->commit(std::move(transaction), Durability::kSync));
  }

  std::unique_ptr<SinkTask> make_task(const RedisSettings& settings, int32_t partition) {
    auto table = RedisLatestTable::make(settings, clock_, {});
    EXPECT_TRUE(table);
    LatestSinkWriter::Options writer_options;
    writer_options.table = "redis";
    SinkTask::Options options;
    options.commit_interval_ms = 3;
    options.read_bytes = 4'096;
    options.retry_first_ms = 5;
    options.retry_longest_ms = 40;
    options.bounded = true;
    options.on_store = [this](SinkTask::StoreChange change, const std::string& message) {
      told_.push_back(change == SinkTask::StoreChange::kAway ? message : "back");
    };
    auto task = std::make_unique<SinkTask>(
        "latest", TopicPartition{"metrics", PartitionId(partition)},
        std::make_unique<LatestSinkWriter>(*std::move(table), schemas_, writer_options), *log_, clock_, options);
    const Status opened = task->open();
    EXPECT_TRUE(opened) << opened.error().message;
    return task;
  }

  /// What another client reads: field, then value, line by line.
  static std::map<std::string, std::pair<int64_t, double>> read_values(const RedisServer& server,
                                                                       const std::string& gateway) {
    std::map<std::string, std::pair<int64_t, double>> values;
    std::istringstream lines(server.cli("HGETALL values:" + gateway));
    std::string field;
    std::string value;
    while (std::getline(lines, field) && std::getline(lines, value)) {
      const size_t blank = value.find(' ');
      const auto time = parse_timestamp(value.substr(0, blank));
      EXPECT_TRUE(time) << value;
      if (time) values[field] = {time->value, std::stod(value.substr(blank + 1))};
    }
    return values;
  }

  SystemClock clock_;
  MemoryStore store_;
  std::unique_ptr<EmbeddedLog> log_ = EmbeddedLog::open(store_, clock_).value();
  MemorySchemaStore schemas_;
  SchemaId id_ = schemas_.register_schema(kMetricAvroSubject, kMetricAvroSchema).value();
  std::mt19937_64 random_{17};
  std::map<std::string, std::map<std::string, std::pair<int64_t, double>>> latest_;
  int64_t bad_ = 0;
  std::vector<std::string> told_;
};

TEST_F(RedisSink, KillsOfTheSinkAndOfTheServerLoseNothingAndTakeNothingBack) {
  RedisServer server("sink");
  const RedisSettings settings = server.settings();
  append_readings();
  std::vector<std::unique_ptr<SinkTask>> tasks;
  tasks.reserve(kPartitions);
  for (int32_t partition = 0; partition < kPartitions; ++partition) tasks.push_back(make_task(settings, partition));
  int task_kills = 50;
  int server_kills = 4;
  bool is_down = false;
  std::vector<bool> is_done(kPartitions, false);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (int turn = 0; std::ranges::count(is_done, true) < kPartitions; ++turn) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    if (is_down && turn % 20 == 10) {
      server.start();
      is_down = false;
    } else if (!is_down && server_kills > 0 && turn % 40 == 20) {
      server.kill();
      is_down = true;
      --server_kills;
    }
    for (size_t partition = 0; partition < kPartitions; ++partition) {
      if (is_done[partition]) continue;
      // The task is gone without a word, as its process would be: what it has written is there, its position is not.
      if (task_kills > 0 && random_() % 4 == 0) {
        --task_kills;
        tasks[partition] = make_task(settings, static_cast<int32_t>(partition));
      }
      const auto step = tasks[partition]->step();
      ASSERT_TRUE(step) << step.error().message;
      if (*step == Task::Step::kWaiting) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (*step != Task::Step::kExhausted) continue;
      const Status finished = tasks[partition]->finish(true);
      ASSERT_TRUE(finished || finished.error().code == ErrorCode::kUnavailable) << finished.error().message;
      is_done[partition] = finished.has_value();
    }
  }
  EXPECT_EQ(task_kills, 0);
  EXPECT_EQ(server_kills, 0);
  if (is_down) server.start();
  for (const auto& [gateway, values] : latest_) {
    EXPECT_EQ(read_values(server, gateway), values) << gateway;
    int64_t active_ms = 0;
    for (const auto& [field, reading] : values) active_ms = std::max(active_ms, reading.first);
    EXPECT_EQ(server.cli("GET " + gateway), format_timestamp(EventTime(active_ms)));
  }
  EXPECT_EQ(server.cli("DBSIZE"), std::to_string(2 * latest_.size()));
  const auto rejected = log_->offsets({"metrics-rejected", PartitionId(0)});
  EXPECT_EQ(rejected->end.value, bad_);
}

TEST_F(RedisSink, AnOutageIsToldInOneLineAndItsEndInAnother) {
  RedisServer server("told");
  const RedisSettings settings = server.settings();
  append_readings();
  server.kill();
  const auto task = make_task(settings, 0);
  for (int step = 0; step < 50; ++step) {
    EXPECT_EQ(task->step().value(), Task::Step::kWaiting);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  server.start();
  Task::Step step = Task::Step::kWaiting;
  for (int turn = 0; turn < 10'000 && step != Task::Step::kExhausted; ++turn) {
    step = task->step().value();
    if (step == Task::Step::kWaiting) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(step, Task::Step::kExhausted);
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_THAT(told_[0], HasSubstr("cannot connect"));
  EXPECT_EQ(told_[1], "back");
}

}  // namespace
}  // namespace meterstream
