#include <gmock/gmock.h>

#include "server/engine_fixture.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using Rows = std::vector<std::string>;

class GroupedQueryTest : public EngineFixture {
 protected:
  GroupedQueryTest() {
    execute(R"(CREATE STREAM metrics WITH (topic = 'metrics', partitions = 2);
      CREATE TABLE hourly WITH (partitions = 2) AS
        SELECT WINDOWSTART AS windowStart, COUNT(*) AS readings, MAX(value) AS highest, gateway
        FROM metrics WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY gateway EMIT CHANGES;
      CREATE TABLE meters (id VARCHAR PRIMARY KEY, street VARCHAR, floor BIGINT) WITH (topic = 'meters', value_format = 'JSON');
      CREATE TABLE streets (name VARCHAR PRIMARY KEY, town VARCHAR) WITH (topic = 'streets', value_format = 'JSON');)");
  }
  void insert_readings() {
    execute(R"(INSERT INTO metrics VALUES
      ('7', 'ELECTRICITY', 'VOLTAGE', '2007-01-01T10:20:00Z', 230.1),
      ('7', 'ELECTRICITY', 'VOLTAGE', '2007-01-01T10:40:00Z', 240.2),
      ('8', 'ELECTRICITY', 'VOLTAGE', '2007-01-01T10:50:00Z', 220.3),
      ('7', 'ELECTRICITY', 'VOLTAGE', '2007-01-01T11:00:00Z', 210.4),
      ('8', 'GAS', 'VOLUME', '2007-01-01T11:30:00Z', 1.5);)");
  }
  void insert_meters() {
    execute(R"(INSERT INTO meters VALUES ('7', 'Elm', 1), ('8', 'Oak', 2), ('9', NULL, 3), ('10', 'Elm', 4);
               INSERT INTO streets VALUES ('Elm', 'Patras'), ('Ash', 'Volos');)");
  }
};

TEST_F(GroupedQueryTest, AggregatesOfAStreamAreThoseOfItsRows) {
  insert_readings();
  EXPECT_EQ(rows_of("SELECT gateway, COUNT(*) AS n, SUM(value) AS total, AVG(value) FROM metrics GROUP BY gateway"),
            (Rows{"7|3|680.7|226.9", "8|2|221.8|110.9"}));
  EXPECT_EQ(rows_of("SELECT COUNT(*), MIN(value), MAX(timestamp) FROM metrics WHERE metricType = 'ELECTRICITY'"),
            (Rows{"4|210.4|2007-01-01T11:00:00Z"}));
  EXPECT_EQ(rows_of("SELECT metricType, COUNT(*) FROM metrics GROUP BY metricType HAVING COUNT(*) > 1"),
            (Rows{"ELECTRICITY|4"}));
  EXPECT_EQ(rows_of("SELECT gateway FROM metrics GROUP BY gateway"), (Rows{"7", "8"}));
  EXPECT_EQ(rows_of("SELECT gateway, COUNT(*) FROM metrics GROUP BY gateway LIMIT 1").size(), 1U);
}

TEST_F(GroupedQueryTest, AggregatesThatRememberSamplesAreTakenOfStreams) {
  insert_readings();
  EXPECT_EQ(rows_of("SELECT gateway, LATEST_BY_OFFSET(value), PERCENTILE(value, 0.5), TOPK(value, 2), "
                    "COUNT_DISTINCT(metricType), HISTOGRAM(metricType), STDDEV_POP(value) * 0 FROM metrics "
                    "WHERE gateway = '8' GROUP BY gateway"),
            (Rows{"8|1.5|110.9|[220.3,1.5]|2|{\"ELECTRICITY\":1,\"GAS\":1}|0"}));
}

TEST_F(GroupedQueryTest, WithoutGroupByThereIsOneRowAlsoOfNothing) {
  EXPECT_EQ(rows_of("SELECT COUNT(*) FROM metrics"), Rows{"0"});
  EXPECT_EQ(rows_of("SELECT COUNT(*), SUM(value), PERCENTILE(value, 0.5), COUNT_DISTINCT(gateway) FROM metrics"),
            Rows{"0|NULL|NULL|0"});
  EXPECT_EQ(rows_of("SELECT COUNT(*) FROM meters"), Rows{"0"});
  EXPECT_EQ(rows_of("SELECT COUNT(*) FROM meters HAVING COUNT(*) > 0"), Rows{});
  EXPECT_EQ(rows_of("SELECT gateway, COUNT(*) FROM metrics GROUP BY gateway"), Rows{});
}

TEST_F(GroupedQueryTest, WindowsOfAStreamAreWholeAndNothingIsLate) {
  insert_readings();
  execute("INSERT INTO metrics VALUES ('7', 'ELECTRICITY', 'VOLTAGE', '2006-01-01T10:59:59Z', 1.0);");
  EXPECT_EQ(rows_of("SELECT gateway, WINDOWSTART AS s, COUNT(*) FROM metrics WINDOW TUMBLING (SIZE 1 HOUR) "
                    "WHERE gateway = '7' GROUP BY gateway"),
            (Rows{"7|2006-01-01T10:00:00Z|1", "7|2007-01-01T10:00:00Z|2", "7|2007-01-01T11:00:00Z|1"}));
  EXPECT_EQ(
      rows_of(
          "SELECT WINDOWSTART, WINDOWEND, COUNT(*) FROM metrics WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 30 MINUTES) "
          "WHERE gateway = '8'"),
      (Rows{"2007-01-01T10:00:00Z|2007-01-01T11:00:00Z|1", "2007-01-01T10:30:00Z|2007-01-01T11:30:00Z|1",
            "2007-01-01T11:00:00Z|2007-01-01T12:00:00Z|1", "2007-01-01T11:30:00Z|2007-01-01T12:30:00Z|1"}));
  EXPECT_EQ(rows_of("SELECT gateway, WINDOWSTART, WINDOWEND, COUNT(*) FROM metrics WINDOW SESSION (25 MINUTES) "
                    "WHERE timestamp > '2007-01-01T00:00:00Z' GROUP BY gateway"),
            (Rows{"7|2007-01-01T10:20:00Z|2007-01-01T11:00:00Z|3", "8|2007-01-01T10:50:00Z|2007-01-01T10:50:00Z|1",
                  "8|2007-01-01T11:30:00Z|2007-01-01T11:30:00Z|1"}));
  EXPECT_EQ(rows_of("SELECT WINDOWSTART, INCREASE(value) FROM metrics WINDOW TUMBLING (SIZE 1 DAY) WHERE gateway = '7' "
                    "AND timestamp < '2007-01-01T11:00:00Z' AND value > 2"),
            Rows{"2007-01-01T00:00:00Z|10.1"});
}

TEST_F(GroupedQueryTest, TimesBeyondTheCalendarAreInNoWindow) {
  execute(R"(CREATE STREAM odd (a BIGINT, at TIMESTAMP) WITH (topic = 'odd', value_format = 'JSON', partitions = 1);
    INSERT INTO odd VALUES (1, '2007-01-01T10:20:00Z');)");
  for (const std::string time : {"9223372036854775807", "-9223372036854775807"}) {
    Transaction transaction;
    transaction.appends.push_back({{"odd", PartitionId(0)}, {}});
    transaction.appends.back().records.add({}, "{\"a\":2,\"at\":" + time + "}", {}, IngestTime(1));
    ASSERT_TRUE(log_->commit(std::move(transaction), Durability::kBuffered));
  }
  EXPECT_EQ(rows_of("SELECT COUNT(*) FROM odd"), Rows{"3"});
  for (const std::string window : {"HOPPING (SIZE 1 HOUR, ADVANCE BY 1 HOUR)", "TUMBLING (SIZE 1 HOUR)",
                                   "TUMBLING (SIZE 1 DAY, TIMEZONE '+02:00')", "SESSION (1 HOUR)"}) {
    EXPECT_EQ(rows_of("SELECT COUNT(*) FROM odd WINDOW " + window), Rows{"1"}) << window;
  }
}

TEST_F(GroupedQueryTest, RepeatsAreThoseOfOneKey) {
  execute(R"(CREATE STREAM u (meter VARCHAR KEY, at TIMESTAMP, liters BIGINT)
      WITH (topic = 'u', value_format = 'JSON', partitions = 1, deduplicate = '1 hour');
    CREATE STREAM single WITH (partitions = 1) AS SELECT meter, at, liters FROM u;
    INSERT INTO u VALUES ('a', '2007-01-01T10:20:00Z', 5), ('b', '2007-01-01T10:20:00Z', 6),
      ('c', '2007-01-01T10:20:00Z', 5), ('a', '2007-01-01T10:20:00Z', 5);)");
  expect_rows("SELECT meter, liters FROM single", {"a|5", "b|6", "c|5"});
}

TEST_F(GroupedQueryTest, AggregatesOfATableAreThoseOfItsRowsAsTheyAre) {
  insert_readings();
  expect_rows("SELECT gateway, SUM(readings), MAX(highest) FROM hourly GROUP BY gateway", {"7|3|240.2", "8|2|220.3"});
  EXPECT_EQ(rows_of("SELECT WINDOWSTART AS hour, SUM(readings) FROM hourly GROUP BY WINDOWSTART"),
            (Rows{"2007-01-01T10:00:00Z|3", "2007-01-01T11:00:00Z|2"}));
  EXPECT_EQ(rows_of("SELECT COUNT(*) FROM hourly WHERE gateway = '7' AND WINDOWSTART >= 1167649200000"), Rows{"1"});
  insert_meters();
  EXPECT_EQ(rows_of("SELECT street, COUNT(*), SUM(floor) / COUNT(floor) FROM meters GROUP BY street"),
            (Rows{"Elm|2|2", "NULL|1|3", "Oak|1|2"}));
  EXPECT_EQ(rows_of("SELECT UCASE(street) AS s, COUNT(*) FROM meters GROUP BY UCASE(street) HAVING COUNT(*) > 1"),
            Rows{"ELM|2"});
}

TEST_F(GroupedQueryTest, JoinsAreOfTheRowsThatThereAreNow) {
  insert_readings();
  insert_meters();
  EXPECT_EQ(
      rows_of(
          "SELECT m.gateway, s.street, m.value FROM metrics m JOIN meters s ON m.gateway = s.id WHERE m.value > 220"),
      (Rows{"7|Elm|230.1", "7|Elm|240.2", "8|Oak|220.3"}));
  EXPECT_EQ(rows_of("SELECT m.id, s.town FROM meters m LEFT JOIN streets s ON m.street = s.name"),
            (Rows{"10|Patras", "7|Patras", "8|NULL", "9|NULL"}));
  EXPECT_EQ(rows_of("SELECT m.id, s.name FROM meters m FULL JOIN streets s ON s.name = m.street"),
            (Rows{"10|Elm", "7|Elm", "8|NULL", "9|NULL", "NULL|Ash"}));
  expect_rows(
      "SELECT s.town, SUM(h.readings) AS n FROM hourly h JOIN meters m ON h.gateway = m.id "
      "LEFT JOIN streets s ON m.street = s.name GROUP BY s.town",
      {"NULL|2", "Patras|3"});
  execute("INSERT INTO meters VALUES ('7', 'Ash', 1);");
  EXPECT_EQ(rows_of("SELECT m.id, s.town FROM meters m JOIN streets s ON m.street = s.name"),
            (Rows{"10|Patras", "7|Volos"}));
}

TEST_F(GroupedQueryTest, AJoinMayBeOnSeveralEqualitiesAndOfATableWithItself) {
  insert_meters();
  EXPECT_EQ(rows_of("SELECT a.id, b.id FROM meters a JOIN meters b ON a.street = b.street AND a.floor + 3 = b.floor"),
            Rows{"7|10"});
  EXPECT_EQ(rows_of("SELECT a.id, b.id FROM meters a JOIN meters b ON a.floor * 2.0 = b.floor"), (Rows{"7|8", "8|10"}));
  EXPECT_EQ(rows_of("SELECT COUNT(*) FROM meters a JOIN meters b ON a.street = b.street"), Rows{"5"});
}

TEST_F(GroupedQueryTest, WhatCannotBeSaysWhereAndWhy) {
  EXPECT_THAT(query_error("SELECT gateway, COUNT(*) FROM metrics"), HasSubstr("gateway must be in GROUP BY"));
  EXPECT_THAT(query_error("SELECT LATEST_BY_OFFSET(street) FROM meters"),
              HasSubstr("rows of tables and of joins have none"));
  EXPECT_THAT(query_error("SELECT COUNT(*) FROM hourly WINDOW TUMBLING (SIZE 1 HOUR)"),
              HasSubstr("GROUP BY WINDOWSTART"));
  EXPECT_THAT(query_error("SELECT * FROM meters m JOIN streets s ON m.street > s.name"), HasSubstr("equalities"));
  EXPECT_THAT(query_error("SELECT * FROM meters m JOIN streets s ON m.stret = s.name"),
              HasSubstr("did you mean street?"));
  EXPECT_THAT(query_error("SELECT * FROM meters m JOIN streets m ON m.street = m.name"), HasSubstr("joined already"));
  EXPECT_THAT(query_error("SELECT INCREASE(value) FROM metrics"), HasSubstr("Add WINDOW"));
  EXPECT_THAT(query_error("SELECT * FROM meters GROUP BY street"), HasSubstr("'*' has no meaning"));
  EXPECT_THAT(query_error("SELECT COUNT(x) FROM meters"), HasSubstr("unknown column x"));
}

TEST_F(GroupedQueryTest, WhatTakesTooMuchMemoryIsRefused) {
  std::string rows;
  for (int number = 0; number < 3000; ++number)
    rows += fmt::format("{}('{}', '{:0>1000}', 1)", number == 0 ? "" : ", ", number, number);
  execute(fmt::format("INSERT INTO meters VALUES {};", rows));
  const auto outcome_of = [&](std::string_view query) {
    auto asked = engine_->query(query, {}).value();
    std::vector<QueryRow> taken;
    Result<bool> next = true;
    while (next && *next) next = asked->next(taken, 1000, std::chrono::milliseconds(1000));
    return next ? fmt::format("{} rows", taken.size()) : next.error().message;
  };
  const std::string join = "SELECT a.id, b.street FROM meters a JOIN meters b ON a.id = b.id";
  const std::string groups = "SELECT street, COUNT(*) FROM meters GROUP BY street";
  EXPECT_EQ(outcome_of(join), "3000 rows");
  EXPECT_EQ(outcome_of(groups), "3000 rows");
  engine_options_.most_query_bytes = 2'500'000;
  restart();
  EXPECT_THAT(outcome_of(join), HasSubstr("for the rows of meters; ask for fewer rows with WHERE"));
  EXPECT_THAT(outcome_of(groups), HasSubstr("for its groups"));
  EXPECT_EQ(outcome_of("SELECT COUNT(*) FROM meters"), "1 rows");
  // One row of floor 1 finds all: what comes of it is not held in memory.
  EXPECT_EQ(outcome_of("SELECT b.id FROM meters a JOIN meters b ON a.floor = b.floor WHERE a.id = '7'"), "3000 rows");
}

TEST_F(GroupedQueryTest, ExplainTellsHowRowsAreFound) {
  const auto explained = [&](std::string_view query) {
    return std::get<StatementResult::Explained>(execute(query).at(0).content).text;
  };
  EXPECT_EQ(explained("EXPLAIN SELECT m.street, COUNT(*) AS n FROM hourly h JOIN meters m ON h.gateway = m.id "
                      "WHERE h.gateway = '7' GROUP BY m.street HAVING COUNT(*) > 1;"),
            "look up 1 key(s) in table hourly\n"
            "join meters where gateway = id\n"
            "  look up 1 key(s) in table meters\n"
            "filter (gateway = '7')\n"
            "group by street: COUNT(*)\n"
            "having (\"COUNT(*)\" > 1)\n"
            "project street AS street, \"COUNT(*)\" AS n\n");
}

}  // namespace
}  // namespace meterstream
