#include "base/server_login.h"

#include <fmt/format.h>

#include "base/password_file.h"

namespace meterstream {

Status check_server_login(const ServerLogin& login, std::string_view section) {
  const auto fault = [&](std::string_view text) { return invalid(fmt::format("[{}] {}", section, text)); };
  if (!login.password.empty() && !login.password_file.empty())
    return fault("has a password and a password_file. Leave out one");
  if (!login.user.empty() && !login.has_password())
    return fault("has a user but no password. Set password_file as well");
  if (login.certificate_file.empty() != login.key_file.empty())
    return fault("certificate_file and key_file belong together. Set both or none");
  if (!login.tls && !(login.ca_file.empty() && login.certificate_file.empty()))
    return fault("names files for TLS but does not use it. Set tls = true, or leave them out");
  return {};
}

Result<std::string> password_of(const ServerLogin& login, std::string_view section) {
  if (login.password_file.empty()) return login.password;
  return read_password_file(login.password_file, section);
}

}  // namespace meterstream
