// Purpose: a connection to a Redis server that sends and receives at once, with or without TLS.
// Thread-safety: none; one thread at a time.
// Blocking: open() for the connect time-out (and the look-up of a name), receive() while the server is silent, at most for
//           the request time-out; send() never.
// Errors: kUnavailable (no connection, lost, silent for too long), kInvalid (TLS: see RedisTls). After one the object is
//         good for nothing more.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/redis/redis_settings.h"
#include "connectors/redis/redis_tls.h"

namespace meterstream {

class RedisSocket {
 public:
  static Result<std::unique_ptr<RedisSocket>> open(const RedisSettings& settings);
  ~RedisSocket();
  RedisSocket(const RedisSocket&) = delete;
  RedisSocket& operator=(const RedisSocket&) = delete;

  /// Takes all of `bytes`, and passes on what the network takes now; the rest goes with later calls.
  Status send(std::string_view bytes);
  /// Appends what came, at least one byte.
  Status receive(std::string& received);

 private:
  explicit RedisSocket(const RedisSettings& settings) : settings_(settings) {}
  Status connect();
  Status start_tls(int64_t deadline_ns);
  Status send_unsent();
  Result<bool> receive_some(std::string& received);
  Status wait(int64_t deadline_ns);
  [[nodiscard]] Error lost(std::string_view what) const;
  [[nodiscard]] Error ended(std::string_view why) const;

  const RedisSettings settings_;
  int descriptor_ = -1;
  std::unique_ptr<RedisTls> tls_;
  std::string unsent_;
  size_t sent_ = 0;
  /// Bytes that went through, to tell a slow server from a silent one.
  int64_t moved_bytes_ = 0;
  bool has_heard_ = false;
};

}  // namespace meterstream
