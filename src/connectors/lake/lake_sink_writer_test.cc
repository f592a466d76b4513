#include "connectors/lake/lake_sink_writer.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/lake/lake_compaction.h"
#include "connectors/lake/lake_inspector.h"
#include "connectors/lake/lake_test_records.h"

namespace meterstream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr int64_t kHourMs = 3'600'000;

class LakeSinkWriterTest : public testing::Test {
 protected:
  LakeSinkWriterTest() { settings_.uri = "memory"; }

  std::unique_ptr<LakeSinkWriter> writer() {
    return std::make_unique<LakeSinkWriter>(store_, lake_test_source(), ValueFormat::kAvro, records_.schemas(),
                                            settings_, clock_);
  }
  /// Readings of three gateways, an hour apart, so that dates change; every tenth is late by three days.
  void add_readings(int count) {
    for (int i = 0; i < count; ++i) {
      const int64_t late_ms = i % 10 == 9 ? 3 * kMsPerDay : 0;
      records_.add(std::string("gateway-") + std::to_string(i % 3), kLakeTestStart + i * kHourMs - late_ms, i,
                   kLakeTestStart + i * 1000);
    }
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> paths;
    for (const auto& [path, bytes] : store_.objects()) {
      if (LakeObjectName::parse(path)) paths.push_back(path);
    }
    return paths;
  }
  void expect_whole(size_t readings) {
    const auto report = LakeInspector(store_).verify();
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_THAT(report->faults, IsEmpty());
    EXPECT_EQ(report->readings, static_cast<int64_t>(readings));
    const auto offsets = offsets_in(store_);
    EXPECT_EQ(offsets.size(), readings);
    for (const auto& [offset, count] : offsets) EXPECT_EQ(count, 1) << "offset " << offset;
  }

  MemoryLakeStore store_;
  LakeTestRecords records_;
  LakeSettings settings_;
  ManualClock clock_{IngestTime(kLakeTestStart)};
};

TEST_F(LakeSinkWriterTest, PutsReadingsIntoTheDateOfTheirEventTimeEvenLateOnes) {
  records_.add("b", kLakeTestStart + 2 * kHourMs, 1);
  records_.add("a", kLakeTestStart + 1 * kHourMs, 2);
  records_.add("a", kLakeTestStart - 1, 3);
  records_.add("a", kLakeTestStart, 4);
  Offset committed;
  const auto done = drive(*writer(), records_, committed, 100);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(committed, Offset(4));
  EXPECT_THAT(paths(), ElementsAre("dt=2024-02-29/metrics+0+0+3.parquet", "dt=2024-03-01/metrics+0+0+3.parquet"));
  const auto file = decode_lake_file(store_.bytes_of("dt=2024-03-01/metrics+0+0+3.parquet"));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_THAT(file->rows.value, ElementsAre(4, 2, 1)) << "by series, then time";
  EXPECT_THAT(file->rows.offset, ElementsAre(3, 1, 0));
  expect_whole(4);
}

TEST_F(LakeSinkWriterTest, EndsObjectsAtTheSameRecordsHoweverTheyAreRead) {
  add_readings(100);
  settings_.roll_rows = 30;
  settings_.roll_interval_ms = 25'000;
  std::vector<std::string> first_paths;
  for (const size_t read_records : {1U, 7U, 100U}) {
    store_ = MemoryLakeStore();
    Offset committed;
    ASSERT_TRUE(drive(*writer(), records_, committed, read_records));
    if (first_paths.empty()) first_paths = paths();
    EXPECT_EQ(paths(), first_paths);
    expect_whole(100);
  }
  EXPECT_THAT(first_paths, testing::Contains(HasSubstr("+0+24.")));
}

TEST_F(LakeSinkWriterTest, WritesWhatIsThereWhenNothingComesAnyMore) {
  add_readings(5);
  const auto sink = writer();
  ASSERT_TRUE(sink->open(Offset(0)));
  std::vector<SinkWriter::Rejected> rejected;
  ASSERT_TRUE(sink->add(records_.read(Offset(0), 5), rejected));
  EXPECT_EQ(*sink->settle(Offset(5), SinkWriter::Settle::kPeriodic), Offset(0));
  clock_.advance(settings_.idle_flush_ms - 1);
  EXPECT_EQ(*sink->settle(Offset(5), SinkWriter::Settle::kPeriodic), Offset(0));
  clock_.advance(1);
  EXPECT_EQ(*sink->settle(Offset(5), SinkWriter::Settle::kPeriodic), Offset(5));
  expect_whole(5);
}

TEST_F(LakeSinkWriterTest, CoversRejectedRecordsAndMarksToo) {
  records_.add_bytes("no Avro");
  records_.add("a", kLakeTestStart, 1);
  records_.skip(3);
  records_.add("a", 400'000'000'000'000, 2);
  records_.add_bytes("no Avro either");
  records_.skip(2);
  settings_.roll_rows = 1;
  Offset committed;
  size_t rejected = 0;
  ASSERT_TRUE(drive(*writer(), records_, committed, 2, &rejected));
  EXPECT_EQ(rejected, 3U);
  EXPECT_EQ(committed, Offset(9));
  expect_whole(1);
  const auto listing = LakeInspector(store_).list();
  ASSERT_EQ(listing->partitions.size(), 1U);
  EXPECT_EQ(listing->partitions[0].end, Offset(9));
  EXPECT_EQ(listing->partitions[0].rejected, 3);
  EXPECT_EQ(listing->partitions[0].records, 4);
}

TEST_F(LakeSinkWriterTest, DeathAtAnyStepLosesAndDoublesNothing) {
  add_readings(60);
  settings_.roll_rows = 25;
  for (const auto fault : {MemoryLakeStore::Fault::kBefore, MemoryLakeStore::Fault::kAfter}) {
    bool is_through = false;
    for (int64_t step = 1; !is_through; ++step) {
      store_ = MemoryLakeStore();
      Offset committed;
      store_.fail_from(step, fault);
      is_through = drive(*writer(), records_, committed, 10).has_value();
      store_.heal();
      // The next life collects by other limits, and flushes whenever it may.
      LakeSinkWriter next(store_, lake_test_source(), ValueFormat::kAvro, records_.schemas(),
                          {.uri = "memory", .roll_rows = 7}, clock_);
      const auto done = drive(next, records_, committed, 3);
      ASSERT_TRUE(done) << done.error().message << " after death at step " << step;
      EXPECT_EQ(committed, Offset(60));
      expect_whole(60);
      if (HasFailure()) FAIL() << "after death at step " << step;
    }
  }
}

TEST_F(LakeSinkWriterTest, WriterThatLostItsPartitionEndsItsObjectsWhereTheFasterOneDid) {
  add_readings(40);
  const auto slow = writer();
  ASSERT_TRUE(slow->open(Offset(0)));
  std::vector<SinkWriter::Rejected> rejected;
  ASSERT_TRUE(slow->add(records_.read(Offset(0), 20), rejected));

  Offset committed;
  ASSERT_TRUE(drive(*writer(), records_, committed, 100));

  const auto late = slow->settle(Offset(20), SinkWriter::Settle::kAll);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  expect_whole(40);
  Offset again;
  ASSERT_TRUE(drive(*slow, records_, again, 9)) << "from the old position it writes the same objects";
  expect_whole(40);
}

TEST_F(LakeSinkWriterTest, RefusesALakeThatAnotherLogFilled) {
  add_readings(10);
  Offset committed;
  ASSERT_TRUE(drive(*writer(), records_, committed, 100));
  const auto before = store_.objects();
  LakeTestRecords others;
  for (int i = 0; i < 12; ++i) others.add("other", kLakeTestStart, i);
  Offset start;
  LakeSinkWriter sink(store_, lake_test_source(), ValueFormat::kAvro, others.schemas(), settings_, clock_);
  const auto done = drive(sink, others, start, 100);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kConflict);
  EXPECT_THAT(done.error().message, HasSubstr("another log"));
  EXPECT_EQ(store_.objects(), before);
}

TEST_F(LakeSinkWriterTest, RefusesToStartInsideOfAnObject) {
  add_readings(10);
  Offset committed;
  ASSERT_TRUE(drive(*writer(), records_, committed, 100));
  const auto opened = writer()->open(Offset(4));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kConflict);
  EXPECT_THAT(opened.error().message, HasSubstr("0 to 9"));
  EXPECT_TRUE(writer()->open(Offset(10)));
}

TEST_F(LakeSinkWriterTest, ReadingsOfASchemaThatWasUnknownAreAddedWhenTheRangeIsWrittenAgain) {
  add_readings(3);
  MemorySchemaStore unknown;
  Offset committed;
  LakeSinkWriter first(store_, lake_test_source(), ValueFormat::kAvro, unknown, settings_, clock_);
  ASSERT_TRUE(drive(first, records_, committed, 100));
  expect_whole(0);
  Offset again;
  ASSERT_TRUE(drive(*writer(), records_, again, 100));
  expect_whole(3);
}

TEST_F(LakeSinkWriterTest, ObjectsThatWereMergedMeanwhileAreNotWrittenAgain) {
  add_readings(60);
  settings_.roll_rows = 10;
  Offset committed;
  ASSERT_TRUE(drive(*writer(), records_, committed, 100));
  LakeCompaction compaction(store_, clock_, {.min_age_ms = 0});
  ASSERT_TRUE(compaction.run());
  const auto merged = paths();
  Offset again;
  const auto done = drive(*writer(), records_, again, 7);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(paths(), merged);
  expect_whole(60);
}

TEST_F(LakeSinkWriterTest, RefusesToAddReadingsToADateThatWasMergedWithoutThem) {
  MemorySchemaStore unknown;
  LakeSinkWriter blind(store_, lake_test_source(), ValueFormat::kAvro, unknown, settings_, clock_);
  Offset committed;
  for (const bool knows_schema : {true, false, true}) {
    for (int i = 0; i < 5; ++i) records_.add("g", kLakeTestStart + i, i);
    ASSERT_TRUE(drive(knows_schema ? *writer() : blind, records_, committed, 100));
  }
  ASSERT_TRUE(LakeCompaction(store_, clock_, {.min_age_ms = 0}).run());
  const auto before = store_.objects();
  for (int life = 0; life < 2; ++life) {
    Offset again;
    const auto done = drive(*writer(), records_, again, 100);
    ASSERT_FALSE(done) << "their offsets are covered by an object that does not hold them";
    EXPECT_EQ(done.error().code, ErrorCode::kConflict);
    EXPECT_THAT(done.error().message, HasSubstr("5 to 9"));
    EXPECT_EQ(store_.objects(), before);
  }
  expect_whole(10);
}

TEST_F(LakeSinkWriterTest, EndsARangeAtSoManyDates) {
  for (int i = 0; i < 150; ++i) records_.add("g", kLakeTestStart + i * 400 * kMsPerDay, i);
  Offset committed;
  ASSERT_TRUE(drive(*writer(), records_, committed, 100));
  EXPECT_EQ(LakeInspector(store_).list()->partitions[0].ranges, 3);
  EXPECT_THAT(paths().front(), HasSubstr("+0+63."));
  expect_whole(150);
}

TEST_F(LakeSinkWriterTest, EndsARangeAtSoManyRejectedRecords) {
  for (int i = 0; i < 25'000; ++i) records_.add_bytes("no Avro");
  Offset committed;
  ASSERT_TRUE(drive(*writer(), records_, committed, 30'000));
  EXPECT_EQ(LakeInspector(store_).list()->partitions[0].ranges, 3);
  EXPECT_EQ(LakeInspector(store_).list()->partitions[0].rejected, 25'000);
}

TEST_F(LakeSinkWriterTest, EndsARangeWhereClocksJumpEitherWay) {
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  const int64_t interval_ms = settings_.roll_interval_ms;
  for (const int64_t ingest_ms : {int64_t{0}, -interval_ms, -interval_ms - 1, kFar, std::numeric_limits<int64_t>::min(),
                                  kFar, kFar - interval_ms + 1}) {
    records_.add("g", kLakeTestStart, 1, ingest_ms);
  }
  Offset committed;
  ASSERT_TRUE(drive(*writer(), records_, committed, 100));
  EXPECT_THAT(paths(), ElementsAre(HasSubstr("+0+1."), HasSubstr("+2+2."), HasSubstr("+3+3."), HasSubstr("+4+4."),
                                   HasSubstr("+5+6.")));
}

TEST_F(LakeSinkWriterTest, EndsARangeInTimeWhenTheClocksOfRecordsStandStill) {
  const auto sink = writer();
  ASSERT_TRUE(sink->open(Offset(0)));
  std::vector<SinkWriter::Rejected> rejected;
  const int64_t steps = (settings_.roll_interval_ms + settings_.idle_flush_ms) / 1'000;
  for (int64_t step = 0; step <= steps; ++step) {
    records_.add("g", kLakeTestStart + step, 1);
    ASSERT_TRUE(sink->add(records_.read(Offset(step), 1), rejected));
    EXPECT_EQ(*sink->settle(Offset(step + 1), SinkWriter::Settle::kPeriodic), Offset(step < steps ? 0 : step + 1));
    clock_.advance(1'000);
  }
  expect_whole(static_cast<size_t>(steps) + 1);
}

}  // namespace
}  // namespace meterstream
