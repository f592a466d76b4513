#include "stream/latest_sink_writer.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "metering/avro_encoder.h"
#include "metering/memory_schema_store.h"
#include "state/embedded_latest_store.h"
#include "testing/faulty_key_value_store.h"

namespace meterstream {
namespace {

using testing::HasSubstr;

constexpr int64_t kNoonMs = 1'167'652'800'000;  // 2007-01-01T12:00:00Z

/// Records of a topic, kept alive.
class Records {
 public:
  void add(std::string value, int64_t ingest_ms = kNoonMs) {
    values_.push_back(std::make_unique<std::string>(std::move(value)));
    RecordView record;
    record.value = *values_.back();
    record.offset = Offset(static_cast<int64_t>(set_.records.size()));
    record.ingest_time = IngestTime(ingest_ms);
    set_.records.push_back(record);
    set_.next = Offset(record.offset.value + 1);
  }
  void add_tombstone() {
    add("");
    set_.records.back().value = {};
  }
  [[nodiscard]] const RecordSet& set() const { return set_; }

 private:
  std::vector<std::unique_ptr<std::string>> values_;
  RecordSet set_;
};

class LatestSinkWriterTest : public testing::Test {
 protected:
  std::unique_ptr<LatestSinkWriter> make(LatestSinkWriter::Options options = {}) {
    options.table = "latest";
    auto writer = std::make_unique<LatestSinkWriter>(tables_.open("latest", options.content), schemas_, options);
    EXPECT_TRUE(writer->open(Offset(0)));
    return writer;
  }
  static std::vector<SinkWriter::Rejected> add(SinkWriter& writer, const Records& records) {
    std::vector<SinkWriter::Rejected> rejected;
    const Status added = writer.add(records.set(), rejected);
    EXPECT_TRUE(added) << added.error().message;
    return rejected;
  }
  [[nodiscard]] std::string avro(int64_t time_ms, double value, const std::string& gateway = "g") const {
    return encode_metric_avro(id_, {{gateway, "WATER", "WATER_IDD"}, EventTime(time_ms), value});
  }

  FaultyKeyValueStore store_;
  EmbeddedLatestStore tables_{store_};
  MemorySchemaStore schemas_;
  SchemaId id_ = schemas_.register_schema(kMetricAvroSubject, kMetricAvroSchema).value();
};

TEST_F(LatestSinkWriterTest, TheLatestReadingsAreThereWhenTheyAreSettled) {
  const auto writer = make();
  Records records;
  records.add(avro(kNoonMs + 1'000, 2));
  records.add(avro(kNoonMs, 1));
  records.add(avro(kNoonMs + 500, 3, "h"));
  EXPECT_TRUE(add(*writer, records).empty());
  const auto reader = tables_.open("latest");
  EXPECT_EQ(reader->activity("g").value(), std::nullopt);
  EXPECT_EQ(writer->settle(Offset(3), SinkWriter::Settle::kPeriodic).value(), Offset(3));
  EXPECT_EQ(reader->values("g").value(), (std::vector<LatestReading>{{"g", "WATER", "WATER_IDD", kNoonMs + 1'000, 2}}));
  EXPECT_EQ(reader->activity("h").value(), kNoonMs + 500);
}

TEST_F(LatestSinkWriterTest, BadRecordsAreRejectedInTheirOrderAndTheOthersKept) {
  const auto writer = make({.max_ahead_ms = 60'000});
  Records records;
  records.add(avro(kNoonMs + 60'001, 1));
  records.add("rubbish");
  records.add(avro(kNoonMs, 1));
  records.add_tombstone();
  records.add(avro(kNoonMs, std::numeric_limits<double>::quiet_NaN()));
  records.add(avro(-62'135'596'800'001, 1));
  records.add(avro(kNoonMs + 60'000, 2));
  const auto rejected = add(*writer, records);
  ASSERT_EQ(rejected.size(), 5U);
  EXPECT_EQ(rejected[0].index, 0U);
  EXPECT_THAT(rejected[0].reason, HasSubstr("ahead of time: 2007-01-01T12:01:00.001Z"));
  EXPECT_EQ(rejected[1].index, 1U);
  EXPECT_THAT(rejected[1].reason, HasSubstr("magic byte"));
  EXPECT_EQ(rejected[2].index, 3U);
  EXPECT_EQ(rejected[2].reason, "tombstone");
  EXPECT_EQ(rejected[3].index, 4U);
  EXPECT_EQ(rejected[4].index, 5U);
  EXPECT_THAT(rejected[4].reason, HasSubstr("years 1 to 9999"));
  ASSERT_TRUE(writer->settle(Offset(7), SinkWriter::Settle::kAll));
  EXPECT_EQ(tables_.open("latest")->activity("g").value(), kNoonMs + 60'000);
}

TEST_F(LatestSinkWriterTest, ArrivalsAtTheEndsOfTimeAreComparedToo) {
  const auto writer = make({.max_ahead_ms = 60'000});
  Records records;
  records.add(avro(kNoonMs, 1), std::numeric_limits<int64_t>::min());
  records.add(avro(-kNoonMs, 1), std::numeric_limits<int64_t>::max());
  const auto rejected = add(*writer, records);
  ASSERT_EQ(rejected.size(), 1U);
  EXPECT_EQ(rejected[0].index, 0U);
  EXPECT_THAT(rejected[0].reason, HasSubstr("ahead of time"));
}

TEST_F(LatestSinkWriterTest, JsonReadingsNeedAllTheirMembers) {
  const auto writer = make({.format = ValueFormat::kJson});
  Records records;
  records.add(
      R"({"gateway":"g","metricType":"GAS","metricAttribute":"GAS_IDD","timestamp":"2007-01-01T12:00:00Z","value":3})");
  records.add(R"({"gateway":"g","metricType":"GAS","timestamp":"2007-01-01T12:00:01Z","value":3})");
  records.add(R"({"gateway":"g","metricType":"GAS","metricAttribute":"GAS_IDD","timestamp":null,"value":3})");
  const auto rejected = add(*writer, records);
  ASSERT_EQ(rejected.size(), 2U);
  EXPECT_EQ(rejected[0].reason, "no reading: metricAttribute is NULL");
  EXPECT_EQ(rejected[1].reason, "no reading: timestamp is NULL");
  ASSERT_TRUE(writer->settle(Offset(3), SinkWriter::Settle::kPeriodic));
  EXPECT_EQ(tables_.open("latest")->values("g").value(),
            (std::vector<LatestReading>{{"g", "GAS", "GAS_IDD", kNoonMs, 3}}));
}

TEST_F(LatestSinkWriterTest, WhatIsKeptIsPartOfTheDefinition) {
  const auto both = make();
  const auto activity = make({.content = LatestContent::kActivity});
  EXPECT_EQ(both->definition(), "latest both in latest");
  EXPECT_EQ(activity->definition(), "latest activity in latest");
  Records records;
  records.add(avro(kNoonMs, 1));
  add(*activity, records);
  ASSERT_TRUE(activity->settle(Offset(1), SinkWriter::Settle::kPeriodic));
  EXPECT_EQ(tables_.open("latest")->activity("g").value(), kNoonMs);
  EXPECT_TRUE(tables_.open("latest")->values("g")->empty());
}

TEST_F(LatestSinkWriterTest, AfterAnErrorTheSameRecordsAreWrittenAgain) {
  const auto writer = make();
  Records records;
  records.add(avro(kNoonMs, 1));
  add(*writer, records);
  store_.set_plan(StoreFaultPlan::fail_at(0, StoreFault::kNoSpace));
  EXPECT_EQ(writer->settle(Offset(1), SinkWriter::Settle::kPeriodic).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(writer->open(Offset(0)));
  add(*writer, records);
  EXPECT_EQ(writer->settle(Offset(1), SinkWriter::Settle::kPeriodic).value(), Offset(1));
  EXPECT_EQ(tables_.open("latest")->activity("g").value(), kNoonMs);
}

TEST(LatestContent, HasNames) {
  for (const auto content : {LatestContent::kActivityAndValues, LatestContent::kActivity, LatestContent::kValues})
    EXPECT_EQ(parse_latest_content(name_of(content)), content);
  EXPECT_EQ(parse_latest_content("all"), std::nullopt);
}

}  // namespace
}  // namespace meterstream
