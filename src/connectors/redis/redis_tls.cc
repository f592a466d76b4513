#include "connectors/redis/redis_tls.h"

#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/check.h"

namespace meterstream {
namespace {

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SessionDeleter {
  void operator()(SSL* session) const { SSL_free(session); }
};

std::string last_reason() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

Error unreadable(std::string_view setting, const std::string& file) {
  return invalid(
      fmt::format("[redis] {} {}: {}. It must be a PEM file that this user may read", setting, file, last_reason()));
}

}  // namespace

class RedisTls::Implementation {
 public:
  explicit Implementation(const RedisSettings& settings) : settings_(settings) {}

  Status prepare() {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    CHECK(context_ != nullptr);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(context_.get(), settings_.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (settings_.ca_file.empty()) {
      SSL_CTX_set_default_verify_paths(context_.get());
    } else if (SSL_CTX_load_verify_locations(context_.get(), settings_.ca_file.c_str(), nullptr) != 1) {
      return unreadable("ca_file", settings_.ca_file);
    }
    if (!settings_.certificate_file.empty()) {
      if (SSL_CTX_use_certificate_chain_file(context_.get(), settings_.certificate_file.c_str()) != 1)
        return unreadable("certificate_file", settings_.certificate_file);
      if (SSL_CTX_use_PrivateKey_file(context_.get(), settings_.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        return unreadable("key_file", settings_.key_file);
    }
    session_.reset(SSL_new(context_.get()));
    CHECK(session_ != nullptr);
    const bool has_address = is_address(settings_.host);
    if (has_address) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), settings_.host.c_str());
    } else {
      SSL_set1_host(session_.get(), settings_.host.c_str());
      SSL_set_tlsext_host_name(session_.get(), settings_.host.c_str());
    }
    incoming_ = BIO_new(BIO_s_mem());
    outgoing_ = BIO_new(BIO_s_mem());
    CHECK(incoming_ != nullptr && outgoing_ != nullptr);
    SSL_set_bio(session_.get(), incoming_, outgoing_);  // which owns them now
    SSL_set_connect_state(session_.get());
    return {};
  }

  Status take(std::string_view received, std::string& plain, std::string& unsent) {
    if (!received.empty()) BIO_write(incoming_, received.data(), static_cast<int>(received.size()));
    ERR_clear_error();
    if (!is_ready()) {
      const int result = SSL_do_handshake(session_.get());
      collect(unsent);
      if (result != 1) return judge(result);
    }
    std::array<char, 16'384> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled before it is read
    while (true) {
      const int count = SSL_read(session_.get(), buffer.data(), static_cast<int>(buffer.size()));
      if (count > 0) {
        plain.append(buffer.data(), static_cast<size_t>(count));
        continue;
      }
      collect(unsent);
      return judge(count);
    }
  }

  Status put(std::string_view plain, std::string& unsent) {
    CHECK(is_ready());
    ERR_clear_error();
    size_t written = 0;
    if (!plain.empty() && SSL_write_ex(session_.get(), plain.data(), plain.size(), &written) != 1) return failure();
    CHECK(written == plain.size());
    collect(unsent);
    return {};
  }

  [[nodiscard]] bool is_ready() const { return SSL_is_init_finished(session_.get()) == 1; }

 private:
  void collect(std::string& unsent) {
    std::array<char, 16'384> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled before it is read
    while (true) {
      const int count = BIO_read(outgoing_, buffer.data(), static_cast<int>(buffer.size()));
      if (count <= 0) return;
      unsent.append(buffer.data(), static_cast<size_t>(count));
    }
  }

  // Wanting more bytes is no failure, and neither is that the server says good-bye: the connection's end follows.
  Status judge(int result) const {
    const int kind = SSL_get_error(session_.get(), result);
    if (kind == SSL_ERROR_SSL) return failure();
    return {};
  }

  [[nodiscard]] Error failure() const {
    const long verdict = SSL_get_verify_result(session_.get());
    const std::string reason = last_reason();
    if (verdict != X509_V_OK && settings_.verify) {
      return invalid(
          fmt::format("redis {}: its certificate is not accepted: {}. Check [redis] ca_file, and that host is a name "
                      "in the certificate",
                      redis_address(settings_), X509_verify_cert_error_string(verdict)));
    }
    return invalid(
        fmt::format("redis {}: TLS failed: {}. Check [redis] tls, ca_file, certificate_file and key_file, and that "
                    "the port is the server's tls-port",
                    redis_address(settings_), reason));
  }

  const RedisSettings settings_;
  std::unique_ptr<SSL_CTX, ContextDeleter> context_;
  std::unique_ptr<SSL, SessionDeleter> session_;
  BIO* incoming_ = nullptr;
  BIO* outgoing_ = nullptr;
};

RedisTls::RedisTls(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
RedisTls::~RedisTls() = default;

Result<std::unique_ptr<RedisTls>> RedisTls::make(const RedisSettings& settings) {
  auto implementation = std::make_unique<Implementation>(settings);
  RETURN_IF_ERROR(implementation->prepare());
  return std::unique_ptr<RedisTls>(new RedisTls(std::move(implementation)));
}

Status RedisTls::take(std::string_view received, std::string& plain, std::string& unsent) {
  return implementation_->take(received, plain, unsent);
}

Status RedisTls::put(std::string_view plain, std::string& unsent) {
  return implementation_->put(plain, unsent);
}

bool RedisTls::is_ready() const {
  return implementation_->is_ready();
}

}  // namespace meterstream
