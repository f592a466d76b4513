// INSERT INTO ... SELECT, CREATE SOURCE and DELETE TOPIC at run time.
#include <gmock/gmock.h>

#include "server/engine_fixture.h"

namespace meterstream {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class InsertQueryTest : public EngineFixture {
 protected:
  void create_flows() {
    execute(R"(CREATE STREAM water (meter VARCHAR KEY, at TIMESTAMP, liters BIGINT, ok BOOLEAN) WITH (partitions = 2);
      CREATE STREAM gas (meter VARCHAR KEY, at TIMESTAMP, volume DOUBLE) WITH (value_format = 'JSON', partitions = 2);
      CREATE STREAM uses (meter VARCHAR KEY, at TIMESTAMP, amount DOUBLE) WITH (value_format = 'JSON', partitions = 2);
      INSERT INTO uses SELECT meter, at, liters AS amount FROM water WHERE ok;
      INSERT INTO uses SELECT meter, at, volume AS amount FROM gas;)");
  }
  bool has_topic(const std::string& name) { return log_->describe_topic(name).has_value(); }
};

TEST_F(InsertQueryTest, SeveralQueriesWriteOneStreamUntilTheyAreTerminated) {
  create_flows();
  execute(
      "INSERT INTO water VALUES ('w', '2024-01-01T00:00:00Z', 5, TRUE), ('w', '2024-01-01T00:01:00Z', NULL, TRUE), "
      "('w', '2024-01-01T00:02:00Z', 7, NULL);");
  execute("INSERT INTO gas VALUES ('g', '2024-01-01T00:00:00Z', 0.5);");
  expect_rows("SELECT meter, at, amount FROM uses",
              {"g|2024-01-01T00:00:00Z|0.5", "w|2024-01-01T00:00:00Z|5", "w|2024-01-01T00:01:00Z|NULL"});
  ASSERT_THAT(ids(), ElementsAre("INSERTQUERY_3", "INSERTQUERY_4"));
  execute("TERMINATE INSERTQUERY_3;");
  EXPECT_THAT(ids(), ElementsAre("INSERTQUERY_4"));
  execute("INSERT INTO water VALUES ('w', '2024-01-01T00:03:00Z', 9, TRUE);");
  execute("INSERT INTO gas VALUES ('g', '2024-01-01T00:03:00Z', 1.5);");
  expect_rows("SELECT amount FROM uses WHERE at = '2024-01-01T00:03:00Z'", {"1.5"});
  EXPECT_TRUE(engine_->is_healthy());
}

TEST_F(InsertQueryTest, GoOnAfterARestartWithoutWritingAgain) {
  create_flows();
  execute("INSERT INTO gas VALUES ('g', '2024-01-01T00:00:00Z', 0.5);");
  expect_rows("SELECT amount FROM uses", {"0.5"});
  restart();
  execute("INSERT INTO gas VALUES ('g', '2024-01-01T00:01:00Z', 2.5);");
  expect_rows("SELECT amount FROM uses", {"0.5", "2.5"});
  EXPECT_THAT(ids(), ElementsAre("INSERTQUERY_3", "INSERTQUERY_4"));
}

TEST_F(InsertQueryTest, WhatTheyReadAndWriteIsNotDroppedBeforeThem) {
  create_flows();
  EXPECT_THAT(error_of("DROP STREAM uses;"),
              HasSubstr("stream uses is written by INSERTQUERY_3, INSERTQUERY_4; TERMINATE"));
  EXPECT_THAT(error_of("DROP STREAM gas;"), HasSubstr("stream gas is read by INSERTQUERY_4"));
  EXPECT_THAT(error_of("CREATE OR REPLACE STREAM uses (meter VARCHAR KEY, at TIMESTAMP) WITH (value_format = 'JSON');"),
              HasSubstr("while it is written by INSERTQUERY_3, INSERTQUERY_4"));
  execute("TERMINATE ALL; DROP STREAM uses; DROP STREAM gas;");
  EXPECT_THAT(ids(), ElementsAre());
}

TEST_F(InsertQueryTest, ACycleThatATerminatedOneWasPartOfMayBeMadeTheOtherWay) {
  execute(R"(CREATE STREAM a (k VARCHAR KEY, at TIMESTAMP) WITH (value_format = 'JSON');
    CREATE STREAM b (k VARCHAR KEY, at TIMESTAMP) WITH (value_format = 'JSON');
    INSERT INTO b SELECT * FROM a;)");
  EXPECT_THAT(error_of("INSERT INTO a SELECT * FROM b;"), HasSubstr("sql:1:29: what this reads comes from a itself"));
  execute("TERMINATE INSERTQUERY_2; INSERT INTO a SELECT * FROM b;");
}

TEST_F(InsertQueryTest, AreExplainedById) {
  create_flows();
  const auto results = execute("EXPLAIN INSERTQUERY_4;");
  const auto& explained = std::get<StatementResult::Explained>(results.at(0).content);
  EXPECT_THAT(explained.text, HasSubstr("Scan stream gas"));
  ASSERT_TRUE(explained.query);
  EXPECT_EQ(explained.query->id, "INSERTQUERY_4");
}

TEST_F(InsertQueryTest, ASourceIsReadAndNotWritten) {
  execute(R"(CREATE SOURCE STREAM s (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't', value_format = 'JSON');
    CREATE OR REPLACE SOURCE TABLE IF NOT EXISTS u (k VARCHAR PRIMARY KEY, v BIGINT);
    CREATE STREAM w (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't', value_format = 'JSON');
    INSERT INTO w VALUES ('a', '2024-01-01T00:00:00Z');)");
  EXPECT_THAT(error_of("INSERT INTO s VALUES ('b', '2024-01-01T00:00:00Z');"), HasSubstr("sql:1:13: s is a SOURCE"));
  EXPECT_THAT(error_of("INSERT INTO u VALUES ('b', 1);"), HasSubstr("u is a SOURCE"));
  const Status inserted = engine_->insert("s", {{{"k", std::string("b")}}});
  ASSERT_FALSE(inserted);
  EXPECT_THAT(inserted.error().message, HasSubstr("s is a SOURCE"));
  EXPECT_THAT(error_of("DROP STREAM s DELETE TOPIC;"),
              HasSubstr("s is a SOURCE, which is only read: its topic t is not deleted"));
  EXPECT_EQ(rows_of("SELECT k FROM s"), std::vector<std::string>{"a"});
  execute("DROP STREAM s;");
  EXPECT_TRUE(has_topic("t"));
}

TEST_F(InsertQueryTest, DeleteTopicDeletesWhatIsNobodyElses) {
  execute(R"(CREATE STREAM s (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't', value_format = 'JSON');
    CREATE STREAM other (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't', value_format = 'JSON');
    CREATE TABLE counts AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;
    INSERT INTO s VALUES ('a', '2024-01-01T00:00:00Z'), ('a', '2024-01-01T00:01:00Z');)");
  expect_rows("SELECT k, n FROM counts", {"a|2"});
  EXPECT_THAT(error_of("DROP STREAM s DELETE TOPIC;"), HasSubstr("stream s is read by counts"));
  EXPECT_THAT(error_of("DROP STREAM other DELETE TOPIC;"), HasSubstr("topic t is that of stream s, too"));
  execute("DROP STREAM other; DROP TABLE counts DELETE TOPIC;");
  EXPECT_FALSE(has_topic("counts"));
  // A name that comes again begins with nothing.
  execute("CREATE TABLE counts AS SELECT k, COUNT(*) AS n FROM s WHERE k <> 'a' GROUP BY k;");
  EXPECT_EQ(rows_of("SELECT * FROM counts"), std::vector<std::string>());
  execute("DROP TABLE counts; DROP STREAM s DELETE TOPIC;");
  EXPECT_FALSE(has_topic("t"));
  restart();
  EXPECT_FALSE(has_topic("t"));
  execute(R"(CREATE STREAM s (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't', value_format = 'JSON');
    INSERT INTO s VALUES ('b', '2024-01-01T00:00:00Z');)");
  EXPECT_EQ(rows_of("SELECT k FROM s"), std::vector<std::string>{"b"});
}

TEST_F(InsertQueryTest, DeleteTopicLeavesWhatARunningQueryWrites) {
  execute(R"(CREATE STREAM s (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't', value_format = 'JSON', partitions = 1);
    CREATE TABLE counts AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 0 SECONDS) GROUP BY k;
    CREATE STREAM late (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 'counts-late', value_format = 'JSON', partitions = 1);
    CREATE STREAM refused (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't-rejected', value_format = 'JSON', partitions = 1);
    INSERT INTO late VALUES ('a', '2024-01-01T00:00:00Z');
    INSERT INTO refused VALUES ('a', '2024-01-01T00:00:00Z');)");
  EXPECT_THAT(error_of("DROP STREAM late DELETE TOPIC;"),
              HasSubstr("sql:1:13: topic counts-late is written by query CTAS_COUNTS_1"));
  EXPECT_THAT(error_of("DROP STREAM refused DELETE TOPIC;"),
              HasSubstr("topic t-rejected is written by query CTAS_COUNTS_1"));
  EXPECT_TRUE(has_topic("counts-late"));
  EXPECT_TRUE(has_topic("t-rejected"));
  execute("DROP TABLE counts; DROP STREAM late DELETE TOPIC; DROP STREAM refused DELETE TOPIC;");
  EXPECT_FALSE(has_topic("counts-late"));
  EXPECT_FALSE(has_topic("t-rejected"));
}

TEST_F(InsertQueryTest, DeleteTopicLeavesWhatAnotherApplicationReads) {
  execute(R"(CREATE STREAM s (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't', value_format = 'JSON', partitions = 1);
    CREATE STREAM copies AS SELECT * FROM s;
    INSERT INTO s VALUES ('a', '2024-01-01T00:00:00Z');)");
  expect_rows("SELECT k FROM copies", {"a"});
  execute("DROP STREAM copies;");
  const auto read = [&](const std::string& topic, const std::string& group) {
    Transaction transaction;
    transaction.positions.push_back({group, {topic, PartitionId(0)}, {Offset(1), Offset(1), {}}});
    EXPECT_TRUE(log_->commit(std::move(transaction), Durability::kSync));
  };
  read("t", "meterstream.hourly");
  EXPECT_THAT(error_of("DROP STREAM s DELETE TOPIC;"), HasSubstr("sql:1:13: topic t is read by meterstream.hourly"));
  EXPECT_EQ(rows_of("SELECT k FROM s"), std::vector<std::string>{"a"});
  // Queries of this service that ended do not count.
  execute("DROP STREAM s; CREATE STREAM u (k VARCHAR KEY, at TIMESTAMP) WITH (value_format = 'JSON', partitions = 1);");
  execute("INSERT INTO u VALUES ('a', '2024-01-01T00:00:00Z');");
  read("u", "meterstream.CTAS_OLD_1");
  execute("DROP STREAM u DELETE TOPIC;");
  EXPECT_FALSE(has_topic("u"));
}

TEST_F(InsertQueryTest, ADeletionThatACrashLeftIsCarriedOutAtTheNextStartAndOnlyOnce) {
  constexpr auto kCreate =
      "CREATE STREAM s (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't', value_format = 'JSON', partitions = 1)";
  const std::string create = fmt::format("{}; INSERT INTO s VALUES ('a', '2024-01-01T00:00:00Z');", kCreate);
  const auto append = [&](std::string_view statement) {
    ASSERT_TRUE(StatementLog::open(*log_, "_meterstream-meterstream-statements").value().append(statement));
  };
  execute(create);
  append("DROP STREAM s DELETE TOPIC");
  restart();
  EXPECT_FALSE(has_topic("t"));
  // Others make a topic of that name.
  ASSERT_TRUE(log_->create_topic({"t", 1}));
  restart();
  EXPECT_TRUE(has_topic("t"));
  // What is declared again goes on.
  execute(create);
  append("DROP STREAM s DELETE TOPIC");
  append(kCreate);
  append("DROP STREAM s");
  restart();
  EXPECT_TRUE(has_topic("t"));
  EXPECT_TRUE(engine_->is_healthy());
}

TEST_F(InsertQueryTest, ADeletionThatFailsIsTriedAgainAtEachStart) {
  execute(R"(CREATE STREAM s (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't', value_format = 'JSON', partitions = 1);
    INSERT INTO s VALUES ('a', '2024-01-01T00:00:00Z');)");
  can_delete_ = false;
  EXPECT_THAT(error_of("DROP STREAM s DELETE TOPIC;"),
              AllOf(HasSubstr("s is dropped, its topic is not deleted"), HasSubstr("the disk is away")));
  EXPECT_EQ(engine_->status("stream/s/drop")->first, "ERROR");
  restart();
  EXPECT_THAT(ids(), ElementsAre("STATEMENT_1"));
  EXPECT_FALSE(engine_->is_healthy());
  EXPECT_TRUE(has_topic("t"));
  can_delete_ = true;
  restart();
  EXPECT_THAT(ids(), ElementsAre());
  EXPECT_FALSE(has_topic("t"));
}

TEST_F(InsertQueryTest, DropSaysWhatHappenedToTheTopic) {
  const auto message_of = [&](std::string_view text) {
    return std::get<StatementResult::Done>(execute(text).at(0).content).message;
  };
  const std::string create = "CREATE STREAM s (k VARCHAR KEY, at TIMESTAMP) WITH (topic = 't', value_format = 'JSON');";
  execute(create);
  EXPECT_EQ(message_of("DROP STREAM s DELETE TOPIC;"), "stream s dropped; there was no topic t to delete");
  execute(create + "INSERT INTO s VALUES ('a', '2024-01-01T00:00:00Z');");
  EXPECT_EQ(message_of("DROP STREAM s DELETE TOPIC;"), "stream s dropped; topic t deleted");
  EXPECT_EQ(engine_->status("stream/s/drop")->second, "stream s dropped; topic t deleted");
  execute(create);
  EXPECT_EQ(message_of("DROP STREAM s;"), "stream s dropped; topic t keeps its records");
}

TEST_F(InsertQueryTest, ATableOverATopicThatCameAgainHasItsNewRowsOnly) {
  constexpr auto kFlows =
      R"(CREATE TABLE bounds (id VARCHAR PRIMARY KEY, high DOUBLE) WITH (topic = 'bounds', partitions = 1);
    INSERT INTO bounds VALUES ('{}', 1);
    CREATE STREAM joined AS SELECT s.k, s.at, b.high FROM s LEFT JOIN bounds b ON s.k = b.id;)";
  execute(
      "CREATE STREAM s (k VARCHAR KEY, at TIMESTAMP) WITH (value_format = 'JSON', partitions = 1); "
      "INSERT INTO s VALUES ('a', '2024-01-01T00:00:00Z');");
  execute(fmt::format(kFlows, "a"));
  expect_rows("SELECT k, high FROM joined", {"a|1"});
  execute("DROP STREAM joined DELETE TOPIC; DROP TABLE bounds DELETE TOPIC;");
  execute(fmt::format(kFlows, "z"));
  expect_rows("SELECT k, high FROM joined", {"a|NULL"});
}

}  // namespace
}  // namespace meterstream
