#include "testing/loopback_client.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace meterstream::testing {

LoopbackClient::LoopbackClient(uint16_t port, int receive_buffer_bytes) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer_bytes > 0) {
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
  }
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) close();
}

LoopbackClient::~LoopbackClient() {
  close();
}

LoopbackClient::LoopbackClient(LoopbackClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), read_(std::move(other.read_)), ended_(other.ended_) {}

void LoopbackClient::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

bool LoopbackClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void LoopbackClient::end_sending() {
  ::shutdown(socket_, SHUT_WR);
}

std::optional<std::string> LoopbackClient::read_some(std::chrono::milliseconds timeout) {
  if (!read_.empty()) return std::exchange(read_, {});
  if (socket_ < 0 || ended_) return std::string();
  pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) return std::nullopt;
  std::array<char, 65536> bytes{};
  const ssize_t size = ::recv(socket_, bytes.data(), bytes.size(), 0);
  ended_ = size <= 0;
  return std::string(bytes.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
}

bool LoopbackClient::fill() {
  std::string before = std::exchange(read_, {});
  const auto more = read_some();
  read_ = std::move(before);
  if (!more || more->empty()) return false;
  read_ += *more;
  return true;
}

bool LoopbackClient::read_until(std::string_view text, std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (true) {
    if (const size_t place = read_.find(text); place != std::string::npos) {
      read_.erase(0, place + text.size());
      return true;
    }
    if (std::chrono::steady_clock::now() > end || !fill()) return false;
  }
}

std::optional<std::string> LoopbackClient::take(size_t size) {
  while (read_.size() < size) {
    if (!fill()) return std::nullopt;
  }
  std::string taken = read_.substr(0, size);
  read_.erase(0, size);
  return taken;
}

std::optional<std::string> LoopbackClient::take_line() {
  while (read_.find("\r\n") == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  const size_t size = read_.find("\r\n");
  std::string line = read_.substr(0, size);
  read_.erase(0, size + 2);
  return line;
}

bool LoopbackClient::read_chunks(LoopbackResponse& response) {
  while (true) {
    const auto size_text = take_line();
    if (!size_text) return false;
    size_t size = 0;
    if (std::from_chars(size_text->data(), size_text->data() + size_text->size(), size, 16).ec != std::errc())
      return false;
    const auto chunk = take(size + 2);
    if (!chunk || !chunk->ends_with("\r\n")) return false;
    response.body.append(*chunk, 0, size);
    if (size == 0) return true;
  }
}

std::optional<LoopbackResponse> LoopbackClient::read_response(bool to_head) {
  const auto line = take_line();
  if (!line || !line->starts_with("HTTP/1.1 ")) return std::nullopt;
  LoopbackResponse response;
  std::from_chars(line->data() + 9, line->data() + line->size(), response.status);
  while (true) {
    const auto field = take_line();
    if (!field) return response;
    if (field->empty()) break;
    const size_t colon = field->find(": ");
    if (colon == std::string::npos) return std::nullopt;
    std::string name = field->substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    response.headers[name] = field->substr(colon + 2);
  }
  response.is_complete = true;
  if (to_head || response.status < 200 || response.status == 204) return response;
  if (response.headers["transfer-encoding"] == "chunked") {
    response.is_complete = read_chunks(response);
  } else if (const auto size = response.headers.find("content-length"); size != response.headers.end()) {
    const auto body = take(static_cast<size_t>(std::stoul(size->second)));
    response.is_complete = body.has_value();
    response.body = body ? *body : std::exchange(read_, {});
  } else {
    while (fill()) {
    }
    response.body = std::exchange(read_, {});
  }
  return response;
}

bool LoopbackClient::is_closed_within(std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (std::chrono::steady_clock::now() < end) {
    const auto some = read_some(std::chrono::milliseconds(20));
    if (some && some->empty()) return true;
  }
  return false;
}

std::optional<LoopbackResponse> LoopbackClient::exchange(std::string_view target, std::string_view body,
                                                         std::string_view headers) {
  const std::string request = body.empty()
                                  ? fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", target, headers)
                                  : fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{}\r\n{}",
                                                target, body.size(), headers, body);
  if (!send(request)) return std::nullopt;
  return read_response();
}

}  // namespace meterstream::testing
