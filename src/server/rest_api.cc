#include "server/rest_api.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "metering/json_encoder.h"
#include "server/query_response.h"
#include "server/rest_access.h"
#include "server/rest_json.h"
#include "server/rest_request.h"
#include "sql/statement.h"

namespace meterstream {

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kStatusPath = "/status/";
constexpr std::string_view kPropertyPath = "/is_valid_property/";

void answer(HttpResponder& responder, int status, std::string body, std::string_view type = kJson) {
  responder.send({.status = status, .headers = {{"Content-Type", type}}, .body = std::move(body)});
}

void fail(HttpResponder& responder, RestError error, std::string_view message) {
  answer(responder, status_of(error), error_json(error, message));
}

bool is_get_path(std::string_view path) {
  constexpr std::array<std::string_view, 4> kPaths = {"/", "/info", "/healthcheck", "/clusterStatus"};
  return std::ranges::find(kPaths, path) != kPaths.end() || path.starts_with(kStatusPath) ||
         path.starts_with(kPropertyPath);
}

bool is_post_path(std::string_view path) {
  constexpr std::array<std::string_view, 5> kPaths = {"/ksql", "/query", "/query-stream", "/inserts-stream",
                                                      "/close-query"};
  return std::ranges::find(kPaths, path) != kPaths.end();
}

/// What the client reads itself in: ksqlDB's own type, or plain JSON when it asks for that.
std::string_view json_type(const HttpRequest& request) {
  const std::string_view accept = request.headers.value("accept");
  return accept.find("application/vnd.ksql") == std::string_view::npos && accept.find(kJson) != std::string_view::npos
             ? kJson
             : "application/vnd.ksql.v1+json";
}

}  // namespace

RestApi::RestApi(StatementService& service, RestApiOptions options)
    : service_(service),
      options_(std::move(options)),
      workers_(std::max<size_t>(options_.workers, 1), options_.queue_limit),
      health_worker_(1, options_.queue_limit) {}

RestApi::~RestApi() {
  stop();
}

void RestApi::stop() {
  stopping_ = true;
  {
    const std::lock_guard lock(push_mutex_);
    for (const PushQuery& query : push_queries_) {
      if (query.rows) query.rows->close();
    }
  }
  workers_.stop();
  health_worker_.stop();
  // Nobody adds queries any more.
  for (PushQuery& query : push_queries_) {
    if (query.thread.joinable()) query.thread.join();
  }
  push_queries_.clear();
}

std::optional<HttpResponse> RestApi::refusal(const HttpRequest& request) const {
  const auto forbidden = [](std::string_view message) {
    return HttpResponse{.status = status_of(RestError::kForbidden),
                        .headers = {{"Content-Type", kJson}},
                        .body = error_json(RestError::kForbidden, message)};
  };
  const std::string_view host = request.headers.value("host");
  if (options_.loopback_names_only && !host.empty() && !is_loopback_name(host)) {
    return forbidden(
        "the server answers to names of its own machine only, such as localhost; start it with a token to use others");
  }
  if (const auto origin = request.headers.find("origin"); origin && !is_same_origin(*origin, host)) {
    return forbidden("requests from pages of other sites are refused");
  }
  const bool is_open = options_.bearer_token.empty() && options_.basic_login.empty();
  if (is_open || request.path == "/healthcheck" ||
      is_authorized(request.headers.value("authorization"), options_.bearer_token, options_.basic_login)) {
    return std::nullopt;
  }
  return HttpResponse{.status = 401,
                      .headers = {{"Content-Type", kJson}, {"WWW-Authenticate", "Basic realm=\"meterstream\""}},
                      .body = error_json(RestError::kUnauthorized, "the request needs a valid Authorization header")};
}

void RestApi::handle(const HttpRequest& request, HttpResponder responder) {
  if (auto refused = refusal(request)) return responder.send(*std::move(refused));
  const bool is_read = is_get_path(request.path);
  if (!is_read && !is_post_path(request.path) && request.path != "*") {
    return fail(responder, RestError::kNotFound,
                fmt::format("there is no {}; docs/server.md has what there is", request.path));
  }
  const std::string_view allowed = is_read ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
  if (request.method == "OPTIONS") return responder.send({.status = 204, .headers = {{"Allow", allowed}}, .body = {}});
  if (is_read && (request.method == "GET" || request.method == "HEAD")) return get(request, std::move(responder));
  if (!is_read && request.method == "POST") return post(request, std::move(responder));
  responder.send({.status = 405,
                  .headers = {{"Content-Type", kJson}, {"Allow", allowed}},
                  .body = error_json(RestError::kBadMethod, fmt::format("{} {} is not there; use {}", request.method,
                                                                        request.path, allowed))});
}

void RestApi::get(const HttpRequest& request, HttpResponder responder) {
  if (request.path == "/" || request.path == "/info") return info(std::move(responder));
  if (request.path == "/healthcheck") return submit(health_worker_, std::move(responder), &RestApi::health);
  if (request.path == "/clusterStatus") return cluster_status(std::move(responder));
  if (request.path.starts_with(kPropertyPath)) {
    return submit(workers_, std::move(responder), &RestApi::is_valid_property);
  }
  status(request, std::move(responder));
}

void RestApi::post(const HttpRequest& request, HttpResponder responder) {
  if (request.path == "/ksql") return submit(workers_, std::move(responder), &RestApi::execute);
  if (request.path == "/close-query") return submit(workers_, std::move(responder), &RestApi::close_query);
  if (request.path == "/inserts-stream") return submit(workers_, std::move(responder), &RestApi::insert);
  submit(workers_, std::move(responder), &RestApi::query);
}

void RestApi::submit(WorkerPool& pool, HttpResponder responder, void (RestApi::*work)(HttpResponder)) {
  // The responder must come back when the queue is full.
  const auto shared = std::make_shared<HttpResponder>(std::move(responder));
  WorkerPool::Work task = [this, work, shared] { (this->*work)(std::move(*shared)); };
  if (!pool.submit(task)) {
    fail(*shared, RestError::kUnavailable, "the server has more requests than it can work on; try again");
  }
}

void RestApi::info(HttpResponder responder) {
  std::string version;
  append_json_string(version, options_.version);
  std::string id;
  append_json_string(id, options_.service_id);
  answer(responder, 200,
         fmt::format(
             R"({{"KsqlServerInfo":{{"version":{},"kafkaClusterId":{},"ksqlServiceId":{},"serverStatus":"RUNNING"}}}})",
             version, id, id));
}

void RestApi::health(HttpResponder responder) {
  const bool is_healthy = service_.is_healthy();
  answer(
      responder, is_healthy ? 200 : 503,
      fmt::format(
          R"({{"isHealthy":{0},"details":{{"metastore":{{"isHealthy":true}},"kafka":{{"isHealthy":true}},"queries":{{"isHealthy":{0}}}}}}})",
          is_healthy));
}

void RestApi::cluster_status(HttpResponder responder) {
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  std::string host;
  append_json_string(host, options_.host_and_port);
  answer(
      responder, 200,
      fmt::format(
          R"({{"clusterStatus":{{{}:{{"hostAlive":true,"lastStatusUpdateMs":{},"activeStandbyPerQuery":{{}},"hostStoreLags":{{"stateStoreLags":{{}},"updateTimeMs":0}}}}}}}})",
          host, now.count()));
}

void RestApi::status(const HttpRequest& request, HttpResponder responder) {
  const std::string_view id = std::string_view(request.path).substr(kStatusPath.size());
  const auto status = service_.status(id);
  if (!status) return fail(responder, RestError::kNotFound, fmt::format("there is no command {}", id));
  std::string message;
  append_json_string(message, status->second);
  answer(responder, 200, fmt::format(R"({{"status":"{}","message":{},"queryId":null}})", status->first, message));
}

void RestApi::is_valid_property(HttpResponder responder) {
  const std::string name = responder.request().path.substr(kPropertyPath.size());
  std::vector<StatementResult> results;
  if (const Status listed = service_.execute("LIST PROPERTIES;", {}, results); !listed) {
    return fail(responder, rest_error_of(listed.error()), listed.error().message);
  }
  for (const StatementResult& result : results) {
    const auto* properties = std::get_if<StatementResult::Properties>(&result.content);
    if (properties != nullptr && properties->values.contains(name)) return answer(responder, 200, "true");
  }
  fail(responder, RestError::kBadRequest,
       fmt::format("there is no property {}; LIST PROPERTIES has what there is", name));
}

void RestApi::execute(HttpResponder responder) {
  const HttpRequest& request = responder.request();
  const auto parsed = parse_rest_statements(request.body);
  if (!parsed) return fail(responder, RestError::kBadRequest, parsed.error().message);
  const std::vector<StatementPart> statements = split_statements(parsed->sql);
  for (const StatementPart& statement : statements) {
    if (!is_query(statement.text)) continue;
    return answer(responder, 400,
                  statement_error_json(RestError::kQueryEndpoint, "SELECT and PRINT go to /query or /query-stream",
                                       statement.text, {}));
  }
  std::vector<StatementResult> results;
  const Status done = service_.execute(parsed->sql, parsed->properties, results);
  if (done) return answer(responder, 200, results_json(results), json_type(request));
  const RestError error = rest_error_of(done.error());
  const std::string_view failed =
      results.size() < statements.size() ? statements[results.size()].text : std::string_view(parsed->sql);
  answer(responder, status_of(error), statement_error_json(error, done.error().message, failed, results));
}

void RestApi::query(HttpResponder responder) {
  const HttpRequest& request = responder.request();
  const auto parsed = parse_rest_statements(request.body);
  if (!parsed) return fail(responder, RestError::kBadRequest, parsed.error().message);
  auto rows = service_.query(parsed->sql, parsed->properties);
  if (!rows) {
    const RestError error = rest_error_of(rows.error());
    return answer(responder, status_of(error), statement_error_json(error, rows.error().message, parsed->sql, {}));
  }
  std::shared_ptr<QueryRows> shared = std::move(*rows);
  if (shared->is_push()) return push(std::move(shared), std::move(responder));
  const RowsForm form = rows_form(request.path, request.headers.value("accept"));
  stream_rows(form, shared, std::move(responder), stopping_, options_.patience);
}

void RestApi::push(std::shared_ptr<QueryRows> rows, HttpResponder responder) {
  const std::lock_guard lock(push_mutex_);
  forget_ended();
  if (stopping_) return fail(responder, RestError::kUnavailable, "the server stops");
  if (push_queries_.size() >= options_.push_query_limit) {
    return fail(responder, RestError::kTooManyQueries,
                fmt::format("{} push queries run, more are not allowed; close some", push_queries_.size()));
  }
  const RowsForm form = rows_form(responder.request().path, responder.request().headers.value("accept"));
  PushQuery& query = push_queries_.emplace_back();
  query.rows = std::move(rows);
  // The responder must come back when there is no thread.
  const auto given = std::make_shared<HttpResponder>(std::move(responder));
  try {
    query.thread = std::thread([this, form, &query, given] { run_push(query, form, std::move(*given)); });
  } catch (const std::system_error&) {
    push_queries_.pop_back();
    fail(*given, RestError::kUnavailable, "the machine has no thread left for a push query; close some, or try again");
  }
}

void RestApi::run_push(PushQuery& query, RowsForm form, HttpResponder responder) {
  std::shared_ptr<QueryRows> rows;
  {
    const std::lock_guard lock(push_mutex_);
    rows = query.rows;
  }
  try {
    stream_rows(form, rows, std::move(responder), stopping_, std::nullopt);
  } catch (...) {
    // The responder is gone, and with it the client's stream is cut.
    rows->close();
  }
  // What the query holds goes now, its thread with the next push query.
  {
    const std::lock_guard lock(push_mutex_);
    query.rows.reset();
  }
  rows.reset();
  query.has_ended = true;
}

void RestApi::forget_ended() {
  // One look at each: who ends in between still has its thread.
  std::erase_if(push_queries_, [](PushQuery& query) {
    if (!query.has_ended) return false;
    query.thread.join();
    return true;
  });
}

void RestApi::close_query(HttpResponder responder) {
  const auto id = parse_query_id(responder.request().body);
  if (!id) return fail(responder, RestError::kBadRequest, id.error().message);
  if (const Status closed = service_.close_query(*id); !closed) {
    return fail(responder, RestError::kBadRequest, closed.error().message);
  }
  answer(responder, 200, "");
}

}  // namespace meterstream
