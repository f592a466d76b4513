// Purpose: the client's end of a TLS connection, without the connection: bytes in, bytes out.
// Errors: kInvalid where one side does not accept the other (certificates, versions, no TLS at all); the message says which
//         setting to look at.
// Thread-safety: none; one object belongs to one connection. Never blocks.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/redis/redis_settings.h"

namespace meterstream {

class RedisTls {
 public:
  /// Reads the files that `settings` name.
  static Result<std::unique_ptr<RedisTls>> make(const RedisSettings& settings);
  ~RedisTls();
  RedisTls(const RedisTls&) = delete;
  RedisTls& operator=(const RedisTls&) = delete;

  /// Takes what came from the server, and goes on with the handshake. Appends what it says to `plain`, and what has to be
  /// sent to `unsent`.
  Status take(std::string_view received, std::string& plain, std::string& unsent);
  /// Only when is_ready().
  Status put(std::string_view plain, std::string& unsent);
  /// The handshake is done.
  [[nodiscard]] bool is_ready() const;

 private:
  class Implementation;
  explicit RedisTls(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meterstream
