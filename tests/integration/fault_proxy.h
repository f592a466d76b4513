// Purpose: passes connections of clients on to a server on loopback, and makes the faults that a test asks for.
// Answers that are delayed do not hold up those behind them, as on a long line.
// Thread-safety: faults may be set while connections run. Blocks: the destructor until all connections are closed.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
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
  explicit FaultProxy(uint16_t server_port) : server_port_(server_port), listener_(bound_socket(0)) {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    ::listen(listener_, kBacklog);
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

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url() const { return "http://" + address(); }

  /// So many requests from now on are answered so, as S3 does, and not passed on.
  void refuse(int requests, const std::string& status = "503 Slow Down", const std::string& code = "SlowDown") {
    const std::lock_guard lock(mutex_);
    refusal_ = "HTTP/1.1 " + status + "\r\n<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>" + code +
               "</Message></Error>";
    refusals_ = requests;
  }
  /// Each piece of an answer comes so much later.
  void delay_answers(int delay_ms) { delay_ms_ = delay_ms; }
  /// A connection is cut when its client has sent so much; 0 never.
  void cut_after(int64_t bytes) { cut_after_bytes_ = bytes; }
  /// Cuts all connections and refuses new ones, as a server that is down.
  void go_down() { is_down_ = true; }
  void come_back() { is_down_ = false; }
  /// Takes connections and what clients say, and passes nothing on.
  void be_silent(bool is_silent) { is_silent_ = is_silent; }
  [[nodiscard]] int faults() const { return faults_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Piece {
    Clock::time_point due;
    std::string bytes;
  };
  static constexpr int kBacklog = 64;
  static constexpr int kPollMs = 20;
  static constexpr size_t kMostPieces = 256;

  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  static int bound_socket(uint16_t port) {
    const int bound = ::socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    ::setsockopt(bound, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    const sockaddr_in address = loopback(port);
    ::bind(bound, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    return bound;
  }

  static bool is_readable(int socket, int timeout_ms) {
    pollfd wanted{socket, POLLIN, 0};
    return ::poll(&wanted, 1, timeout_ms) > 0;
  }

  static bool send_all(int socket, const char* bytes, size_t count) {
    while (count > 0) {
      const ssize_t sent = ::send(socket, bytes, count, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes += sent;
      count -= static_cast<size_t>(sent);
    }
    return true;
  }

  void accept_connections() {
    bool was_down = false;
    while (!ends_) {
      if (is_down_ != was_down) {
        was_down = !was_down;
        if (was_down) {
          // A port that is bound and not listened to refuses, and nobody else can take it.
          ::close(listener_);
          listener_ = bound_socket(port_);
        } else {
          ::listen(listener_, kBacklog);
        }
      }
      if (was_down) {
        std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
        continue;
      }
      if (!is_readable(listener_, kPollMs)) continue;
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) continue;
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
    std::deque<Piece> answers;
    int64_t sent_by_client = 0;
    bool server_ended = false;
    // What a server says before it ends the connection still arrives.
    while (!ends_ && !is_down_ && !(server_ended && answers.empty())) {
      const bool reads_server = !server_ended && answers.size() < kMostPieces;
      pollfd wanted[] = {{server_ended ? -1 : client, POLLIN, 0}, {reads_server ? server : -1, POLLIN, 0}};
      int wait_ms = kPollMs;
      if (!answers.empty()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(answers.front().due - Clock::now()).count();
        wait_ms = static_cast<int>(std::clamp<int64_t>(left, 0, kPollMs));
      }
      ::poll(wanted, 2, wait_ms);
      if (wanted[0].revents != 0 && !pass_request(client, server, sent_by_client)) return;
      if (wanted[1].revents != 0) server_ended = !take_answer(server, answers);
      for (; !answers.empty() && answers.front().due <= Clock::now(); answers.pop_front())
        if (!send_all(client, answers.front().bytes.data(), answers.front().bytes.size())) return;
    }
  }

  bool pass_request(int client, int server, int64_t& sent_by_client) {
    char bytes[65536];
    const ssize_t count = ::recv(client, bytes, sizeof(bytes), 0);
    if (count <= 0) return false;
    if (is_silent_) return true;
    sent_by_client += count;
    if (cut_after_bytes_ > 0 && sent_by_client > cut_after_bytes_) {
      ++faults_;
      return false;
    }
    if (refusals_ > 0) {
      refuse_request(client);
      return false;
    }
    return send_all(server, bytes, static_cast<size_t>(count));
  }

  bool take_answer(int server, std::deque<Piece>& answers) {
    char bytes[65536];
    const ssize_t count = ::recv(server, bytes, sizeof(bytes), 0);
    if (count <= 0) return false;
    const int delay_ms = delay_ms_;
    if (delay_ms > 0) ++faults_;
    // A delay that was shortened does not let a piece overtake.
    auto due = Clock::now() + std::chrono::milliseconds(delay_ms);
    if (!answers.empty()) due = std::max(due, answers.back().due);
    answers.push_back({due, std::string(bytes, static_cast<size_t>(count))});
    return true;
  }

  void refuse_request(int client) {
    std::string answer;
    {
      const std::lock_guard lock(mutex_);
      --refusals_;
      answer = refusal_;
    }
    ++faults_;
    char bytes[65536];
    while (is_readable(client, kPollMs) && ::recv(client, bytes, sizeof(bytes), 0) > 0) {
    }
    const size_t body = answer.find('<');
    answer.insert(body, "Content-Type: application/xml\r\nConnection: close\r\nContent-Length: " +
                            std::to_string(answer.size() - body) + "\r\n\r\n");
    send_all(client, answer.data(), answer.size());
    ::shutdown(client, SHUT_WR);
    while (is_readable(client, 50) && ::recv(client, bytes, sizeof(bytes), 0) > 0) {
    }
  }

  uint16_t server_port_;
  uint16_t port_ = 0;
  int listener_;
  std::atomic<bool> ends_ = false;
  std::atomic<bool> is_down_ = false;
  std::atomic<bool> is_silent_ = false;
  std::atomic<int> refusals_ = 0;
  std::atomic<int> delay_ms_ = 0;
  std::atomic<int64_t> cut_after_bytes_ = 0;
  std::atomic<int> faults_ = 0;
  std::mutex mutex_;
  std::string refusal_;
  /// Of the acceptor.
  std::list<std::jthread> connections_;
  std::jthread acceptor_;
};

}  // namespace meterstream
