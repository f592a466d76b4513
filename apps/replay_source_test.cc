#include "apps/replay_source.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace meterstream {
namespace {

/// A UCI file of `lines` rows, every second with a value that is missing; removed at the end.
class ReplaySourceTest : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  std::unique_ptr<ReplaySource> source(int lines, int64_t day_offset = 0) {
    std::ofstream file(path_);
    file
        << "Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;Sub_metering_1;Sub_metering_2;"
           "Sub_metering_3\n";
    for (int line = 0; line < lines; ++line) {
      file << fmt::format("16/12/2006;17:{:02}:{:02};{};0.418;234.840;18.4;0;1;17\n", line / 60 % 60, line % 60,
                          line % 2 == 0 ? "4.2" : "?");
    }
    file.close();
    FileReplayConfig config{"electricity", path_, {}};
    config.fanout.day_offset = day_offset;
    return make_file_replay_source(config).value();
  }

  std::string path_ = (std::filesystem::temp_directory_path() / fmt::format("replay_source_{}.txt", getpid())).string();
};

TEST_F(ReplaySourceTest, ShareGrowsWithEveryLineAlsoOfASmallFile) {
  const auto file = source(2000);
  std::vector<IndexedReading> readings;
  double before = 0;
  for (int line = 1; line <= 2000; ++line) {
    ASSERT_TRUE(file->next(readings).value());
    EXPECT_GT(file->share(), before);
    EXPECT_NEAR(file->share(), line / 2000.0, 0.01);
    before = file->share();
  }
  EXPECT_FALSE(file->next(readings).value());
  EXPECT_EQ(file->share(), 1);
}

TEST_F(ReplaySourceTest, CountsAreThoseOfTheLinesGiven) {
  const auto file = source(2000);
  std::vector<IndexedReading> readings;
  for (int line = 1; line <= 1500; ++line) {
    ASSERT_TRUE(file->next(readings).value());
    const ReaderProgress progress = file->file_progress().value();
    EXPECT_EQ(progress.lines, line + 1);
    EXPECT_EQ(progress.rows, line);
    EXPECT_EQ(progress.skipped_values, line / 2);
  }
}

TEST_F(ReplaySourceTest, RefusesTimesOutsideTheYears1To9999) {
  std::vector<IndexedReading> readings;
  EXPECT_TRUE(source(1, 2'919'000)->next(readings));
  const auto late = source(1, 2'920'000)->next(readings);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(source(1, -732'000)->next(readings));
  EXPECT_FALSE(source(1, -733'000)->next(readings));
}

}  // namespace
}  // namespace meterstream
