#include "apps/listen_address.h"

#include <charconv>

#include <fmt/format.h>

namespace meterstream {

std::string ListenAddress::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto fault = [&] {
    return invalid(
        fmt::format("--listen {}: write an IP address and a port, such as 127.0.0.1:8088 or [::1]:8088", text));
  };
  ListenAddress address{.host = "", .port = 8088};
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return fault();
    address.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    // An address of IPv6 without brackets has several.
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) return fault();
    address.host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
  }
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (address.host.empty()) return fault();
  if (rest.empty()) return address;
  const char* end = rest.data() + rest.size();
  if (rest.front() != ':' || rest.size() == 1) return fault();
  const auto [read, error] = std::from_chars(rest.data() + 1, end, address.port);
  if (error != std::errc() || read != end) return fault();
  return address;
}

}  // namespace meterstream
