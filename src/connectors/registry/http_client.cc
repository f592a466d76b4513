#include "connectors/registry/http_client.h"

#include <array>
#include <csignal>
#include <ctime>
#include <mutex>
#include <vector>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/check.h"

namespace meterstream {
namespace {

// Schemas are a few kilobytes; an endless answer must not take the memory.
constexpr size_t kMaxBodyBytes = size_t{16} << 20;

struct Receiver {
  std::string body;
  bool too_long = false;
};

size_t receive(char* data, size_t size, size_t count, void* target) {
  auto& receiver = *static_cast<Receiver*>(target);
  receiver.too_long = receiver.body.size() + size * count > kMaxBodyBytes;
  if (receiver.too_long) return 0;
  receiver.body.append(data, size * count);
  return size * count;
}

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(handle, option, value);
  CHECK(code == CURLE_OK);
}

/// Writing to a TLS connection that the server closed raises SIGPIPE, which would end the process. Holds it back in this
/// thread, and takes it away when it came.
class BrokenPipeBlock {
 public:
  BrokenPipeBlock() {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~BrokenPipeBlock() {
    const timespec no_time{};
    if (!was_pending_) sigtimedwait(&signal_, nullptr, &no_time);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  BrokenPipeBlock(const BrokenPipeBlock&) = delete;
  BrokenPipeBlock& operator=(const BrokenPipeBlock&) = delete;

 private:
  sigset_t signal_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace

class HttpClient::Implementation {
 public:
  explicit Implementation(const RegistrySettings& settings) : settings_(settings) {
    headers_ = curl_slist_append(headers_, "Accept: application/vnd.schemaregistry.v1+json, application/json");
    headers_ = curl_slist_append(headers_, "Content-Type: application/vnd.schemaregistry.v1+json");
    // Otherwise libcurl waits for "100 Continue" before larger bodies.
    headers_ = curl_slist_append(headers_, "Expect:");
    CHECK(headers_ != nullptr);
  }
  ~Implementation() {
    for (CURL* handle : idle_) curl_easy_cleanup(handle);
    curl_slist_free_all(headers_);
  }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  Result<HttpAnswer> send(const HttpCall& request) {
    CURL* handle = take();
    std::array<char, CURL_ERROR_SIZE> cause{};
    Receiver receiver;
    set(handle, CURLOPT_URL, request.url.c_str());
    set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    set(handle, CURLOPT_ERRORBUFFER, cause.data());
    set(handle, CURLOPT_WRITEDATA, &receiver);
    if (request.body.empty()) {
      set(handle, CURLOPT_HTTPGET, 1L);
    } else {
      set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(handle, CURLOPT_POSTFIELDS, request.body.data());
    }
    const CURLcode code = [&] {
      const BrokenPipeBlock block;
      return curl_easy_perform(handle);
    }();
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    set(handle, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
    give_back(handle);
    if (receiver.too_long)
      return unavailable(fmt::format("{}: the answer is longer than {} bytes", request.url, kMaxBodyBytes));
    if (code != CURLE_OK) {
      const char* text = cause[0] != '\0' ? cause.data() : curl_easy_strerror(code);
      return unavailable(fmt::format("{}: {}", request.url, text));
    }
    return HttpAnswer{static_cast<int>(status), std::move(receiver.body)};
  }

 private:
  CURL* take() {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        CURL* handle = idle_.back();
        idle_.pop_back();
        return handle;
      }
    }
    CURL* handle = curl_easy_init();
    CHECK(handle != nullptr);
    configure(handle);
    return handle;
  }

  void give_back(CURL* handle) {
    const std::scoped_lock lock(mutex_);
    idle_.push_back(handle);
  }

  void configure(CURL* handle) const {
    set(handle, CURLOPT_NOSIGNAL, 1L);
    set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    set(handle, CURLOPT_USERAGENT, "meterstream");
    set(handle, CURLOPT_HTTPHEADER, headers_);
    set(handle, CURLOPT_WRITEFUNCTION, &receive);
    set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    set(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_timeout_ms));
    set(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.request_timeout_ms));
    if (!settings_.user.empty()) {
      set(handle, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      set(handle, CURLOPT_USERNAME, settings_.user.c_str());
      set(handle, CURLOPT_PASSWORD, settings_.password.c_str());
    }
    if (!settings_.ca_file.empty()) set(handle, CURLOPT_CAINFO, settings_.ca_file.c_str());
    if (!settings_.certificate_file.empty()) set(handle, CURLOPT_SSLCERT, settings_.certificate_file.c_str());
    if (!settings_.key_file.empty()) set(handle, CURLOPT_SSLKEY, settings_.key_file.c_str());
    set(handle, CURLOPT_SSL_VERIFYPEER, settings_.verify ? 1L : 0L);
    set(handle, CURLOPT_SSL_VERIFYHOST, settings_.verify ? 2L : 0L);
  }

  RegistrySettings settings_;
  curl_slist* headers_ = nullptr;
  std::mutex mutex_;
  /// A handle keeps its connection; as many as there were calls at once.
  std::vector<CURL*> idle_;
};

HttpClient::HttpClient(const RegistrySettings& settings)
    : implementation_(std::make_unique<Implementation>(settings)) {}

HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::send(const HttpCall& request) {
  return implementation_->send(request);
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~';
    if (is_plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace meterstream
