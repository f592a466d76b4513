#include <gmock/gmock.h>

#include "server/engine_fixture.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Rows = std::vector<std::string>;

class KeyRangeTest : public EngineFixture {
 protected:
  KeyRangeTest() {
    execute(
        R"(CREATE TABLE meters (id VARCHAR PRIMARY KEY, floor BIGINT) WITH (topic = 'meters', value_format = 'JSON');
      CREATE STREAM metrics WITH (topic = 'metrics', partitions = 2);
      CREATE TABLE series WITH (partitions = 2) AS SELECT gateway, metricType, WINDOWSTART AS s, COUNT(*) AS n FROM metrics
        WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY gateway, metricType EMIT CHANGES;)");
  }
  std::string way_of(std::string_view query) {
    const std::string text =
        std::get<StatementResult::Explained>(execute(fmt::format("EXPLAIN {}", query)).at(0).content).text;
    return text.substr(0, text.find('\n'));
  }
  void insert(const std::vector<std::string>& ids) {
    std::string rows;
    for (const std::string& id : ids) rows += fmt::format("{}('{}', {})", rows.empty() ? "" : ", ", id, id.size());
    execute(fmt::format("INSERT INTO meters VALUES {};", rows));
  }
};

TEST_F(KeyRangeTest, RangesOfKeysAreFoundWithoutTheOthers) {
  insert({"a", "ab", "abc", "b", "ba", "c"});
  const auto check = [&](std::string_view condition, const Rows& expected) {
    const std::string query = fmt::format("SELECT id FROM meters WHERE {};", condition);
    EXPECT_EQ(way_of(query), "look up 1 range(s) of keys in table meters") << condition;
    EXPECT_EQ(rows_of(query), expected) << condition;
  };
  check("id > 'ab' AND id < 'b'", {"abc"});
  check("id >= 'ab' AND id <= 'b'", {"ab", "abc", "b"});
  check("'ab' < id", {"abc", "b", "ba", "c"});
  check("id BETWEEN 'ab' AND 'ba'", {"ab", "abc", "b", "ba"});
  check("id LIKE 'ab%'", {"ab", "abc"});
  check("id LIKE 'a_c'", {"abc"});
  check("id LIKE 'b%' AND id > 'b' AND floor > 0", {"ba"});
  check("id > 'c'", {});
  EXPECT_THAT(way_of("SELECT id FROM meters WHERE id LIKE '%a';"), StartsWith("read all"));
  EXPECT_THAT(way_of("SELECT id FROM meters WHERE id > 'a' OR floor = 1;"), StartsWith("read all"));
  EXPECT_THAT(way_of("SELECT id FROM meters WHERE NOT id > 'a';"), StartsWith("read all"));
}

TEST_F(KeyRangeTest, RangesFollowRowsThatComeAndGo) {
  insert({"a", "b", "c"});
  EXPECT_EQ(rows_of("SELECT id FROM meters WHERE id > 'a'"), (Rows{"b", "c"}));
  insert({"bb", "d"});
  EXPECT_EQ(rows_of("SELECT id FROM meters WHERE id > 'a'"), (Rows{"b", "bb", "c", "d"}));
  Transaction transaction;
  transaction.appends.push_back({{"meters", PartitionId(0)}, {}});
  transaction.appends.back().records.add("bb", {}, {}, IngestTime(1));
  ASSERT_TRUE(log_->commit(std::move(transaction), Durability::kSync));
  expect_rows("SELECT id FROM meters WHERE id > 'a'", {"b", "c", "d"});
  insert({"bb"});
  EXPECT_EQ(rows_of("SELECT id FROM meters WHERE id LIKE 'b%'"), (Rows{"b", "bb"}));
}

TEST_F(KeyRangeTest, ARangeOfManyRowsComesInParts) {
  Rows ids;
  for (int number = 1000; number < 6000; ++number) ids.push_back(fmt::format("m{}", number));
  insert(ids);
  EXPECT_EQ(rows_of("SELECT id FROM meters WHERE id >= 'm2000' AND id < 'm5500'"),
            Rows(ids.begin() + 1000, ids.begin() + 4500));
}

TEST_F(KeyRangeTest, TheFirstColumnsOfAKeyAreARange) {
  execute(R"(INSERT INTO metrics VALUES
    ('7', 'GAS', 'A', '2007-01-01T10:00:00Z', 1), ('7', 'GAS', 'A', '2007-01-01T12:00:00Z', 1),
    ('7', 'WATER', 'A', '2007-01-01T10:00:00Z', 1), ('7!', 'GAS', 'A', '2007-01-01T10:00:00Z', 1),
    ('7.1', 'GAS', 'A', '2007-01-01T10:00:00Z', 1), ('71', 'GAS', 'A', '2007-01-01T10:00:00Z', 1);)");
  expect_rows("SELECT gateway, metricType, n FROM series WHERE gateway = '7'", {"7|GAS|1", "7|GAS|1", "7|WATER|1"});
  EXPECT_THAT(way_of("SELECT n FROM series WHERE gateway IN ('7', '71');"), HasSubstr("look up 2 range(s)"));
  EXPECT_EQ(rows_of("SELECT gateway FROM series WHERE gateway IN ('7', '7.1', '71') AND WINDOWSTART > 1167645600000"),
            Rows{"7"});
  EXPECT_EQ(rows_of("SELECT gateway FROM series WHERE gateway IN ('7', '7.1') AND WINDOWSTART = 1167645600000"),
            (Rows{"7", "7", "7.1"}));
  // '7!.GAS' is before '7.GAS', and behind it as a value.
  EXPECT_EQ(rows_of("SELECT gateway FROM series WHERE gateway > '7' AND WINDOWSTART = 1167645600000"),
            (Rows{"7!", "7.1", "71"}));
  EXPECT_EQ(rows_of("SELECT gateway FROM series WHERE gateway <= '7!' AND WINDOWSTART = 1167645600000"),
            (Rows{"7", "7", "7!"}));
  EXPECT_EQ(rows_of("SELECT gateway FROM series WHERE gateway LIKE '7._'"), Rows{"7.1"});
}

}  // namespace
}  // namespace meterstream
