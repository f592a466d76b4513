// Purpose: passes connections of clients on to a server on loopback, and makes the faults that a test asks for.
// Thread-safety: faults may be set while connections run. Blocks: the destructor until all connections are closed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace meterstream {

class FaultProxy {
 public:
  explicit FaultProxy(uint16_t server_port) : server_port_(server_port), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 64);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this] { accept_connections(); });
  }
  ~FaultProxy() {
    ends_ = true;
    acceptor_.join();
    connections_.clear();
    ::close(listener_);
  }
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  /// So many requests from now on are answered with 503 SlowDown and not passed on.
  void refuse(int requests) { refusals_ = requests; }
  /// Each piece of an answer comes so much later.
  void delay_answers(int delay_ms) { delay_ms_ = delay_ms; }
  /// A connection is cut when its client has sent so much; 0 never.
  void cut_after(int64_t bytes) { cut_after_bytes_ = bytes; }
  [[nodiscard]] int faults() const { return faults_; }

 private:
  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  static bool is_readable(int socket, int timeout_ms) {
    pollfd wanted{socket, POLLIN, 0};
    return ::poll(&wanted, 1, timeout_ms) > 0;
  }

  static bool send_all(int socket, const char* bytes, ssize_t count) {
    while (count > 0) {
      const ssize_t sent = ::send(socket, bytes, static_cast<size_t>(count), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes += sent;
      count -= sent;
    }
    return true;
  }

  void accept_connections() {
    while (!ends_) {
      if (!is_readable(listener_, 20)) continue;
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) continue;
      const std::lock_guard lock(mutex_);
      connections_.emplace_back([this, client] { serve(client); });
    }
  }

  void serve(int client) {
    const int server = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(server_port_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) relay(client, server);
    ::close(server);
    ::close(client);
  }

  void relay(int client, int server) {
    char bytes[65536];
    int64_t sent_by_client = 0;
    while (!ends_) {
      pollfd wanted[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (::poll(wanted, 2, 20) <= 0) continue;
      if (wanted[0].revents != 0) {
        const ssize_t count = ::recv(client, bytes, sizeof(bytes), 0);
        if (count <= 0) return;
        sent_by_client += count;
        if (cut_after_bytes_ > 0 && sent_by_client > cut_after_bytes_) {
          ++faults_;
          return;
        }
        if (refusals_ > 0) return refuse_request(client);
        if (!send_all(server, bytes, count)) return;
      }
      if (wanted[1].revents != 0) {
        const ssize_t count = ::recv(server, bytes, sizeof(bytes), 0);
        if (count <= 0) return;
        if (delay_ms_ > 0) {
          ++faults_;
          std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms_));
        }
        if (!send_all(client, bytes, count)) return;
      }
    }
  }

  void refuse_request(int client) {
    --refusals_;
    ++faults_;
    char bytes[65536];
    while (is_readable(client, 20) && ::recv(client, bytes, sizeof(bytes), 0) > 0) {
    }
    const std::string body =
        "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your request "
        "rate.</Message></Error>";
    const std::string answer =
        "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    send_all(client, answer.data(), static_cast<ssize_t>(answer.size()));
    ::shutdown(client, SHUT_WR);
    while (is_readable(client, 50) && ::recv(client, bytes, sizeof(bytes), 0) > 0) {
    }
  }

  uint16_t server_port_;
  uint16_t port_ = 0;
  int listener_;
  std::atomic<bool> ends_ = false;
  std::atomic<int> refusals_ = 0;
  std::atomic<int> delay_ms_ = 0;
  std::atomic<int64_t> cut_after_bytes_ = 0;
  std::atomic<int> faults_ = 0;
  std::mutex mutex_;
  std::list<std::jthread> connections_;
  std::jthread acceptor_;
};

}  // namespace meterstream
