// Purpose: a real HTTP/1.1 server on loopback for tests of clients: answers as a function says, keeps connections alive.
// Thread-safety: the handler is called from one thread at a time for each connection, several at once.
// Blocks: stop() until no handler runs.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace meterstream {

class LoopbackServer {
 public:
  struct Request {
    std::string method;
    std::string target;
    /// Header lines as they came.
    std::string head;
    std::string body;
  };
  struct Response {
    int status = 200;
    std::string body;
    /// Closes the connection in the middle of the answer.
    bool breaks_off = false;
  };
  using Handler = std::function<Response(const Request&)>;

  /// Listens on `port` of 127.0.0.1, or on a free one.
  explicit LoopbackServer(Handler handler, uint16_t port = 0);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  /// Closes the port and all connections.
  void stop();

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] int requests() const { return requests_; }

 private:
  void accept_connections();
  void serve(int socket);

  Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<int> requests_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace meterstream
