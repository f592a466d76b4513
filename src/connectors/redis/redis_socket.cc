#include "connectors/redis/redis_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

namespace meterstream {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kReceiveBytes = 65'536;

int64_t now_ns() {
  return SystemClock().monotonic_ns();
}

std::string text_of(int error) {
  return std::generic_category().message(error);
}

/// The caller closes `descriptor` unless it is negative, connected or not.
Status connect_to(const addrinfo& address, int64_t deadline_ns, int& descriptor) {
  descriptor = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol);
  if (descriptor < 0) return unavailable(text_of(errno));
  if (connect(descriptor, address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return unavailable(text_of(errno));
  pollfd waiting{descriptor, POLLOUT, 0};
  const int64_t left_ms = std::clamp<int64_t>((deadline_ns - now_ns()) / kNsPerMs, 1, INT32_MAX);
  if (poll(&waiting, 1, static_cast<int>(left_ms)) <= 0) return unavailable("no answer in time");
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? Status() : unavailable(text_of(error));
}

}  // namespace

Result<std::unique_ptr<RedisSocket>> RedisSocket::open(const RedisSettings& settings) {
  std::unique_ptr<RedisSocket> socket(new RedisSocket(settings));
  RETURN_IF_ERROR(socket->connect());
  return socket;
}

RedisSocket::~RedisSocket() {
  if (descriptor_ >= 0) close(descriptor_);
}

Error RedisSocket::lost(std::string_view what) const {
  return unavailable(fmt::format("redis {}: {}", redis_address(settings_), what));
}

Error RedisSocket::ended(std::string_view why) const {
  if (has_heard_) return lost(fmt::format("the connection is lost: {}. Check that the server runs", why));
  // A server of TLS 1.3 says only after the handshake that it wants a certificate, and its words may get lost.
  return lost(
      fmt::format("the connection is lost before the first answer: {}. Check [redis] tls{}", why,
                  settings_.tls && settings_.certificate_file.empty()
                      ? ", and set certificate_file and key_file where the server asks clients for a certificate"
                      : ""));
}

Status RedisSocket::connect() {
  if (settings_.tls) {
    ASSIGN_OR_RETURN(tls_, RedisTls::make(settings_));
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = AF_UNSPEC;
  addrinfo* addresses = nullptr;
  const int found = getaddrinfo(settings_.host.c_str(), std::to_string(settings_.port).c_str(), &hints, &addresses);
  if (found != 0) return lost(fmt::format("the host's name is not found: {}. Check [redis] host", gai_strerror(found)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(addresses, &freeaddrinfo);
  const int64_t deadline_ns = now_ns() + settings_.connect_timeout_ms * kNsPerMs;
  Status connected;
  for (const addrinfo* address = addresses; address != nullptr; address = address->ai_next) {
    if (descriptor_ >= 0) close(descriptor_);
    connected = connect_to(*address, deadline_ns, descriptor_);
    if (connected) break;
  }
  if (!connected) {
    return lost(fmt::format("cannot connect: {}. Check that it runs and that [redis] host and port are right",
                            connected.error().message));
  }
  const int no_delay = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof(no_delay));
  return tls_ == nullptr ? Status() : start_tls(deadline_ns);
}

Status RedisSocket::start_tls(int64_t deadline_ns) {
  std::string plain;
  std::array<char, kReceiveBytes> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled before it is read
  RETURN_IF_ERROR(tls_->take({}, plain, unsent_));
  while (!tls_->is_ready()) {
    RETURN_IF_ERROR(send_unsent());
    if (!wait(deadline_ns)) {
      // A server without TLS waits for the end of what it takes for a command.
      return lost(
          "it does not answer the TLS handshake in time. Check that [redis] port is its tls-port, and that it is not "
          "overloaded or stopped");
    }
    const ssize_t count = recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) {
      return lost(
          "it ended the connection in the middle of the TLS handshake. Check that [redis] port is its tls-port");
    }
    if (Status taken = tls_->take({buffer.data(), static_cast<size_t>(count)}, plain, unsent_); !taken) {
      // The server is told why.
      (void)send_unsent();
      return taken;
    }
  }
  return send_unsent();
}

Status RedisSocket::send(std::string_view bytes) {
  if (tls_ == nullptr) {
    unsent_ += bytes;
  } else {
    RETURN_IF_ERROR(tls_->put(bytes, unsent_));
  }
  return send_unsent();
}

Status RedisSocket::send_unsent() {
  while (sent_ < unsent_.size()) {
    const ssize_t count = ::send(descriptor_, unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      return ended(text_of(errno));
    }
    sent_ += static_cast<size_t>(count);
    moved_bytes_ += count;
  }
  if (sent_ == unsent_.size()) {
    unsent_.clear();
    sent_ = 0;
  } else if (sent_ > unsent_.size() / 2) {
    unsent_.erase(0, sent_);
    sent_ = 0;
  }
  return {};
}

Result<bool> RedisSocket::receive_some(std::string& received) {
  std::array<char, kReceiveBytes> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled before it is read
  const ssize_t count = recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    return ended(text_of(errno));
  }
  if (count == 0) return ended("the server ended it");
  moved_bytes_ += count;
  const std::string_view bytes(buffer.data(), static_cast<size_t>(count));
  const size_t before = received.size();
  if (tls_ == nullptr) {
    received += bytes;
  } else {
    RETURN_IF_ERROR(tls_->take(bytes, received, unsent_));
  }
  if (received.size() == before) return false;
  has_heard_ = true;
  return true;
}

Status RedisSocket::receive(std::string& received) {
  int64_t moved_before = moved_bytes_;
  int64_t deadline_ns = now_ns() + settings_.request_timeout_ms * kNsPerMs;
  while (true) {
    RETURN_IF_ERROR(send_unsent());
    ASSIGN_OR_RETURN(const bool has_some, receive_some(received));
    if (has_some) return {};
    if (moved_bytes_ != moved_before) {
      moved_before = moved_bytes_;
      deadline_ns = now_ns() + settings_.request_timeout_ms * kNsPerMs;
    }
    RETURN_IF_ERROR(wait(deadline_ns));
  }
}

Status RedisSocket::wait(int64_t deadline_ns) {
  pollfd waiting{descriptor_, POLLIN, 0};
  if (sent_ < unsent_.size()) waiting.events |= POLLOUT;
  const int64_t left_ms = (deadline_ns - now_ns() + kNsPerMs - 1) / kNsPerMs;
  const int ready = left_ms <= 0 ? 0 : poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left_ms, INT32_MAX)));
  if (ready > 0 || (ready < 0 && errno == EINTR)) return {};
  return lost(
      "it accepts connections but does not answer in time. Check that it is not overloaded or stopped, or raise "
      "[redis] request_timeout");
}

}  // namespace meterstream
