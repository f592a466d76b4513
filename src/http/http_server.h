// Purpose: an HTTP server for programs: HTTP/1.1 and HTTP/2 on one port, plain or with TLS, answers from any thread.
// Thread-safety: the handler is called on the server's threads, several at once with `threads` > 1; it must not wait. It keeps the
//                responder and answers from elsewhere what takes longer.
// Units: milliseconds, bytes. Errors: kInvalid for options and certificates, kUnavailable for an address that cannot be used.
// Guarantee: after stop() no call of the handler runs and every responder tells HttpClient::kGone.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/http_message.h"
#include "http/http_responder.h"

namespace meterstream {

struct HttpServerOptions {
  /// An IP address of this machine; port 0 takes a free one.
  std::string address = "127.0.0.1";
  uint16_t port = 0;
  int threads = 1;

  size_t header_limit_bytes = size_t{16} * 1024;
  size_t body_limit_bytes = size_t{1024} * 1024;
  /// Of all requests that are read or answered; beyond it they are answered with 503.
  size_t body_budget_bytes = size_t{512} * 1024 * 1024;
  /// More are answered with 503 and closed.
  size_t connection_limit = 20'000;
  /// Of HTTP/2, for each connection.
  uint32_t stream_limit = 100;
  /// What is kept of a stream for a client that reads slowly.
  size_t stream_buffer_bytes = size_t{256} * 1024;

  /// Between requests.
  std::chrono::milliseconds idle_timeout{60'000};
  /// From the first byte of a request to its last.
  std::chrono::milliseconds request_timeout{30'000};
  /// Without any progress of what is sent.
  std::chrono::milliseconds slow_client_timeout{30'000};
  /// How long stop() lets answers end that were begun.
  std::chrono::milliseconds stop_grace{1'000};

  /// PEM; both or none. A chain has the server's own certificate first.
  std::string certificate_file;
  std::string key_file;
};

using HttpHandler = std::function<void(const HttpRequest&, HttpResponder)>;
/// Sees the head of a request whose body is still to come. What it gives is the answer: the body is not kept and the handler not called.
/// Requests that came whole go to the handler at once, which must check the same.
using HttpHeadCheck = std::function<std::optional<HttpResponse>(const HttpRequest&)>;

class HttpServer {
 public:
  /// `head_check` may be empty; it is called on the server's threads, as the handler.
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options, HttpHandler handler,
                                                   HttpHeadCheck head_check = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] uint16_t port() const;
  /// Open at the moment.
  [[nodiscard]] size_t connections() const;
  /// Takes no more connections, lets answers end for stop_grace and closes all. From any thread but the server's; twice is harmless.
  void stop();

 private:
  class Implementation;
  explicit HttpServer(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meterstream
