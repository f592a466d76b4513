// Purpose: the behaviour that every AggregateStore and its tables must show, as parameterised tests.
// Use: include it in one test file of a binary, define an AggregateStoreSubject, and
//   INSTANTIATE_TEST_SUITE_P(Name, AggregateStoreContract, testing::Values(&make_subject));
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "state/aggregate_store.h"

namespace meterstream {

/// A store under test without tables of these tests' names.
class AggregateStoreSubject {
 public:
  virtual ~AggregateStoreSubject() = default;
  virtual AggregateStore& store() = 0;
};

class AggregateStoreContract : public testing::TestWithParam<std::unique_ptr<AggregateStoreSubject> (*)()> {
 protected:
  static constexpr int64_t kHour = 3'600'000;
  static constexpr int64_t kDay = 24 * kHour;
  static constexpr int64_t kNewYear2007 = 1'167'609'600'000;
  static constexpr AggregateBucket kBuckets[] = {AggregateBucket::kNone, AggregateBucket::kMinutes,
                                                 AggregateBucket::kHours, AggregateBucket::kDays,
                                                 AggregateBucket::kMonths};

  void SetUp() override { subject_ = GetParam()(); }
  AggregateStore& store() { return subject_->store(); }
  std::unique_ptr<AggregateTable> create(const std::string& name, AggregateBucket bucket) {
    auto table = store().create({name, kHour, bucket});
    EXPECT_TRUE(table) << (table ? "" : table.error().message);
    return table ? *std::move(table) : nullptr;
  }
  static AggregateRow row_at(int64_t start_ms, int64_t count = 1) {
    return {start_ms, start_ms + kHour, count, -1.5, 2.5, (static_cast<__int128>(1) << 90) + count, -count};
  }
  static AggregateEntry entry_at(const AggregateSeries& series, int64_t start_ms, int64_t count = 1) {
    return {series, row_at(start_ms, count), count};
  }
  static void write(AggregateTable& table, const std::vector<AggregateEntry>& entries) {
    const Status written = table.write(entries);
    ASSERT_TRUE(written) << written.error().message;
    const Status flushed = table.flush();
    ASSERT_TRUE(flushed) << flushed.error().message;
  }
  static std::vector<AggregateRow> all_rows(AggregateTable& table, const AggregateSeries& series) {
    const auto page = table.rows(series, {});
    EXPECT_TRUE(page) << (page ? "" : page.error().message);
    return page ? page->rows : std::vector<AggregateRow>();
  }
  /// Over as many pages as it takes.
  static std::vector<int64_t> starts(AggregateTable& table, const AggregateSeries& series,
                                     const AggregateTable::Query& query) {
    std::vector<int64_t> found;
    for (std::optional<AggregateTable::Query> next = query; next;) {
      const auto page = table.rows(series, *next);
      EXPECT_TRUE(page) << (page ? "" : page.error().message);
      if (!page) break;
      EXPECT_LE(page->rows.size(), query.limit);
      for (const AggregateRow& row : page->rows) found.push_back(row.window_start_ms);
      next = page->next;
    }
    return found;
  }

  const AggregateSeries series_{"household-1", "ELECTRICITY", "ACTIVE_POWER"};
  std::unique_ptr<AggregateStoreSubject> subject_;
};

TEST_P(AggregateStoreContract, RowReadsBackAsWritten) {
  for (const AggregateBucket bucket : kBuckets) {
    const auto table = create("read_back_" + std::string(name_of(bucket)), bucket);
    AggregateRow row = row_at(kNewYear2007, 3);
    row.sum_units = -((static_cast<__int128>(1) << 110) + 7);
    row.min = -0.1;
    row.max = 1e300;
    write(*table, {{series_, row, 3}});
    EXPECT_EQ(all_rows(*table, series_), std::vector<AggregateRow>{row});
  }
}

TEST_P(AggregateStoreContract, OlderRevisionNeverWinsInWhateverOrder) {
  const auto table = create("revisions", AggregateBucket::kDays);
  std::vector<int64_t> order = {1, 2, 3, 4};
  int64_t start_ms = kNewYear2007;
  do {
    start_ms += kHour;
    for (const int64_t count : order) write(*table, {entry_at(series_, start_ms, count)});
    const auto page = table->rows(series_, {.from_ms = start_ms, .to_ms = start_ms + 1});
    ASSERT_TRUE(page);
    ASSERT_EQ(page->rows, std::vector<AggregateRow>{row_at(start_ms, 4)});
  } while (std::ranges::next_permutation(order).found);
  // Together, and again when all is there.
  std::vector<AggregateEntry> mixed;
  for (const int64_t count : {2, 4, 1, 3}) mixed.push_back(entry_at(series_, kNewYear2007, count));
  write(*table, mixed);
  write(*table, {entry_at(series_, kNewYear2007, 1)});
  const auto page = table->rows(series_, {.from_ms = kNewYear2007, .to_ms = kNewYear2007 + 1});
  EXPECT_EQ(page->rows, std::vector<AggregateRow>{row_at(kNewYear2007, 4)});
}

TEST_P(AggregateStoreContract, RevisionCountsAndNotTheSamples) {
  const auto table = create("corrections", AggregateBucket::kNone);
  write(*table, {{series_, row_at(0, 9), 9}});
  write(*table, {{series_, row_at(0, 2), 10}});
  write(*table, {{series_, row_at(0, 9), 9}});
  EXPECT_EQ(all_rows(*table, series_), std::vector<AggregateRow>{row_at(0, 2)});
}

TEST_P(AggregateStoreContract, AnyRangeOrderAndPageEqualsAModel) {
  for (const AggregateBucket bucket : kBuckets) {
    std::mt19937_64 random(11);
    const auto table = create("ranges_" + std::string(name_of(bucket)), bucket);
    std::vector<int64_t> model = {-kDay, -kHour, 0, 5 * kHour};
    for (int index = -50; index < 400; index += 1 + static_cast<int>(random() % 9))
      model.push_back(kNewYear2007 - 20 * kDay + index * kHour);
    std::vector<AggregateEntry> entries;
    for (const int64_t start_ms : model) {
      entries.push_back(entry_at(series_, start_ms));
      entries.push_back(entry_at({"household-10", "ELECTRICITY", "ACTIVE_POWER"}, start_ms + 1));
      entries.push_back(entry_at({"household-1", "ELECTRICITY", "ACTIVE_POWER2"}, start_ms + 1));
    }
    std::ranges::shuffle(entries, random);
    write(*table, entries);
    for (int round = 0; round < 60; ++round) {
      AggregateTable::Query query;
      if (random() % 4 != 0) query.from_ms = model[random() % model.size()] + static_cast<int64_t>(random() % 3) - 1;
      if (random() % 4 != 0) query.to_ms = model[random() % model.size()] + static_cast<int64_t>(random() % 3) - 1;
      query.order = random() % 2 == 0 ? AggregateTable::Order::kNewestFirst : AggregateTable::Order::kOldestFirst;
      query.limit = random() % 2 == 0 ? SIZE_MAX : 1 + random() % 40;
      std::vector<int64_t> expected;
      for (const int64_t start : model) {
        if (start >= query.from_ms && start < query.to_ms) expected.push_back(start);
      }
      if (query.order == AggregateTable::Order::kNewestFirst) std::ranges::reverse(expected);
      ASSERT_EQ(starts(*table, series_, query), expected) << name_of(bucket) << " round " << round;
    }
  }
}

TEST_P(AggregateStoreContract, SeriesAreListedInOrderByPrefixAndPage) {
  const std::vector<AggregateSeries> all = {{"a", "GAS", "GAS_IDD"},
                                            {"a", "WATER", "WATER_IDD"},
                                            {"a b", "GAS", "GAS_IDD"},
                                            {"ab", "GAS", "GAS_IDD"},
                                            {"b", "GAS", "GAS_IDD"}};
  const auto table = create("listed", AggregateBucket::kDays);
  const auto other = create("listed_2", AggregateBucket::kNone);
  std::vector<AggregateEntry> entries;
  for (const AggregateSeries& series : all) {
    for (int64_t hour = 0; hour < 40; ++hour) entries.push_back(entry_at(series, kNewYear2007 + hour * kHour));
  }
  write(*table, entries);
  EXPECT_EQ(*table->series({}, SIZE_MAX, nullptr), all);
  EXPECT_EQ(*table->series("a", SIZE_MAX, nullptr), std::vector<AggregateSeries>(all.begin(), all.end() - 1));
  EXPECT_EQ(*table->series("ab", SIZE_MAX, nullptr), std::vector<AggregateSeries>{all[3]});
  EXPECT_EQ(*table->series({}, 2, nullptr), std::vector<AggregateSeries>(all.begin(), all.begin() + 2));
  EXPECT_EQ(*table->series({}, 2, &all[1]), std::vector<AggregateSeries>(all.begin() + 2, all.begin() + 4));
  EXPECT_TRUE(table->series("c", SIZE_MAX, nullptr)->empty());
  EXPECT_TRUE(other->series({}, SIZE_MAX, nullptr)->empty());
}

TEST_P(AggregateStoreContract, TableThatExistsIsOpenedAndKeepsItsRows) {
  write(*create("kept", AggregateBucket::kHours), {entry_at(series_, kNewYear2007)});
  const auto again = create("kept", AggregateBucket::kHours);
  EXPECT_EQ(all_rows(*again, series_).size(), 1U);
  const auto opened = store().open("kept");
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->definition(), (AggregateTableDefinition{"kept", kHour, AggregateBucket::kHours}));
  EXPECT_EQ(all_rows(**opened, series_).size(), 1U);
  const auto tables = store().tables();
  ASSERT_TRUE(tables) << tables.error().message;
  EXPECT_TRUE(std::ranges::any_of(*tables, [](const auto& table) { return table.name == "kept"; }));
}

TEST_P(AggregateStoreContract, AnotherBucketIsAConflictThatNamesBoth) {
  create("bucketed", AggregateBucket::kDays);
  const auto refused = store().create({"bucketed", kHour, AggregateBucket::kMonths});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  for (const char* part : {"bucketed", "days", "months"})
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;
}

TEST_P(AggregateStoreContract, UnknownTableIsAnErrorThatNamesTheKnownOnes) {
  create("hours", AggregateBucket::kDays);
  const auto missing = store().open("minutes");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("hours"), std::string::npos) << missing.error().message;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(AggregateStoreContract);

}  // namespace meterstream
