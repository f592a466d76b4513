// Purpose: client of a schema registry: one method for each call that the product makes.
// Retry: what fails for the network or the server goes to the next URL, and then again after a pause that doubles and has
//        jitter, for about retry_for_ms; all calls may be repeated without harm.
// Thread-safety: safe for concurrent use. Blocks: on the network, a few seconds at most.
// Errors: kUnavailable (no node answers; retry later), kNotFound (no such id, subject or version), kConflict (the schema is
//         incompatible with the subject's), kInvalid (refused: credentials, a wrong URL, a schema that is none). Each
//         message says which URL and what to do next, and never holds a password.
// Source: Confluent Schema Registry API v1 (REST, JSON). Apicurio serves it under /apis/ccompat/v7.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/strong.h"
#include "connectors/registry/http_client.h"
#include "connectors/registry/registry_settings.h"

namespace meterstream {

/// What a client waits with; tests own it.
struct RegistryTiming {
  /// Must outlive the client.
  const Clock* clock = nullptr;
  std::function<void(int64_t pause_ms)> sleep;
  uint64_t seed = 0;

  /// The real clock and real sleep.
  static RegistryTiming real();
};

class RegistryClient {
 public:
  struct Compatibility {
    bool is_compatible = false;
    /// What is incompatible, where the registry says so.
    std::vector<std::string> messages;
  };

  /// `settings.urls` must not be empty; check_registry_settings() tells.
  explicit RegistryClient(RegistrySettings settings, RegistryTiming timing = RegistryTiming::real());

  /// The Avro schema behind an id. kNotFound only when the registry says that it has no such id; kInvalid when it is no
  /// Avro schema or refers to others. Anything else that stands in the way (credentials too) is kUnavailable, since
  /// records of this schema must wait until it is put right.
  Result<std::string> schema(SchemaId id);
  /// Registers a new version, or finds the same schema there. kConflict: not compatible.
  Result<SchemaId> register_schema(std::string_view subject, std::string_view schema);
  /// The id of a schema that is registered under the subject.
  Result<SchemaId> find_schema(std::string_view subject, std::string_view schema);
  Result<std::vector<std::string>> subjects();
  /// Against the newest version. A subject without versions takes everything.
  Result<Compatibility> check_compatibility(std::string_view subject, std::string_view schema);
  /// BACKWARD, FULL, NONE, ...: of the subject, or, where it has none of its own or `subject` is empty, of all.
  Result<std::string> compatibility_level(std::string_view subject);
  Status set_compatibility_level(std::string_view subject, std::string_view level);

  [[nodiscard]] const RegistrySettings& settings() const { return settings_; }

 private:
  struct Reply {
    int status = 0;
    /// The registry's own code, such as 40403; 0 when the body has none.
    int error_code = 0;
    std::string message;
    std::string body;
    std::string url;
  };

  Result<Reply> exchange(std::string_view method, std::string_view path, std::string_view body);
  Result<Reply> try_every_node(std::string_view method, std::string_view path, std::string_view body);
  int64_t pause_ms(int attempt);
  [[nodiscard]] Error refusal(const Reply& reply, std::string_view what) const;

  RegistrySettings settings_;
  RegistryTiming timing_;
  HttpClient http_;
  std::atomic<size_t> node_ = 0;
  std::mutex random_mutex_;
  std::mt19937_64 random_;
};

/// kInvalid when the settings cannot work: no URL, user and password inside a URL, a key without a certificate, ...
Status check_registry_settings(const RegistrySettings& settings);

}  // namespace meterstream
