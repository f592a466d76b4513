// Purpose: where a lake is, how to get there, and when the sink rolls an object.
// Units: milliseconds and bytes.
// Thread-safety: values. Secrets: `secret_key` and `session_token` are never part of a message.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace meterstream {

struct LakeSettings {
  /// A directory, or s3://bucket or s3://bucket/prefix.
  std::string uri;

  /// S3 only. "http://127.0.0.1:7070" or "https://minio.example"; empty for AWS.
  std::string endpoint;
  /// Empty: as the environment or the profile says, else us-east-1.
  std::string region;
  /// With an endpoint: http://endpoint/bucket instead of http://bucket.endpoint.
  bool path_style = true;
  /// Empty: the default chain of AWS (environment, profile, role of the machine).
  std::string access_key;
  std::string secret_key;
  /// Of temporary credentials.
  std::string session_token;
  /// PEM. The authority that signed the endpoint's certificate; empty for the system's.
  std::string ca_file;
  int64_t connect_timeout_ms = 3'000;
  /// A request that gets no byte for so long has failed.
  int64_t request_timeout_ms = 10'000;

  /// An object is closed when it holds so many readings, ...
  int64_t roll_rows = 1'000'000;
  /// ... was made of so many bytes of records, ...
  int64_t roll_bytes = int64_t{256} << 20;
  /// ... or its records arrived over so long a time, by their own times: so a replay rolls at the same records. Times may
  /// be those of producers' clocks: an object is also closed when it was collected for this long and idle_flush.
  int64_t roll_interval_ms = 900'000;
  /// What is there is written when nothing came for so long.
  int64_t idle_flush_ms = 30'000;
  int32_t zstd_level = 3;

  /// A request that fails for the network or the server is tried again, with growing pauses, for about this long.
  int64_t retry_for_ms = 10'000;
  int64_t first_pause_ms = 100;
  int64_t longest_pause_ms = 2'000;
};

/// kInvalid when the settings cannot work; the message names the setting.
Status check_lake_settings(const LakeSettings& settings);
bool is_s3_uri(const LakeSettings& settings);

}  // namespace meterstream
