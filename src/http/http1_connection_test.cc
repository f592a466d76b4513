#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/http_server.h"
#include "testing/loopback_client.h"

namespace meterstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::LoopbackClient;
using testing::LoopbackResponse;

void echo(const HttpRequest& request, HttpResponder responder) {
  responder.send({.status = 200,
                  .headers = {{"Content-Type", "text/plain"}},
                  .body = fmt::format("{} {} {} {}", request.method, request.path, request.query, request.body)});
}

std::unique_ptr<HttpServer> serve(HttpHandler handler, const HttpServerOptions& options = {}) {
  auto server = HttpServer::start(options, std::move(handler));
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

LoopbackResponse response_of(std::optional<LoopbackResponse> response) {
  EXPECT_TRUE(response) << "no answer came";
  return response.value_or(LoopbackResponse());
}

/// Sends the head of a request and pieces behind it, each in a packet of its own, until an answer comes.
LoopbackResponse answer_to_endless(uint16_t port, std::string_view head, std::string_view piece) {
  LoopbackClient client(port);
  EXPECT_TRUE(client.send(head));
  for (int number = 0; number < 5000; ++number) {
    if (!client.send(piece)) break;
    const auto some = client.read_some(milliseconds(1));
    if (!some) continue;
    LoopbackResponse response;
    if (some->starts_with("HTTP/1.1 ")) response.status = std::stoi(some->substr(9, 3));
    EXPECT_TRUE(client.is_closed_within(seconds(5)));
    return response;
  }
  return {};
}

TEST(Http1, LimitsHeadersThatComeLineByLine) {
  HttpServerOptions options;
  options.header_limit_bytes = 1000;
  const auto server = serve(echo, options);
  EXPECT_EQ(answer_to_endless(server->port(), "GET /x HTTP/1.1\r\nHost: a\r\n", "X: 12345678\r\n").status, 431);
  // Each piece ends in the first letter of the next line.
  EXPECT_EQ(answer_to_endless(server->port(), "GET /x HTTP/1.1\r\nHost: a\r\nX", ": 12345678\r\nX").status, 431);
  // What is below the limit is taken, whatever its pieces.
  LoopbackClient client(server->port());
  for (const std::string_view line :
       {"GET /y HTTP/1.1\r\n", "Host: a\r\n", "X: 12345678\r\n", "X: 12345678\r\n", "\r\n"}) {
    ASSERT_TRUE(client.send(line));
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_EQ(response_of(client.read_response()).body, "GET /y  ");
}

TEST(Http1, LimitsWhatStandsAroundChunks) {
  HttpServerOptions options;
  options.header_limit_bytes = 1000;
  const auto server = serve(echo, options);
  const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(answer_to_endless(server->port(), head + "1;", "aaaaaaaaaaaaaaaa").status, 431);
  EXPECT_EQ(answer_to_endless(server->port(), head + "1\r\nx\r\n0\r\n", "X: 12345678\r\n").status, 431);
  // Trailers that end, at once.
  std::string trailers;
  while (trailers.size() < 2000) trailers += "X: 12345678\r\n";
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.send(head + "1\r\nx\r\n0\r\n" + trailers + "\r\n"));
  EXPECT_EQ(response_of(client.read_response()).status, 431);
  // A large body in one piece is no chunk header.
  LoopbackClient other(server->port());
  ASSERT_TRUE(other.send(head + "1000\r\n" + std::string(4096, 'x') + "\r\n2;e=f\r\nyz\r\n0\r\n\r\n"));
  EXPECT_EQ(response_of(other.read_response()).body, "POST /x  " + std::string(4096, 'x') + "yz");
}

TEST(Http1, TrailersAreNoHeaders) {
  const auto server = serve([](const HttpRequest& request, HttpResponder responder) {
    responder.send({.status = 200,
                    .headers = {},
                    .body = fmt::format("{}|{}|{}", request.headers.value("Authorization"),
                                        request.headers.value("Host"), request.body)});
  });
  LoopbackClient client(server->port());
  ASSERT_TRUE(
      client.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
                  "Authorization: Bearer secret\r\nHost: b\r\nExpect: magic\r\n\r\n"));
  EXPECT_EQ(response_of(client.read_response()).body, "|a|x");
  EXPECT_EQ(response_of(client.exchange("/y")).body, "|localhost|");
}

TEST(Http1, TheTimeToRestBeginsWhenTheAnswerIsSent) {
  HttpServerOptions options;
  options.idle_timeout = milliseconds(500);
  const std::string large(20'000'000, 'x');
  const auto server =
      serve([&](const HttpRequest&,
                HttpResponder responder) { responder.send({.status = 200, .headers = {}, .body = large}); },
            options);
  LoopbackClient client(server->port(), 4096);
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  // The answer is queued at once, and sockets hold a small part of it.
  std::this_thread::sleep_for(milliseconds(1500));
  const auto response = response_of(client.read_response());
  EXPECT_TRUE(response.is_complete);
  EXPECT_EQ(response.body.size(), large.size());
  EXPECT_TRUE(client.is_closed_within(seconds(20)));
}

bool wait_until(const auto& condition) {
  for (int attempt = 0; attempt < 2000 && !condition(); ++attempt) std::this_thread::sleep_for(milliseconds(5));
  return condition();
}

int status_of_post(uint16_t port, const std::string& body) {
  return LoopbackClient(port).exchange("/x", body).value_or(LoopbackResponse()).status;
}

TEST(Http1, BodiesOfAllRequestsTogetherAreBounded) {
  HttpServerOptions options;
  options.body_budget_bytes = 30'000;
  std::mutex mutex;
  std::vector<HttpResponder> kept;
  const auto server = serve(
      [&](const HttpRequest& request, HttpResponder responder) {
        if (request.path != "/keep") return echo(request, std::move(responder));
        const std::lock_guard lock(mutex);
        kept.push_back(std::move(responder));
      },
      options);
  const uint16_t port = server->port();
  // Small enough to be read at once, so that they do not compete.
  const std::string body(20'000, 'x');
  EXPECT_EQ(status_of_post(port, body), 200);
  EXPECT_EQ(status_of_post(port, body + body), 503);
  {
    // Of a request that is still being sent.
    LoopbackClient half(port);
    ASSERT_TRUE(half.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 20001\r\n\r\n" + body));
    EXPECT_EQ(status_of_post(port, body), 503);
    EXPECT_EQ(status_of_post(port, "small"), 200);
    ASSERT_TRUE(half.send("x"));
    EXPECT_EQ(response_of(half.read_response()).status, 200);
    EXPECT_TRUE(wait_until([&] { return status_of_post(port, body) == 200; }));
  }
  // Of one that is being answered.
  LoopbackClient waiting(port);
  ASSERT_TRUE(waiting.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + body));
  EXPECT_TRUE(wait_until([&] {
    const std::lock_guard lock(mutex);
    return kept.size() == 1;
  }));
  waiting.close();
  EXPECT_EQ(status_of_post(port, body), 503) << "the handler still has it";
  {
    const std::lock_guard lock(mutex);
    kept.clear();
  }
  EXPECT_TRUE(wait_until([&] { return status_of_post(port, body) == 200; }));
}

TEST(Http1, WhoAsksWithoutReadingAnswersIsNotReadFurther) {
  const std::string large(1'000'000, 'x');
  const auto server = serve([&](const HttpRequest&, HttpResponder responder) {
    responder.send({.status = 200, .headers = {}, .body = large});
  });
  LoopbackClient client(server->port(), 4096);
  std::string requests;
  while (requests.size() < 100'000) requests += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  constexpr size_t kMoreThanSocketsHold = 100'000'000;
  std::atomic<size_t> sent_bytes = 0;
  std::thread sending([&] {
    while (sent_bytes < kMoreThanSocketsHold && client.send(requests)) sent_bytes += requests.size();
  });
  for (size_t before = 0; sent_bytes > before || before == 0;) {
    before = sent_bytes;
    std::this_thread::sleep_for(milliseconds(500));
  }
  EXPECT_LT(sent_bytes, kMoreThanSocketsHold);
  client.end_sending();
  sending.join();
}

TEST(Http1, ARequestMayBeRefusedBeforeItsBodyComes) {
  auto server = HttpServer::start({}, echo, [](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.headers.find("Authorization")) return std::nullopt;
    return HttpResponse{.status = 401, .headers = {{"WWW-Authenticate", "Basic"}}, .body = "who?"};
  });
  ASSERT_TRUE(server);
  for (const std::string expects : {"", "Expect: 100-continue\r\n"}) {
    LoopbackClient client((*server)->port());
    ASSERT_TRUE(client.send("POST /x HTTP/1.1\r\nHost: a\r\n" + expects + "Content-Length: 1000\r\n\r\n"));
    auto refused = response_of(client.read_response());
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.headers["www-authenticate"], "Basic");
    EXPECT_EQ(refused.body, "who?");
    EXPECT_TRUE(client.is_closed_within(seconds(10)));
  }
  LoopbackClient client((*server)->port());
  ASSERT_TRUE(client.send("POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nContent-Length: 1000\r\n\r\n"));
  ASSERT_TRUE(client.send(std::string(1000, 'x')));
  EXPECT_EQ(response_of(client.read_response()).body, "POST /x  " + std::string(1000, 'x'));
}

}  // namespace
}  // namespace meterstream
