// Purpose: how a program says to a server who it is, and makes sure who the server is: the part of a connector's settings
//          that stores share.
// Thread-safety: values; password_of() reads one file. Secrets: `password` is never part of a message.
// Errors: kInvalid, naming the section of meterstream.toml and its settings.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace meterstream {

struct ServerLogin {
  /// What it means to leave it out, the server says: no login, or one as the default user.
  std::string user;
  std::string password;
  /// A file whose first line is the password, read at each connect; not both.
  std::string password_file;

  bool tls = false;
  /// PEM. The authority that signed the servers' certificates; empty for the system's.
  std::string ca_file;
  /// PEM. The client's own certificate and key, where the servers ask for them.
  std::string certificate_file;
  std::string key_file;

  [[nodiscard]] bool has_password() const { return !password.empty() || !password_file.empty(); }
};

/// `section`: of meterstream.toml, such as "redis".
Status check_server_login(const ServerLogin& login, std::string_view section);
/// The password in use; empty without one.
Result<std::string> password_of(const ServerLogin& login, std::string_view section);

}  // namespace meterstream
