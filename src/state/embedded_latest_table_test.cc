#include "state/embedded_latest_table.h"

#include "state/embedded_latest_store.h"
#include "state/memory_store.h"
#include "state/rocksdb_store.h"
#include "testing/faulty_key_value_store.h"
#include "testing/latest_table_contract.h"
#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

class FaultySubject final : public LatestTableSubject {
 public:
  std::unique_ptr<LatestTable> open(LatestContent content) override { return tables_->open("latest", content); }
  void restart() override {
    store_ = store_->crash(StoreCrash::kPowerLoss);
    tables_ = std::make_unique<EmbeddedLatestStore>(*store_);
  }

 private:
  std::unique_ptr<FaultyKeyValueStore> store_ = std::make_unique<FaultyKeyValueStore>();
  std::unique_ptr<EmbeddedLatestStore> tables_ = std::make_unique<EmbeddedLatestStore>(*store_);
};

class RocksDbSubject final : public LatestTableSubject {
 public:
  RocksDbSubject() { start(); }
  std::unique_ptr<LatestTable> open(LatestContent content) override { return tables_->open("latest", content); }
  void restart() override {
    tables_.reset();
    store_.reset();
    start();
  }

 private:
  void start() {
    auto store = RocksDbStore::open(directory_.path());
    ASSERT_TRUE(store) << store.error().message;
    store_ = *std::move(store);
    tables_ = std::make_unique<EmbeddedLatestStore>(*store_);
  }
  TemporaryDirectory directory_;
  std::unique_ptr<RocksDbStore> store_;
  std::unique_ptr<EmbeddedLatestStore> tables_;
};

template <class Subject>
std::unique_ptr<LatestTableSubject> make() {
  return std::make_unique<Subject>();
}

INSTANTIATE_TEST_SUITE_P(Faulty, LatestTableContract, testing::Values(&make<FaultySubject>));
INSTANTIATE_TEST_SUITE_P(RocksDb, LatestTableContract, testing::Values(&make<RocksDbSubject>));

LatestReadingView at(int64_t timestamp_ms, std::string_view gateway = "g") {
  return {gateway, "WATER", "WATER_IDD", timestamp_ms, 1};
}

TEST(EmbeddedLatestTable, TablesOfDifferentNamesAreApart) {
  MemoryStore store;
  EmbeddedLatestStore tables(store);
  EXPECT_TRUE(tables.tables()->empty());
  const auto one = tables.open("one");
  const auto other = tables.open(std::string("one\0", 4));
  ASSERT_TRUE(one->write(std::vector{at(1)}));
  ASSERT_TRUE(other->write(std::vector{at(2)}));
  ASSERT_TRUE(one->flush());
  ASSERT_TRUE(other->flush());
  EXPECT_EQ(one->activity("g").value(), 1);
  EXPECT_EQ(other->activity("g").value(), 2);
  EXPECT_EQ(*tables.tables(), (std::vector<std::string>{"one", std::string("one\0", 4)}));
  EXPECT_EQ(one->gateways("", 10, nullptr)->size(), 1U);
}

TEST(EmbeddedLatestTable, ReadsNoTimeThatItKnows) {
  FaultyKeyValueStore store;
  EmbeddedLatestStore tables(store);
  const auto table = tables.open("latest");
  ASSERT_TRUE(table->write(std::vector{at(1), at(2), at(3)}));
  ASSERT_TRUE(table->flush());
  const uint64_t reads = store.counters().reads;
  const uint64_t writes = store.counters().writes;
  ASSERT_TRUE(table->write(std::vector{at(3), at(2)}));
  ASSERT_TRUE(tables.open("latest")->write(std::vector{at(4)}));
  ASSERT_TRUE(table->write(std::vector{at(4)}));
  ASSERT_TRUE(table->flush());
  EXPECT_EQ(store.counters().reads, reads);
  EXPECT_EQ(store.counters().writes, writes + 2);  // the rows of one series at once, and the sync
}

TEST(EmbeddedLatestTable, AFullDiskIsUnavailableAndWritingAgainWorks) {
  FaultyKeyValueStore store(StoreFaultPlan::fail_at(0, StoreFault::kNoSpace));
  EmbeddedLatestStore tables(store);
  const auto table = tables.open("latest");
  ASSERT_TRUE(table->write(std::vector{at(5)}));
  EXPECT_EQ(table->flush().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(table->activity("g").value(), std::nullopt);
  ASSERT_TRUE(table->write(std::vector{at(5)}));
  ASSERT_TRUE(table->flush());
  EXPECT_EQ(table->activity("g").value(), 5);
}

TEST(EmbeddedLatestTable, ADamagedEntryIsNamed) {
  MemoryStore store;
  EmbeddedLatestStore tables(store);
  const auto table = tables.open("latest");
  WriteBatch batch;
  batch.put(Space::kTable, std::string("Alatest\0\0g", 10), "rubbish");
  ASSERT_TRUE(store.write(batch, Durability::kSync));
  EXPECT_EQ(table->activity("g").error().code, ErrorCode::kCorrupt);
  ASSERT_TRUE(table->write(std::vector{at(5)}));
  EXPECT_EQ(table->flush().error().code, ErrorCode::kCorrupt);
}

TEST(KnownTimes, ForgetsRatherThanGrows) {
  KnownTimes known(3);
  for (int64_t key = 0; key < 10; ++key) {
    known.put(std::to_string(key), key);
    EXPECT_EQ(known.find(std::to_string(key)), key);
  }
  known.put("9", 20);
  EXPECT_EQ(known.find("9"), 20);
  EXPECT_EQ(known.find("0"), std::nullopt);
}

}  // namespace
}  // namespace meterstream
