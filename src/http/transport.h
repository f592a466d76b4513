// Purpose: bytes of a connection, plain or with TLS, on the thread of one I/O context. Private to src/http.
// Thread-safety: none; all calls on the context's thread. Each call keeps its `owner` alive until it is answered.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

namespace meterstream {

class TransportOwner {
 public:
  TransportOwner() = default;
  virtual ~TransportOwner() = default;
  TransportOwner(const TransportOwner&) = delete;
  TransportOwner& operator=(const TransportOwner&) = delete;
  virtual void on_open(bool opened) = 0;
  /// The bytes are valid during the call.
  virtual void on_bytes(std::string_view bytes) = 0;
  /// No more bytes will come: the other side has ended them, or (not `orderly`) the connection is broken.
  virtual void on_end(bool orderly) = 0;
  /// So many bytes of the latest write; 0: the connection is broken.
  virtual void on_written(size_t bytes) = 0;
};

class Transport {
 public:
  Transport() = default;
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// The handshake of TLS; true: nothing to wait for, on_open() will not be called.
  virtual bool open(std::shared_ptr<TransportOwner> owner) = 0;
  [[nodiscard]] virtual bool is_tls() const = 0;
  /// Whether TLS agreed on HTTP/2.
  [[nodiscard]] virtual bool agreed_http2() const = 0;
  /// Waits for bytes and gives them once. One at a time.
  virtual void read(std::shared_ptr<TransportOwner> owner) = 0;
  /// Writes some; what was written at once, else 0 and on_written() follows. One at a time; `bytes` must stay.
  virtual size_t write(std::string_view bytes, std::shared_ptr<TransportOwner> owner) = 0;
  /// No more bytes from here; reading goes on.
  virtual void end_writing(std::shared_ptr<TransportOwner> owner) = 0;
  virtual void close() = 0;
};

/// `scratch`: where read() puts bytes, shared by the connections of the thread.
std::unique_ptr<Transport> make_plain_transport(boost::asio::ip::tcp::socket socket, std::span<char> scratch);
std::unique_ptr<Transport> make_tls_transport(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context& context);

}  // namespace meterstream
