// Purpose: one logged-in connection to a Redis server: commands go out without waiting for their answers, which come in the
//          same order.
// Thread-safety: none; one thread at a time.
// Blocking: open() for the connect and request time-outs, receive() and call() at most for the request time-out after the
//           server's last sign of life; send() never.
// Errors: kUnavailable (the connection is gone or the server takes nothing for now: open another), kInvalid (login, database,
//         TLS, Cluster or Sentinel). An error that the server answers to a command is a value, RedisReply::kError.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/redis/redis_reply.h"
#include "connectors/redis/redis_settings.h"

namespace meterstream {

class RedisConnection {
 public:
  /// `settings` must have passed check_redis_settings().
  static Result<std::unique_ptr<RedisConnection>> open(const RedisSettings& settings);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  /// `command` is one command as append_redis_command() writes it.
  Status send(std::string_view command);
  /// The next answer, of the command sent first of those without one.
  Result<RedisReply> receive();
  [[nodiscard]] size_t unanswered() const;
  /// send() and receive() of one command; nothing else may be without answer. An error of the server is one of the Result.
  Result<RedisReply> call(std::span<const std::string_view> arguments);

 private:
  class Implementation;
  explicit RedisConnection(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meterstream
