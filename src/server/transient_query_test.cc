#include "server/transient_query.h"

#include <gmock/gmock.h>

#include "server/engine_fixture.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using Rows = std::vector<std::string>;

class TransientQueryTest : public EngineFixture {
 protected:
  TransientQueryTest() {
    execute(R"(CREATE STREAM metrics WITH (topic = 'metrics', partitions = 2);
      CREATE TABLE meters (id VARCHAR PRIMARY KEY, street VARCHAR) WITH (topic = 'meters', value_format = 'JSON');
      CREATE TABLE owners (id VARCHAR PRIMARY KEY, name VARCHAR) WITH (topic = 'owners', value_format = 'JSON');
      CREATE STREAM switches (meter VARCHAR KEY, time TIMESTAMP, state VARCHAR) WITH (topic = 'switches', value_format = 'JSON', partitions = 2);)");
  }
  void insert_reading(std::string_view gateway, std::string_view time, double value) {
    execute(fmt::format("INSERT INTO metrics VALUES ('{}', 'ELECTRICITY', 'VOLTAGE', '{}', {:.1f});", gateway, time,
                        value));
  }
  std::unique_ptr<QueryRows> ask(std::string_view text, bool from_beginning = false) {
    StatementProperties properties;
    if (from_beginning) properties.properties["auto.offset.reset"] = "earliest";
    auto rows = engine_->query(text, properties);
    EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
    return rows ? *std::move(rows) : nullptr;
  }
  /// Takes rows until one of them is so, for ten seconds; all that came.
  static Rows take_until(QueryRows& rows, const std::string& last) {
    Rows texts;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::ranges::find(texts, last) == texts.end()) {
      std::vector<QueryRow> some;
      const auto next = rows.next(some, 100, std::chrono::milliseconds(100));
      for (const QueryRow& row : some) texts.push_back(text_of(row));
      if (!next || !*next || std::chrono::steady_clock::now() > deadline) {
        EXPECT_THAT(texts, ::testing::Contains(last)) << (next ? "" : next.error().message);
        break;
      }
    }
    return texts;
  }
};

TEST_F(TransientQueryTest, GroupsAreCountedAsRowsCome) {
  insert_reading("7", "2007-01-01T10:00:00Z", 1);
  const auto rows =
      ask("SELECT gateway, COUNT(*) AS n, SUM(value) AS total FROM metrics GROUP BY gateway EMIT CHANGES;");
  EXPECT_TRUE(rows->is_push());
  EXPECT_EQ(rows->columns().at(1).name, "n");
  insert_reading("7", "2007-01-01T10:01:00Z", 2);
  take_until(*rows, "7|1|2");
  insert_reading("8", "2007-01-01T10:01:00Z", 4);
  insert_reading("7", "2007-01-01T10:02:00Z", 3);
  take_until(*rows, "7|2|5");
}

TEST_F(TransientQueryTest, FromTheBeginningItHasWhatThereIs) {
  insert_reading("7", "2007-01-01T10:00:00Z", 1);
  insert_reading("7", "2007-01-01T11:00:00Z", 2);
  const auto rows =
      ask("SELECT gateway, WINDOWSTART AS s, COUNT(*) FROM metrics WINDOW TUMBLING (SIZE 1 HOUR) "
          "GROUP BY gateway HAVING COUNT(*) > 0 EMIT CHANGES LIMIT 2;",
          true);
  std::vector<QueryRow> all;
  bool goes_on = true;
  while (goes_on) {
    const auto next = rows->next(all, 100, std::chrono::milliseconds(100));
    ASSERT_TRUE(next) << next.error().message;
    goes_on = *next;
  }
  Rows texts;
  for (const QueryRow& row : all) texts.push_back(text_of(row));
  std::ranges::sort(texts);
  EXPECT_EQ(texts, (Rows{"7|2007-01-01T10:00:00Z|1", "7|2007-01-01T11:00:00Z|1"}));
}

TEST_F(TransientQueryTest, RowsFindTheirPartners) {
  execute("INSERT INTO meters VALUES ('7', 'Elm');");
  const auto rows =
      ask("SELECT r.gateway, m.street, r.value FROM metrics r LEFT JOIN meters m ON r.gateway = m.id EMIT CHANGES;");
  insert_reading("7", "2007-01-01T10:00:00Z", 1);
  take_until(*rows, "7|Elm|1");
  insert_reading("8", "2007-01-01T10:00:00Z", 2);
  EXPECT_EQ(take_until(*rows, "8|NULL|2").size(), 1U);
  const auto pairs = ask(
      "SELECT r.gateway, s.state FROM metrics r JOIN switches s WITHIN 1 MINUTE ON r.gateway = s.meter EMIT CHANGES;");
  insert_reading("7", "2007-01-01T12:00:00Z", 1);
  execute("INSERT INTO switches VALUES ('7', '2007-01-01T12:00:30Z', 'on');");
  take_until(*pairs, "7|on");
}

TEST_F(TransientQueryTest, AJoinOfTablesBeginsWithTheRowsThatThereAre) {
  execute("INSERT INTO meters VALUES ('7', 'Elm'), ('8', 'Oak'); INSERT INTO owners VALUES ('7', 'Ada');");
  const auto rows = ask("SELECT m.id, m.street, o.name FROM meters m JOIN owners o ON m.id = o.id EMIT CHANGES;");
  take_until(*rows, "7|Elm|Ada");
  execute("INSERT INTO owners VALUES ('8', 'Bob');");
  take_until(*rows, "8|Oak|Bob");
}

TEST_F(TransientQueryTest, NothingOfItIsInTheLog) {
  insert_reading("8", "2007-01-01T10:00:00Z", 1);
  const auto before = log_->topics().value();
  {
    const auto rows = ask("SELECT gateway, COUNT(*) AS n FROM metrics GROUP BY gateway EMIT CHANGES;");
    insert_reading("7", "2007-01-01T10:00:00Z", 1);
    take_until(*rows, "7|1");
    EXPECT_EQ(log_->topics().value(), before);
  }
  EXPECT_EQ(log_->topics().value(), before);
  EXPECT_EQ(engine_->transient_queries(), 0U);
}

TEST_F(TransientQueryTest, WhoAsksTheSameSharesIt) {
  const std::string query = "SELECT gateway, COUNT(*) AS n FROM metrics GROUP BY gateway EMIT CHANGES;";
  auto first = ask(query);
  auto second = ask("select GATEWAY, count(*)  as n from metrics group by GATEWAY emit changes;");
  const auto other = ask("SELECT gateway, COUNT(*) AS m FROM metrics GROUP BY gateway EMIT CHANGES;");
  const auto all = ask(query, true);
  EXPECT_EQ(engine_->transient_queries(), 3U + 1U) << "names that are written differently are told apart";
  auto third = ask(query);
  EXPECT_EQ(engine_->transient_queries(), 4U);
  EXPECT_NE(first->id(), third->id());
  insert_reading("7", "2007-01-01T10:00:00Z", 1);
  take_until(*first, "7|1");
  take_until(*third, "7|1");
  // It counts from now on, which is not what the others do.
  const auto late = ask(query);
  EXPECT_EQ(engine_->transient_queries(), 5U);
  // From the beginning all is as it was for the first one.
  const auto all_again = ask(query, true);
  EXPECT_EQ(engine_->transient_queries(), 5U);
  take_until(*all_again, "7|1");
  ASSERT_TRUE(engine_->close_query(first->id()));
  std::vector<QueryRow> none;
  EXPECT_FALSE(first->next(none, 1, std::chrono::milliseconds(100)).value());
  first.reset();
  insert_reading("7", "2007-01-01T10:00:00Z", 1);
  take_until(*third, "7|2");
  third.reset();
  second.reset();
  EXPECT_EQ(engine_->transient_queries(), 3U);
}

TEST_F(TransientQueryTest, RowsOfAJoinAreSharedFromAnyTimeOn) {
  const std::string query =
      "SELECT r.gateway, m.street FROM metrics r LEFT JOIN meters m ON r.gateway = m.id EMIT CHANGES;";
  const auto first = ask(query);
  insert_reading("7", "2007-01-01T10:00:00Z", 1);
  take_until(*first, "7|NULL");
  const auto second = ask(query);
  EXPECT_EQ(engine_->transient_queries(), 1U);
  insert_reading("8", "2007-01-01T10:00:00Z", 1);
  EXPECT_EQ(take_until(*second, "8|NULL").size(), 1U);
}

TEST_F(TransientQueryTest, WhatCannotBeSaysWhereAndWhy) {
  EXPECT_THAT(query_error("SELECT gateway, COUNT(*) FROM metrics EMIT CHANGES"), HasSubstr("GROUP BY"));
  EXPECT_THAT(query_error("SELECT id, COUNT(*) FROM meters GROUP BY id EMIT CHANGES"),
              HasSubstr("a table computed from a table"));
  EXPECT_THAT(query_error("SELECT x, COUNT(*) FROM metrics GROUP BY x EMIT CHANGES"), HasSubstr("unknown column x"));
}

}  // namespace
}  // namespace meterstream
