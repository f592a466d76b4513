// Purpose: where the Avro schemas behind the ids in records come from: a schema registry, or a file.
// Units: milliseconds.
// Thread-safety: values. Secrets: `password` is never part of a message; log nothing of this struct but urls and user.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meterstream {

struct RegistrySettings {
  /// Base URLs of one registry's nodes, such as http://localhost:8081 or http://localhost:8080/apis/ccompat/v7. The
  /// first that answers is used, and kept until it fails.
  std::vector<std::string> urls;

  /// HTTP basic authentication; empty for none.
  std::string user;
  std::string password;
  /// A file whose first line is the password; not both.
  std::string password_file;

  /// PEM. The authority that signed the registry's certificate; empty for the system's.
  std::string ca_file;
  /// PEM. The client's own certificate and key, where the registry asks for them.
  std::string certificate_file;
  std::string key_file;
  /// False accepts any certificate: for tests only.
  bool verify = true;

  int64_t connect_timeout_ms = 2'000;
  int64_t request_timeout_ms = 5'000;
  /// A request that fails for the network or the server is tried again with growing pauses for about this long.
  int64_t retry_for_ms = 3'000;
  int64_t first_pause_ms = 100;
  int64_t longest_pause_ms = 1'000;

  /// Without a registry: the one schema id that records carry, and the file with its Avro schema; without a file the id
  /// stands for MetricAvro (kMetricAvroSchema). 0: a registry is used.
  int32_t schema_id = 0;
  std::string schema_file;

  /// Records of a schema id that is not known yet wait for it (true), or are rejected (false).
  bool wait_for_unknown = true;
};

}  // namespace meterstream
