#include "connectors/lake/lake_inspector.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/lake/lake_compaction.h"
#include "connectors/lake/lake_range.h"
#include "connectors/lake/lake_test_records.h"

namespace meterstream {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class LakeInspectorTest : public testing::Test {
 protected:
  /// Eight ranges of ten readings, over four dates.
  LakeInspectorTest() {
    for (int i = 0; i < 80; ++i) {
      records_.add(std::string("gateway-") + std::to_string(i % 3), kLakeTestStart + i * 3'600'000, i);
    }
    store_.set_time(kLakeTestStart);
    LakeSinkWriter writer(store_, lake_test_source(), ValueFormat::kAvro, records_.schemas(),
                          {.uri = "memory", .roll_rows = 10}, clock_);
    Offset committed;
    EXPECT_TRUE(drive(writer, records_, committed, 100));
    clock_.advance(7'200'000);
  }
  LakeReport verified() {
    auto report = LakeInspector(store_).verify();
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : LakeReport();
  }
  std::string first_object() const {
    for (const auto& [path, bytes] : store_.objects()) {
      if (LakeObjectName::parse(path)) return path;
    }
    return {};
  }

  MemoryLakeStore store_;
  LakeTestRecords records_;
  ManualClock clock_{IngestTime(kLakeTestStart)};
};

TEST_F(LakeInspectorTest, FindsNothingInALakeThatIsWhole) {
  const LakeReport report = verified();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.readings, 80);
  ASSERT_EQ(report.partitions.size(), 1U);
  EXPECT_EQ(report.partitions[0].begin, Offset(0));
  EXPECT_EQ(report.partitions[0].end, Offset(80));
  EXPECT_EQ(report.partitions[0].ranges, 8);
}

TEST_F(LakeInspectorTest, ListsDatesByTheRecords) {
  const auto listing = LakeInspector(store_).list();
  ASSERT_TRUE(listing);
  ASSERT_EQ(listing->dates.size(), 4U);
  EXPECT_EQ(listing->dates[0].readings, 24);
  EXPECT_EQ(listing->dates[0].objects, 3);
  EXPECT_GT(listing->dates[0].bytes, 0);
}

TEST_F(LakeInspectorTest, NamesALostObject) {
  const std::string lost = first_object();
  store_.erase(lost);
  EXPECT_THAT(verified().faults, Contains(AllOf(HasSubstr(lost), HasSubstr("lost"))));
}

TEST_F(LakeInspectorTest, NamesLostOffsets) {
  store_.erase(LakeRange::path_of(lake_test_source(), Offset(20)));
  const auto faults = verified().faults;
  EXPECT_THAT(faults, Contains(HasSubstr("offsets 20 to 29 are missing")));
  EXPECT_THAT(faults, Contains(AllOf(HasSubstr("+20+29.parquet"), HasSubstr("no range is recorded"))));
}

// Nothing is left that speaks of the offsets but the range behind them.
TEST_F(LakeInspectorTest, NamesALostBeginning) {
  store_.erase(LakeRange::path_of(lake_test_source(), Offset(0)));
  store_.erase(first_object());
  const auto faults = verified().faults;
  EXPECT_THAT(faults, testing::ElementsAre(HasSubstr("the offsets before 10 are missing")));
}

TEST_F(LakeInspectorTest, ALakeMayBeginAtAnyOffset) {
  MemoryLakeStore store;
  LakeSinkWriter writer(store, lake_test_source(), ValueFormat::kAvro, records_.schemas(),
                        {.uri = "memory", .roll_rows = 10}, clock_);
  Offset committed(40);
  ASSERT_TRUE(drive(writer, records_, committed, 100));
  const auto report = LakeInspector(store).verify();
  ASSERT_TRUE(report);
  EXPECT_THAT(report->faults, IsEmpty());
  EXPECT_EQ(report->partitions[0].begin, Offset(40));
}

TEST_F(LakeInspectorTest, NamesObjectsThatOverlap) {
  LakeObjectName name{day_of(kLakeTestStart), lake_test_source(), Offset(5), Offset(14)};
  LakeRows rows;
  rows.series = {{"g", "GAS", "GAS_IDD"}};
  rows.series_of = {0};
  rows.time_ms = {kLakeTestStart};
  rows.value = {1};
  rows.offset = {7};
  rows.ingest_ms = {kLakeTestStart};
  const uint32_t order[] = {0};
  ASSERT_TRUE(store_.write(name.path(), *encode_lake_file(name, rows, order, 3)));
  EXPECT_THAT(verified().faults, Contains(AllOf(HasSubstr("+5+14.parquet"), HasSubstr("overlaps"))));
}

TEST_F(LakeInspectorTest, NamesAnObjectOfWhichAnyByteHasChanged) {
  const std::string path = first_object();
  const std::string sound = store_.bytes_of(path);
  for (size_t place = 0; place < sound.size(); place += 1 + sound.size() / 200) {
    store_.bytes_of(path) = sound;
    store_.bytes_of(path)[place] = static_cast<char>(sound[place] ^ 0x10);
    EXPECT_THAT(verified().faults, Contains(HasSubstr(path))) << "byte " << place;
  }
  store_.bytes_of(path) = sound.substr(0, sound.size() / 2);
  EXPECT_THAT(verified().faults, Contains(HasSubstr(path)));
}

TEST_F(LakeInspectorTest, CompactionMergesEachDateIntoOneObject) {
  LakeCompaction compaction(store_, clock_, {});
  const auto summary = compaction.run();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->readings, 72) << "the last date has one object already";
  const LakeReport report = verified();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.objects, 4);
  EXPECT_EQ(report.readings, 80);
  EXPECT_EQ(offsets_in(store_).size(), 80U);
}

TEST_F(LakeInspectorTest, CompactionEndsAnObjectAtSoManyReadings) {
  ASSERT_TRUE(LakeCompaction(store_, clock_, {.target_readings = 20}).run());
  const LakeReport report = verified();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_EQ(report.readings, 80);
  EXPECT_EQ(report.objects, 7) << "24 readings a date are 10, 10 and 4, or 6, 10 and 8, or 2, 10, 10 and 2";
  ASSERT_TRUE(LakeCompaction(store_, clock_, {}).run());
  EXPECT_EQ(verified().objects, 4);
}

TEST_F(LakeInspectorTest, CompactionLeavesYoungObjectsAlone) {
  const auto before = store_.objects();
  LakeCompaction compaction(store_, clock_, {.min_age_ms = 24 * 3'600'000});
  ASSERT_TRUE(compaction.run());
  EXPECT_EQ(store_.objects(), before);
}

TEST_F(LakeInspectorTest, CompactionSaysWhyObjectsStayAsTheyAre) {
  using Left = LakeCompaction::Left;
  const auto left = [this](const LakeCompaction::Options& options) {
    const auto summary = LakeCompaction(store_, clock_, options).run();
    EXPECT_TRUE(summary) << summary.error().message;
    return summary->left;
  };
  const auto objects = static_cast<int64_t>(verified().objects);
  EXPECT_EQ(left({.min_age_ms = 24 * 3'600'000}), (Left{.young = objects}));
  EXPECT_EQ(left({.target_bytes = 1}), (Left{.alone = 1, .large = objects - 1})) << "the last date has one object";
  EXPECT_EQ(left({.target_readings = 1}), (Left{.alone = 1, .large = objects - 1}));
  EXPECT_EQ(left({}), (Left{.alone = 1})) << "the others are merged";
  EXPECT_EQ(left({}), (Left{.alone = 4}));
}

TEST_F(LakeInspectorTest, CompactionSaysWhatStaysApartByAGap) {
  // Three objects of the date 2024-03-01; the one in the middle is lost.
  store_.erase("dt=2024-03-01/metrics+0+10+19.parquet");
  const auto summary = LakeCompaction(store_, clock_, {}).run();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->left, (LakeCompaction::Left{.alone = 1, .apart = 2}));
}

TEST_F(LakeInspectorTest, CompactionDoesNotMergeOverWhatIsLost) {
  store_.erase("dt=2024-03-01/metrics+0+10+19.parquet");
  ASSERT_TRUE(LakeCompaction(store_, clock_, {}).run());
  EXPECT_THAT(verified().faults, Contains(HasSubstr("dt=2024-03-01/metrics+0+10+19.parquet: the object is lost")));
}

TEST_F(LakeInspectorTest, CompactionThatDiesAtAnyStepIsEndedByTheNext) {
  const MemoryLakeStore original = store_;
  for (const auto fault : {MemoryLakeStore::Fault::kBefore, MemoryLakeStore::Fault::kAfter}) {
    bool is_through = false;
    int64_t step = 1;
    for (; !is_through; ++step) {
      store_ = original;
      // Twice merged: first small ones, then all.
      ASSERT_TRUE(LakeCompaction(store_, clock_, {.target_bytes = 5'000}).run());
      store_.fail_from(step, fault);
      is_through = LakeCompaction(store_, clock_, {}).run().has_value();
      store_.heal();
      LakeReport report = verified();
      EXPECT_THAT(report.faults, IsEmpty()) << "after death at step " << step;
      EXPECT_EQ(report.readings, 80) << "nothing is counted double";
      EXPECT_EQ(offsets_in(store_).size(), 80U) << "nothing is lost";
      ASSERT_TRUE(LakeCompaction(store_, clock_, {}).run());
      report = verified();
      EXPECT_THAT(report.faults, IsEmpty());
      EXPECT_THAT(report.leftovers, IsEmpty());
      EXPECT_EQ(report.objects, 4);
      for (const auto& [offset, count] : offsets_in(store_)) ASSERT_EQ(count, 1) << offset;
    }
    EXPECT_GT(step, 10);
  }
}

}  // namespace
}  // namespace meterstream
