#include "apps/server_command.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "apps/json_text.h"
#include "apps/listen_address.h"
#include "apps/local_service.h"
#include "apps/signal_stop.h"
#include "base/password_file.h"
#include "http/http_server.h"
#include "server/rest_api.h"

namespace meterstream {

namespace {

/// Each connection takes a file descriptor; the usual limit of 1,024 is meant for other programs.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Of the file that an option names; empty without the option.
Result<std::string> secret_of(std::string_view option, const std::string& path) {
  if (path.empty()) return std::string();
  auto line = read_password_file(path, "server");
  if (line) return line;
  return invalid(
      fmt::format("{} {}: its first line cannot be read; name a file that has the secret there", option, path));
}

}  // namespace

std::string ServerCommand::examples() const {
  return "meterstream server\n"
         "meterstream server --listen 0.0.0.0:8088 --token-file token.txt --tls-certificate server.pem --tls-key "
         "key.pem\n"
         "curl -s -d '{\"ksql\": \"LIST STREAMS;\"}' http://127.0.0.1:8088/ksql";
}

void ServerCommand::declare(CLI::App& app) {
  app.add_option("--listen", listen_, "IP address and port; port 0 takes a free one")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  app.add_flag("--insecure", insecure_, "Listen on an address that others reach, without asking who they are");
  app.add_option("--token-file", token_file_,
                 "File whose first line is the token that requests must have: Authorization: Bearer TOKEN")
      ->type_name("FILE");
  app.add_option("--login-file", login_file_, "File whose first line is USER:PASSWORD, for basic authentication")
      ->type_name("FILE");
  app.add_option("--tls-certificate", certificate_file_, "PEM file with the server's certificate and its chain")
      ->type_name("FILE");
  app.add_option("--tls-key", key_file_, "PEM file with the certificate's key")->type_name("FILE");
  app.add_option("--service-id", service_id_, "Name under which statements and queries are kept")
      ->capture_default_str();
  app.add_option("--threads", threads_, "Threads of the queries (one for each core)")->check(CLI::Range(1, 1024));
  app.add_option("--http-threads", http_threads_, "Threads that read requests and send answers")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--body-limit", body_limit_bytes_, "Bytes that the body of a request may have")
      ->check(CLI::Range(int64_t{1024}, int64_t{1} << 30))
      ->capture_default_str();
  app.add_option("--connection-limit", connection_limit_, "Connections at a time")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--push-query-limit", push_query_limit_, "Push queries at a time; each has a thread")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
}

Result<ExitCode> ServerCommand::run(const CommandContext& context) {
  ASSIGN_OR_RETURN(ListenAddress address, parse_listen_address(listen_));
  RestApiOptions api_options;
  ASSIGN_OR_RETURN(api_options.bearer_token, secret_of("--token-file", token_file_));
  ASSIGN_OR_RETURN(api_options.basic_login, secret_of("--login-file", login_file_));
  if (!api_options.basic_login.empty() && api_options.basic_login.find(':') == std::string::npos) {
    return invalid(fmt::format("--login-file {}: its first line is no USER:PASSWORD", login_file_));
  }
  const bool is_guarded = !api_options.bearer_token.empty() || !api_options.basic_login.empty();
  if (!address.is_loopback() && !is_guarded && !insecure_) {
    return invalid(
        fmt::format("--listen {}: others reach that address, and nobody would be asked who he is. Give --token-file or "
                    "--login-file "
                    "(and --tls-certificate), or --insecure if that is what you want",
                    listen_));
  }
  api_options.version = METERSTREAM_VERSION;
  api_options.service_id = service_id_;
  api_options.loopback_names_only = address.is_loopback() && !is_guarded;
  api_options.push_query_limit = static_cast<size_t>(push_query_limit_);

  raise_file_limit();
  const SignalStop stop;
  ASSIGN_OR_RETURN(const auto local, LocalService::open(context, {.service_id = service_id_, .threads = threads_}));
  api_options.host_and_port = address.text();
  RestApi api(local->service(), api_options);
  HttpServerOptions http;
  http.address = address.host;
  http.port = address.port;
  http.threads = static_cast<int>(http_threads_);
  http.body_limit_bytes = static_cast<size_t>(body_limit_bytes_);
  // A few of the largest find room in any case.
  http.body_budget_bytes = std::max(http.body_budget_bytes, 4 * http.body_limit_bytes);
  http.connection_limit = static_cast<size_t>(connection_limit_);
  http.certificate_file = certificate_file_;
  http.key_file = key_file_;
  ASSIGN_OR_RETURN(const auto server, HttpServer::start(
                                          http,
                                          [&api](const HttpRequest& request, HttpResponder responder) {
                                            api.handle(request, std::move(responder));
                                          },
                                          [&api](const HttpRequest& request) { return api.refusal(request); }));
  address.port = server->port();
  const std::string url = fmt::format("{}://{}", certificate_file_.empty() ? "http" : "https", address.text());
  if (context.json) {
    fmt::print("{{\"url\":{}}}\n", json_string(url));
  } else {
    fmt::print("serving {} on {}; Ctrl-C ends\n", local->place(), url);
  }
  std::fflush(stdout);
  while (!stop.wait(3'600'000)) {
  }
  // Queries end first, so that nobody waits for rows; then the engine commits.
  api.stop();
  server->stop();
  return ExitCode::kDone;
}

}  // namespace meterstream
