#include "stream/lookup_table.h"

#include <map>
#include <optional>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace meterstream {
namespace {

TableSpec spec(bool has_times) {
  TableSpec made;
  made.columns = {{"id", ColumnType::kVarchar},
                  {"at", ColumnType::kTimestamp},
                  {"text", ColumnType::kVarchar},
                  {"number", ColumnType::kDouble}};
  if (has_times) made.valid_from_column = 1;
  return made;
}

struct Row {
  std::optional<std::string> text;
  std::optional<double> number;
  bool operator==(const Row&) const = default;
};

std::vector<Column> columns_of(const std::string& key, int64_t at_ms, const Row& row) {
  std::vector<Column> columns;
  for (const ColumnSchema& column : spec(true).columns) columns.push_back(null_column(column.type, 1));
  columns[0].strings[0] = key;
  columns[1].integers[0] = at_ms;
  columns[0].validity[0] = columns[1].validity[0] = 1;
  if (row.text) columns[2].strings[0] = *row.text;
  columns[2].validity[0] = row.text.has_value() ? 1 : 0;
  if (row.number) columns[3].doubles[0] = *row.number;
  columns[3].validity[0] = row.number.has_value() ? 1 : 0;
  return columns;
}

std::optional<Row> found(const LookupTable& table, const std::string& key, int64_t time_ms) {
  const auto lock = table.lock_shared();
  const uint32_t at = table.find(key, time_ms);
  if (at == LookupTable::kNone) return std::nullopt;
  Column text = null_column(ColumnType::kVarchar, 1);
  Column number = null_column(ColumnType::kDouble, 1);
  Row row;
  if (table.copy(at, 2, text, 0)) row.text = std::string(text.strings[0]);
  if (table.copy(at, 3, number, 0)) row.number = number.doubles[0];
  return row;
}

TEST(LookupTable, WithoutTimesTheLastRowOfAKeyHoldsForEver) {
  LookupTable table(spec(false));
  EXPECT_EQ(found(table, "a", 5), std::nullopt);
  table.put("a", INT64_MIN, columns_of("a", 100, {"one", 1.0}), 0);
  table.put("a", INT64_MIN, columns_of("a", 50, {"two", std::nullopt}), 0);
  EXPECT_EQ(found(table, "a", 5), (Row{"two", std::nullopt}));
  EXPECT_EQ(table.rows(), 1U);
  table.erase("a");
  EXPECT_EQ(found(table, "a", 5), std::nullopt);
  EXPECT_EQ(table.rows(), 0U);
}

TEST(LookupTable, WithTimesEachRowHoldsFromItsTimeOn) {
  LookupTable table(spec(true));
  table.put("a", 200, columns_of("a", 200, {"late", 2.0}), 0);
  table.put("a", 100, columns_of("a", 100, {"early", 1.0}), 0);
  EXPECT_EQ(found(table, "a", 99), std::nullopt);
  EXPECT_EQ(found(table, "a", 100), (Row{"early", 1.0}));
  EXPECT_EQ(found(table, "a", 199), (Row{"early", 1.0}));
  EXPECT_EQ(found(table, "a", 200), (Row{"late", 2.0}));
  table.put("a", 100, columns_of("a", 100, {"corrected", 3.0}), 0);
  EXPECT_EQ(found(table, "a", 150), (Row{"corrected", 3.0}));
  EXPECT_EQ(table.rows(), 2U);
}

// Against a map of maps, with rows that are used again after deletions.
RC_GTEST_PROP(LookupTable, FindsWhatAMapFinds,
              (bool has_times, std::vector<std::tuple<uint8_t, uint8_t, uint8_t>> changes)) {
  LookupTable table(spec(has_times));
  std::map<std::string, std::map<int64_t, Row>> expected;
  for (const auto& [key_number, time, kind] : changes) {
    const std::string key = "key-of-some-length-" + std::to_string(key_number % 5);
    if (kind % 4 == 0) {
      table.erase(key);
      expected.erase(key);
    } else {
      const int64_t at_ms = has_times ? time % 10 : INT64_MIN;
      Row row;
      if (kind % 3 != 0) row.text = "text " + std::to_string(kind);
      if (kind % 5 != 0) row.number = kind / 2.0;
      table.put(key, at_ms, columns_of(key, time, row), 0);
      expected[key][at_ms] = row;
    }
    for (int number = 0; number < 5; ++number) {
      const std::string probe = "key-of-some-length-" + std::to_string(number);
      for (int64_t time_ms = -1; time_ms < 11; ++time_ms) {
        std::optional<Row> wanted;
        if (const auto rows = expected.find(probe); rows != expected.end()) {
          const auto next = rows->second.upper_bound(time_ms);
          if (next != rows->second.begin()) wanted = std::prev(next)->second;
        }
        RC_ASSERT(found(table, probe, time_ms) == wanted);
      }
    }
  }
}

}  // namespace
}  // namespace meterstream
