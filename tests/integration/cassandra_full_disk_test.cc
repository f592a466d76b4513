// A real Cassandra node that has no room, and gets some again: a sink waits, says so once, and loses nothing.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "cassandra_fixture.h"
#include "connectors/cassandra/cassandra_aggregate_store.h"
#include "metering/aggregate.h"
#include "sink_lives.h"

namespace meterstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Steady = std::chrono::steady_clock;

constexpr int64_t kNoonMs = 1'709'294'400'000;  // 2024-03-01T12:00:00Z
constexpr int64_t kMinuteMs = 60'000;
constexpr int kGateways = 20;
constexpr int kRecordsOfBatch = 500;
const char* const kTopic = "metrics-aggregates-60";
const char* const kSink =
    "CREATE SINK kept WITH (type = 'cassandra', topic = 'metrics-aggregates-60', table = 'kept', bucket = 'hours');\n";

class CassandraFullDisk : public testing::Test {
 protected:
  static CassandraCluster cluster() { return CassandraCluster("full"); }

  // The guardrail on full disks is for users that log in and are no superusers.
  static void SetUpTestSuite() {
    cluster().script(
        "start 1 --auth --set data_disk_usage_max_disk_size=1GiB --set data_disk_usage_percentage_fail_threshold=90 "
        "--set commitlog_segment_size=1MiB --jvm=-Dcassandra.disk_usage.monitor_interval_ms=100");
    cluster().script("cql -",
                     "CREATE ROLE meterstream WITH PASSWORD = 'm' AND LOGIN = true;"
                     "GRANT ALL ON ALL KEYSPACES TO meterstream;");
  }
  static void TearDownTestSuite() { cluster().script("stop"); }

  void SetUp() override {
    settings_.hosts = cluster().script("contact");
    settings_.user = "meterstream";
    settings_.password = "m";
    settings_.retry_for_ms = 100;
    settings_.keyspace = cassandra_test_settings().keyspace;
    lives_ = std::make_unique<SinkLives>(
        fmt::format("[cassandra]\nhosts = \"{}\"\nuser = \"meterstream\"\npassword = \"m\"\nkeyspace = \"{}\"\n"
                    "request_timeout = \"1s\"\n",
                    settings_.hosts, settings_.keyspace));
    const auto data = lives_->data();
    ASSERT_TRUE(data->log().create_topic({kTopic, 1}));
  }

  /// Each a window of its own.
  void append(int count) {
    const auto data = lives_->data();
    for (int end = appended_ + count; appended_ < end;) {
      Transaction transaction;
      RecordBatchBuilder records;
      for (int record = 0; record < kRecordsOfBatch; ++record, ++appended_) {
        Aggregate aggregate{fmt::format("gateway-{}", appended_ % kGateways), "ELECTRICITY", "VOLTAGE"};
        aggregate.window_start = EventTime(kNoonMs + appended_ / kGateways * kMinuteMs);
        aggregate.window_end = EventTime(aggregate.window_start.value + kMinuteMs);
        aggregate.sample_count = 1;
        std::string json;
        append_aggregate_json(json, aggregate);
        records.add("key", json, {}, IngestTime(kNoonMs));
      }
      transaction.appends.push_back({{kTopic, PartitionId(0)}, std::move(records)});
      ASSERT_TRUE(data->log().commit(std::move(transaction), Durability::kBuffered));
    }
  }

  void expect_every_row_once() {
    CassandraAggregateStore store(settings_);
    const auto table = store.open("kept");
    ASSERT_TRUE(table) << table.error().message;
    for (int gateway = 0; gateway < kGateways; ++gateway) {
      const auto page = (*table)->rows({fmt::format("gateway-{}", gateway), "ELECTRICITY", "VOLTAGE"}, {});
      ASSERT_TRUE(page) << page.error().message;
      ASSERT_EQ(page->rows.size(), static_cast<size_t>(appended_ / kGateways)) << gateway;
      for (size_t row = 0; row < page->rows.size(); ++row)
        ASSERT_EQ(page->rows[row].window_start_ms, kNoonMs + static_cast<int64_t>(row) * kMinuteMs);
    }
  }

  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    std::istringstream said(lives_->said());
    for (std::string line; std::getline(said, line);) lines.push_back(line);
    return lines;
  }
  void wait_for_a_line() const {
    const auto deadline = Steady::now() + std::chrono::seconds(40);
    while (lines().empty() && Steady::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    // It tries again meanwhile, and says nothing.
    std::this_thread::sleep_for(std::chrono::seconds(2));
    ASSERT_EQ(lines().size(), 1U) << lives_->said();
  }
  /// A line when it begins and one when it ends.
  void expect_one_outage(const std::string& reason) const {
    const std::vector<std::string> said = lines();
    ASSERT_EQ(said.size(), 2U) << lives_->said();
    EXPECT_THAT(said[0], AllOf(HasSubstr("sink kept waits: Cassandra at " + settings_.hosts), HasSubstr(reason)));
    EXPECT_EQ(said[1], "sink kept goes on");
  }

  CassandraSettings settings_;
  std::unique_ptr<SinkLives> lives_;
  int appended_ = 0;
};

TEST_F(CassandraFullDisk, NodesThatRefuseRowsForTheirFullDisksAreWaitedFor) {
  append(2'000);
  lives_->start(kSink);
  lives_->finish();
  append(4'000);
  // A file among the data counts as such, and a hole in it takes no room.
  const std::filesystem::path filler = cluster().directory() + "/node-1/data/data/filler";
  std::ofstream(filler).flush();
  std::filesystem::resize_file(filler, size_t{1} << 30);
  CassandraAggregateStore store(settings_);
  const auto table = store.open("kept");
  ASSERT_TRUE(table) << table.error().message;
  // The row is there already.
  const AggregateEntry entry{{"gateway-0", "ELECTRICITY", "VOLTAGE"}, {kNoonMs, kNoonMs + kMinuteMs, 1, 0, 0, 0, 0}, 1};
  Status stored;
  for (const auto deadline = Steady::now() + std::chrono::seconds(20); stored && Steady::now() < deadline;) {
    stored = (*table)->write(std::vector{entry});
    if (stored) stored = (*table)->flush();
  }
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, ErrorCode::kUnavailable) << stored.error().message;
  EXPECT_THAT(stored.error().message,
              AllOf(HasSubstr("has no room for more rows"), HasSubstr("make room on the disks")));

  lives_->start(kSink);
  wait_for_a_line();
  std::filesystem::remove(filler);
  lives_->finish();
  expect_one_outage("has no room for more rows");
  expect_every_row_once();
}

TEST_F(CassandraFullDisk, NodeThatStopsBecauseItCannotWriteItsLogIsWaitedFor) {
  append(2'000);
  lives_->start(kSink);
  lives_->finish();
  append(60'000);
  pid_t node = 0;
  std::ifstream(cluster().directory() + "/node-1/pid") >> node;
  ASSERT_GT(node, 0);
  // No file becomes longer: what is left of the commit log soon is full.
  rlimit limit{};
  ASSERT_EQ(::prlimit(node, RLIMIT_FSIZE, nullptr, &limit), 0);
  limit.rlim_cur = 0;
  ASSERT_EQ(::prlimit(node, RLIMIT_FSIZE, &limit, nullptr), 0);
  lives_->start(kSink);
  wait_for_a_line();
  // Cassandra does not go on by itself. It is started again where there is room.
  cluster().script("kill 1");
  cluster().script("restart 1");
  lives_->finish();
  expect_one_outage("does not answer");
  expect_every_row_once();
}

}  // namespace
}  // namespace meterstream
