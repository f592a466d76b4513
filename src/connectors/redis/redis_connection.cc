#include "connectors/redis/redis_connection.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include "base/check.h"
#include "connectors/redis/redis_command.h"
#include "connectors/redis/redis_refusal.h"
#include "connectors/redis/redis_socket.h"

namespace meterstream {
namespace {

struct ReaderDeleter {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

RedisReply reply_of(const redisReply& raw) {
  RedisReply reply;
  switch (raw.type) {
    case REDIS_REPLY_INTEGER:
      reply.kind = RedisReply::Kind::kInteger;
      reply.integer = raw.integer;
      break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
      reply.kind = raw.type == REDIS_REPLY_ERROR ? RedisReply::Kind::kError : RedisReply::Kind::kText;
      reply.text.assign(raw.str, raw.len);
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = RedisReply::Kind::kArray;
      for (size_t index = 0; index < raw.elements; ++index) reply.elements.push_back(reply_of(*raw.element[index]));
      break;
    default:
      break;
  }
  return reply;
}

// Value of a line "name:value" of the text that INFO gives.
std::string_view info_value(std::string_view text, std::string_view name) {
  const std::string start = fmt::format("\n{}:", name);
  const size_t found = text.find(start);
  if (found == std::string_view::npos) return {};
  const std::string_view rest = text.substr(found + start.size());
  return rest.substr(0, rest.find_first_of("\r\n"));
}

}  // namespace

class RedisConnection::Implementation {
 public:
  explicit Implementation(const RedisSettings& settings) : settings_(settings), reader_(redisReaderCreate()) {
    CHECK(reader_ != nullptr);
  }

  Status open() {
    ASSIGN_OR_RETURN(const std::string password, password_of(settings_, "redis"));
    ASSIGN_OR_RETURN(socket_, RedisSocket::open(settings_));
    if (!password.empty()) {
      const auto login = settings_.user.empty() ? call({"AUTH", password}) : call({"AUTH", settings_.user, password});
      if (!login) return login.error();
    }
    RETURN_IF_ERROR(refuse_unsupported());
    if (settings_.db != 0) {
      if (const auto selected = call({"SELECT", std::to_string(settings_.db)}); !selected) return selected.error();
    }
    // For whoever looks at CLIENT LIST; a right that may miss.
    std::string command;
    append_redis_command(command, {"CLIENT", "SETNAME", "meterstream"});
    RETURN_IF_ERROR(send(command));
    if (const auto named = receive(); !named) return named.error();
    return {};
  }

  Status send(std::string_view command) {
    ++unanswered_;
    return socket_->send(command);
  }

  Result<RedisReply> receive() {
    CHECK(unanswered_ > 0);
    while (true) {
      void* raw = nullptr;
      if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
        return unavailable(
            fmt::format("redis {}: the answer is none of a Redis server ({}). Check [redis] port and tls",
                        redis_address(settings_), reader_->errstr));
      }
      if (raw != nullptr) {
        RedisReply reply = reply_of(*static_cast<const redisReply*>(raw));
        freeReplyObject(raw);
        --unanswered_;
        return reply;
      }
      received_.clear();
      RETURN_IF_ERROR(socket_->receive(received_));
      redisReaderFeed(reader_.get(), received_.data(), received_.size());
    }
  }

  Result<RedisReply> call(std::initializer_list<std::string_view> arguments) {
    return call(std::span(arguments.begin(), arguments.size()));
  }
  Result<RedisReply> call(std::span<const std::string_view> arguments) {
    CHECK(unanswered_ == 0);
    std::string command;
    append_redis_command(command, arguments);
    RETURN_IF_ERROR(send(command));
    ASSIGN_OR_RETURN(RedisReply reply, receive());
    if (reply.is_error()) return redis_refusal(reply.text, settings_);
    return reply;
  }

  [[nodiscard]] size_t unanswered() const { return unanswered_; }

 private:
  // A cluster would answer MOVED to some keys only, and a sentinel knows none of the commands.
  Status refuse_unsupported() {
    std::string command;
    append_redis_command(command, {"INFO", "server"});
    RETURN_IF_ERROR(send(command));
    ASSIGN_OR_RETURN(const RedisReply reply, receive());
    if (reply.is_error()) {
      // Without the right to ask, the first command of the table tells.
      return redis_error_word(reply.text) == "NOPERM" ? Status() : redis_refusal(reply.text, settings_);
    }
    const std::string_view mode = info_value(reply.text, "redis_mode");
    if (mode == "cluster") return redis_cluster_refusal(settings_);
    if (mode == "sentinel") {
      return invalid(
          fmt::format("redis {}: this is a Sentinel, which keeps no data and is not asked for the server that does. "
                      "Set [redis] host and port to the server itself",
                      redis_address(settings_)));
    }
    return {};
  }

  const RedisSettings settings_;
  std::unique_ptr<RedisSocket> socket_;
  std::unique_ptr<redisReader, ReaderDeleter> reader_;
  std::string received_;
  size_t unanswered_ = 0;
};

RedisConnection::RedisConnection(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
RedisConnection::~RedisConnection() = default;

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisSettings& settings) {
  auto implementation = std::make_unique<Implementation>(settings);
  RETURN_IF_ERROR(implementation->open());
  return std::unique_ptr<RedisConnection>(new RedisConnection(std::move(implementation)));
}

Status RedisConnection::send(std::string_view command) {
  return implementation_->send(command);
}

Result<RedisReply> RedisConnection::receive() {
  return implementation_->receive();
}

size_t RedisConnection::unanswered() const {
  return implementation_->unanswered();
}

Result<RedisReply> RedisConnection::call(std::span<const std::string_view> arguments) {
  return implementation_->call(arguments);
}

}  // namespace meterstream
