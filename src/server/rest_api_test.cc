#include "server/rest_api.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/http_server.h"
#include "testing/loopback_client.h"

namespace meterstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::LoopbackClient;
using ::testing::StartsWith;

/// Rows from a queue that the test fills.
class QueuedRows final : public QueryRows {
 public:
  QueuedRows(std::string id, bool is_push) : id_(std::move(id)), is_push_(is_push) {}
  [[nodiscard]] const std::string& id() const override { return id_; }
  [[nodiscard]] const std::vector<Column>& columns() const override { return columns_; }
  [[nodiscard]] bool is_push() const override { return is_push_; }

  Result<bool> next(std::vector<QueryRow>& rows, size_t most, std::chrono::milliseconds timeout) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [this] { return closed_ || failure_ || !queue_.empty(); });
    while (!queue_.empty() && most-- > 0) {
      rows.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    if (queue_.empty() && failure_) return *failure_;
    return !(queue_.empty() && closed_);
  }
  void close() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  void add(QueryRow row) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(row));
    changed_.notify_all();
  }
  void fail(Error error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
    changed_.notify_all();
  }
  [[nodiscard]] bool is_closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  const std::string id_;
  const bool is_push_;
  const std::vector<Column> columns_ = {{"NAME", "VARCHAR"}, {"VALUE", "DOUBLE"}};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<QueryRow> queue_;
  bool closed_ = false;
  std::optional<Error> failure_;
};

/// A query as the API holds it, of rows that the test holds too.
class SharedRows final : public QueryRows {
 public:
  explicit SharedRows(std::shared_ptr<QueuedRows> rows) : rows_(std::move(rows)) {}
  ~SharedRows() override { rows_->close(); }
  [[nodiscard]] const std::string& id() const override { return rows_->id(); }
  [[nodiscard]] const std::vector<Column>& columns() const override { return rows_->columns(); }
  [[nodiscard]] bool is_push() const override { return rows_->is_push(); }
  Result<bool> next(std::vector<QueryRow>& rows, size_t most, std::chrono::milliseconds timeout) override {
    return rows_->next(rows, most, timeout);
  }
  void close() override { rows_->close(); }

 private:
  std::shared_ptr<QueuedRows> rows_;
};

/// Answers by the text of statements, fails on request. What the engine does with the API is in rest_engine_test.
class ChosenService final : public StatementService {
 public:
  Status execute(std::string_view text, const StatementProperties& properties,
                 std::vector<StatementResult>& results) override {
    const std::lock_guard lock(mutex_);
    latest_properties = properties;
    results.push_back({"first;", StatementResult::Done{"Stream created", "stream/first/create", "", 4}});
    if (text.find("wrong") != std::string_view::npos) return invalid("2:1: wrong\n  wrong\n  ^");
    if (text.find("away") != std::string_view::npos) return unavailable("the log is away");
    results.push_back({"second;", StatementResult::Properties{{{"auto.offset.reset", "latest"}}}});
    return {};
  }
  Result<std::unique_ptr<QueryRows>> query(std::string_view text, const StatementProperties& /*properties*/) override {
    if (text.find("wrong") != std::string_view::npos) return invalid("1:8: there is no column wrong");
    if (text.find("out of memory") != std::string_view::npos) throw std::bad_alloc();
    const std::lock_guard lock(mutex_);
    const bool is_push = text.find("EMIT") != std::string_view::npos;
    rows = std::make_shared<QueuedRows>(fmt::format("query_{}", queries_++), is_push);
    rows->add({std::string("a\"b"), 1.5});
    rows->add({std::monostate(), 2.0});
    // More than sockets hold, in several batches.
    for (int row = 0; text.find("large") != std::string_view::npos && row < 8000; ++row) {
      rows->add({std::string(4000, 'x'), 1.0});
    }
    if (!is_push) rows->close();
    return std::unique_ptr<QueryRows>(new SharedRows(rows));
  }
  Status close_query(std::string_view id) override {
    const std::lock_guard lock(mutex_);
    if (!rows || rows->id() != id) return not_found(fmt::format("no query {}", id));
    rows->close();
    return {};
  }
  Status insert(std::string_view source, const std::vector<std::map<std::string, QueryValue>>& given) override {
    const std::lock_guard lock(mutex_);
    if (source != "readings") return not_found(fmt::format("there is no stream {}", source));
    for (const auto& row : given) {
      if (row.contains("WRONG")) return invalid("there is no column WRONG");
    }
    inserted.insert(inserted.end(), given.begin(), given.end());
    return {};
  }
  std::optional<std::pair<std::string, std::string>> status(std::string_view id) override {
    if (id != "stream/first/create") return std::nullopt;
    return std::pair<std::string, std::string>("SUCCESS", "Stream created");
  }
  Result<int64_t> await_queries(milliseconds /*timeout*/) override { return 0; }
  bool is_healthy() override { return healthy; }

  std::shared_ptr<QueuedRows> running() {
    for (int attempt = 0; attempt < 2000; ++attempt) {
      {
        const std::lock_guard lock(mutex_);
        if (rows) return rows;
      }
      std::this_thread::sleep_for(milliseconds(5));
    }
    return nullptr;
  }

  void forget_rows() {
    const std::lock_guard lock(mutex_);
    rows.reset();
  }

  std::atomic<bool> healthy = true;
  StatementProperties latest_properties;
  std::vector<std::map<std::string, QueryValue>> inserted;
  std::shared_ptr<QueuedRows> rows;

 private:
  std::mutex mutex_;
  int queries_ = 0;
};

class RestApiTest : public ::testing::Test {
 protected:
  explicit RestApiTest(const RestApiOptions& options = {}) : api_(service_, options) {
    HttpServerOptions http;
    http.stop_grace = milliseconds(200);
    server_ =
        HttpServer::start(
            http,
            [this](const HttpRequest& request, HttpResponder responder) { api_.handle(request, std::move(responder)); },
            [this](const HttpRequest& request) { return api_.refusal(request); })
            .value();
  }
  ~RestApiTest() override {
    api_.stop();
    server_->stop();
  }
  testing::LoopbackResponse ask(std::string_view target, std::string_view body = {}, std::string_view headers = {}) {
    LoopbackClient client(server_->port());
    return client.exchange(target, body, headers).value_or(testing::LoopbackResponse());
  }

  ChosenService service_;
  RestApi api_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(RestApiTest, TellsAboutItself) {
  EXPECT_THAT(ask("/info").body, HasSubstr(R"("version":"0.1.0")"));
  EXPECT_EQ(ask("/info").headers["content-type"], "application/json");
  EXPECT_THAT(ask("/healthcheck").body, StartsWith(R"({"isHealthy":true)"));
  service_.healthy = false;
  EXPECT_EQ(ask("/healthcheck").status, 503);
  EXPECT_THAT(ask("/clusterStatus").body, HasSubstr(R"("hostAlive":true)"));
  EXPECT_EQ(ask("/status/stream/first/create").body,
            R"({"status":"SUCCESS","message":"Stream created","queryId":null})");
  EXPECT_EQ(ask("/status/stream/other/create").status, 404);
  EXPECT_EQ(ask("/is_valid_property/auto.offset.reset").body, "true");
  EXPECT_EQ(ask("/is_valid_property/other").status, 400);
}

TEST_F(RestApiTest, RefusesOtherPathsAndMethods) {
  EXPECT_THAT(ask("/nothing").body, HasSubstr(R"("error_code":40400)"));
  EXPECT_EQ(ask("/ksql").status, 405);
  EXPECT_EQ(ask("/ksql").headers["allow"], "POST, OPTIONS");
  EXPECT_EQ(ask("/info", "{}").status, 405);
  const auto refused = ask("/ksql", "no json");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body,
              StartsWith(R"({"@type":"generic_error","error_code":40000,"message":"the request is not a JSON object)"));
}

TEST_F(RestApiTest, CarriesOutStatements) {
  const auto response = ask("/ksql", R"({"ksql":"first; second;","streamsProperties":{"a":"b"}})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-type"), "application/vnd.ksql.v1+json");
  EXPECT_EQ(
      response.body,
      R"([{"@type":"currentStatus","statementText":"first;","commandId":"stream/first/create","commandStatus":{"status":"SUCCESS","message":"Stream created","queryId":null},"commandSequenceNumber":4,"warnings":[]},)"
      R"({"@type":"properties","statementText":"second;","properties":[{"name":"auto.offset.reset","scope":"KSQL","value":"latest","editable":true,"level":"QUERY"}],"overwrittenProperties":[],"defaultProperties":[],"warnings":[]}])");
  EXPECT_EQ(service_.latest_properties.properties.at("a"), "b");
  EXPECT_EQ(ask("/ksql", R"({"ksql":"first;"})", "Accept: application/json\r\n").headers["content-type"],
            "application/json");
}

TEST_F(RestApiTest, SaysWhichStatementFailedAndWhatWasDoneBefore) {
  const auto response = ask("/ksql", R"({"ksql":"first; wrong ';';"})");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(
      response.body,
      StartsWith(
          R"({"@type":"statement_error","error_code":40001,"message":"2:1: wrong\n  wrong\n  ^","statementText":"wrong ';';","entities":[{"@type":"currentStatus")"));
  EXPECT_EQ(ask("/ksql", R"({"ksql":"first; away;"})").status, 503);
  EXPECT_THAT(ask("/ksql", R"({"ksql":"first; SELECT * FROM a;"})").body, HasSubstr(R"("error_code":40002)"));
  EXPECT_THAT(ask("/query", R"({"ksql":"SELECT wrong FROM a;"})").body,
              HasSubstr(R"("error_code":40001,"message":"1:8: there is no column wrong")"));
}

TEST_F(RestApiTest, StreamsRowsInEachForm) {
  constexpr std::string_view kSql = R"({"sql":"SELECT * FROM a;"})";
  const auto objects = ask("/query", kSql);
  EXPECT_EQ(objects.headers.at("content-type"), "application/vnd.ksql.v1+json");
  EXPECT_EQ(objects.headers.at("transfer-encoding"), "chunked");
  EXPECT_EQ(objects.body,
            "[{\"header\":{\"queryId\":\"query_0\",\"schema\":\"`NAME` STRING, `VALUE` DOUBLE\"}},\n"
            "{\"row\":{\"columns\":[\"a\\\"b\",1.5]}},\n{\"row\":{\"columns\":[null,2]}}]");
  EXPECT_TRUE(objects.is_complete);
  const auto lines = ask("/query-stream", kSql);
  EXPECT_EQ(lines.headers.at("content-type"), "application/vnd.ksqlapi.delimited.v1");
  EXPECT_EQ(lines.body,
            "{\"queryId\":\"query_1\",\"columnNames\":[\"NAME\",\"VALUE\"],\"columnTypes\":[\"STRING\",\"DOUBLE\"]}\n"
            "[\"a\\\"b\",1.5]\n[null,2]\n");
  EXPECT_EQ(ask("/query-stream", kSql, "Accept: application/json\r\n").body,
            "[{\"queryId\":\"query_2\",\"columnNames\":[\"NAME\",\"VALUE\"],\"columnTypes\":[\"STRING\",\"DOUBLE\"]},"
            "[\"a\\\"b\",1.5],[null,2]]");
  EXPECT_EQ(ask("/query-stream", kSql, "Accept: application/vnd.ksql.v1+json\r\n").headers["content-type"],
            "application/vnd.ksql.v1+json");
}

TEST_F(RestApiTest, APushQueryGoesOnUntilItIsClosed) {
  LoopbackClient client(server_->port());
  constexpr std::string_view kBody = R"({"sql":"SELECT * FROM a EMIT CHANGES;"})";
  ASSERT_TRUE(client.send(fmt::format("POST /query-stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                                      kBody.size(), kBody)));
  ASSERT_TRUE(client.read_until("[null,2]\n"));
  service_.running()->add({std::string("later"), 3.25});
  ASSERT_TRUE(client.read_until("[\"later\",3.25]\n"));
  EXPECT_EQ(ask("/close-query", R"({"queryId":"query_9"})").status, 400);
  EXPECT_EQ(ask("/close-query", R"({"queryId":"query_0"})").status, 200);
  EXPECT_TRUE(client.read_until("0\r\n\r\n"));
}

TEST_F(RestApiTest, APushQueryEndsWithItsClient) {
  LoopbackClient client(server_->port());
  constexpr std::string_view kBody = R"({"ksql":"SELECT * FROM a EMIT CHANGES;"})";
  ASSERT_TRUE(client.send(
      fmt::format("POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", kBody.size(), kBody)));
  ASSERT_TRUE(client.read_until("[null,2]"));
  const auto rows = service_.running();
  client.close();
  for (int attempt = 0; attempt < 2000 && !rows->is_closed(); ++attempt) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_TRUE(rows->is_closed());
}

TEST_F(RestApiTest, AFailureInTheMiddleIsTheLastOfTheRows) {
  LoopbackClient client(server_->port());
  constexpr std::string_view kBody = R"({"ksql":"SELECT * FROM a EMIT CHANGES;"})";
  ASSERT_TRUE(client.send(
      fmt::format("POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", kBody.size(), kBody)));
  service_.running()->fail(corrupt("segment 3 is damaged"));
  const auto response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_THAT(
      response->body,
      HasSubstr(
          R"({"row":null,"errorMessage":{"@type":"generic_error","error_code":50000,"message":"segment 3 is damaged"})"));
}

TEST_F(RestApiTest, AcknowledgesEachInsertedRow) {
  std::string body = "{\"target\":\"readings\"}\n";
  std::string expected;
  constexpr int kRows = 1200;
  for (int row = 0; row < kRows; ++row) {
    body += fmt::format("{{\"ID\":{}}}\n", row);
    expected += fmt::format("{{\"status\":\"ok\",\"seq\":{}}}\n", row);
  }
  const auto response = ask("/inserts-stream", body);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, expected);
  ASSERT_EQ(service_.inserted.size(), kRows);
  EXPECT_EQ(service_.inserted.back().at("ID"), QueryValue(int64_t{kRows - 1}));
}

TEST_F(RestApiTest, AWrongRowEndsTheInsertsAndThoseBeforeAreIn) {
  const auto response =
      ask("/inserts-stream", "{\"target\":\"readings\"}\n{\"ID\":1}\n\n{\"ID\":2,\"WRONG\":0}\n{\"ID\":3}");
  EXPECT_EQ(response.body,
            "{\"status\":\"ok\",\"seq\":0}\n"
            "{\"@type\":\"generic_error\",\"error_code\":40001,\"message\":\"there is no column "
            "WRONG\",\"status\":\"error\",\"seq\":1}\n");
  EXPECT_EQ(service_.inserted.size(), 1);
  EXPECT_EQ(ask("/inserts-stream", "{\"target\":\"nothing\"}\n{\"ID\":1}").status, 400);
  EXPECT_THAT(ask("/inserts-stream", "{\"target\":\"readings\"}\n{\"ID\":1}\n{no json").body,
              HasSubstr(R"("error_code":40000)"));
  EXPECT_EQ(service_.inserted.size(), 2);
}

TEST_F(RestApiTest, PagesOfOtherSitesAreRefused) {
  EXPECT_EQ(ask("/info", "", "Origin: http://elsewhere\r\n").status, 403);
  EXPECT_EQ(ask("/info", "", "Origin: http://localhost\r\n").status, 200);
}

TEST_F(RestApiTest, ErrorsAreUtf8WhateverThePath) {
  EXPECT_THAT(ask("/a%ff%C3%A9%e2%82").body, HasSubstr("there is no /a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD;"));
  EXPECT_THAT(ask("/status/%ff").body, HasSubstr("there is no command \xEF\xBF\xBD\""));
  EXPECT_THAT(ask("/is_valid_property/%f0%9f%98%80%80").body, HasSubstr("\xF0\x9F\x98\x80\xEF\xBF\xBD;"));
}

TEST_F(RestApiTest, APushQueryThatEndsByItselfHoldsNothing) {
  LoopbackClient client(server_->port());
  constexpr std::string_view kBody = R"({"sql":"SELECT * FROM a EMIT CHANGES LIMIT 2;"})";
  ASSERT_TRUE(client.send(fmt::format("POST /query-stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                                      kBody.size(), kBody)));
  ASSERT_TRUE(client.read_until("[null,2]\n"));
  const std::weak_ptr<QueuedRows> rows = service_.running();
  service_.running()->close();
  ASSERT_TRUE(client.read_until("0\r\n\r\n"));
  service_.forget_rows();
  for (int attempt = 0; attempt < 2000 && !rows.expired(); ++attempt) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_TRUE(rows.expired());
}

TEST_F(RestApiTest, WorkThatFailsEndsAlone) {
  for (int round = 0; round < 10; ++round) {
    EXPECT_EQ(ask("/query", R"({"ksql":"SELECT out of memory;"})").status, 500);
  }
  EXPECT_EQ(ask("/query", R"({"ksql":"SELECT 1;"})").status, 200);
}

/// No thread can be started while it lives: stacks are larger than the address space.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    pthread_attr_t attributes;
    ::pthread_getattr_default_np(&attributes);
    ::pthread_attr_getstacksize(&attributes, &stack_bytes_);
    ::pthread_attr_destroy(&attributes);
    set(size_t{1} << 60U);
  }
  ~NoMoreThreads() { set(stack_bytes_); }
  NoMoreThreads(const NoMoreThreads&) = delete;
  NoMoreThreads& operator=(const NoMoreThreads&) = delete;

 private:
  static void set(size_t stack_bytes) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    EXPECT_EQ(::pthread_attr_setstacksize(&attributes, stack_bytes), 0);
    EXPECT_EQ(::pthread_setattr_default_np(&attributes), 0);
    ::pthread_attr_destroy(&attributes);
  }
  size_t stack_bytes_ = 0;
};

TEST_F(RestApiTest, APushQueryWithoutAThreadIsRefused) {
  constexpr std::string_view kPush = R"({"ksql":"SELECT * FROM a EMIT CHANGES;"})";
  {
    const NoMoreThreads scope;
    const auto refused = ask("/query", kPush);
    EXPECT_EQ(refused.status, 503);
    EXPECT_THAT(refused.body, HasSubstr(R"("error_code":50300)"));
    EXPECT_TRUE(service_.running()->is_closed());
  }
  LoopbackClient client(server_->port());
  ASSERT_TRUE(client.send(
      fmt::format("POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", kPush.size(), kPush)));
  EXPECT_TRUE(client.read_until("[null,2]"));
}

/// A client that asks for many rows and reads few of them.
LoopbackClient slow_reader(uint16_t port) {
  LoopbackClient client(port, 4096);
  constexpr std::string_view kBody = R"({"sql":"SELECT large;"})";
  EXPECT_TRUE(client.send(fmt::format("POST /query-stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                                      kBody.size(), kBody)));
  EXPECT_TRUE(client.read_until("columnNames"));
  return client;
}

class OneWorkerRestApiTest : public RestApiTest {
 protected:
  OneWorkerRestApiTest() : RestApiTest({.workers = 1}) {}
};

TEST_F(OneWorkerRestApiTest, TellsItsHealthWhileReadersHoldTheWorkers) {
  const LoopbackClient slow = slow_reader(server_->port());
  EXPECT_EQ(ask("/healthcheck").status, 200);
  EXPECT_EQ(ask("/info").status, 200);
  EXPECT_EQ(ask("/clusterStatus").status, 200);
}

class ImpatientRestApiTest : public RestApiTest {
 protected:
  ImpatientRestApiTest()
      : RestApiTest({.workers = 1, .patience = {.grace = milliseconds(300), .least_bytes_per_s = 100'000'000}}) {}
};

TEST_F(ImpatientRestApiTest, AReaderThatIsTooSlowLosesItsWorker) {
  LoopbackClient slow = slow_reader(server_->port());
  std::string last;
  const auto reads_on = [&] {
    const auto some = slow.read_some();
    if (!some || some->empty()) return false;
    last += *some;
    last.erase(0, last.size() - std::min<size_t>(last.size(), 5));
    return true;
  };
  // Some bytes now and then are progress for the connection, and still too slow.
  std::atomic<bool> stops = false;
  std::thread dripping([&] {
    while (!stops && reads_on()) std::this_thread::sleep_for(milliseconds(50));
  });
  EXPECT_EQ(ask("/query", R"({"ksql":"SELECT 1;"})").status, 200);
  stops = true;
  dripping.join();
  while (reads_on()) {
  }
  EXPECT_NE(last, "0\r\n\r\n") << "the part looks like the whole";
}

class GuardedRestApiTest : public RestApiTest {
 protected:
  GuardedRestApiTest()
      : RestApiTest({.bearer_token = "secret",
                     .basic_login = "me:pass:word",
                     .loopback_names_only = true,
                     .push_query_limit = 1}) {}
};

TEST_F(GuardedRestApiTest, AsksForALogin) {
  EXPECT_THAT(ask("/info").body, HasSubstr(R"("error_code":40100)"));
  EXPECT_EQ(ask("/info", "", "Authorization: Bearer secre\r\n").status, 401);
  EXPECT_EQ(ask("/info", "", "Authorization: Bearer secret\r\n").status, 200);
  EXPECT_EQ(ask("/info", "", "Authorization: Basic bWU6cGFzczp3b3Jk\r\n").status, 200);
  EXPECT_EQ(ask("/info", "", "Authorization: Basic bWU6cGFzczp3b3Jr\r\n").status, 401);
  EXPECT_EQ(ask("/healthcheck").status, 200);
}

TEST_F(GuardedRestApiTest, AsksForALoginBeforeTheBody) {
  LoopbackClient client(server_->port());
  ASSERT_TRUE(client.send("POST /ksql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"));
  const auto refused = client.read_response();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 401);
  EXPECT_THAT(refused->body, HasSubstr(R"("error_code":40100)"));
}

TEST_F(GuardedRestApiTest, LimitsPushQueries) {
  LoopbackClient client(server_->port());
  constexpr std::string_view kBody = R"({"ksql":"SELECT * FROM a EMIT CHANGES;"})";
  constexpr std::string_view kLogin = "Authorization: Bearer secret\r\n";
  ASSERT_TRUE(client.send(fmt::format("POST /query HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}",
                                      kLogin, kBody.size(), kBody)));
  ASSERT_TRUE(client.read_until("[null,2]"));
  EXPECT_EQ(ask("/query", kBody, kLogin).status, 429);
  EXPECT_EQ(ask("/query", R"({"ksql":"SELECT 1;"})", kLogin).status, 200);
}

}  // namespace
}  // namespace meterstream
