#include "connectors/lake/lake_settings.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace meterstream {
namespace {

constexpr std::string_view kS3Scheme = "s3://";

Status check_numbers(const LakeSettings& settings) {
  const std::pair<std::string_view, int64_t> positive[] = {
      {"connect_timeout", settings.connect_timeout_ms},
      {"request_timeout", settings.request_timeout_ms},
      {"roll_rows", settings.roll_rows},
      {"roll_bytes", settings.roll_bytes},
      {"roll_interval", settings.roll_interval_ms},
      {"idle_flush", settings.idle_flush_ms},
      {"first_pause", settings.first_pause_ms},
      {"longest_pause", settings.longest_pause_ms},
  };
  for (const auto& [name, number] : positive) {
    if (number <= 0) return invalid(fmt::format("lake: {} must be above 0", name));
  }
  constexpr int64_t kMostRows = 50'000'000;
  if (settings.roll_rows > kMostRows) {
    return invalid(
        fmt::format("lake: roll_rows may be {} at most: the readings of an object are sorted in memory", kMostRows));
  }
  if (settings.zstd_level < 1 || settings.zstd_level > 22) return invalid("lake: zstd_level goes from 1 to 22");
  return {};
}

/// Addresses are shown and stored. A directory may have an '@' in its name.
Status check_secrets(const LakeSettings& settings) {
  const auto refuses = [](std::string_view name) {
    return invalid(
        fmt::format("lake: {} must not hold a login (there is an '@'); set access_key and secret_key", name));
  };
  if (settings.uri.find("://") != std::string::npos && settings.uri.find('@') != std::string::npos)
    return refuses("uri");
  if (settings.endpoint.find('@') != std::string::npos) return refuses("endpoint");
  return {};
}

}  // namespace

bool is_s3_uri(const LakeSettings& settings) {
  return settings.uri.starts_with(kS3Scheme);
}

Status check_lake_settings(const LakeSettings& settings) {
  RETURN_IF_ERROR(check_numbers(settings));
  RETURN_IF_ERROR(check_secrets(settings));
  if (settings.uri.empty())
    return invalid(
        "lake: no place is given. Name a directory or s3://bucket/prefix: --uri, WITH (uri = '...') of the sink, or "
        "[lake] "
        "uri of meterstream.toml");
  if (is_s3_uri(settings)) {
    const std::string_view rest = std::string_view(settings.uri).substr(kS3Scheme.size());
    if (rest.empty() || rest.front() == '/')
      return invalid(fmt::format("lake: uri {} has no bucket; it is s3://bucket/prefix", settings.uri));
    if (settings.access_key.empty() != settings.secret_key.empty()) {
      return invalid("lake: access_key and secret_key come together; without both, the default chain of AWS is asked");
    }
    if (!settings.session_token.empty() && settings.access_key.empty()) {
      return invalid("lake: session_token needs access_key and secret_key");
    }
    if (!settings.endpoint.empty() && !settings.endpoint.starts_with("http://") &&
        !settings.endpoint.starts_with("https://")) {
      return invalid(fmt::format("lake: endpoint '{}' must begin with http:// or https://", settings.endpoint));
    }
    return {};
  }
  if (settings.uri.find("://") != std::string::npos) {
    return invalid(fmt::format("lake: uri '{}' is neither a directory nor s3://bucket/prefix", settings.uri));
  }
  return {};
}

}  // namespace meterstream
