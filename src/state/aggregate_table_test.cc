#include "state/aggregate_table.h"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "testing/faulty_key_value_store.h"

namespace meterstream {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kNewYear2007 = 1'167'609'600'000;

const AggregateSeries kSeries{"household-1", "ELECTRICITY", "ACTIVE_POWER"};

AggregateRow row_at(int64_t start_ms, int64_t count = 1) {
  return {start_ms, start_ms + kHour, count, -1.5, 2.5, (static_cast<__int128>(1) << 100) + count, -count};
}

class AggregateTableTest : public testing::TestWithParam<AggregateBucket> {
 protected:
  AggregateTableTest() { define(definition_); }
  void define(const AggregateTableDefinition& table) {
    WriteBatch batch;
    put_table(table, batch);
    EXPECT_TRUE(store_.write(batch, Durability::kSync));
  }
  void put(const AggregateSeries& series, const AggregateRow& row) {
    WriteBatch batch;
    put_row(definition_, series, row, batch);
    EXPECT_TRUE(store_.write(batch, Durability::kSync));
  }
  std::vector<int64_t> starts(const AggregateTable::Query& query, const AggregateSeries& series = kSeries) {
    const auto page = AggregateTable::open(store_, "hours")->rows(series, query);
    EXPECT_TRUE(page);
    std::vector<int64_t> result;
    for (const AggregateRow& row : page->rows) result.push_back(row.window_start_ms);
    return result;
  }

  AggregateTableDefinition definition_{"hours", kHour, GetParam()};
  FaultyKeyValueStore store_;
};

TEST_P(AggregateTableTest, RowReadsBackAsWrittenAndAgainReplaced) {
  put(kSeries, row_at(kNewYear2007, 3));
  put(kSeries, row_at(kNewYear2007, 4));
  const auto page = AggregateTable::open(store_, "hours")->rows(kSeries, {});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->rows, std::vector<AggregateRow>{row_at(kNewYear2007, 4)});
  EXPECT_FALSE(page->next);
}

TEST_P(AggregateTableTest, AnyRangeOrderAndPageEqualsAModel) {
  std::mt19937_64 random(11);
  std::vector<int64_t> model;
  for (int index = -50; index < 2'000; index += 1 + static_cast<int>(random() % 5)) {
    model.push_back(kNewYear2007 - 20 * kDay + index * kHour);
    put(kSeries, row_at(model.back()));
    put({"household-10", "ELECTRICITY", "ACTIVE_POWER"}, row_at(model.back() + 1));
    put({"household-1", "ELECTRICITY", "ACTIVE_POWER2"}, row_at(model.back() + 1));
  }
  for (const int64_t early : {-kDay, -1L, 0L, 5L}) {
    model.insert(model.begin(), early);
    put(kSeries, row_at(early));
  }
  std::ranges::sort(model);
  const auto table = AggregateTable::open(store_, "hours");
  for (int round = 0; round < 200; ++round) {
    AggregateTable::Query query;
    if (random() % 4 != 0) query.from_ms = model[random() % model.size()] + static_cast<int64_t>(random() % 3) - 1;
    if (random() % 4 != 0) query.to_ms = model[random() % model.size()] + static_cast<int64_t>(random() % 3) - 1;
    query.order = random() % 2 == 0 ? AggregateTable::Order::kNewestFirst : AggregateTable::Order::kOldestFirst;
    query.limit = random() % 2 == 0 ? SIZE_MAX : 1 + random() % 100;
    std::vector<int64_t> expected;
    for (const int64_t start : model) {
      if (start >= query.from_ms && start < query.to_ms) expected.push_back(start);
    }
    if (query.order == AggregateTable::Order::kNewestFirst) std::ranges::reverse(expected);
    std::vector<int64_t> paged;
    for (std::optional<AggregateTable::Query> next = query; next;) {
      const auto page = table->rows(kSeries, *next);
      ASSERT_TRUE(page);
      ASSERT_LE(page->rows.size(), query.limit);
      for (const AggregateRow& row : page->rows) paged.push_back(row.window_start_ms);
      next = page->next;
    }
    ASSERT_EQ(paged, expected) << "round " << round;
  }
}

TEST_P(AggregateTableTest, SeriesAreListedInOrderByPrefixAndPage) {
  const std::vector<AggregateSeries> all = {{"a", "GAS", "GAS_IDD"},
                                            {"a", "WATER", "WATER_IDD"},
                                            {std::string("a\0b", 3), "GAS", "GAS_IDD"},
                                            {"ab", "GAS", "GAS_IDD"},
                                            {"b", "", ""}};
  for (const AggregateSeries& series : all) {
    for (int64_t hour = 0; hour < 40; ++hour) put(series, row_at(kNewYear2007 + hour * kHour));
  }
  define({"hours2", kHour, AggregateBucket::kNone});
  const auto table = AggregateTable::open(store_, "hours");
  EXPECT_EQ(*table->series(), all);
  EXPECT_EQ(*table->series("a"), std::vector<AggregateSeries>(all.begin(), all.end() - 1));
  EXPECT_EQ(*table->series("ab"), std::vector<AggregateSeries>{all[3]});
  EXPECT_EQ(*table->series("", 2), std::vector<AggregateSeries>(all.begin(), all.begin() + 2));
  EXPECT_EQ(*table->series("", 2, &all[1]), std::vector<AggregateSeries>(all.begin() + 2, all.begin() + 4));
  EXPECT_TRUE(table->series("c")->empty());
  EXPECT_TRUE(AggregateTable::open(store_, "hours2")->series()->empty());
}

TEST_P(AggregateTableTest, UnknownTableIsAnErrorThatNamesTheKnownOnes) {
  const auto missing = AggregateTable::open(store_, "minutes");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("hours"), std::string::npos);
  EXPECT_EQ(*list_tables(store_), std::vector<AggregateTableDefinition>{definition_});
}

TEST_P(AggregateTableTest, DamagedRowIsCorrupt) {
  WriteBatch batch;
  put_row(definition_, kSeries, row_at(0), batch);
  WriteBatch damaged;
  damaged.put(Space::kTable, batch.operations()[0].key, "short");
  ASSERT_TRUE(store_.write(damaged, Durability::kSync));
  EXPECT_EQ(AggregateTable::open(store_, "hours")->rows(kSeries, {}).error().code, ErrorCode::kCorrupt);
}

INSTANTIATE_TEST_SUITE_P(Buckets, AggregateTableTest,
                         testing::Values(AggregateBucket::kNone, AggregateBucket::kMinutes, AggregateBucket::kHours,
                                         AggregateBucket::kDays, AggregateBucket::kMonths),
                         [](const auto& bucket) { return std::string(name_of(bucket.param)); });

TEST(AggregateBucket, TruncatesInUtcAlsoBefore1970) {
  const int64_t start = kNewYear2007 + 40 * kDay + 5 * kHour + 61'001;
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kMinutes, start), kNewYear2007 + 40 * kDay + 5 * kHour + 60'000);
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kHours, start), kNewYear2007 + 40 * kDay + 5 * kHour);
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kDays, start), kNewYear2007 + 40 * kDay);
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kMonths, start), kNewYear2007 + 31 * kDay);
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kDays, -1), -kDay);
  EXPECT_EQ(bucket_start_ms(AggregateBucket::kMonths, -1), -31 * kDay);
  EXPECT_EQ(parse_aggregate_bucket("days"), AggregateBucket::kDays);
  EXPECT_EQ(parse_aggregate_bucket("weeks"), std::nullopt);
}

}  // namespace
}  // namespace meterstream
