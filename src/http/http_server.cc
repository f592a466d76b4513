#include "http/http_server.h"

#include <array>
#include <atomic>
#include <ctime>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <netinet/tcp.h>

#include "base/check.h"
#include "http/body_budget.h"
#include "http/connection.h"
#include "http/transport.h"

namespace meterstream {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kTick{100};

/// An option that the system does not take is done without.
void set_options(Tcp::socket& socket) {
  using asio::detail::socket_option::integer;
  error_code ignored;
  const auto set = [&](const auto& option) { ignored = socket.set_option(option, ignored); };
  set(Tcp::no_delay(true));
  // A client whose machine is gone is found out after two minutes, also by a stream that has nothing to send.
  set(asio::socket_base::keep_alive(true));
  set(integer<IPPROTO_TCP, TCP_KEEPIDLE>(60));
  set(integer<IPPROTO_TCP, TCP_KEEPINTVL>(10));
  set(integer<IPPROTO_TCP, TCP_KEEPCNT>(6));
}

/// What the threads of a server have in common.
struct ServerParts {
  HttpServerOptions options;
  HttpHandler handler;
  HttpHeadCheck head_check;
  std::shared_ptr<BodyBudget> body_budget = std::make_shared<BodyBudget>(options.body_budget_bytes);
  std::atomic<size_t> open = 0;
};

/// A thread with its own context: connections on it need no locks.
class IoThread final : public ConnectionHost {
 public:
  explicit IoThread(ServerParts& parts) : parts_(parts) { renew_date(); }

  void start() {
    tick();
    thread_ = std::thread([this] { context_.run(); });
  }

  void join() {
    work_.reset();
    if (thread_.joinable()) thread_.join();
  }

  asio::io_context& context() { return context_; }

  void add(Tcp::socket socket, asio::ssl::context* tls) {
    set_options(socket);
    auto transport = tls != nullptr ? make_tls_transport(std::move(socket), *tls)
                                    : make_plain_transport(std::move(socket), scratch_);
    const auto connection = make_http1_connection(*this, std::move(transport));
    connections_.emplace(connection.get(), connection);
    if (stops_) {
      connection->close();
    } else {
      connection->start();
    }
  }

  /// From any thread: the connections end what they have begun.
  void begin_stop() {
    asio::post(context_, [this] {
      stops_ = true;
      for (const auto& connection : all()) connection->begin_stop();
    });
  }

  void close_all() {
    asio::post(context_, [this] {
      // A tick that is due already runs in any case: it must not set the next one.
      ends_ = true;
      timer_.cancel();
      for (const auto& connection : all()) connection->close();
    });
  }

  [[nodiscard]] const HttpServerOptions& options() const override { return parts_.options; }
  [[nodiscard]] const HttpHandler& handler() const override { return parts_.handler; }
  [[nodiscard]] const HttpHeadCheck& head_check() const override { return parts_.head_check; }
  [[nodiscard]] const std::shared_ptr<BodyBudget>& body_budget() const override { return parts_.body_budget; }
  [[nodiscard]] const std::string& date() const override { return date_; }
  [[nodiscard]] bool is_stopping() const override { return stops_; }

  void post_pump(std::shared_ptr<Connection> connection, int32_t stream) override {
    asio::post(context_, [connection = std::move(connection), stream] { connection->pump(stream); });
  }

  void removed(Connection& connection) override {
    if (connections_.erase(&connection) > 0) --parts_.open;
  }

  void replaced(Connection& old, const std::shared_ptr<Connection>& connection) override {
    connections_.erase(&old);
    connections_.emplace(connection.get(), connection);
  }

 private:
  [[nodiscard]] std::vector<std::shared_ptr<Connection>> all() const {
    std::vector<std::shared_ptr<Connection>> list;
    list.reserve(connections_.size());
    for (const auto& [key, connection] : connections_) list.push_back(connection);
    return list;
  }

  void tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([this](const error_code& error) {
      if (error || ends_) return;
      const auto now = std::chrono::steady_clock::now();
      for (const auto& connection : all()) connection->check_deadline(now);
      renew_date();
      tick();
    });
  }

  void renew_date() {
    const std::time_t now = std::time(nullptr);
    if (now == date_time_) return;
    date_time_ = now;
    date_ = fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(now));
  }

  ServerParts& parts_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(context_);
  asio::steady_timer timer_{context_};
  std::array<char, 65536> scratch_{};
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  std::string date_;
  std::time_t date_time_ = 0;
  bool stops_ = false;
  bool ends_ = false;
  std::thread thread_;
};

int choose_protocol(SSL* /*connection*/, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void* /*argument*/) {
  static constexpr std::array<unsigned char, 12> kKnown = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* name = nullptr;
  if (SSL_select_next_proto(&name, chosen_size, kKnown.data(), kKnown.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = name;
  return SSL_TLSEXT_ERR_OK;
}

Result<std::unique_ptr<asio::ssl::context>> make_tls(const HttpServerOptions& options) {
  if (options.certificate_file.empty() && options.key_file.empty()) return nullptr;
  if (options.certificate_file.empty() || options.key_file.empty()) {
    return invalid("TLS needs both a certificate and its key; give both files or none");
  }
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  error_code error;
  tls->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression);
  error = tls->use_certificate_chain_file(options.certificate_file, error);
  if (error) {
    return invalid(fmt::format("{}: no certificate can be read from it ({}); name a PEM file", options.certificate_file,
                               error.message()));
  }
  error = tls->use_private_key_file(options.key_file, asio::ssl::context::pem, error);
  if (error) {
    return invalid(fmt::format("{}: no private key that belongs to {} can be read from it ({}); name a PEM file",
                               options.key_file, options.certificate_file, error.message()));
  }
  SSL_CTX_set_alpn_select_cb(tls->native_handle(), choose_protocol, nullptr);
  return tls;
}

}  // namespace

class HttpServer::Implementation {
 public:
  Implementation(const HttpServerOptions& options, HttpHandler handler, HttpHeadCheck head_check)
      : parts_{.options = options, .handler = std::move(handler), .head_check = std::move(head_check)} {
    for (int thread = 0; thread < std::max(options.threads, 1); ++thread) {
      threads_.push_back(std::make_unique<IoThread>(parts_));
    }
    acceptor_.emplace(threads_.front()->context());
    accept_timer_.emplace(threads_.front()->context());
  }

  ~Implementation() { stop(); }

  Status start() {
    ASSIGN_OR_RETURN(tls_, make_tls(options()));
    error_code error;
    const auto address = asio::ip::make_address(options().address, error);
    if (error) {
      return invalid(
          fmt::format("{} is no IP address; name one of this machine, such as 127.0.0.1 or ::1", options().address));
    }
    const Tcp::endpoint endpoint(address, options().port);
    error = acceptor_->open(endpoint.protocol(), error);
    if (!error) error = acceptor_->set_option(asio::socket_base::reuse_address(true), error);
    if (!error) error = acceptor_->bind(endpoint, error);
    if (!error) error = acceptor_->listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return unavailable(fmt::format("{} port {} cannot be listened on ({}); choose another one, or 0 for a free one",
                                     options().address, options().port, error.message()));
    }
    port_ = acceptor_->local_endpoint(error).port();
    accept();
    for (const auto& thread : threads_) thread->start();
    started_ = true;
    return {};
  }

  void stop() {
    const std::lock_guard lock(stop_mutex_);
    if (!started_ || stopped_) return;
    stopped_ = true;
    asio::post(threads_.front()->context(), [this] {
      error_code ignored;
      ignored = acceptor_->close(ignored);
      accept_timer_->cancel();
    });
    for (const auto& thread : threads_) thread->begin_stop();
    const auto end = std::chrono::steady_clock::now() + options().stop_grace;
    while (parts_.open > 0 && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    for (const auto& thread : threads_) thread->close_all();
    for (const auto& thread : threads_) thread->join();
  }

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] size_t connections() const { return parts_.open; }

 private:
  void accept() {
    IoThread& thread = *threads_[next_thread_];
    next_thread_ = (next_thread_ + 1) % threads_.size();
    acceptor_->async_accept(thread.context(), [this, &thread](const error_code& error, Tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor_->is_open()) return;
      if (error) {
        // No file descriptors, most likely: others close some time.
        accept_timer_->expires_after(kTick);
        accept_timer_->async_wait([this](const error_code& cancelled) {
          if (!cancelled) accept();
        });
        return;
      }
      take(thread, std::move(socket));
      accept();
    });
  }

  void take(IoThread& thread, Tcp::socket socket) {
    if (parts_.open >= options().connection_limit) {
      if (!tls_) {
        constexpr std::string_view kAnswer =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n"
            "Connection: close\r\n\r\nToo many connections.";
        error_code ignored;
        ignored = socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(kAnswer.data(), kAnswer.size()), ignored);
      }
      return;
    }
    ++parts_.open;
    if (&thread == threads_.front().get()) return thread.add(std::move(socket), tls_.get());
    asio::post(thread.context(),
               [this, &thread, socket = std::move(socket)]() mutable { thread.add(std::move(socket), tls_.get()); });
  }

  [[nodiscard]] const HttpServerOptions& options() const { return parts_.options; }

  ServerParts parts_;
  std::unique_ptr<asio::ssl::context> tls_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::optional<Tcp::acceptor> acceptor_;
  std::optional<asio::steady_timer> accept_timer_;
  size_t next_thread_ = 0;
  uint16_t port_ = 0;
  std::mutex stop_mutex_;
  bool started_ = false;
  bool stopped_ = false;
};

HttpServer::HttpServer(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}

HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options, HttpHandler handler,
                                                      HttpHeadCheck head_check) {
  CHECK(handler);
  auto implementation = std::make_unique<Implementation>(options, std::move(handler), std::move(head_check));
  RETURN_IF_ERROR(implementation->start());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(implementation)));
}

uint16_t HttpServer::port() const {
  return implementation_->port();
}

size_t HttpServer::connections() const {
  return implementation_->connections();
}

void HttpServer::stop() {
  implementation_->stop();
}

}  // namespace meterstream
