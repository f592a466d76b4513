// Purpose: what --server of the shell names: "localhost:8088", "http://meters.example", "https://[::1]:8088".
// Thread-safety: pure functions. Errors: kInvalid, saying how to write it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "http/client_exchange.h"

namespace meterstream {

/// The port may be left out: 8088.
Result<HttpPeer> parse_server_address(std::string_view text);

}  // namespace meterstream
