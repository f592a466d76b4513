// Purpose: "127.0.0.1:8088" and "[::1]:8088" of --listen.
// Thread-safety: pure functions. Errors: kInvalid, saying how to write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meterstream {

struct ListenAddress {
  std::string host;  ///< an IP address, without brackets; "localhost" is 127.0.0.1
  uint16_t port = 0;

  [[nodiscard]] bool is_loopback() const { return host.starts_with("127.") || host == "::1"; }
  /// As a URL writes it.
  [[nodiscard]] std::string text() const;
};

/// The port may be left out: 8088.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace meterstream
