#include "server/statement_engine.h"

#include <gmock/gmock.h>

#include "log/forwarding_log.h"
#include "server/engine_fixture.h"

namespace meterstream {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Done = StatementResult::Done;

/// Has another process write the same statement behind each one.
class EchoingLog final : public ForwardingLog {
 public:
  EchoingLog(EventLog& inner, StatementLog& other) : ForwardingLog(inner), other_(other) {}
  Status commit(Transaction&& transaction, Durability durability) override {
    RETURN_IF_ERROR(inner().commit(std::move(transaction), durability));
    RETURN_IF_ERROR(other_.append(statement));
    return {};
  }
  std::string statement;

 private:
  StatementLog& other_;
};

class StatementEngineTest : public EngineFixture {
 protected:
  void create_flows() {
    execute(R"(CREATE STREAM metrics WITH (topic = 'metrics', partitions = 2);
      CREATE TABLE hourly WITH (partitions = 2) AS
        SELECT WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS readings, MAX(value) AS highest, gateway
        FROM metrics WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY gateway EMIT CHANGES;)");
  }
  void insert_reading(std::string_view gateway, std::string_view time, double value) {
    execute(fmt::format("INSERT INTO metrics VALUES ('{}', 'ELECTRICITY', 'VOLTAGE', '{}', {:.1f});", gateway, time,
                        value));
  }
};

TEST_F(StatementEngineTest, StatementsMakeQueriesThatRunAtOnce) {
  create_flows();
  insert_reading("7", "2007-01-01T10:20:00Z", 230);
  insert_reading("7", "2007-01-01T10:40:00Z", 240);
  insert_reading("7", "2007-01-01T11:00:00Z", 220);
  insert_reading("8", "2007-01-01T11:00:00Z", 210);
  expect_rows("SELECT windowStart, readings, highest FROM hourly WHERE gateway = '7';",
              {"2007-01-01T10:00:00Z|2|240", "2007-01-01T11:00:00Z|1|220"});
  expect_rows("SELECT gateway FROM hourly WHERE WINDOWSTART = '2007-01-01T11:00:00Z'", {"7", "8"});
  EXPECT_TRUE(engine_->is_healthy());
}

TEST_F(StatementEngineTest, PullQueriesFollowSessionsThatGetAnotherStart) {
  execute(R"(CREATE STREAM metrics WITH (topic = 'metrics', partitions = 1);
    CREATE TABLE uses AS SELECT gateway, WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS readings
      FROM metrics WINDOW SESSION (30 MINUTES, GRACE PERIOD 1 DAY) GROUP BY gateway EMIT CHANGES;)");
  insert_reading("7", "2007-01-01T08:00:00Z", 230);
  insert_reading("7", "2007-01-01T12:00:00Z", 230);
  expect_rows("SELECT windowStart, readings FROM uses", {"2007-01-01T08:00:00Z|1", "2007-01-01T12:00:00Z|1"});
  insert_reading("7", "2007-01-01T11:50:00Z", 230);
  expect_rows("SELECT windowStart, readings FROM uses", {"2007-01-01T08:00:00Z|1", "2007-01-01T11:50:00Z|2"});
}

TEST_F(StatementEngineTest, ValuesOfVariablesAreNotReplacedAgainAtARestart) {
  create_flows();
  execute("CREATE STREAM high AS SELECT * FROM metrics WHERE gateway = '${v}';", {{}, {{"v", "${x}"}}});
  const std::vector<std::string> before = ids();
  restart();
  EXPECT_EQ(ids(), before);
  EXPECT_TRUE(engine_->is_healthy());
}

TEST_F(StatementEngineTest, BytesThatAreNoTextAreRefusedAndDoNotStayInTheLog) {
  create_flows();
  EXPECT_THAT(error_of("CREATE STREAM high AS SELECT * FROM metrics WHERE gateway = 'Z\xe4hler';"), HasSubstr("UTF-8"));
  execute("CREATE STREAM other AS SELECT * FROM metrics;");
  restart();
  EXPECT_EQ(ids().size(), 2U);
}

TEST_F(StatementEngineTest, AStatementThatDoesNotWorkAnyMoreIsToldAndTheOthersGoOn) {
  create_flows();
  StatementLog log = StatementLog::open(*log_, "_meterstream-meterstream-statements").value();
  ASSERT_TRUE(log.append("CREATE STREAM later AS SELECT FUNCTION_OF_LATER(value) AS v FROM metrics"));
  restart();
  EXPECT_FALSE(engine_->is_healthy());
  EXPECT_THAT(ids(), ::testing::UnorderedElementsAre("STATEMENT_2", "CTAS_HOURLY_1"));
  insert_reading("7", "2007-01-01T10:20:00Z", 230);
  expect_rows("SELECT readings FROM hourly", {"1"});
}

TEST_F(StatementEngineTest, RecordsThatAreNoStatementsAreToldAndTheOthersGoOn) {
  create_flows();
  for (const char* value : {R"({"text":"x"})", "no JSON", R"({"statement":"DROP TABLE hourly","version":2})"}) {
    Transaction transaction;
    transaction.appends.push_back({{"_meterstream-meterstream-statements", PartitionId(0)}, {}});
    transaction.appends.back().records.add({}, value, {}, IngestTime(0));
    ASSERT_TRUE(log_->commit(std::move(transaction), Durability::kSync));
  }
  // Also while it runs.
  execute("CREATE STREAM copies AS SELECT * FROM metrics;");
  for (int starts = 0; starts < 2; ++starts) {
    EXPECT_THAT(ids(), ::testing::UnorderedElementsAre("STATEMENT_2", "STATEMENT_3", "STATEMENT_4", "CTAS_HOURLY_1",
                                                       "CSAS_COPIES_5"));
    EXPECT_FALSE(engine_->is_healthy());
    restart();
  }
  insert_reading("7", "2007-01-01T10:20:00Z", 230);
  expect_rows("SELECT readings FROM hourly", {"1"});
}

TEST_F(StatementEngineTest, TheStatementLogIsNotDeleted) {
  const std::string topic = "_meterstream-meterstream-statements";
  create_flows();
  StatementLog log = StatementLog::open(*log_, topic).value();
  ASSERT_TRUE(log.append("CREATE STREAM h (text VARCHAR, timestamp TIMESTAMP) WITH (topic = '" + topic +
                         "', value_format = 'JSON')"));
  ASSERT_TRUE(log.append("DROP STREAM h DELETE TOPIC"));
  restart();
  ASSERT_TRUE(log_->describe_topic(topic));
  EXPECT_THAT(error_of("DROP STREAM h DELETE TOPIC;"),
              ::testing::AnyOf(HasSubstr("belongs to this program"), HasSubstr("there is no stream")));
  restart();
  EXPECT_THAT(ids(), ::testing::Contains("CTAS_HOURLY_1"));
}

TEST_F(StatementEngineTest, AStatementThatAnotherProcessWritesTooHasTheResultOfItsOwn) {
  create_flows();
  engine_.reset();
  StatementLog other = StatementLog::open(*log_, "_meterstream-meterstream-statements").value();
  EchoingLog shared(*log_, other);
  shared.statement = "CREATE STREAM high AS SELECT * FROM metrics WHERE value > 250";
  runtime_ = std::make_unique<EmbeddedQueryRuntime>(Runtime{*log_, store_, *schemas_, clock_, tables_.get()},
                                                    EmbeddedQueryRuntime::Options{});
  engine_ = StatementEngine::open({shared, *log_, *schemas_, clock_, *runtime_}, {.shares_log = true}).value();
  const auto results = execute(shared.statement + ";");
  EXPECT_EQ(std::get<Done>(results.at(0).content).query_id, "CSAS_HIGH_2");
  engine_.reset();
}

TEST_F(StatementEngineTest, WhatWasTerminatedIsReplacedByWhatRuns) {
  create_flows();
  execute("TERMINATE ALL;");
  EXPECT_EQ(ids().size(), 0U);
  execute(R"(CREATE OR REPLACE TABLE hourly WITH (partitions = 2) AS
        SELECT WINDOWSTART AS windowStart, WINDOWEND AS windowEnd, COUNT(*) AS readings, MAX(value) AS highest, gateway
        FROM metrics WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY gateway EMIT CHANGES;)");
  EXPECT_EQ(ids().size(), 1U);
}

TEST_F(StatementEngineTest, PullQueriesReadTablesWithListsAndObjects) {
  execute(R"(CREATE STREAM metrics WITH (topic = 'metrics', partitions = 1);
    CREATE TABLE highest AS SELECT gateway, TOPK(value, 2) AS top, HISTOGRAM(metricAttribute) AS kinds, COUNT(*) AS readings
      FROM metrics GROUP BY gateway;)");
  insert_reading("7", "2007-01-01T08:00:00Z", 230);
  insert_reading("7", "2007-01-01T08:01:00Z", 240);
  expect_rows("SELECT readings, top, kinds FROM highest WHERE gateway = '7'", {R"(2|[240,230]|{"VOLTAGE":2})"});
}

TEST_F(StatementEngineTest, AJoinOfTablesIsATable) {
  execute(R"(CREATE TABLE meters (id VARCHAR PRIMARY KEY, street VARCHAR) WITH (topic = 'meters');
    CREATE TABLE tariffs (id VARCHAR PRIMARY KEY, tariff VARCHAR) WITH (topic = 'tariffs');
    CREATE TABLE overview AS SELECT m.id, m.street, t.tariff FROM meters m JOIN tariffs t ON m.id = t.id WHERE t.tariff <> 'none';
    INSERT INTO meters VALUES ('7', 'Main'), ('8', 'High'); INSERT INTO tariffs VALUES ('7', 'day'), ('8', 'day');)");
  expect_rows("SELECT id, street, tariff FROM overview", {"7|Main|day", "8|High|day"});
  execute("INSERT INTO tariffs VALUES ('7', 'night'), ('8', 'none');");
  expect_rows("SELECT id, street, tariff FROM overview", {"7|Main|night"});
  EXPECT_THAT(ids(), ElementsAre(HasSubstr("CTAS_OVERVIEW_")));
}

TEST_F(StatementEngineTest, OfBeginningsAndEndsOfSessionsATableHasTheLatestOfEachGroup) {
  execute(R"(CREATE STREAM metrics WITH (topic = 'metrics', partitions = 1);
    CREATE TABLE activity AS SELECT gateway, WINDOWSTART AS activeSince, WINDOWEND AS lastSeen, COUNT(*) AS readings
      FROM metrics WINDOW SESSION (30 MINUTES, GRACE PERIOD 0 SECONDS) GROUP BY gateway EMIT BOUNDS;)");
  insert_reading("7", "2007-01-01T08:00:00Z", 230);
  expect_rows("SELECT gateway, lastSeen FROM activity", {"7|NULL"});
  insert_reading("8", "2007-01-01T09:00:00Z", 230);
  expect_rows("SELECT gateway, lastSeen FROM activity", {"7|2007-01-01T08:00:00Z", "8|NULL"});
}

TEST_F(StatementEngineTest, RestartCarriesOutWhatWasSaid) {
  create_flows();
  execute("CREATE STREAM high AS SELECT * FROM metrics WHERE value > 235;");
  insert_reading("7", "2007-01-01T10:40:00Z", 240);
  expect_rows("SELECT readings FROM hourly WHERE gateway = '7'", {"1"});
  execute("DROP STREAM high;");
  const std::vector<std::string> before = ids();
  restart();
  EXPECT_EQ(ids(), before);
  EXPECT_EQ(before.size(), 1U);
  insert_reading("7", "2007-01-01T10:50:00Z", 250);
  expect_rows("SELECT readings, highest FROM hourly WHERE gateway = '7'", {"2|250"});
  EXPECT_EQ(engine_->status("stream/high/drop")->first, "SUCCESS");
  EXPECT_EQ(engine_->status("stream/other/drop"), std::nullopt);
}

TEST_F(StatementEngineTest, WhatOthersReadIsNotDropped) {
  create_flows();
  EXPECT_THAT(error_of("DROP STREAM metrics;"), HasSubstr("stream metrics is read by hourly"));
  EXPECT_THAT(error_of("DROP STREAM hourly;"), HasSubstr("hourly is a table: DROP TABLE hourly"));
  EXPECT_THAT(error_of("DROP TABLE hourli;"), HasSubstr("did you mean hourly?"));
  EXPECT_EQ(error_of("DROP TABLE IF EXISTS nothing;"), "no error");
  EXPECT_EQ(ids().size(), 1U);
  execute("DROP TABLE HOURLY; DROP STREAM metrics;");
  EXPECT_TRUE(ids().empty());
  EXPECT_THAT(query_error("SELECT * FROM hourly"), HasSubstr("there is no stream, table or sink hourly"));
}

TEST_F(StatementEngineTest, WhatIsCreatedAgainBeginsAnew) {
  create_flows();
  insert_reading("7", "2007-01-01T10:40:00Z", 240);
  expect_rows("SELECT readings FROM hourly", {"1"});
  execute(R"(DROP TABLE hourly;
    CREATE TABLE hourly WITH (partitions = 2) AS SELECT gateway, COUNT(*) AS n, MIN(value) AS lowest FROM metrics GROUP BY gateway;)");
  insert_reading("7", "2007-01-01T10:50:00Z", 250);
  expect_rows("SELECT n, lowest FROM hourly WHERE gateway = '7'", {"2|240"});
  EXPECT_TRUE(engine_->is_healthy());
}

TEST_F(StatementEngineTest, QueriesPauseGoOnAndEnd) {
  create_flows();
  insert_reading("7", "2007-01-01T10:40:00Z", 240);
  expect_rows("SELECT readings FROM hourly", {"1"});
  const std::string id = ids().at(0);
  execute(fmt::format("PAUSE {};", id));
  insert_reading("7", "2007-01-01T10:50:00Z", 250);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_THAT(rows_of("SELECT readings FROM hourly"), ElementsAre("1"));
  const auto listed = execute("LIST QUERIES;");
  EXPECT_EQ(std::get<StatementResult::Queries>(listed[0].content).queries.at(0).state,
            QueryDescription::State::kPaused);
  execute("RESUME ALL;");
  expect_rows("SELECT readings FROM hourly", {"2"});
  execute(fmt::format("TERMINATE {};", id));
  EXPECT_TRUE(ids().empty());
  EXPECT_THAT(rows_of("SELECT readings FROM hourly"), ElementsAre("2"));
  EXPECT_THAT(error_of("TERMINATE NOTHING_1;"), HasSubstr("there is no query NOTHING_1"));
}

TEST_F(StatementEngineTest, OtherQueriesGoOnWhileOneIsMade) {
  create_flows();
  insert_reading("7", "2007-01-01T10:40:00Z", 240);
  expect_rows("SELECT readings FROM hourly", {"1"});
  execute("CREATE STREAM high WITH (partitions = 2) AS SELECT * FROM metrics WHERE value > 235;");
  insert_reading("7", "2007-01-01T10:50:00Z", 230);
  expect_rows("SELECT readings FROM hourly", {"2"});
  expect_rows("SELECT gateway, value FROM high", {"7|240"});
  execute("CREATE TABLE counts AS SELECT gateway, COUNT(*) AS n FROM high GROUP BY gateway;");
  expect_rows("SELECT n FROM counts WHERE gateway IN ('7', '9')", {"1"});
}

TEST_F(StatementEngineTest, ReplaceTakesOnlyWhatCanBeReplaced) {
  create_flows();
  EXPECT_THAT(error_of("CREATE STREAM metrics WITH (topic = 'metrics');"),
              HasSubstr("the name metrics is used already"));
  const auto same = execute("CREATE STREAM IF NOT EXISTS metrics WITH (topic = 'other');");
  EXPECT_THAT(std::get<Done>(same.at(0).content).message, HasSubstr("exists already"));
  EXPECT_THAT(error_of("CREATE OR REPLACE STREAM metrics WITH (topic = 'other');"), HasSubstr("read by hourly"));
  EXPECT_THAT(
      error_of("CREATE OR REPLACE TABLE hourly AS SELECT gateway, COUNT(*) AS n FROM metrics GROUP BY gateway;"),
      HasSubstr("cannot be replaced by another definition"));
  const auto goes_on = execute("CREATE OR REPLACE STREAM metrics WITH (topic = 'metrics', partitions = 2);");
  EXPECT_THAT(std::get<Done>(goes_on.at(0).content).message, HasSubstr("is so already"));
  execute(
      "CREATE TABLE bounds (id VARCHAR PRIMARY KEY, high DOUBLE); CREATE OR REPLACE TABLE bounds (id VARCHAR PRIMARY "
      "KEY, low DOUBLE);");
  EXPECT_EQ(error_of("INSERT INTO bounds (id, low) VALUES ('a', 1);"), "no error");
}

TEST_F(StatementEngineTest, RowsOfTablesAreInsertedReplacedAndFound) {
  execute(
      "CREATE TABLE bounds (id VARCHAR PRIMARY KEY, high DOUBLE, note VARCHAR, since TIMESTAMP, many BIGINT, open "
      "BOOLEAN);");
  EXPECT_TRUE(rows_of("SELECT * FROM bounds").empty());
  execute("INSERT INTO bounds (id, high, open) VALUES ('a', 245, TRUE), ('b', 250.5, NULL);");
  EXPECT_THAT(rows_of("SELECT * FROM bounds"), ElementsAre("a|245|NULL|NULL|NULL|true", "b|250.5|NULL|NULL|NULL|NULL"));
  execute("INSERT INTO bounds (id, high, since) VALUES ('a', 246, '2007-01-01T00:00:00Z');");
  EXPECT_THAT(rows_of("SELECT high + 1 AS h, since FROM bounds WHERE id = 'a'"),
              ElementsAre("247|2007-01-01T00:00:00Z"));
  EXPECT_THAT(rows_of("SELECT id FROM bounds WHERE high > 246 OR open IS NULL LIMIT 1"), ::testing::SizeIs(1));
  ASSERT_TRUE(engine_->insert("BOUNDS", {{{"id", "c"}, {"many", int64_t{3}}, {"high", int64_t{1}}}}));
  EXPECT_THAT(rows_of("SELECT high, many FROM bounds WHERE id IN ('c', 'd')"), ElementsAre("1|3"));
  EXPECT_FALSE(engine_->insert("bounds", {{{"id", "c"}, {"many", "x"}}}));
  EXPECT_FALSE(engine_->insert("bounds", {{{"many", int64_t{3}}}}));
}

TEST_F(StatementEngineTest, PushQueriesGiveWhatComes) {
  create_flows();
  insert_reading("1", "2007-01-01T10:00:00Z", 1);
  auto rows = engine_->query("SELECT gateway, value FROM metrics WHERE value > 1 EMIT CHANGES LIMIT 2;", {});
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_TRUE((*rows)->is_push());
  EXPECT_THAT(ids(), ::testing::Contains((*rows)->id()));
  std::vector<QueryRow> got;
  EXPECT_TRUE((*rows)->next(got, 10, std::chrono::milliseconds(20)).value());
  EXPECT_TRUE(got.empty());
  insert_reading("2", "2007-01-01T10:00:00Z", 2);
  insert_reading("3", "2007-01-01T10:00:00Z", 1);
  while (got.empty()) ASSERT_TRUE((*rows)->next(got, 10, std::chrono::milliseconds(1000)).value());
  EXPECT_EQ(text_of(got.at(0)), "2|2");
  insert_reading("4", "2007-01-01T10:00:00Z", 4);
  while ((*rows)->next(got, 10, std::chrono::milliseconds(1000)).value()) {
  }
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(text_of(got.at(1)), "4|4");
}

TEST_F(StatementEngineTest, PushQueriesBeginWhereTheyAreToldAndEndWhenTheyAreClosed) {
  create_flows();
  insert_reading("1", "2007-01-01T10:00:00Z", 1);
  const StatementProperties earliest{{{"auto.offset.reset", "earliest"}}, {{"source", "metrics"}}};
  auto rows = engine_->query("SELECT gateway FROM ${source} EMIT CHANGES;", earliest);
  ASSERT_TRUE(rows) << rows.error().message;
  std::vector<QueryRow> got;
  while (got.empty()) ASSERT_TRUE((*rows)->next(got, 10, std::chrono::milliseconds(1000)).value());
  EXPECT_EQ(text_of(got.at(0)), "1");
  std::thread closing([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(engine_->close_query((*rows)->id()));
  });
  EXPECT_FALSE((*rows)->next(got, 10, std::chrono::seconds(60)).value());
  closing.join();
  EXPECT_FALSE(engine_->close_query("transient_99"));
  EXPECT_THAT(rows_of("SELECT gateway FROM metrics"), ElementsAre("1"));
}

TEST_F(StatementEngineTest, ChangesOfATableArePushed) {
  create_flows();
  auto rows = engine_->query("SELECT gateway, readings FROM hourly EMIT CHANGES LIMIT 2;", {});
  ASSERT_TRUE(rows) << rows.error().message;
  insert_reading("7", "2007-01-01T10:00:00Z", 1);
  std::vector<QueryRow> got;
  while (got.empty()) ASSERT_TRUE((*rows)->next(got, 10, std::chrono::milliseconds(1000)).value());
  EXPECT_EQ(text_of(got.at(0)), "7|1");
  insert_reading("7", "2007-01-01T10:01:00Z", 1);
  while ((*rows)->next(got, 10, std::chrono::milliseconds(1000)).value()) {
  }
  EXPECT_EQ(text_of(got.at(1)), "7|2");
}

TEST_F(StatementEngineTest, PrintShowsRecordsOfAnyTopic) {
  create_flows();
  insert_reading("7", "2007-01-01T10:00:00Z", 1.5);
  auto rows = engine_->query("PRINT 'metrics' FROM BEGINNING LIMIT 1;", {});
  ASSERT_TRUE(rows) << rows.error().message;
  std::vector<QueryRow> got;
  while ((*rows)->next(got, 10, std::chrono::milliseconds(1000)).value()) {
  }
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(std::get<std::string>(got[0][1]), "7.ELECTRICITY.VOLTAGE");
  EXPECT_EQ(
      std::get<std::string>(got[0][2]),
      R"({"gateway":"7","metricType":"ELECTRICITY","metricAttribute":"VOLTAGE","timestamp":"2007-01-01T10:00:00Z","value":1.5})");
  EXPECT_THAT(query_error("PRINT 'nothing'"), HasSubstr("nothing"));
}

TEST_F(StatementEngineTest, QuestionsAreAnswered) {
  create_flows();
  const auto results = execute(
      "LIST STREAMS; SHOW TABLES; LIST TOPICS; LIST PROPERTIES; LIST FUNCTIONS; DEFINE a = 'b'; LIST VARIABLES; "
      "DESCRIBE hourly EXTENDED; EXPLAIN hourly; EXPLAIN SELECT * FROM hourly WHERE gateway = '7';");
  ASSERT_EQ(results.size(), 10U);
  EXPECT_EQ(std::get<StatementResult::Sources>(results[0].content).sources.at(0).name, "metrics");
  EXPECT_EQ(std::get<StatementResult::Sources>(results[1].content).sources.at(0).name, "hourly");
  EXPECT_EQ(std::get<StatementResult::Topics>(results[2].content).topics.at(0).name, "hourly");
  EXPECT_EQ(std::get<StatementResult::Properties>(results[3].content).values.at("auto.offset.reset"), "latest");
  EXPECT_THAT(std::get<StatementResult::Functions>(results[4].content).names, ::testing::IsSupersetOf({"ABS", "MAX"}));
  EXPECT_EQ(std::get<StatementResult::Properties>(results[6].content).values.at("a"), "b");
  const auto& hourly = std::get<SourceDescription>(results[7].content);
  EXPECT_TRUE(hourly.is_table && hourly.is_windowed);
  EXPECT_EQ(hourly.columns.at(4).name, "gateway");
  EXPECT_TRUE(hourly.columns.at(4).is_key);
  for (const std::string_view part : {"Logical plan\n", "\nStream engine\n", "\nDuckDB\nWITH", "\nSpark, in ANSI mode"})
    EXPECT_THAT(std::get<StatementResult::Explained>(results[8].content).text, HasSubstr(part));
  EXPECT_THAT(std::get<StatementResult::Explained>(results[9].content).text,
              HasSubstr("look up 1 key(s) in table hourly"));
}

TEST_F(StatementEngineTest, WhatCameBeforeAFailureStaysDone) {
  std::vector<StatementResult> results;
  const Status done = engine_->execute("CREATE STREAM metrics;\nCREATE STREAM metrics;", {}, results);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("sql:2:15"));
  EXPECT_EQ(results.size(), 1U);
  EXPECT_THAT(error_of("SELECT * FROM metrics;"), HasSubstr("this is a query"));
  EXPECT_THAT(query_error("LIST STREAMS"), HasSubstr("this is no query"));
  EXPECT_THAT(query_error("SELECT value FROM metrics WHERE COUNT(*) > 1"),
              HasSubstr("COUNT cannot stand inside WHERE"));
  EXPECT_THAT(query_error("SELECT vlaue FROM metrics"), HasSubstr("value"));
}

TEST_F(StatementEngineTest, ManyAskWhileOthersChange) {
  create_flows();
  execute("CREATE TABLE bounds (id VARCHAR PRIMARY KEY, high DOUBLE);");
  std::atomic<bool> stop = false;
  std::atomic<int64_t> asked = 0;
  std::vector<std::thread> threads;
  for (int number = 0; number < 3; ++number) {
    threads.emplace_back([&, number] {
      while (!stop) {
        const auto keys = rows_of(fmt::format("SELECT high FROM bounds WHERE id = '{}'", number));
        EXPECT_LE(keys.size(), 1U);
        EXPECT_LE(rows_of("SELECT id FROM bounds WHERE high > 3").size(), 100U);
        ++asked;
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      execute("CREATE STREAM other AS SELECT * FROM metrics; LIST QUERIES; DROP STREAM other;");
    }
  });
  // Until others had their turn, too.
  for (int number = 0; number < 200 || asked == 0; ++number)
    execute(fmt::format("INSERT INTO bounds VALUES ('{}', {});", number % 100, number));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(asked, 0);
  EXPECT_EQ(rows_of("SELECT * FROM bounds").size(), 100U);
}

}  // namespace
}  // namespace meterstream
