// Purpose: one request and its answer, between the handler, which writes from any thread, and the connection, which sends
//          on its own thread. Private to src/http; handlers see it as HttpResponder.
// Memory: what is written and not yet sent is bounded by `buffer_limit` and one chunk; the request's body counts for the budget while
//         the exchange lives.
// Thread-safety: handler's methods from any thread, the connection's from its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "http/body_budget.h"
#include "http/http_message.h"
#include "http/http_responder.h"

namespace meterstream {

class Exchange;

/// The connection, as an exchange sees it.
class ExchangeOwner {
 public:
  ExchangeOwner() = default;
  virtual ~ExchangeOwner() = default;
  ExchangeOwner(const ExchangeOwner&) = delete;
  ExchangeOwner& operator=(const ExchangeOwner&) = delete;
  /// There is something to take. From any thread; must not call back at once.
  virtual void exchange_changed(int32_t stream) = 0;
};

class Exchange {
 public:
  Exchange(std::shared_ptr<ExchangeOwner> owner, int32_t stream, size_t buffer_limit,
           std::shared_ptr<BodyBudget> budget)
      : owner_(std::move(owner)), stream_(stream), buffer_limit_(buffer_limit), budget_(std::move(budget)) {}
  ~Exchange() { drop_body(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Of the connection, before the handler is called.
  HttpRequest& request() { return request_; }
  [[nodiscard]] const HttpRequest& request() const { return request_; }
  /// False: the bodies of all requests take too much.
  bool append_body(std::string_view bytes);
  void drop_body();

  // Of the handler.
  void send(HttpResponse response);
  void start(HttpResponse head);
  HttpWrite write(std::string_view chunk, std::chrono::milliseconds timeout);
  void finish();
  /// The responder went away. Without an answer the client gets status 500; in the middle of one the connection breaks.
  void abandon();
  [[nodiscard]] HttpClient client() const { return client_.load(std::memory_order_acquire); }
  void on_client_change(const std::function<void()>& call);

  // Of the connection.
  struct Output {
    bool has_head = false;  ///< now, for the first time
    bool is_whole = false;  ///< the body's size is known: it is `bytes`
    HttpResponse head;
    std::string bytes;
    bool finished = false;
    bool broken = false;
  };
  /// What there is, at most about `most` bytes of a stream's body.
  Output take(size_t most);
  /// Of what was taken, so much has been sent.
  void sent(size_t bytes);
  void client_changed(HttpClient client);

 private:
  void notify_owner();

  HttpRequest request_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::shared_ptr<ExchangeOwner> owner_;
  const int32_t stream_;
  const size_t buffer_limit_;
  const std::shared_ptr<BodyBudget> budget_;
  std::atomic<HttpClient> client_ = HttpClient::kThere;
  std::function<void()> on_client_change_;
  HttpResponse head_;
  std::string pending_;
  size_t taken_ = 0;  ///< and not yet sent
  enum class Head : uint8_t { kNone, kReady, kTaken } state_ = Head::kNone;
  bool is_whole_ = false;
  bool finished_ = false;
  bool broken_ = false;
  bool notified_ = false;
};

/// While it lives, write() on this thread never waits: it is the thread that sends.
class SendingThread {
 public:
  SendingThread();
  ~SendingThread();
  SendingThread(const SendingThread&) = delete;
  SendingThread& operator=(const SendingThread&) = delete;
};

}  // namespace meterstream
