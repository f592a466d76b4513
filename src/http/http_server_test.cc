#include "http/http_server.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "testing/loopback_client.h"

namespace meterstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
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

bool wait_until(const auto& condition) {
  for (int attempt = 0; attempt < 2000 && !condition(); ++attempt) std::this_thread::sleep_for(milliseconds(5));
  return condition();
}

TEST(HttpServer, AnswersOneAfterTheOtherOnOneConnection) {
  const auto server = serve(echo);
  LoopbackClient client(server->port());
  for (int round = 0; round < 3; ++round) {
    auto response = client.exchange("/a%20b?x=1", "body");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POST /a b x=1 body");
    EXPECT_THAT(response->headers["date"], HasSubstr("GMT"));
  }
  EXPECT_EQ(server->connections(), 1);
}

TEST(HttpServer, AnswersRequestsThatComeAtOnceInTheirOrder) {
  // Every other one is answered by another thread, later.
  std::vector<std::jthread> threads;
  std::mutex mutex;
  const auto server = serve([&](const HttpRequest& request, HttpResponder responder) {
    if (request.path.back() % 2 == 0) return echo(request, std::move(responder));
    const std::lock_guard lock(mutex);
    threads.emplace_back([responder = std::move(responder)]() mutable {
      std::this_thread::sleep_for(milliseconds(2));
      const HttpRequest& later = responder.request();
      echo(later, std::move(responder));
    });
  });
  LoopbackClient client(server->port());
  std::string requests;
  constexpr int kRequests = 60;
  for (int number = 0; number < kRequests; ++number) {
    requests += fmt::format("\r\nGET /{} HTTP/1.1\r\nHost: a\r\n\r\n", number);
  }
  ASSERT_TRUE(client.send(requests));
  for (int number = 0; number < kRequests; ++number) {
    const auto response = client.read_response();
    ASSERT_TRUE(response) << number;
    EXPECT_EQ(response->body, fmt::format("GET /{}  ", number));
  }
}

TEST(HttpServer, TakesARequestByteByByteAndInChunks) {
  const auto server = serve(echo);
  LoopbackClient client(server->port());
  constexpr std::string_view kRequest =
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
  for (const char c : kRequest) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(response_of(client.read_response()).body, "POST /x  abcde");
}

TEST(HttpServer, HeadHasTheHeadersOfGetOnly) {
  const auto server = serve(echo);
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(response_of(client.read_response(true)).headers["content-length"], "9");
  EXPECT_EQ(response_of(client.exchange("/y")).body, "GET /y  ");
  ASSERT_TRUE(client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(response_of(client.read_response()).body, "OPTIONS *  ");
}

TEST(HttpServer, SaysContinueToWhoAsks) {
  const auto server = serve(echo);
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(response_of(client.read_response()).status, 100);
  ASSERT_TRUE(client.send("ok"));
  EXPECT_EQ(response_of(client.read_response()).body, "POST /x  ok");
}

TEST(HttpServer, SpeaksTheOldVersion) {
  const auto server = serve(echo);
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.send("GET /x HTTP/1.0\r\n\r\n"));
  const auto response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "GET /x  ");
  EXPECT_EQ(response->headers.at("connection"), "close");
  EXPECT_TRUE(client.is_closed_within(seconds(5)));
}

TEST(HttpServer, RefusesWhatIsTooLargeOrNoRequest) {
  HttpServerOptions options;
  options.header_limit_bytes = 1000;
  options.body_limit_bytes = 1000;
  const auto server = serve(echo, options);
  const std::vector<std::pair<std::string, int>> cases = {
      {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n", 413},
      {"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" + std::string(4096, 'x'), 413},
      {"GET /x HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", 431},
      {"GET /" + std::string(2000, 'x'), 431},
      {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET /x HTTP/3.0\r\nHost: a\r\n\r\n", 505},
      {"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
      {"GET /x HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n", 417},
      {"\x16\x03\x01 no plain text", 400},
  };
  for (const auto& [bytes, status] : cases) {
    LoopbackClient client(server->port());
    ASSERT_TRUE(client.send(bytes));
    const auto response = client.read_response();
    ASSERT_TRUE(response) << bytes;
    EXPECT_EQ(response->status, status) << bytes;
    EXPECT_TRUE(client.is_closed_within(seconds(5))) << bytes;
  }
}

TEST(HttpServer, RefusesConnectionsBeyondTheLimit) {
  HttpServerOptions options;
  options.connection_limit = 2;
  const auto server = serve(echo, options);
  LoopbackClient first(server->port());
  LoopbackClient second(server->port());
  ASSERT_EQ(response_of(first.exchange("/")).status, 200);
  ASSERT_EQ(response_of(second.exchange("/")).status, 200);
  LoopbackClient third(server->port());
  EXPECT_EQ(response_of(third.read_response()).status, 503);
  first.close();
  ASSERT_TRUE(wait_until([&] { return server->connections() == 1; }));
  EXPECT_EQ(response_of(LoopbackClient(server->port()).exchange("/")).status, 200);
}

TEST(HttpServer, ClosesConnectionsThatRestAndRequestsThatDoNotEnd) {
  HttpServerOptions options;
  // The idle one is counted from the connect on, and the request's first bytes must come within it.
  options.idle_timeout = seconds(2);
  options.request_timeout = seconds(1);
  const auto server = serve(echo, options);
  LoopbackClient resting(server->port());
  LoopbackClient never_ending(server->port());
  ASSERT_TRUE(never_ending.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"));
  // Each byte is progress, and still the request takes too long.
  const std::jthread dripping([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && never_ending.send("x")) std::this_thread::sleep_for(milliseconds(50));
  });
  EXPECT_TRUE(resting.is_closed_within(seconds(20)));
  EXPECT_EQ(response_of(never_ending.read_response()).status, 408);
}

TEST(HttpServer, AnswersWhoHasClosedItsSide) {
  const auto server = serve(echo);
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"));
  client.end_sending();
  EXPECT_EQ(response_of(client.read_response()).body, "GET /1  ");
  EXPECT_EQ(response_of(client.read_response()).body, "GET /2  ");
  EXPECT_TRUE(client.is_closed_within(seconds(5)));
  EXPECT_TRUE(wait_until([&] { return server->connections() == 0; }));
}

TEST(HttpServer, AnswersWhoHasClosedItsSideToTheLastByte) {
  // More than sockets hold, so that the end of the request comes while the answer is on its way.
  const std::string large(20'000'000, 'x');
  const auto server = serve([&](const HttpRequest&, HttpResponder responder) {
    responder.send({.status = 200, .headers = {}, .body = large});
  });
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"));
  client.end_sending();
  std::this_thread::sleep_for(milliseconds(50));
  for (int number = 0; number < 2; ++number) {
    const auto response = client.read_response();
    ASSERT_TRUE(response && response->is_complete) << number;
    EXPECT_EQ(response->body.size(), large.size());
  }
  EXPECT_TRUE(client.is_closed_within(seconds(5)));
}

TEST(HttpServer, StreamsFromAnotherThreadInChunks) {
  std::jthread thread;
  const auto server = serve([&](const HttpRequest&, HttpResponder responder) {
    responder.start(200, {{"Content-Type", "text/plain"}});
    thread = std::jthread([responder = std::move(responder)]() mutable {
      for (int number = 0; number < 1000; ++number) {
        EXPECT_EQ(responder.write(fmt::format("{}\n", number), seconds(5)), HttpWrite::kTaken);
      }
      responder.finish();
    });
  });
  std::string expected;
  for (int number = 0; number < 1000; ++number) expected += fmt::format("{}\n", number);
  LoopbackClient client(server->port());
  for (int round = 0; round < 3; ++round) {
    const auto response = client.exchange("/stream");
    ASSERT_TRUE(response && response->is_complete);
    EXPECT_EQ(response->headers.at("transfer-encoding"), "chunked");
    EXPECT_EQ(response->body, expected);
  }
}

/// A handler whose stream is written by hand.
struct HeldStream {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<HttpResponder> responder;
  std::atomic<int> changes = 0;

  HttpHandler handler() {
    return [this](const HttpRequest&, HttpResponder given) {
      given.start(200, {});
      given.on_client_change([this] { ++changes; });
      const std::lock_guard lock(mutex);
      responder = std::move(given);
      changed.notify_all();
    };
  }

  HttpResponder& wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return responder.has_value(); });
    return *responder;
  }
};

TEST(HttpServer, ASlowClientHoldsTheWriterBackAndMemoryIsBounded) {
  HttpServerOptions options;
  options.stream_buffer_bytes = 100'000;
  HeldStream held;
  const auto server = serve(held.handler(), options);
  LoopbackClient client(server->port(), 4096);
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  HttpResponder& responder = held.wait();
  const std::string chunk(10'000, 'x');
  size_t taken = 0;
  while (responder.write(chunk, milliseconds(300)) == HttpWrite::kTaken) {
    ++taken;
    ASSERT_LT(taken, 10'000) << "more is taken than sockets hold";
  }
  EXPECT_EQ(responder.client(), HttpClient::kThere);
  // It reads on, and everything comes.
  std::jthread reading([&] {
    const auto response = client.read_response();
    ASSERT_TRUE(response && response->is_complete);
    EXPECT_EQ(response->body.size(), (taken + 1) * chunk.size());
  });
  EXPECT_EQ(responder.write(chunk, seconds(5)), HttpWrite::kTaken);
  responder.finish();
  reading.join();
  held.responder.reset();
}

TEST(HttpServer, AClientThatReadsNothingIsGoneAfterAWhile) {
  HttpServerOptions options;
  options.slow_client_timeout = milliseconds(300);
  HeldStream held;
  const auto server = serve(held.handler(), options);
  LoopbackClient client(server->port(), 4096);
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  HttpResponder& responder = held.wait();
  HttpWrite outcome = HttpWrite::kTaken;
  while (outcome == HttpWrite::kTaken) outcome = responder.write(std::string(100'000, 'x'), seconds(10));
  EXPECT_EQ(outcome, HttpWrite::kGone);
  EXPECT_TRUE(wait_until([&] { return held.changes == 1; }));
}

TEST(HttpServer, TellsAHandlerThatItsClientWent) {
  HeldStream held;
  const auto server = serve(held.handler());
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  HttpResponder& responder = held.wait();
  client.close();
  ASSERT_TRUE(wait_until([&] { return responder.client() != HttpClient::kThere; }));
  EXPECT_GE(held.changes, 1);
  // It may only have closed its side. Who writes finds out.
  ASSERT_TRUE(wait_until([&] { return responder.write("x", seconds(1)) == HttpWrite::kGone; }));
  held.responder.reset();
}

TEST(HttpServer, ADroppedResponderIsAnErrorAndAHalfStreamIsBroken) {
  const auto server = serve([](const HttpRequest& request, HttpResponder responder) {
    if (request.path == "/half") {
      responder.start(200, {});
      EXPECT_EQ(responder.write("half", milliseconds(0)), HttpWrite::kTaken);
    }
  });
  LoopbackClient client(server->port());
  EXPECT_EQ(response_of(client.exchange("/dropped")).status, 500);
  const auto half = client.exchange("/half");
  ASSERT_TRUE(half);
  EXPECT_EQ(half->body, "half");
  EXPECT_FALSE(half->is_complete);
}

TEST(HttpServer, StopsWhileStreamsRun) {
  HttpServerOptions options;
  options.threads = 2;
  options.stop_grace = milliseconds(200);
  std::mutex mutex;
  std::vector<std::jthread> threads;
  std::atomic<int> ended = 0;
  auto server = serve(
      [&](const HttpRequest&, HttpResponder given) {
        const std::lock_guard lock(mutex);
        threads.emplace_back([&ended, responder = std::move(given)]() mutable {
          responder.start(200, {});
          while (responder.write("tick\n", seconds(1)) != HttpWrite::kGone)
            std::this_thread::sleep_for(milliseconds(1));
          ++ended;
        });
      },
      options);
  std::vector<LoopbackClient> clients;
  for (int number = 0; number < 20; ++number) {
    clients.emplace_back(server->port());
    ASSERT_TRUE(clients.back().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  }
  for (LoopbackClient& client : clients) ASSERT_TRUE(client.read_until("tick"));
  server->stop();
  ASSERT_TRUE(wait_until([&] { return ended == 20; }));
  for (LoopbackClient& client : clients) EXPECT_FALSE(client.read_response());
  EXPECT_FALSE(LoopbackClient(server->port()).is_connected());
  server.reset();
}

TEST(HttpServer, StoppingLetsAnswersEnd) {
  HttpServerOptions options;
  options.stop_grace = seconds(20);
  HeldStream held;
  const auto server = serve(held.handler(), options);
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  HttpResponder& responder = held.wait();
  std::jthread stopping([&] { server->stop(); });
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(responder.write("last", seconds(1)), HttpWrite::kTaken);
  responder.finish();
  const auto response = client.read_response();
  ASSERT_TRUE(response);
  EXPECT_TRUE(response->is_complete);
  EXPECT_EQ(response->body, "last");
  client.close();
}

TEST(HttpServer, StopsAtAnyMoment) {
  HttpServerOptions options;
  options.stop_grace = milliseconds(0);
  // A tick of its clock may be due in the same moment.
  for (int round = 0; round < 15; ++round) {
    const auto server = serve(echo, options);
    LoopbackClient client(server->port());
    ASSERT_TRUE(client.send("GET /x HTTP/1.1\r\n"));
    std::this_thread::sleep_for(std::chrono::microseconds(98'000 + 250 * round));
  }
}

TEST(HttpServer, HoldsAThousandConnections) {
  // Two descriptors for each.
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  HttpServerOptions options;
  options.threads = 2;
  const auto server = serve(echo, options);
  std::vector<LoopbackClient> clients;
  for (int number = 0; number < 1000; ++number) {
    clients.emplace_back(server->port());
    ASSERT_TRUE(clients.back().is_connected()) << "is the limit of open files above 2,100?";
  }
  for (int round = 0; round < 2; ++round) {
    for (LoopbackClient& client : clients) ASSERT_TRUE(client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"));
    for (LoopbackClient& client : clients) {
      const auto response = client.read_response();
      ASSERT_TRUE(response);
      EXPECT_EQ(response->body, "GET /x  ");
    }
  }
  EXPECT_EQ(server->connections(), 1000);
  clients.clear();
  EXPECT_TRUE(wait_until([&] { return server->connections() == 0; }));
}

TEST(HttpServer, SaysWhatIsWrongWithItsOptions) {
  HttpServerOptions options;
  options.address = "no.address";
  EXPECT_THAT(HttpServer::start(options, echo).error().message, HasSubstr("no.address is no IP address"));
  options.address = "127.0.0.1";
  const auto server = serve(echo, options);
  options.port = server->port();
  EXPECT_EQ(HttpServer::start(options, echo).error().code, ErrorCode::kUnavailable);
  options.certificate_file = "cert.pem";
  EXPECT_THAT(HttpServer::start(options, echo).error().message, HasSubstr("both a certificate and its key"));
  options.key_file = "/nowhere/key.pem";
  options.certificate_file = "/nowhere/cert.pem";
  EXPECT_THAT(HttpServer::start(options, echo).error().message, HasSubstr("/nowhere/cert.pem"));
}

}  // namespace
}  // namespace meterstream
