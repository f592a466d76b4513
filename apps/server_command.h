// Purpose: `server`: ksqlDB's REST API over the engine in this process. docs/server.md has its endpoints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "apps/command_line.h"

namespace meterstream {

class ServerCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "server"; }
  [[nodiscard]] std::string summary() const override { return "Serve ksqlDB's REST API"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  std::string listen_ = "127.0.0.1:8088";
  bool insecure_ = false;
  std::string token_file_;
  std::string login_file_;
  std::string certificate_file_;
  std::string key_file_;
  std::string service_id_ = "meterstream";
  std::optional<int64_t> threads_;
  int64_t http_threads_ = 1;
  int64_t body_limit_bytes_ = 16 * 1024 * 1024;
  int64_t connection_limit_ = 20'000;
  int64_t push_query_limit_ = 1'000;
};

}  // namespace meterstream
