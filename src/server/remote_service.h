// Purpose: the StatementService of a server that runs elsewhere, over ksqlDB's REST API (docs/server.md).
// Guarantee: as StatementService, where the API tells it. Rows come as the server sends them; closing a push query ends it there.
// Thread-safety: as StatementService. Ownership: rows outlive the service.
// Errors: those that the server tells, with its messages; kUnavailable when it cannot be reached or breaks off.
#pragma once

#include <memory>
#include <string>

#include "http/client_exchange.h"
#include "server/statement_service.h"

namespace meterstream {

struct RemoteServiceOptions {
  HttpPeer peer;
  /// Of the header Authorization, such as "Bearer TOKEN"; empty: none.
  std::string authorization;
  /// Until an answer begins, and while the answer of a statement comes. A pull query may need long before its first row.
  std::chrono::milliseconds timeout{60'000};
  std::chrono::milliseconds query_timeout{600'000};
};

class RemoteService final : public StatementService {
 public:
  explicit RemoteService(RemoteServiceOptions options) : options_(std::move(options)) {}

  /// Whether there is a server, and who it lets in.
  Status check();

  Status execute(std::string_view text, const StatementProperties& properties,
                 std::vector<StatementResult>& results) override;
  Result<std::unique_ptr<QueryRows>> query(std::string_view text, const StatementProperties& properties) override;
  Status close_query(std::string_view id) override;
  Status insert(std::string_view source, const std::vector<std::map<std::string, QueryValue>>& rows) override;
  std::optional<std::pair<std::string, std::string>> status(std::string_view command_id) override;
  /// The API does not tell: always 0.
  Result<int64_t> await_queries(std::chrono::milliseconds timeout) override;
  bool is_healthy() override;

 private:
  struct Answer {
    int status = 0;
    std::string body;
  };
  [[nodiscard]] HttpHeaders headers(std::string_view accept) const;
  Result<Answer> ask(const std::string& method, const std::string& target, const std::string& body) const;

  const RemoteServiceOptions options_;
};

}  // namespace meterstream
