#include <atomic>
#include <map>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "http/http_server.h"
#include "testing/loopback_client.h"

namespace meterstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::LoopbackClient;

/// nghttp2's client over a bare connection, pumped by the test.
class Http2Client {
 public:
  struct Answer {
    int status = 0;
    std::map<std::string, std::string> headers;
    std::string body;
    bool is_closed = false;
    uint32_t error = 0;
  };

  explicit Http2Client(uint16_t port, bool opens_windows = true) : connection_(port) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, opens_windows ? 0 : 1);
    nghttp2_session_client_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Http2Client() { nghttp2_session_del(session_); }
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  int32_t ask(const std::string& method, const std::string& path, std::string body = {}) {
    const auto field = [](std::string_view name, std::string_view value) {
      return nghttp2_nv{reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                        reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), 0};
    };
    const std::vector<nghttp2_nv> fields = {field(":method", method), field(":scheme", "http"), field(":path", path),
                                            field(":authority", "localhost")};
    const nghttp2_data_provider provider{.source = {.ptr = this}, .read_callback = read_body};
    const int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                              body.empty() ? nullptr : &provider, nullptr);
    bodies_[id] = std::move(body);
    return id;
  }
  /// Of all streams together: only the windows of streams hold the server back.
  void open_window_of_connection() { nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 24U); }
  void give_up() { connection_.close(); }
  /// The request of that id does not end with its body.
  void hold_back(int32_t id) { endless_.insert(id); }

  /// Sends and receives until `done` or the connection ends or ten seconds have passed.
  bool pump_until(const auto& done) {
    const auto end = std::chrono::steady_clock::now() + seconds(10);
    while (!done() && std::chrono::steady_clock::now() < end) {
      const uint8_t* bytes = nullptr;
      ssize_t size = 0;
      while ((size = nghttp2_session_mem_send(session_, &bytes)) > 0) {
        connection_.send({reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)});
      }
      const auto read = connection_.read_some(milliseconds(20));
      if (!read) continue;
      if (read->empty()) {
        has_ended = true;
        break;
      }
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(read->data()), read->size());
    }
    return done();
  }
  Answer wait(int32_t id) {
    pump_until([&] { return answers[id].is_closed; });
    return answers[id];
  }

  std::map<int32_t, Answer> answers;
  bool was_told_to_go = false;
  bool has_ended = false;

 private:
  static int on_header(nghttp2_session* /*session*/, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                       const uint8_t* value, size_t value_size, uint8_t /*flags*/, void* user) {
    Answer& answer = static_cast<Http2Client*>(user)->answers[frame->hd.stream_id];
    const std::string text(reinterpret_cast<const char*>(name), name_size);
    answer.headers[text] = std::string(reinterpret_cast<const char*>(value), value_size);
    if (text == ":status") answer.status = std::stoi(answer.headers[text]);
    return 0;
  }
  static int on_data(nghttp2_session* /*session*/, uint8_t /*flags*/, int32_t id, const uint8_t* bytes, size_t size,
                     void* user) {
    static_cast<Http2Client*>(user)->answers[id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int on_close(nghttp2_session* /*session*/, int32_t id, uint32_t error, void* user) {
    Answer& answer = static_cast<Http2Client*>(user)->answers[id];
    answer.is_closed = true;
    answer.error = error;
    return 0;
  }
  static int on_frame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY) static_cast<Http2Client*>(user)->was_told_to_go = true;
    return 0;
  }
  static ssize_t read_body(nghttp2_session* /*session*/, int32_t id, uint8_t* buffer, size_t size, uint32_t* flags,
                           nghttp2_data_source* source, void* /*user*/) {
    auto& self = *static_cast<Http2Client*>(source->ptr);
    std::string& body = self.bodies_[id];
    if (body.empty()) return NGHTTP2_ERR_DEFERRED;
    const size_t taken = std::min(size, body.size());
    std::copy_n(body.data(), taken, buffer);
    body.erase(0, taken);
    if (body.empty() && !self.endless_.contains(id)) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(taken);
  }

  LoopbackClient connection_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, std::string> bodies_;
  std::set<int32_t> endless_;
};

void echo(const HttpRequest& request, HttpResponder responder) {
  responder.send(
      {.status = 200,
       .headers = {{"X-Version", request.version == HttpVersion::k2 ? "2" : "1"}},
       .body = fmt::format("{} {} {} {}", request.method, request.path, request.headers.value("Host"), request.body)});
}

std::unique_ptr<HttpServer> serve(HttpHandler handler, const HttpServerOptions& options = {}) {
  auto server = HttpServer::start(options, std::move(handler));
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

TEST(Http2, AnswersManyRequestsOfOneConnection) {
  const auto server = serve(echo);
  Http2Client client(server->port());
  std::vector<int32_t> ids;
  for (int number = 0; number < 200; ++number) {
    ids.push_back(client.ask("POST", fmt::format("/{}", number), fmt::format("body {}", number)));
  }
  for (int number = 0; number < 200; ++number) {
    const auto answer = client.wait(ids[static_cast<size_t>(number)]);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.at("x-version"), "2");
    EXPECT_EQ(answer.body, fmt::format("POST /{} localhost body {}", number, number));
  }
  EXPECT_EQ(server->connections(), 1);
  const auto head = client.wait(client.ask("HEAD", "/x"));
  EXPECT_EQ(head.headers.at("content-length"), "18");
  EXPECT_EQ(head.body, "");
}

TEST(Http2, SendsAndTakesLargeBodies) {
  HttpServerOptions options;
  options.body_limit_bytes = 3'000'000;
  const auto server = serve(echo, options);
  Http2Client client(server->port());
  const std::string body(2'500'000, 'b');
  EXPECT_EQ(client.wait(client.ask("POST", "/", body)).body.size(),
            body.size() + std::string("POST / localhost ").size());
  EXPECT_EQ(client.wait(client.ask("POST", "/", std::string(3'000'001, 'b'))).status, 413);
  EXPECT_EQ(client.wait(client.ask("GET", "/" + std::string(20'000, 'h'))).status, 431);
  EXPECT_EQ(client.wait(client.ask("GET", "/%zz")).status, 400);
  EXPECT_EQ(client.wait(client.ask("GET", "/after")).body, "GET /after localhost ");
}

TEST(Http2, BodiesOfAllRequestsTogetherAreBounded) {
  HttpServerOptions options;
  options.body_budget_bytes = 30'000;
  const auto server = serve(echo, options);
  Http2Client half(server->port());
  const std::string body(20'000, 'b');
  const int32_t waiting = half.ask("POST", "/", body);
  half.hold_back(waiting);
  // An answer behind it: the body has come.
  EXPECT_EQ(half.wait(half.ask("GET", "/")).status, 200);
  {
    Http2Client client(server->port());
    EXPECT_EQ(client.wait(client.ask("POST", "/", body)).status, 503);
    EXPECT_EQ(client.wait(client.ask("POST", "/", "small")).status, 200);
  }
  half.give_up();
  Http2Client client(server->port());
  int status = 0;
  for (int attempt = 0; attempt < 2000 && status != 200; ++attempt) {
    status = client.wait(client.ask("POST", "/", body)).status;
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(status, 200);
}

TEST(Http2, ARequestMayBeRefusedBeforeItsBodyComes) {
  auto server = HttpServer::start({}, echo, [](const HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.path != "/secret") return std::nullopt;
    return HttpResponse{.status = 401, .headers = {{"WWW-Authenticate", "Basic"}}, .body = "who?"};
  });
  ASSERT_TRUE(server);
  Http2Client client((*server)->port());
  const int32_t refused = client.ask("POST", "/secret", "x");
  client.hold_back(refused);
  EXPECT_TRUE(client.pump_until([&] { return client.answers[refused].body == "who?"; }));
  EXPECT_EQ(client.answers[refused].status, 401);
  EXPECT_EQ(client.answers[refused].headers["www-authenticate"], "Basic");
  EXPECT_EQ(client.wait(client.ask("POST", "/open", "x")).status, 200);
}

TEST(Http2, StreamsBesideEachOtherAndHoldsBackForWhoOpensNoWindow) {
  std::mutex mutex;
  std::vector<std::jthread> threads;
  std::atomic<int> slow = 0;
  std::atomic<int> gone = 0;
  HttpServerOptions options;
  options.stream_buffer_bytes = 100'000;
  const auto server = serve(
      [&](const HttpRequest& request, HttpResponder given) {
        const bool is_endless = request.path == "/endless";
        const std::lock_guard lock(mutex);
        threads.emplace_back([&, is_endless, responder = std::move(given)]() mutable {
          responder.start(200, {});
          const std::string chunk(10'000, 'x');
          for (int number = 0; is_endless || number < 3; ++number) {
            const HttpWrite outcome = responder.write(chunk, milliseconds(100));
            if (outcome == HttpWrite::kSlow) ++slow;
            if (outcome == HttpWrite::kGone) {
              ++gone;
              return;
            }
          }
          responder.finish();
        });
      },
      options);
  {
    Http2Client client(server->port(), false);
    const int32_t endless = client.ask("GET", "/endless");
    ASSERT_TRUE(client.pump_until([&] { return slow > 0; }));
    EXPECT_LT(client.answers[endless].body.size(), 70'000) << "the window is 65,535 bytes";
  }
  Http2Client client(server->port());
  EXPECT_EQ(client.wait(client.ask("GET", "/three")).body.size(), 30'000);
  for (int attempt = 0; attempt < 2000 && gone == 0; ++attempt) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(gone, 1);
}

TEST(Http2, ARequestThatDoesNotEndIsRefusedWhateverElseItsConnectionAsks) {
  HttpServerOptions options;
  options.request_timeout = seconds(1);
  std::jthread later;
  const auto server = serve(
      [&](const HttpRequest& request, HttpResponder given) {
        if (request.path != "/later") return echo(request, std::move(given));
        later = std::jthread([responder = std::move(given)]() mutable {
          std::this_thread::sleep_for(milliseconds(2500));
          responder.send({.status = 200, .headers = {}, .body = "later"});
        });
      },
      options);
  Http2Client client(server->port());
  const int32_t never_ending = client.ask("POST", "/", "x");
  client.hold_back(never_ending);
  const int32_t answered_later = client.ask("GET", "/later");
  for (int round = 0; round < 300 && client.answers[never_ending].status == 0; ++round) {
    ASSERT_EQ(client.wait(client.ask("GET", "/")).status, 200) << round;
    std::this_thread::sleep_for(milliseconds(50));
  }
  EXPECT_EQ(client.answers[never_ending].status, 408);
  EXPECT_EQ(client.wait(answered_later).body, "later") << "its handler had more time than the request";
  EXPECT_EQ(client.wait(client.ask("GET", "/")).status, 200);
}

TEST(Http2, AStreamThatIsNotReadIsResetWhateverElseItsConnectionReads) {
  HttpServerOptions options;
  options.slow_client_timeout = seconds(1);
  std::atomic<bool> is_gone = false;
  std::jthread endless;
  const auto server = serve(
      [&](const HttpRequest& request, HttpResponder given) {
        if (request.path != "/endless") return echo(request, std::move(given));
        endless = std::jthread([&, responder = std::move(given)]() mutable {
          responder.start(200, {});
          const std::string chunk(10'000, 'x');
          HttpWrite outcome = HttpWrite::kTaken;
          while (outcome != HttpWrite::kGone) outcome = responder.write(chunk, milliseconds(100));
          is_gone = true;
        });
      },
      options);
  Http2Client client(server->port(), false);
  client.open_window_of_connection();
  const int32_t unread = client.ask("GET", "/endless");
  for (int round = 0; round < 300 && !client.answers[unread].is_closed; ++round) {
    ASSERT_EQ(client.wait(client.ask("GET", "/")).status, 200) << round;
    std::this_thread::sleep_for(milliseconds(50));
  }
  EXPECT_TRUE(client.answers[unread].is_closed);
  EXPECT_NE(client.answers[unread].error, static_cast<uint32_t>(NGHTTP2_NO_ERROR));
  EXPECT_EQ(client.wait(client.ask("GET", "/")).status, 200);
  EXPECT_TRUE(is_gone || client.pump_until([&] { return is_gone.load(); }));
}

TEST(Http2, AStreamThatBreaksIsReset) {
  const auto server = serve([](const HttpRequest&, HttpResponder responder) {
    responder.start(200, {});
    EXPECT_EQ(responder.write("half", milliseconds(0)), HttpWrite::kTaken);
  });
  Http2Client client(server->port());
  const auto answer = client.wait(client.ask("GET", "/"));
  EXPECT_TRUE(answer.is_closed);
  EXPECT_NE(answer.error, static_cast<uint32_t>(NGHTTP2_NO_ERROR));
}

TEST(Http2, SaysGoodbyeWhenItStops) {
  const auto server = serve(echo);
  Http2Client client(server->port());
  EXPECT_EQ(client.wait(client.ask("GET", "/")).status, 200);
  std::jthread stopping([&] { server->stop(); });
  EXPECT_FALSE(client.pump_until([] { return false; }));
  EXPECT_TRUE(client.was_told_to_go);
  EXPECT_TRUE(client.has_ended);
}

TEST(Http2, GarbageEndsTheConnection) {
  const auto server = serve(echo);
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthis is no frame of the protocol, whatever its length"));
  EXPECT_TRUE(client.is_closed_within(seconds(5)));
}

}  // namespace
}  // namespace meterstream
