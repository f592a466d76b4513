#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

#include "apps/data_directory.h"
#include "apps/record_text.h"
#include "apps/replay_command.h"
#include "apps/replay_publisher.h"
#include "apps/replay_run.h"
#include "apps/token_bucket.h"
#include "apps/topic_reader.h"
#include "log/forwarding_log.h"

namespace meterstream {
namespace {

constexpr std::string_view kHeader =
    "Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;Sub_metering_1;Sub_metering_2;"
    "Sub_metering_3\n";

/// A UCI file of `lines` rows and a data directory beside it, both removed at the end.
class ReplayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("replay_test_" + std::to_string(getpid()) + "_" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    data_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string write_file(int lines) {
    const std::string path = (folder_ / "uci.txt").string();
    std::ofstream file(path);
    file << kHeader;
    for (int line = 0; line < lines; ++line) {
      file << "16/12/2006;17:" << (line / 60) % 60 / 10 << (line / 60) % 60 % 10 << ':' << line % 60 / 10
           << line % 60 % 10 << ';' << line << ".216;0.418;234.840;18.400;0.000;1.000;17.000\n";
    }
    return path;
  }

  DataDirectory& data() {
    if (!data_) {
      auto opened = DataDirectory::open((folder_ / "data").string(), DataDirectory::Mode::kCreate, clock_);
      EXPECT_TRUE(opened) << opened.error().message;
      data_ = std::move(*opened);
    }
    return *data_;
  }

  ReplayOptions options_for(const std::string& path) {
    ReplayOptions options;
    options.type = "electricity";
    options.data = path;
    options.households = "1-3";
    return options;
  }

  /// Replays with these options from `position` on; stops after `count` readings.
  ReplayPosition replay(const ReplayOptions& options, ReplayRunOptions run_options, int64_t batch_records = 10) {
    EXPECT_TRUE(data().log().create_topic({"metrics", 3}));
    const SchemaId schema = data().schemas().register_schema("metrics-value", kMetricAvroSchema).value();
    auto source = make_replay_source(options);
    EXPECT_TRUE(source) << source.error().message;
    ReplayPublisher publisher(data().log(), schema, (*source)->series(),
                              {"metrics", 3, replay_name(options), batch_records});
    const std::atomic<bool> stop{false};
    ReplayRun run(**source, publisher, clock_, stop, run_options);
    const Status status = run.run([](int64_t, double) {});
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_EQ(publisher.committed(), run.position());
    return run.position();
  }

  /// Value texts of all records, by key, in offset order.
  std::map<std::string, std::vector<std::string>> records_by_key() {
    std::map<std::string, std::vector<std::string>> result;
    RecordText text(data().schemas());
    TopicReader reader = TopicReader::open(data().log(), "metrics", {}).value();
    while (auto item = reader.poll(0).value()) {
      result[std::string(item->record.key)].push_back(text.value_json(item->record));
    }
    return result;
  }

  SystemClock clock_;
  std::filesystem::path folder_;
  std::unique_ptr<DataDirectory> data_;
};

/// Commits wait until they are let go.
class HeldLog final : public ForwardingLog {
 public:
  explicit HeldLog(EventLog& inner) : ForwardingLog(inner) {}
  Status commit(Transaction&& transaction, Durability durability) override {
    is_free_.wait(false);
    return inner().commit(std::move(transaction), durability);
  }
  void let_go() {
    is_free_ = true;
    is_free_.notify_all();
  }

 private:
  std::atomic<bool> is_free_ = false;
};

TEST_F(ReplayTest, EveryLineGoesToEveryHouseholdAndAttribute) {
  const ReplayPosition end = replay(options_for(write_file(5)), {});
  EXPECT_EQ(end.readings, 5 * 3 * 4);
  const auto records = records_by_key();
  EXPECT_EQ(records.size(), 12U);
  const auto& power = records.at("household-2.ELECTRICITY.ACTIVE_POWER");
  ASSERT_EQ(power.size(), 5U);
  EXPECT_EQ(power[1], R"({"gateway":"household-2","metricType":"ELECTRICITY","metricAttribute":"ACTIVE_POWER",)"
                      R"("timestamp":"2006-12-16T17:00:01Z","value":1.218})");
  EXPECT_NE(records.at("household-1.ELECTRICITY.REACTIVE_POWER")[0].find("\"value\":0.419"), std::string::npos)
      << "active and reactive power must not be swapped";
}

TEST_F(ReplayTest, GoesOnExactlyWhereItStoppedInTheMiddleOfALine) {
  const ReplayOptions options = options_for(write_file(20));
  replay(options, {});
  const auto undisturbed = records_by_key();
  data_.reset();
  std::filesystem::remove_all(folder_ / "data");

  for (const int64_t count : {1, 17, 30, 31, 100, 239, 1000}) {
    const auto stored = load_replay_position(data().store(), replay_name(options));
    ASSERT_TRUE(stored);
    ReplayRunOptions run_options;
    run_options.count = count;
    run_options.resume_at = stored->value_or(ReplayPosition());
    EXPECT_EQ(replay(options, run_options).readings, std::min<int64_t>(count, 240));
    data_.reset();  // the next process
  }
  EXPECT_EQ(records_by_key(), undisturbed);
}

TEST_F(ReplayTest, HoldsItsRate) {
  ReplayRunOptions run_options;
  run_options.rate = 600;
  run_options.count = 150;
  const int64_t start = clock_.monotonic_ns();
  replay(options_for(write_file(20)), run_options);
  const double seconds = static_cast<double>(clock_.monotonic_ns() - start) * 1e-9;
  EXPECT_GT(seconds, 0.2);
  EXPECT_LT(seconds, 5);
}

TEST_F(ReplayTest, HoldsItsRateWhileCommitsAreSlow) {
  ASSERT_TRUE(data().log().create_topic({"metrics", 3}));
  const SchemaId schema = data().schemas().register_schema("metrics-value", kMetricAvroSchema).value();
  auto source = make_replay_source(options_for(write_file(50))).value();
  HeldLog log(data().log());
  ReplayPublisher publisher(log, schema, source->series(), {"metrics", 3, "name"});
  const std::atomic<bool> stop{false};
  ReplayRunOptions run_options;
  run_options.rate = 2000;
  run_options.count = 500;
  run_options.commit_interval_ms = 10;
  ReplayRun run(*source, publisher, clock_, stop, run_options);
  std::atomic<int64_t> published = 0;
  std::thread replaying([&] { EXPECT_TRUE(run.run([&](int64_t readings, double) { published = readings; })); });
  for (int attempt = 0; attempt < 2000 && published < 500; ++attempt)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(published, 500);
  EXPECT_FALSE(publisher.committed());
  log.let_go();
  replaying.join();
  EXPECT_EQ(publisher.committed()->readings, 500);
}

TEST_F(ReplayTest, ReportsTheFailedCommitAndKeepsThePositionBeforeIt) {
  // No topic: the first commit fails in the committing thread.
  const ReplayOptions options = options_for(write_file(50));
  auto source = make_replay_source(options).value();
  const SchemaId schema = data().schemas().register_schema("s", kMetricAvroSchema).value();
  ReplayPublisher publisher(data().log(), schema, source->series(), {"missing", 1, "name", 7});
  const std::atomic<bool> stop{false};
  ReplayRun run(*source, publisher, clock_, stop, {});
  const Status status = run.run([](int64_t, double) {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(publisher.committed());
  EXPECT_FALSE(load_replay_position(data().store(), "name").value());
}

TEST_F(ReplayTest, ConsoleStartsAtOffsetsAndTimes) {
  replay(options_for(write_file(5)), {});
  const auto count_from = [&](std::string_view place) {
    const TopicStart start = parse_topic_start(place, clock_.now()).value();
    return TopicReader::open(data().log(), "metrics", start).value().remaining().value();
  };
  EXPECT_EQ(count_from("beginning"), 60);
  EXPECT_EQ(count_from("end"), 0);
  EXPECT_EQ(count_from("1h"), 60);
  EXPECT_EQ(count_from("2100-01-01T00:00:00Z"), 0);
  EXPECT_LT(count_from("4"), 60);
  EXPECT_FALSE(parse_topic_start("yesterday", clock_.now()));
}

TEST(ReplayOptions, ReadsRangesOfHouseholds) {
  EXPECT_EQ(parse_households("7")->last, 7);
  EXPECT_EQ(parse_households("1-500")->last, 500);
  for (const char* text : {"", "a", "5-", "5-4", "1-2-3", "-1", "1 - 2"}) EXPECT_FALSE(parse_households(text)) << text;
}

TEST(ReplayOptions, ResumeCommandSaysAllThatMatters) {
  ReplayOptions options;
  options.type = "water";
  options.data = "my file.csv";
  options.households = "3-4";
  options.no_offset = true;
  options.count = "10k";
  EXPECT_EQ(
      resume_command(options, " --data-dir d"),
      "meterstream --data-dir d replay --type water --data 'my file.csv' --households 3-4 --no-offset --count 10k "
      "--resume");
}

TEST(ReplayPosition, DamagedBytesAreCorrupt) {
  const std::string bytes = encode_replay_position({617, 3, 7401});
  EXPECT_EQ(decode_replay_position(bytes).value(), (ReplayPosition{617, 3, 7401}));
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_replay_position(std::string_view(bytes).substr(0, length)));
  }
  EXPECT_FALSE(decode_replay_position(bytes + "x"));
}

RC_GTEST_PROP(TokenBucket, NeverGivesMoreThanRateAndBurst, ()) {
  const int64_t rate = *rc::gen::inRange<int64_t>(1, 1'000'000);
  TokenBucket bucket(rate, 0);
  int64_t now_ns = 0;
  int64_t given = 0;
  for (const int64_t step : *rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, 500'000'000))) {
    now_ns += step;
    given += bucket.take(1'000'000, now_ns);
    const double allowed = static_cast<double>(now_ns) * 1e-9 * static_cast<double>(rate);
    RC_ASSERT(static_cast<double>(given) <= allowed + 1e-3);
  }
}

TEST(TokenBucket, WaitsAsLongAsTheNextTokenTakes) {
  TokenBucket bucket(1000, 0);
  EXPECT_EQ(bucket.take(5, 0), 0);
  EXPECT_NEAR(static_cast<double>(bucket.wait_ns()), 1e6, 10);
  EXPECT_EQ(bucket.take(5, bucket.wait_ns()), 1);
  EXPECT_EQ(TokenBucket(0, 0).take(1'000'000'000, 0), 1'000'000'000);
}

}  // namespace
}  // namespace meterstream
