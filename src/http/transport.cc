#include "http/transport.h"

#include <algorithm>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace meterstream {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

class PlainTransport final : public Transport {
 public:
  PlainTransport(Tcp::socket socket, std::span<char> scratch) : socket_(std::move(socket)), scratch_(scratch) {
    error_code ignored;
    ignored = socket_.non_blocking(true, ignored);
  }

  bool open(std::shared_ptr<TransportOwner> /*owner*/) override { return true; }
  [[nodiscard]] bool is_tls() const override { return false; }
  [[nodiscard]] bool agreed_http2() const override { return false; }

  void read(std::shared_ptr<TransportOwner> owner) override {
    // Waiting without a buffer: a connection that rests needs no memory for bytes.
    socket_.async_wait(Tcp::socket::wait_read, [this, owner = std::move(owner)](const error_code& error) {
      if (error) return owner->on_end(false);
      error_code fault;
      const size_t size = socket_.read_some(asio::buffer(scratch_.data(), scratch_.size()), fault);
      if (fault == asio::error::would_block) return read(owner);
      if (fault) return owner->on_end(fault == asio::error::eof);
      owner->on_bytes({scratch_.data(), size});
    });
  }

  size_t write(std::string_view bytes, std::shared_ptr<TransportOwner> owner) override {
    error_code fault;
    const size_t size = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), fault);
    if (!fault && size > 0) return size;
    // What is wrong besides a full buffer comes out there, too.
    socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                             [owner = std::move(owner)](const error_code& error, size_t written) {
                               owner->on_written(error ? 0 : written);
                             });
    return 0;
  }

  void end_writing(std::shared_ptr<TransportOwner> /*owner*/) override {
    error_code ignored;
    ignored = socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  }

  void close() override {
    error_code ignored;
    ignored = socket_.close(ignored);
  }

 private:
  Tcp::socket socket_;
  std::span<char> scratch_;
};

class TlsTransport final : public Transport {
 public:
  TlsTransport(Tcp::socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  bool open(std::shared_ptr<TransportOwner> owner) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [owner = std::move(owner)](const error_code& error) { owner->on_open(!error); });
    return false;
  }

  [[nodiscard]] bool is_tls() const override { return true; }

  [[nodiscard]] bool agreed_http2() const override {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(const_cast<TlsTransport*>(this)->stream_.native_handle(), &name, &size);
    return size == 2 && name[0] == 'h' && name[1] == '2';
  }

  void read(std::shared_ptr<TransportOwner> owner) override {
    constexpr size_t kBufferBytes = 8192;
    if (buffer_.empty()) buffer_.resize(kBufferBytes);
    stream_.async_read_some(asio::buffer(buffer_.data(), buffer_.size()),
                            [this, owner = std::move(owner)](const error_code& error, size_t size) {
                              if (error) return owner->on_end(error == asio::error::eof);
                              owner->on_bytes({buffer_.data(), size});
                            });
  }

  size_t write(std::string_view bytes, std::shared_ptr<TransportOwner> owner) override {
    stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                             [owner = std::move(owner)](const error_code& error, size_t written) {
                               owner->on_written(error ? 0 : written);
                             });
    return 0;
  }

  void end_writing(std::shared_ptr<TransportOwner> owner) override {
    // Says goodbye and waits for the other side's; who is in a hurry closes.
    stream_.async_shutdown([owner = std::move(owner)](const error_code& /*error*/) {});
  }

  void close() override {
    error_code ignored;
    ignored = stream_.next_layer().close(ignored);
  }

 private:
  asio::ssl::stream<Tcp::socket> stream_;
  std::string buffer_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(Tcp::socket socket, std::span<char> scratch) {
  return std::make_unique<PlainTransport>(std::move(socket), scratch);
}

std::unique_ptr<Transport> make_tls_transport(Tcp::socket socket, asio::ssl::context& context) {
  return std::make_unique<TlsTransport>(std::move(socket), context);
}

}  // namespace meterstream
