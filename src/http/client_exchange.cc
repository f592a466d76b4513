#include "http/client_exchange.h"

#include <array>
#include <functional>
#include <type_traits>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

namespace meterstream {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Socket = asio::ip::tcp::socket;
using TlsStream = asio::ssl::stream<Socket>;

constexpr size_t kPieceBytes = size_t{64} * 1024;

/// Stream is Socket or TlsStream.
template <class Stream>
class Exchange final : public ClientExchange {
 public:
  template <class... Arguments>
  explicit Exchange(const HttpPeer& peer, Arguments&... arguments) : peer_(peer), stream_(context_, arguments...) {
    parser_.body_limit(boost::none);
  }
  ~Exchange() override {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

  Status open(const std::string& method, const std::string& target, const HttpHeaders& headers, const std::string& body,
              std::chrono::milliseconds timeout) {
    deadline_ = Clock::now() + timeout;
    asio::ip::tcp::resolver resolver(context_);
    asio::ip::tcp::resolver::results_type addresses;
    RETURN_IF_ERROR(await("cannot be found", [&](auto done) {
      resolver.async_resolve(peer_.host, peer_.port, [&addresses, done](error_code error, auto found) {
        addresses = std::move(found);
        done(error);
      });
    }));
    RETURN_IF_ERROR(await("cannot be reached", [&](auto done) {
      asio::async_connect(stream_.lowest_layer(), addresses, [done](error_code error, const auto&) { done(error); });
    }));
    stream_.lowest_layer().set_option(asio::ip::tcp::no_delay(true));
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      SSL_set_tlsext_host_name(stream_.native_handle(), peer_.host.c_str());
      stream_.set_verify_mode(asio::ssl::verify_peer);
      stream_.set_verify_callback(asio::ssl::host_name_verification(peer_.host));
      RETURN_IF_ERROR(await("has no TLS that is trusted here",
                            [&](auto done) { stream_.async_handshake(asio::ssl::stream_base::client, done); }));
    }
    http::request<http::string_body> request;
    request.version(11);
    request.method_string(method);
    request.target(target);
    request.set(http::field::host, peer_.host + ":" + peer_.port);
    request.set(http::field::connection, "close");
    for (size_t index = 0; index < headers.size(); ++index) {
      const HttpHeaders::Field field = headers.at(index);
      request.set(std::string(field.name), std::string(field.value));
    }
    request.body() = body;
    request.prepare_payload();
    RETURN_IF_ERROR(await("did not take the request", [&](auto done) {
      http::async_write(stream_, request, [done](error_code error, size_t) { done(error); });
    }));
    return await("did not answer", [&](auto done) {
      http::async_read_header(stream_, buffer_, parser_, [done](error_code error, size_t) { done(error); });
    });
  }

  [[nodiscard]] int status() const override { return static_cast<int>(parser_.get().result_int()); }

  Result<bool> read(std::string& body, std::chrono::milliseconds timeout) override {
    if (!is_reading_) {
      if (parser_.is_done()) return false;
      parser_.get().body().data = piece_.data();
      parser_.get().body().size = piece_.size();
      is_reading_ = true;
      is_done_ = false;
      http::async_read_some(stream_, buffer_, parser_, [this](error_code error, size_t) {
        is_done_ = true;
        error_ = error;
      });
    }
    run_until(Clock::now() + timeout);
    if (!is_done_) return true;
    is_reading_ = false;
    if (error_ == http::error::need_buffer) error_ = {};
    if (error_) return failure("broke off its answer", error_.message());
    body.append(piece_.data(), piece_.size() - parser_.get().body().size);
    return !parser_.is_done();
  }

 private:
  void run_until(Clock::time_point deadline) {
    context_.restart();
    while (!is_done_ && context_.run_one_until(deadline) > 0) {
    }
  }

  Status await(std::string_view trouble, const std::function<void(std::function<void(error_code)>)>& begin) {
    is_done_ = false;
    begin([this](error_code error) {
      is_done_ = true;
      error_ = error;
    });
    run_until(deadline_);
    if (!is_done_) {
      error_code ignored;
      stream_.lowest_layer().close(ignored);
      // What was begun must end while what it uses is there.
      context_.restart();
      context_.run_for(std::chrono::seconds(1));
      return failure(trouble, "no answer in time");
    }
    return error_ ? Status(failure(trouble, error_.message())) : Status();
  }

  [[nodiscard]] Error failure(std::string_view trouble, const std::string& why) const {
    return unavailable(fmt::format("the server {} {}: {}", peer_.text(), trouble, why));
  }

  const HttpPeer peer_;
  asio::io_context context_;
  Stream stream_;
  boost::beast::flat_buffer buffer_;
  http::response_parser<http::buffer_body> parser_;
  std::array<char, kPieceBytes> piece_{};
  Clock::time_point deadline_;
  bool is_reading_ = false;
  bool is_done_ = false;
  error_code error_;
};

/// Keeps the settings of TLS beside the exchange.
class TlsExchange final : public ClientExchange {
 public:
  static Result<std::unique_ptr<TlsExchange>> make(const HttpPeer& peer) {
    auto made = std::make_unique<TlsExchange>();
    error_code error;
    const error_code failed = peer.authorities_file.empty()
                                  ? made->settings_.set_default_verify_paths(error)
                                  : made->settings_.load_verify_file(peer.authorities_file, error);
    if (failed)
      return invalid(fmt::format("certificates {} cannot be read: {}", peer.authorities_file, failed.message()));
    made->exchange_ = std::make_unique<Exchange<TlsStream>>(peer, made->settings_);
    return made;
  }
  [[nodiscard]] Exchange<TlsStream>& exchange() { return *exchange_; }
  [[nodiscard]] int status() const override { return exchange_->status(); }
  Result<bool> read(std::string& body, std::chrono::milliseconds timeout) override {
    return exchange_->read(body, timeout);
  }

 private:
  asio::ssl::context settings_{asio::ssl::context::tls_client};
  std::unique_ptr<Exchange<TlsStream>> exchange_;
};

}  // namespace

std::string HttpPeer::text() const {
  return fmt::format("{}://{}:{}", is_tls ? "https" : "http",
                     host.find(':') == std::string::npos ? host : "[" + host + "]", port);
}

Result<std::unique_ptr<ClientExchange>> ClientExchange::send(const HttpPeer& peer, const std::string& method,
                                                             const std::string& target, const HttpHeaders& headers,
                                                             const std::string& body,
                                                             std::chrono::milliseconds timeout) {
  if (peer.is_tls) {
    ASSIGN_OR_RETURN(auto tls, TlsExchange::make(peer));
    RETURN_IF_ERROR(tls->exchange().open(method, target, headers, body, timeout));
    return std::unique_ptr<ClientExchange>(std::move(tls));
  }
  auto plain = std::make_unique<Exchange<Socket>>(peer);
  RETURN_IF_ERROR(plain->open(method, target, headers, body, timeout));
  return std::unique_ptr<ClientExchange>(std::move(plain));
}

}  // namespace meterstream
