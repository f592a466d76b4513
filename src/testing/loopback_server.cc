#include "testing/loopback_server.h"

#include <array>
#include <cctype>
#include <cstdlib>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace meterstream {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

size_t content_length(std::string head) {
  for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const size_t found = head.find("content-length:");
  return found == std::string::npos ? 0 : std::strtoul(head.c_str() + found + 15, nullptr, 10);
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

/// Reads until `buffer` has at least `size` bytes; with 0, until it holds the end of a head.
bool fill(int socket, std::string& buffer, size_t size) {
  while (size == 0 ? buffer.find(kHeadEnd) == std::string::npos : buffer.size() < size) {
    std::array<char, 8192> bytes{};
    const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    buffer.append(bytes.data(), static_cast<size_t>(got));
  }
  return true;
}

}  // namespace

LoopbackServer::LoopbackServer(Handler handler, uint16_t port) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(listener_ >= 0);
  const int yes = 1;
  CHECK(::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(::listen(listener_, 16) == 0);
  CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_connections(); });
}

LoopbackServer::~LoopbackServer() {
  stop();
}

void LoopbackServer::stop() {
  if (stopped_.exchange(true)) return;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::scoped_lock lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  for (const int socket : sockets_) ::close(socket);
  ::close(listener_);
}

void LoopbackServer::accept_connections() {
  while (!stopped_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    ++connections_;
    const std::scoped_lock lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] { serve(socket); });
  }
}

void LoopbackServer::serve(int socket) {
  std::string buffer;
  while (fill(socket, buffer, 0)) {
    const size_t head_size = buffer.find(kHeadEnd) + kHeadEnd.size();
    Request request;
    request.head = buffer.substr(0, head_size);
    const size_t body_size = content_length(request.head);
    if (!fill(socket, buffer, head_size + body_size)) break;
    request.body = buffer.substr(head_size, body_size);
    buffer.erase(0, head_size + body_size);
    const size_t method_end = request.head.find(' ');
    request.method = request.head.substr(0, method_end);
    request.target = request.head.substr(method_end + 1, request.head.find(' ', method_end + 1) - method_end - 1);
    ++requests_;
    const Response response = handler_(request);
    std::string answer = fmt::format("HTTP/1.1 {} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                                     response.status, response.body.size());
    if (!response.breaks_off) answer += response.body;
    if (!send_all(socket, answer) || response.breaks_off) break;
  }
  ::shutdown(socket, SHUT_RDWR);
}

}  // namespace meterstream
