// Purpose: how a handler answers a request: whole with send(), or as a stream with start(), write() and finish().
// Thread-safety: may be moved to another thread and used there; one thread at a time, but client() and hang-up calls from any.
// Ownership: the request lives as long as its responder. A responder that is dropped without an answer gives status 500;
//            one that is dropped in the middle of a stream breaks the connection, so that the client does not take the part for the whole.
// Memory: a slow client holds back write(); about HttpServerOptions::stream_buffer_bytes are kept for it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "http/http_message.h"

namespace meterstream {

class Exchange;

enum class HttpWrite : uint8_t {
  kTaken,
  kSlow,  ///< no room before the time was over; nothing of the chunk was taken
  kGone,  ///< the client is gone, or the server stops: end the work
};

enum class HttpClient : uint8_t {
  kThere,
  kSentAll,  ///< it has closed its side and may still read; an endless stream better ends
  kGone,
};

class HttpResponder {
 public:
  explicit HttpResponder(std::shared_ptr<Exchange> exchange);
  ~HttpResponder();
  HttpResponder(HttpResponder&&) noexcept = default;
  HttpResponder& operator=(HttpResponder&& other) noexcept;
  HttpResponder(const HttpResponder&) = delete;
  HttpResponder& operator=(const HttpResponder&) = delete;

  [[nodiscard]] const HttpRequest& request() const;

  void send(HttpResponse response);

  /// Status and headers of a stream; its body is nothing yet.
  void start(int status, HttpHeaders headers);
  /// Waits for room. On the thread that called the handler it does not wait.
  HttpWrite write(std::string_view chunk, std::chrono::milliseconds timeout);
  /// Ends the stream in good order.
  void finish();

  [[nodiscard]] HttpClient client() const;
  /// Called at each change of client(), on a thread of the server; it must be short. At once when it has changed already.
  void on_client_change(const std::function<void()>& call);

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace meterstream
