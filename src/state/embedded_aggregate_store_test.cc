#include "state/embedded_aggregate_store.h"

#include "testing/aggregate_store_contract.h"
#include "testing/faulty_key_value_store.h"

namespace meterstream {
namespace {

class EmbeddedSubject final : public AggregateStoreSubject {
 public:
  AggregateStore& store() override { return store_; }

 private:
  FaultyKeyValueStore kept_;
  EmbeddedAggregateStore store_{kept_};
};

std::unique_ptr<AggregateStoreSubject> make() {
  return std::make_unique<EmbeddedSubject>();
}

INSTANTIATE_TEST_SUITE_P(Embedded, AggregateStoreContract, testing::Values(&make));

const AggregateSeries kSeries{"household-1", "ELECTRICITY", "ACTIVE_POWER"};

AggregateEntry entry(int64_t count = 1) {
  return {kSeries, {0, 60'000, count, 0, 1, count, 1}, count};
}

class EmbeddedAggregateStoreTest : public testing::Test {
 protected:
  /// Key of the only row.
  std::string row_key() {
    const auto cursor = kept_.cursor(Space::kTable);
    cursor->seek("R");
    return std::string(cursor->key());
  }
  FaultyKeyValueStore kept_;
  EmbeddedAggregateStore store_{kept_};
};

TEST_F(EmbeddedAggregateStoreTest, DamagedRowIsCorruptForReadersAndWriters) {
  auto table = *store_.create({"t", 0, AggregateBucket::kDays});
  ASSERT_TRUE(table->write(std::vector{entry()}));
  WriteBatch damaged;
  damaged.put(Space::kTable, row_key(), "short");
  ASSERT_TRUE(kept_.write(damaged, Durability::kSync));
  EXPECT_EQ(table->rows(kSeries, {}).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(table->write(std::vector{entry()}).error().code, ErrorCode::kCorrupt);
}

TEST_F(EmbeddedAggregateStoreTest, LearnsTheWindowFromTheFirstRowAndShowsTheTableThenOnly) {
  auto table = *store_.create({"t", 0, AggregateBucket::kDays});
  EXPECT_TRUE(store_.tables()->empty());
  ASSERT_TRUE(table->write(std::vector{entry()}));
  EXPECT_EQ(*store_.tables(), (std::vector<AggregateTableDefinition>{{"t", 60'000, AggregateBucket::kDays}}));
  EXPECT_EQ(store_.create({"t", 0, AggregateBucket::kHours}).error().code, ErrorCode::kConflict);
}

TEST_F(EmbeddedAggregateStoreTest, TwoBucketsForOneTableConflictAlsoBeforeTheFirstRow) {
  ASSERT_TRUE(store_.create({"t", 0, AggregateBucket::kDays}));
  EXPECT_EQ(store_.create({"t", 0, AggregateBucket::kHours}).error().code, ErrorCode::kConflict);
}

TEST_F(EmbeddedAggregateStoreTest, FlushedRowsSurviveAPowerLoss) {
  {
    auto table = *store_.create({"t", 0, AggregateBucket::kDays});
    ASSERT_TRUE(table->write(std::vector{entry(3)}));
    ASSERT_TRUE(table->flush());
  }
  const auto survivors = kept_.crash(StoreCrash::kPowerLoss);
  EmbeddedAggregateStore after(*survivors);
  const auto table = after.open("t");
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ((*table)->rows(kSeries, {})->rows.size(), 1U);
}

}  // namespace
}  // namespace meterstream
