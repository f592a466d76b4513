// Purpose: who may use the API: tokens and logins, and which names of the server a request may come for.
// Thread-safety: pure functions. Secrets are compared in a time that does not depend on how much is right.
#pragma once

#include <string>
#include <string_view>

namespace meterstream {

/// Of an Authorization header. `bearer_token` and `basic_login` ("user:password") may be empty: then it is no way in.
bool is_authorized(std::string_view authorization, std::string_view bearer_token, std::string_view basic_login);
/// Of a Host header, with or without a port: localhost, 127.0.0.0/8 or ::1.
bool is_loopback_name(std::string_view host);
/// Whether a page that sends this Origin came from the server itself.
bool is_same_origin(std::string_view origin, std::string_view host);

/// "Basic ..." of USER:PASSWORD, as clients send it.
std::string basic_authorization(std::string_view login);

}  // namespace meterstream
