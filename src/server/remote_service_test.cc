#include "server/remote_service.h"

#include <gmock/gmock.h>

#include "http/http_server.h"
#include "server/engine_fixture.h"
#include "server/rest_api.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using Rows = std::vector<std::string>;

/// An engine, a server before it, and a service that asks the server.
class RemoteServiceTest : public EngineFixture {
 protected:
  RemoteServiceTest() { serve({}); }
  ~RemoteServiceTest() override { end_serving(); }

  void serve(const RestApiOptions& options) {
    api_ = std::make_unique<RestApi>(*engine_, options);
    HttpServerOptions http;
    http.stop_grace = std::chrono::milliseconds(200);
    server_ = HttpServer::start(http, [this](const HttpRequest& request, HttpResponder responder) {
                api_->handle(request, std::move(responder));
              }).value();
    RemoteServiceOptions remote;
    remote.peer = {.host = "127.0.0.1", .port = std::to_string(server_->port())};
    remote_ = std::make_unique<RemoteService>(remote);
  }
  void end_serving() {
    remote_.reset();
    api_->stop();
    server_->stop();
    server_.reset();
  }
  std::vector<StatementResult> ask(std::string_view text, const StatementProperties& properties = {}) {
    std::vector<StatementResult> results;
    const Status done = remote_->execute(text, properties, results);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return results;
  }
  template <class Content>
  Content content_of(std::string_view text) {
    const auto results = ask(text);
    EXPECT_EQ(results.size(), 1U) << text;
    return std::get<Content>(results.at(0).content);
  }
  Rows remote_rows(std::string_view text) {
    auto rows = remote_->query(text, {});
    EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
    Rows texts;
    bool goes_on = static_cast<bool>(rows);
    while (goes_on) {
      std::vector<QueryRow> some;
      const auto next = (*rows)->next(some, 7, std::chrono::milliseconds(100));
      EXPECT_TRUE(next) << (next ? "" : next.error().message);
      goes_on = next && *next;
      for (const QueryRow& row : some) texts.push_back(text_of(row));
    }
    std::ranges::sort(texts);
    return texts;
  }

  std::unique_ptr<RestApi> api_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<RemoteService> remote_;
};

TEST_F(RemoteServiceTest, StatementsAndTheirResultsAreThoseOfTheServer) {
  ASSERT_TRUE(remote_->check());
  const auto made =
      ask("CREATE STREAM metrics (gateway VARCHAR, metricType VARCHAR, timestamp TIMESTAMP, value DOUBLE) "
          "WITH (topic = 'metrics', value_format = 'JSON', partitions = 2);");
  EXPECT_EQ(std::get<StatementResult::Done>(made.at(0).content).message, "stream metrics created");
  EXPECT_EQ(std::get<StatementResult::Done>(made.at(0).content).command_id, "stream/metrics/create");
  EXPECT_EQ(remote_->status("stream/metrics/create")->first, "SUCCESS");
  EXPECT_FALSE(remote_->status("stream/others/create"));
  ask("CREATE TABLE totals AS SELECT gateway, COUNT(*) AS n FROM metrics GROUP BY gateway;");
  EXPECT_EQ(content_of<StatementResult::Done>("INSERT INTO metrics VALUES ('7', 'GAS', '2007-01-01T00:00:00Z', 1.5), "
                                              "('8', 'GAS', '2007-01-01T00:00:00Z', NULL);")
                .message,
            "2 rows written into metrics");
  EXPECT_EQ(content_of<StatementResult::Sources>("LIST STREAMS;").sources.at(0).name, "metrics");
  EXPECT_TRUE(content_of<StatementResult::Sources>("LIST TABLES;").tables);
  const auto described = content_of<SourceDescription>("DESCRIBE totals EXTENDED;");
  EXPECT_EQ(described.columns.at(0).type, "VARCHAR");
  EXPECT_TRUE(described.is_table);
  EXPECT_FALSE(described.statistics.empty());
  const auto queries = content_of<StatementResult::Queries>("LIST QUERIES;").queries;
  ASSERT_EQ(queries.size(), 1U);
  EXPECT_EQ(queries[0].id, described.query_id);
  EXPECT_EQ(queries[0].sink, "totals");
  const auto topics = content_of<StatementResult::Topics>("LIST TOPICS;").topics;
  EXPECT_TRUE(
      std::ranges::any_of(topics, [](const auto& topic) { return topic.name == "metrics" && topic.partitions == 2; }));
  EXPECT_FALSE(content_of<StatementResult::Functions>("LIST FUNCTIONS;").names.empty());
  EXPECT_EQ(content_of<StatementResult::Explained>("EXPLAIN SELECT * FROM metrics;").text,
            std::get<StatementResult::Explained>(execute("EXPLAIN SELECT * FROM metrics;").at(0).content).text);
  EXPECT_TRUE(remote_->is_healthy());
  ASSERT_TRUE(
      remote_->insert("metrics", {{{"gateway", std::string("9")}, {"timestamp", int64_t{0}}, {"value", 0.25}}}));
  EXPECT_EQ(
      remote_rows("SELECT gateway, metricType, timestamp, value FROM metrics;"),
      (Rows{"7|GAS|2007-01-01T00:00:00Z|1.5", "8|GAS|2007-01-01T00:00:00Z|NULL", "9|NULL|1970-01-01T00:00:00Z|0.25"}));
  expect_rows("SELECT gateway, n FROM totals", {"7|1", "8|1", "9|1"});
  EXPECT_EQ(
      remote_rows("SELECT COUNT(*) AS c, SUM(n), MAX(value) FROM totals t JOIN metrics m ON t.gateway = m.gateway;"),
      Rows{"3|3|1.5"});
}

TEST_F(RemoteServiceTest, ErrorsHavePlaceAndCaretAndTheNameOfTheText) {
  std::vector<StatementResult> results;
  const Status failed =
      remote_->execute("CREATE STREAM metrics WITH (topic = 'metrics');\nCREATE TABLE x AS SELECT y FROM z;",
                       {.properties = {}, .variables = {}, .text_name = "flows.sql"}, results);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(failed.error().message, HasSubstr("unknown stream z"));
  EXPECT_THAT(failed.error().message, ::testing::StartsWith("flows.sql:2:"));
  EXPECT_EQ(results.size(), 1U) << "what came before stays done";
  const auto rows =
      remote_->query("SELECT y FROM metrics;", {.properties = {}, .variables = {}, .text_name = "--execute"});
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error().message, HasSubstr("unknown column y"));
  EXPECT_THAT(rows.error().message, ::testing::StartsWith("--execute:1:8"));
  const Status refused = remote_->insert("nothing", {{{"a", int64_t{1}}}});
  EXPECT_FALSE(refused);
}

TEST_F(RemoteServiceTest, SettingsAndVariablesGoWithEachCall) {
  ask("CREATE STREAM metrics WITH (topic = 'metrics'); INSERT INTO metrics VALUES ('7', 'GAS', 'A', "
      "'2007-01-01T00:00:00Z', 1);");
  StatementProperties session;
  session.properties["auto.offset.reset"] = "earliest";
  session.variables["g"] = "7";
  auto rows =
      remote_->query("SELECT gateway FROM metrics WHERE gateway = '${g}' EMIT CHANGES LIMIT 1;", session).value();
  EXPECT_TRUE(rows->is_push());
  std::vector<QueryRow> taken;
  for (bool goes_on = true; goes_on;) goes_on = rows->next(taken, 10, std::chrono::milliseconds(100)).value();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(text_of(taken[0]), "7");
}

TEST_F(RemoteServiceTest, APushQueryEndsAtTheServerWithItsReader) {
  ask("CREATE STREAM metrics WITH (topic = 'metrics');");
  const auto transient = [&] { return engine_->transient_queries(); };
  {
    const auto rows =
        remote_->query("SELECT gateway, COUNT(*) FROM metrics GROUP BY gateway EMIT CHANGES;", {}).value();
    EXPECT_EQ(transient(), 1U);
    ask("INSERT INTO metrics VALUES ('7', 'GAS', 'A', '2007-01-01T00:00:00Z', 1);");
    std::vector<QueryRow> taken;
    for (int tries = 0; taken.empty() && tries < 100; ++tries) {
      ASSERT_TRUE(rows->next(taken, 10, std::chrono::milliseconds(100)).value());
    }
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(text_of(taken[0]), "7|1");
  }
  for (int tries = 0; transient() > 0 && tries < 500; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(transient(), 0U);
  const auto closed = remote_->query("SELECT gateway FROM metrics EMIT CHANGES;", {}).value();
  ASSERT_TRUE(remote_->close_query(closed->id()));
  std::vector<QueryRow> none;
  bool goes_on = true;
  for (int tries = 0; goes_on && tries < 100; ++tries)
    goes_on = closed->next(none, 1, std::chrono::milliseconds(100)).value();
  EXPECT_FALSE(goes_on);
}

TEST_F(RemoteServiceTest, SaysWhoIsNotThereAndWhoIsNotLetIn) {
  end_serving();
  RestApiOptions options;
  options.bearer_token = "secret";
  serve(options);
  const Status refused = remote_->check();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--token-file"));
  RemoteServiceOptions known;
  known.peer = {.host = "127.0.0.1", .port = std::to_string(server_->port())};
  known.authorization = "Bearer secret";
  EXPECT_TRUE(RemoteService(known).check());
  known.peer.port = "1";
  const Status nobody = RemoteService(known).check();
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(nobody.error().message, HasSubstr("http://127.0.0.1:1 cannot be reached"));
}

TEST_F(RemoteServiceTest, ManyRowsComeWhole) {
  ask("CREATE TABLE meters (id VARCHAR PRIMARY KEY, floor BIGINT) WITH (topic = 'meters', value_format = 'JSON');");
  std::string rows;
  for (int number = 0; number < 5000; ++number)
    rows += fmt::format("{}('{}', {})", number == 0 ? "" : ", ", number, number);
  ask(fmt::format("INSERT INTO meters VALUES {};", rows));
  EXPECT_EQ(remote_rows("SELECT id, floor FROM meters;").size(), 5000U);
  EXPECT_EQ(remote_rows("SELECT MAX(floor), 9007199254740993 + MIN(floor) FROM meters;"),
            Rows{"4999|9007199254740993"});
}

}  // namespace
}  // namespace meterstream
