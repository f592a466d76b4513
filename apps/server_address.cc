#include "apps/server_address.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace meterstream {

Result<HttpPeer> parse_server_address(std::string_view text) {
  const auto fault = [&] {
    return invalid(
        fmt::format("--server {}: write a host and a port, such as localhost:8088, or https://HOST:PORT", text));
  };
  HttpPeer peer{.port = "8088"};
  std::string_view rest = text;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!rest.starts_with(scheme)) continue;
    peer.is_tls = scheme == "https://";
    rest.remove_prefix(scheme.size());
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ ") != std::string_view::npos) return fault();
  if (rest.starts_with('[')) {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) return fault();
    peer.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    peer.host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(peer.host.size());
  }
  if (peer.host.empty()) return fault();
  if (rest.empty()) return peer;
  uint16_t port = 0;
  const auto [read, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), port);
  if (rest.front() != ':' || rest.size() == 1 || error != std::errc() || read != rest.data() + rest.size() || port == 0)
    return fault();
  peer.port = std::to_string(port);
  return peer;
}

}  // namespace meterstream
