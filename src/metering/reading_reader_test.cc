#include "metering/reading_reader.h"

#include <charconv>
#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "metering/file_source.h"
#include "metering/number_parser.h"
#include "metering/replay_fanout.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kHeader =
    "Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;Sub_metering_1;Sub_metering_2;Sub_"
    "metering_3\n";

std::unique_ptr<ReadingReader> reader_of(std::string_view type, std::string text, size_t chunk_bytes = 1 << 16) {
  auto reader = make_reading_reader(type, std::make_unique<MemorySource>(std::move(text), chunk_bytes));
  EXPECT_TRUE(reader.has_value()) << reader.error().message;
  return reader ? *std::move(reader) : nullptr;
}

/// Every row as text: time, then values.
std::vector<std::string> rows_of(ReadingReader& reader, size_t max_rows = 1'000) {
  std::vector<std::string> rows;
  DatasetBatch batch;
  while (true) {
    const Status status = reader.next(batch, max_rows);
    EXPECT_TRUE(status.has_value());
    if (batch.rows == 0) return rows;
    for (size_t row = 0; row < batch.rows; ++row) {
      rows.push_back(format_timestamp(batch.timestamps[row]));
      for (size_t i = 0; i < batch.width; ++i) rows.back() += fmt::format(" {}", batch.values[row * batch.width + i]);
    }
  }
}

TEST(UciReader, ReadsRowsAsUtc) {
  const auto reader =
      reader_of("electricity", std::string(kHeader) +
                                   "16/12/2006;17:24:00;4.216;0.418;234.840;18.400;0.000;1.000;17.000\r\n"
                                   "1/1/2007;00:01:00;0.5;0;230;2.2;0;0;0");
  EXPECT_THAT(
      reader->registers(),
      ElementsAre(MetricRegister{"ELECTRICITY", "ACTIVE_POWER"}, MetricRegister{"ELECTRICITY", "REACTIVE_POWER"},
                  MetricRegister{"ELECTRICITY", "VOLTAGE"}, MetricRegister{"ELECTRICITY", "INTENSITY"}));
  EXPECT_THAT(rows_of(*reader),
              ElementsAre("2006-12-16T17:24:00Z 4.216 0.418 234.84 18.4", "2007-01-01T00:01:00Z 0.5 0 230 2.2"));
}

TEST(UciReader, NeverSwapsActiveAndReactivePowerWhateverTheColumnOrder) {
  const auto reader = reader_of("Electricity",
                                "Time;VOLTAGE; \"global_reactive_power\" ;Date;Unknown;Global_active_power\n"
                                "17:24:00;234.84;0.418;16/12/2006;text;4.216\n");
  EXPECT_THAT(reader->registers(),
              ElementsAre(MetricRegister{"ELECTRICITY", "ACTIVE_POWER"},
                          MetricRegister{"ELECTRICITY", "REACTIVE_POWER"}, MetricRegister{"ELECTRICITY", "VOLTAGE"}));
  EXPECT_THAT(rows_of(*reader), ElementsAre("2006-12-16T17:24:00Z 4.216 0.418 234.84"));
}

TEST(UciReader, SkipsAndCountsMissingValuesAndMalformedLines) {
  const auto reader = reader_of("electricity", std::string(kHeader) +
                                                   "16/12/2006;17:24:00;?;0.418;;18.4;0;1;17\n"  // 2 skipped
                                                   "16/12/2006;17:25:00;?;?;?;?;?;?;\n"          // 4 skipped, no row
                                                   "\n"                                          // passed over
                                                   "16/12/2006;17:26:00;1;2;3\n"                 // line 5
                                                   "31/02/2007;17:26:00;1;2;3;4;0;0;0\n"         //
                                                   "16/12/2006;24:00:00;1;2;3;4;0;0;0\n"         //
                                                   "16/12/2006;17:26:00;1;2;3;x;0;0;0\n"         //
                                                   "16/12/2006;17:26:00;1;2;3;4z;0;0;0\n"        //
                                                   "16/12/2006;17:26:00;1;2;3;nan;0;0;0\n"       //
                                                   "16/12/2006;17:26:00;1;2;3;1e999;0;0;0\n"     //
                                                   "16/12/2006;17:26:00;1;2;3;4;0;0;0;0\n"       //
                                                   "rubbish\n" +
                                                   std::string(2'000'000, 'x') +
                                                   "\n"
                                                   "16/12/2006;17:27:00;-1;2e0;3;4;0;0;0\n");
  EXPECT_THAT(rows_of(*reader),
              ElementsAre("2006-12-16T17:24:00Z nan 0.418 nan 18.4", "2006-12-16T17:27:00Z -1 2 3 4"));
  const ReaderProgress& progress = reader->progress();
  EXPECT_EQ(progress.skipped_values, 6);
  EXPECT_EQ(progress.rows, 3);
  EXPECT_EQ(progress.values, 6);
  EXPECT_EQ(progress.malformed_lines, 10);
  EXPECT_EQ(progress.first_malformed_line, 5);
  EXPECT_EQ(progress.first_malformed_reason, "the line has too few fields");
  EXPECT_EQ(progress.lines, 15);
  EXPECT_EQ(progress.bytes_consumed, progress.bytes_total);
}

TEST(UciReader, RefusesOtherFilesAndNamesWhatIsMissing) {
  const auto error_of = [](std::string_view type, std::string text) {
    auto reader = make_reading_reader(type, std::make_unique<MemorySource>(std::move(text)));
    EXPECT_FALSE(reader.has_value());
    return reader ? std::string() : reader.error().message;
  };
  EXPECT_THAT(error_of("electricity", ""), HasSubstr("empty"));
  EXPECT_THAT(error_of("electricity", "unix_ts,counter,avg_rate,inst_rate\n"), HasSubstr("no column 'Date'"));
  EXPECT_THAT(error_of("electricity", "Date;Time;Other\n"), HasSubstr("none of the value columns"));
  EXPECT_THAT(error_of("electricity", "Date;Time;Voltage;voltage\n"), HasSubstr("twice"));
  EXPECT_THAT(error_of("water", std::string(kHeader)), HasSubstr("no column 'unix_ts'"));
  EXPECT_THAT(error_of("steam", std::string(kHeader)), HasSubstr("electricity, water or gas"));
}

TEST(UciReader, CountsUpToEachRow) {
  const auto reader = reader_of("electricity", std::string(kHeader) +
                                                   "16/12/2006;17:24:00;?;0.418;;18.400;0.000;1.000;17.000\n"
                                                   "rubbish\n"
                                                   "16/12/2006;17:25:00;?;?;?;?;?;?;\n"
                                                   "16/12/2006;17:26:00;1;2;3;4;0;0;0\n"
                                                   "16/12/2006;17:27:00;?;2;3;4;0;0;0\n");
  DatasetBatch batch;
  ASSERT_TRUE(reader->next(batch, 10));
  ASSERT_EQ(batch.counts.size(), 3U);
  EXPECT_EQ(batch.counts[0].skipped_values, 2);
  EXPECT_EQ(batch.counts[0].malformed_lines, 0);
  EXPECT_EQ(batch.counts[1].rows, 3);
  EXPECT_EQ(batch.counts[1].values, 6);
  EXPECT_EQ(batch.counts[1].skipped_values, 6);
  EXPECT_EQ(batch.counts[1].malformed_lines, 1);
  EXPECT_EQ(batch.counts[2].skipped_values, 7);
}

TEST(UciReader, TellsTheBytesOfTheLinesReadAndNotOfTheBlocks) {
  std::string text(kHeader);
  for (int i = 0; i < 100; ++i) text += fmt::format("1/1/2007;00:{:02}:00;{};0;230;2;0;0;0\n", i % 60, i % 10);
  const size_t line_bytes = (text.size() - kHeader.size()) / 100;
  for (const size_t chunk_bytes : {size_t{50}, size_t{1000}, text.size()}) {
    const auto reader = reader_of("electricity", text, chunk_bytes);
    DatasetBatch batch;
    for (size_t row = 1; row <= 100; ++row) {
      ASSERT_TRUE(reader->next(batch, 1));
      EXPECT_NEAR(static_cast<double>(reader->progress().bytes_consumed),
                  static_cast<double>(kHeader.size() + row * line_bytes), 2)
          << row << " of chunks of " << chunk_bytes;
    }
  }
}

TEST(UciReader, ShowsForeignHeadersWithoutTheirControlBytes) {
  const std::string header("a\0b\x1b[2J\xc2\x9b\x7f;c", 12);
  auto reader = make_reading_reader("electricity", std::make_unique<MemorySource>(header + "\n"));
  ASSERT_FALSE(reader.has_value());
  EXPECT_THAT(reader.error().message, HasSubstr("'a\\x00b\\x1b[2J\\xc2\\x9b\\x7f;c'"));
  reader = make_reading_reader("electricity", std::make_unique<MemorySource>("Date;Time\r1/1/2007;00:00\r"));
  ASSERT_FALSE(reader.has_value());
  EXPECT_THAT(reader.error().message, HasSubstr("carriage returns"));
}

TEST(Ampds2Reader, ReadsCounterAsSummationAndInstantaneousRateAsDemand) {
  const std::string text =
      "unix_ts,counter,avg_rate,inst_rate\n1333263600,45287.526,0.0,0.5\n1333263660,?,3.785,\n+1333263720,1,0,2\n+-5,1,"
      "1,1\n1.5,1,1,1\n";
  const auto water = reader_of("water", text);
  EXPECT_THAT(water->registers(),
              ElementsAre(MetricRegister{"WATER", "WATER_SUMMATION"}, MetricRegister{"WATER", "WATER_IDD"}));
  EXPECT_THAT(rows_of(*water), ElementsAre("2012-04-01T07:00:00Z 45287.526 0.5", "2012-04-01T07:02:00Z 1 2"));
  EXPECT_EQ(water->progress().skipped_values, 2);
  EXPECT_EQ(water->progress().malformed_lines, 2);
  const auto gas = reader_of("GAS", text);
  EXPECT_THAT(gas->registers(), ElementsAre(MetricRegister{"GAS", "GAS_SUMMATION"}, MetricRegister{"GAS", "GAS_IDD"}));
}

TEST(ReadingReader, GoesOnFromALineAndGivesTheSameRows) {
  std::string text(kHeader);
  for (int i = 0; i < 50; ++i) text += fmt::format("1/1/2007;00:{:02}:00;{};0;230;2;0;0;0\n", i, i);
  const auto whole = rows_of(*reader_of("electricity", text));
  for (const size_t chunk : {1u, 7u, 64u, 100'000u}) {
    const auto first = reader_of("electricity", text, chunk);
    DatasetBatch batch;
    ASSERT_TRUE(first->next(batch, 20).has_value());
    ASSERT_EQ(batch.rows, 20u);
    const auto rest = reader_of("electricity", text, chunk);
    rest->skip_to_line(batch.line_numbers.back() + 1);
    const auto rows = rows_of(*rest, 7);
    EXPECT_EQ(rows, std::vector<std::string>(whole.begin() + 20, whole.end()));
  }
}

TEST(ReplayFanout, GivesEveryHouseholdEachPresentValuePlusItsOffset) {
  const auto reader = reader_of("electricity", std::string(kHeader) + "1/1/2007;00:00:00;1;?;230;2;0;0;0\n");
  DatasetBatch batch;
  ASSERT_TRUE(reader->next(batch, 10).has_value());
  FanoutConfig config{.first_household = 7, .last_household = 8, .day_offset = 1};
  const auto fanout = ReplayFanout::create(reader->registers(), config);
  ASSERT_TRUE(fanout.has_value());
  ASSERT_EQ(fanout->series().size(), 8u);
  EXPECT_EQ(fanout->series()[4].text(), "household-8.ELECTRICITY.ACTIVE_POWER");
  std::vector<IndexedReading> readings;
  fanout->append_row(batch, 0, readings);
  const EventTime next_day(1'167'696'000'000);
  EXPECT_THAT(readings,
              ElementsAre(IndexedReading{next_day, 1 + 0.001 * 7, 0}, IndexedReading{next_day, 230 + 0.001 * 7, 2},
                          IndexedReading{next_day, 2 + 0.001 * 7, 3}, IndexedReading{next_day, 1 + 0.001 * 8, 4},
                          IndexedReading{next_day, 230 + 0.001 * 8, 6}, IndexedReading{next_day, 2 + 0.001 * 8, 7}));
  config.raw = true;
  readings.clear();
  ReplayFanout::create(reader->registers(), config)->append_row(batch, 0, readings);
  EXPECT_EQ(readings[0].value, 1);
}

TEST(ReplayFanout, RefusesRangesThatAreNone) {
  const std::vector<MetricRegister> registers = {{"T", "A"}};
  EXPECT_FALSE(ReplayFanout::create(registers, {.first_household = 5, .last_household = 4}).has_value());
  EXPECT_FALSE(ReplayFanout::create(registers, {.first_household = -1, .last_household = 4}).has_value());
  EXPECT_FALSE(ReplayFanout::create(registers, {.first_household = 1, .last_household = INT64_MAX}).has_value());
}

RC_GTEST_PROP(NumberParser, ReadsEveryDoubleAsTheStandardLibraryDoes,
              (double number, uint32_t whole, uint16_t decimals)) {
  RC_PRE(std::isfinite(number));
  for (const std::string& text :
       {fmt::format("{}", number), fmt::format("{:.3f}", number), fmt::format("-{}.{:05}", whole, decimals)}) {
    double expected = 0;
    std::from_chars(text.data(), text.data() + text.size(), expected);
    double actual = -1;
    RC_ASSERT(parse_number(text.data(), text.data() + text.size(), actual) == text.data() + text.size());
    RC_ASSERT(actual == expected);
  }
}

std::string real_file(std::string_view name) {
  for (std::filesystem::path at = std::filesystem::current_path(); at.has_relative_path(); at = at.parent_path()) {
    const auto path = at / "../shared/data" / name;
    if (std::filesystem::exists(path)) return path.string();
  }
  return "";
}

TEST(RealData, ReadsHalfAYearOfTheUciFileWithoutAFault) {
  const std::string path = real_file("household_power_consumption_2006-12-16_2007-06-30.txt.zst");
  if (path.empty()) GTEST_SKIP() << "the data set is not on this machine";
  const auto reader = make_reading_reader("electricity", *open_file_source(path));
  ASSERT_TRUE(reader.has_value());
  DatasetBatch batch;
  int64_t rows = 0;
  int64_t last_ms = 0;
  while ((*reader)->next(batch, 10'000) && batch.rows > 0) {
    for (size_t row = 0; row < batch.rows; ++row, ++rows) {
      ASSERT_GT(batch.timestamps[row].value, last_ms);
      last_ms = batch.timestamps[row].value;
    }
  }
  const ReaderProgress& progress = (*reader)->progress();
  EXPECT_EQ(progress.rows, 282'636);
  EXPECT_EQ(rows, 282'636 - 3'775);
  EXPECT_EQ(progress.skipped_values, 3'775 * 4);
  EXPECT_EQ(progress.malformed_lines, 0);
  EXPECT_EQ(format_timestamp(EventTime(last_ms)), "2007-06-30T23:59:00Z");
}

TEST(RealData, ReadsTwoYearsOfWaterAndGas) {
  for (const auto& [name, type] :
       {std::pair{"Water_WHW.csv.zst", "water"}, std::pair{"NaturalGas_FRG.csv.zst", "gas"}}) {
    const std::string path = real_file(name);
    if (path.empty()) GTEST_SKIP() << "the data set is not on this machine";
    const auto reader = make_reading_reader(type, *open_file_source(path));
    ASSERT_TRUE(reader.has_value());
    DatasetBatch batch;
    while ((*reader)->next(batch, 10'000) && batch.rows > 0) {
    }
    EXPECT_EQ((*reader)->progress().rows, 1'051'200);
    EXPECT_EQ((*reader)->progress().values, 2 * 1'051'200);
    EXPECT_EQ((*reader)->progress().malformed_lines, 0);
  }
}

}  // namespace
}  // namespace meterstream
