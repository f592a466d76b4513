// Purpose: HTTP requests with small answers to one service: keep-alive, time-outs, TLS, basic authentication.
// Thread-safety: safe for concurrent use; each call blocks for at most the request time-out. Connections are kept and
//                used again.
// Errors: kUnavailable when no whole answer came (the message names URL and cause). Any HTTP status is an answer.
// Guarantee: no message holds the password.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "connectors/registry/registry_settings.h"

namespace meterstream {

struct HttpCall {
  std::string method = "GET";
  std::string url;
  /// JSON; sent when not empty.
  std::string body;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

class HttpClient {
 public:
  /// Takes the time-outs, the user and the TLS files of `settings`.
  explicit HttpClient(const RegistrySettings& settings);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Result<HttpAnswer> send(const HttpCall& request);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// `text` with everything but letters, digits, '-', '_', '.' and '~' as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace meterstream
