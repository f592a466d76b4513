// Purpose: what connections of both protocols share: their thread, deadlines, sending what is queued. Private to src/http.
// Thread-safety: none but exchange_changed(); all on the connection's I/O thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "http/body_budget.h"
#include "http/exchange.h"
#include "http/http_server.h"
#include "http/transport.h"

namespace meterstream {

class Connection;
using SteadyTime = std::chrono::steady_clock::time_point;

/// The thread that a connection lives on, as the connection sees it.
class ConnectionHost {
 public:
  ConnectionHost() = default;
  virtual ~ConnectionHost() = default;
  ConnectionHost(const ConnectionHost&) = delete;
  ConnectionHost& operator=(const ConnectionHost&) = delete;
  [[nodiscard]] virtual const HttpServerOptions& options() const = 0;
  [[nodiscard]] virtual const HttpHandler& handler() const = 0;
  /// May be empty.
  [[nodiscard]] virtual const HttpHeadCheck& head_check() const = 0;
  [[nodiscard]] virtual const std::shared_ptr<BodyBudget>& body_budget() const = 0;
  /// "Date: ...\r\n" is made once a second.
  [[nodiscard]] virtual const std::string& date() const = 0;
  [[nodiscard]] virtual bool is_stopping() const = 0;
  /// Calls connection->pump(stream) soon on this thread; from any thread.
  virtual void post_pump(std::shared_ptr<Connection> connection, int32_t stream) = 0;
  virtual void removed(Connection& connection) = 0;
  /// `connection` stands for `old` from now on.
  virtual void replaced(Connection& old, const std::shared_ptr<Connection>& connection) = 0;
};

class Connection : public TransportOwner, public ExchangeOwner, public std::enable_shared_from_this<Connection> {
 public:
  Connection(ConnectionHost& host, std::unique_ptr<Transport> transport)
      : host_(host), transport_(std::move(transport)) {}

  virtual void start() = 0;
  /// Sends what the exchange of that stream has.
  virtual void pump(int32_t stream) = 0;
  /// Ends what is idle; answers that were begun go on.
  virtual void begin_stop() = 0;
  void check_deadline(SteadyTime now);
  void close();
  void exchange_changed(int32_t stream) final;

 protected:
  virtual void on_deadline() = 0;
  /// Tells the exchanges that their client is gone.
  virtual void on_close() = 0;
  /// All that was queued is sent.
  virtual void on_drained() = 0;
  /// Some bytes were sent.
  virtual void on_progress() {}

  void on_written(size_t bytes) final;
  /// Sends queued_ as far as the socket takes it; the rest follows by itself.
  void flush();
  [[nodiscard]] size_t unsent_bytes() const { return writing_.size() - written_ + queued_.size(); }
  void set_deadline(std::chrono::milliseconds from_now) { deadline_ = std::chrono::steady_clock::now() + from_now; }
  void set_deadline_at(SteadyTime at) { deadline_ = at; }
  void bring_deadline_to(SteadyTime at) { deadline_ = std::min(deadline_, at); }
  void clear_deadline() { deadline_ = SteadyTime::max(); }
  /// What the handler answers at once is for the caller to pump.
  void call_handler(const std::shared_ptr<Exchange>& exchange);
  /// Whether a request is refused before its body comes.
  [[nodiscard]] std::optional<HttpResponse> refusal_of(const HttpRequest& request) const;
  [[nodiscard]] static HttpResponse plain_answer(int status);

  ConnectionHost& host_;
  std::unique_ptr<Transport> transport_;
  std::string queued_;
  bool is_closed_ = false;
  bool write_waits_ = false;  ///< the socket takes no more for now

 private:
  std::string writing_;
  size_t written_ = 0;
  SteadyTime deadline_ = SteadyTime::max();
  SteadyTime write_deadline_ = SteadyTime::max();
};

std::shared_ptr<Connection> make_http1_connection(ConnectionHost& host, std::unique_ptr<Transport> transport);
/// `bytes`: what came already, from the connection preface on.
std::shared_ptr<Connection> make_http2_connection(ConnectionHost& host, std::unique_ptr<Transport> transport);

}  // namespace meterstream
