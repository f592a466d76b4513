// Purpose: one request of HTTP/1.1 to a server and its answer, whose body is read as it comes. Plain or with TLS.
// Thread-safety: one thread at a time. Destroying it closes the connection, which tells the server that nobody reads on.
// Errors: kUnavailable when the server cannot be reached or closes the connection in the middle, kInvalid for a certificate file. The
//         messages name the server. Any status is an answer.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/http_message.h"

namespace meterstream {

struct HttpPeer {
  std::string host;
  std::string port = "80";
  bool is_tls = false;
  /// PEM; empty: those that the machine trusts.
  std::string authorities_file;

  /// "http://host:port"
  [[nodiscard]] std::string text() const;
};

class ClientExchange {
 public:
  /// Sends and waits for the head of the answer. `target` as the request line has it.
  static Result<std::unique_ptr<ClientExchange>> send(const HttpPeer& peer, const std::string& method,
                                                      const std::string& target, const HttpHeaders& headers,
                                                      const std::string& body, std::chrono::milliseconds timeout);
  virtual ~ClientExchange() = default;

  [[nodiscard]] virtual int status() const = 0;
  /// Appends what comes of the body in that time, which may be nothing. False: it is whole.
  virtual Result<bool> read(std::string& body, std::chrono::milliseconds timeout) = 0;
};

}  // namespace meterstream
