#include <algorithm>

#include <gtest/gtest.h>

#include "apps/aggregate_output.h"
#include "apps/query_command.h"
#include "apps/track_command.h"

namespace meterstream {
namespace {

constexpr int64_t kHour_ms = 3'600'000;

AggregateRow row_at(int64_t hour, double value) {
  AggregateRow row;
  row.window_start_ms = hour * kHour_ms;
  row.window_end_ms = row.window_start_ms + kHour_ms;
  row.sample_count = 2;
  row.min = row.max = value;
  row.sum_units = static_cast<__int128>(value * 2e9);
  row.average_units = static_cast<__int128>(value * 1e9);
  return row;
}

const AggregateSeries kSeries{"house,1", "ELECTRICITY", "ACTIVE_POWER"};

TEST(AggregateOutput, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(aggregates_as_csv(kSeries, {row_at(0, 1.5)}),
            "\"house,1\",ELECTRICITY,ACTIVE_POWER,1970-01-01T00:00:00Z,1970-01-01T01:00:00Z,2,1.5,1.5,3,1.5\n");
}

TEST(AggregateOutput, JsonReadsBackAsTheSameAggregate) {
  const std::string json = aggregates_as_json_lines(kSeries, {row_at(5, 0.25)});
  const auto aggregate = parse_aggregate_json(std::string_view(json).substr(0, json.size() - 1));
  ASSERT_TRUE(aggregate) << aggregate.error().message;
  EXPECT_EQ(*aggregate, to_aggregate(kSeries, row_at(5, 0.25)));
}

TEST(AggregateOutput, ChartShowsMissingWindowsAsGaps) {
  Terminal terminal;
  terminal.unicode = false;
  terminal.width = 60;
  const std::string text =
      aggregates_as_chart(kSeries, {row_at(0, 1), row_at(3, 2)}, AggregateField::kAverage, terminal);
  // Each of the two missing hours is as wide as a window.
  EXPECT_EQ(std::count(text.begin(), text.end(), '?'), 6) << text;
  EXPECT_NE(text.find("2 kW"), std::string::npos) << text;
}

TEST(QueryCommand, ChoosesTheTableByNameWindowOrShortest) {
  const std::vector<AggregateTableDefinition> tables = {{"hourly", kHour_ms, AggregateBucket::kDays},
                                                        {"minutely", 60'000, AggregateBucket::kDays}};
  QueryOptions options;
  EXPECT_EQ(choose_table(tables, options)->name, "minutely");
  options.window = "3600";
  EXPECT_EQ(choose_table(tables, options)->name, "hourly");
  options.window = "1d";
  ASSERT_FALSE(choose_table(tables, options));
  EXPECT_NE(choose_table(tables, options).error().message.find("hourly (windows of 1h)"), std::string::npos);
  options.table = "minutly";
  EXPECT_NE(choose_table(tables, options).error().message.find("Did you mean 'minutely'?"), std::string::npos);
  EXPECT_EQ(choose_table({}, {}).error().code, ErrorCode::kNotFound);
}

TEST(QueryCommand, ReadsDatesAndTimes) {
  EXPECT_EQ(parse_query_time("1970-01-02", "--from").value(), 86'400'000);
  EXPECT_EQ(parse_query_time("1970-01-01T01:00:00Z", "--from").value(), kHour_ms);
  EXPECT_NE(parse_query_time("monday", "--from").error().message.find("--from monday"), std::string::npos);
}

TEST(TrackCommand, PercentilesAreNearestRanks) {
  std::vector<int64_t> values;
  for (int64_t value = 1; value <= 100; ++value) values.push_back(value);
  EXPECT_EQ(percentile(values, 0.5), 50);
  EXPECT_EQ(percentile(values, 0.99), 99);
  EXPECT_EQ(percentile(values, 1), 100);
  EXPECT_EQ(percentile({7}, 0.5), 7);
  EXPECT_EQ(percentile({}, 0.5), 0);
}

}  // namespace
}  // namespace meterstream
