#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "metering/aggregate.h"
#include "stream/pass_task.h"
#include "testing/faulty_key_value_store.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'040'000 / 60'000 * 60'000;

std::string header(const ViewPipeline::Record& record, std::string_view wanted) {
  ByteReader reader(record.headers);
  while (reader.remaining() > 0) {
    const std::string_view name = reader.sized_bytes();
    const std::string_view value = reader.sized_bytes();
    EXPECT_TRUE(reader.ok());
    if (name == wanted) return std::string(value);
  }
  return {};
}

class ResultIdTest : public testing::Test {
 protected:
  void append(int64_t time_ms, double value) {
    const OracleReading reading{{{"g", "GAS", "GAS_IDD"}, EventTime(time_ms), value}, IngestTime(kStart)};
    ASSERT_TRUE(pipeline_->append({reading}, 1));
  }
  std::vector<std::string> ids(const std::string& topic) {
    std::vector<std::string> ids;
    const auto records = pipeline_->read_topic(topic).value();
    ids.reserve(records.size());
    for (const auto& record : records) ids.push_back(header(record, "id"));
    return ids;
  }

  FaultyKeyValueStore store_;
  ManualClock clock_{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline_ = ViewPipeline::open(store_, clock_).value();
  ViewSpec view_ = standard_view(standard_stream(), 60'000, 0);
  PassTaskOptions options_;
};

TEST_F(ResultIdTest, NamesFinalResultsLateAndRejectedRecords) {
  options_.result_ids = true;
  append(kStart, 1);
  append(kStart + 120'000, 2);
  append(kStart + 1, 3);
  append(kStart + 120'001, 4e30);
  view_.source = [] {
    auto stream = standard_stream();
    stream->max_ahead_ms = 3'600'000;
    return stream;
  }();
  ASSERT_TRUE(pipeline_->run({view_}, options_));
  const std::string start = std::to_string(kStart);
  auto results = ids(view_.topic);
  std::sort(results.begin(), results.end());
  EXPECT_EQ(results, (std::vector<std::string>{
                         "metrics_aggregates_60|g.GAS.GAS_IDD|" + start + "|0",
                         "metrics_aggregates_60|g.GAS.GAS_IDD|" + std::to_string(kStart + 120'000) + "|0"}));
  EXPECT_EQ(ids(view_.late_topic()), std::vector<std::string>{"metrics_aggregates_60|0|2"});
  EXPECT_EQ(ids("metrics-rejected"), std::vector<std::string>{"metrics|0|3"});
  EXPECT_FALSE(header(pipeline_->read_topic("metrics-rejected")->front(), "reason").empty());
}

TEST_F(ResultIdTest, CountsTheRowsOfARefinedWindow) {
  options_.result_ids = true;
  options_.batch_records = 1;
  view_.emit = EmitMode::kChanges;
  for (int i = 0; i < 3; ++i) append(kStart + i, i);
  ASSERT_TRUE(pipeline_->run({view_}, options_));
  const std::string prefix = "metrics_aggregates_60|g.GAS.GAS_IDD|" + std::to_string(kStart) + '|';
  EXPECT_EQ(ids(view_.topic), (std::vector<std::string>{prefix + '1', prefix + '2', prefix + '3'}));
}

TEST_F(ResultIdTest, GivesResultsNoHeadersUnlessAskedForAndOthersAlways) {
  append(kStart, 1);
  append(kStart + 60'000, 2);
  append(kStart + 1, 3);
  append(kStart + 60'001, 4e30);
  ASSERT_TRUE(pipeline_->run({view_}, options_));
  ASSERT_EQ(pipeline_->read_topic(view_.topic)->size(), 2U);
  EXPECT_EQ(pipeline_->read_topic(view_.topic)->front().headers, "");
  EXPECT_EQ(ids(view_.late_topic()), std::vector<std::string>{"metrics_aggregates_60|0|2"});
  EXPECT_EQ(ids("metrics-rejected"), std::vector<std::string>{"metrics|0|3"});
}

}  // namespace
}  // namespace meterstream
