#include "connectors/lake/s3_lake_store.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <span>
#include <string_view>

#include <arrow/buffer.h>
#include <arrow/filesystem/s3fs.h>
#include <arrow/io/interfaces.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>

namespace meterstream {
namespace {

constexpr std::string_view kScheme = "s3://";

void end_s3() {
  (void)arrow::fs::EnsureS3Finalized();
}

/// Arrow's S3 must be started once in a process, and ended before anything that it made is destroyed.
arrow::Status start_s3() {
  static std::once_flag once;
  static arrow::Status status;
  std::call_once(once, [] {
    // The machine that gives credentials by its metadata service is asked only where nothing else is configured.
    arrow::fs::S3GlobalOptions options = arrow::fs::S3GlobalOptions::Defaults();
    options.log_level = arrow::fs::S3LogLevel::Off;
    status = arrow::fs::InitializeS3(options);
  });
  return status;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool holds_any(std::string_view text, std::span<const std::string_view> parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return holds(text, part); });
}

// Answers that stay the same until somebody changes something. Other refusals with status 400 may be of bytes that were lost
// on the way.
constexpr std::string_view kCredentialRefusals[] = {"ACCESS_DENIED",
                                                    "INVALID_ACCESS_KEY_ID",
                                                    "SIGNATURE_DOES_NOT_MATCH",
                                                    "INVALID_CLIENT_TOKEN_ID",
                                                    "InvalidToken",
                                                    "INVALID_TOKEN",
                                                    "ExpiredToken",
                                                    "EXPIRED_TOKEN",
                                                    "HTTP status 403",
                                                    "UNRECOGNIZED_CLIENT",
                                                    "HTTP response code: 403",
                                                    "MISSING_AUTHENTICATION_TOKEN",
                                                    "HTTP status 401",
                                                    "TokenRefreshRequired",
                                                    "XAdminUserNotFound"};
// Ceph and versitygw, MinIO, and MinIO's quota of a bucket. Somebody may make room while a sink waits.
constexpr std::string_view kFull[] = {"QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded",
                                      "HTTP status 507"};
constexpr std::string_view kPlaceRefusals[] = {"AuthorizationHeaderMalformed", "PermanentRedirect", "HTTP status 301",
                                               "InvalidBucketName"};
// CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, and a port that does not speak TLS.
constexpr std::string_view kCertificateRefusals[] = {"curlCode: 60,", "curlCode: 77,"};
// CURLE_GOT_NOTHING, CURLE_RECV_ERROR: so servers answer who does not speak TLS.
constexpr std::string_view kHungUp[] = {"curlCode: 52,", "curlCode: 56,"};
constexpr std::string_view kNoTls[] = {"wrong version number", "packet length too long"};

Result<arrow::fs::S3Options> s3_options(const LakeSettings& settings) {
  arrow::fs::S3Options options;
  if (settings.access_key.empty()) {
    options = arrow::fs::S3Options::Defaults();
  } else {
    options = arrow::fs::S3Options::FromAccessKey(settings.access_key, settings.secret_key, settings.session_token);
  }
  if (!settings.region.empty()) options.region = settings.region;
  if (!settings.endpoint.empty()) {
    const size_t scheme_end = settings.endpoint.find("://");
    options.scheme = settings.endpoint.substr(0, scheme_end);
    options.endpoint_override = settings.endpoint.substr(scheme_end + 3);
    while (options.endpoint_override.ends_with('/')) options.endpoint_override.pop_back();
    if (options.region.empty()) options.region = "us-east-1";
  }
  options.force_virtual_addressing = !settings.path_style && !settings.endpoint.empty();
  options.tls_ca_file_path = settings.ca_file;
  options.connect_timeout = static_cast<double>(settings.connect_timeout_ms) / 1000;
  options.request_timeout = static_cast<double>(settings.request_timeout_ms) / 1000;
  options.background_writes = false;
  // A small object is one request, and nobody asks before whether the bucket is there.
  options.allow_delayed_open = true;
  options.retry_strategy = arrow::fs::S3RetryStrategy::GetAwsStandardRetryStrategy(1);
  return options;
}

}  // namespace

class S3LakeStore::Connection {
 public:
  Connection(std::shared_ptr<arrow::fs::S3FileSystem> files, std::string base, const LakeSettings& settings)
      : files_(std::move(files)),
        base_(std::move(base)),
        has_keys_(!settings.access_key.empty()),
        is_plain_(settings.endpoint.starts_with("http://")) {}

  [[nodiscard]] std::string full_path(std::string_view path) const {
    return path.empty() ? base_ : fmt::format("{}/{}", base_, path);
  }
  [[nodiscard]] arrow::fs::S3FileSystem& files() { return *files_; }
  [[nodiscard]] const std::string& base() const { return base_; }
  /// `status` is no OK.
  [[nodiscard]] Error error(const arrow::Status& status, const std::string& path) const;
  /// The same where a HEAD may have failed, whose answer has no words: asks once more in a way that is answered with some.
  [[nodiscard]] Error error_of_head(const arrow::Status& status, const std::string& path) const;

 private:
  std::shared_ptr<arrow::fs::S3FileSystem> files_;
  /// bucket/prefix
  std::string base_;
  bool has_keys_;
  bool is_plain_;
};

Error S3LakeStore::Connection::error(const arrow::Status& status, const std::string& path) const {
  const std::string& text = status.message();
  const std::string message = fmt::format("lake: s3://{}: {}", path, text);
  if (holds_any(text, kFull)) return unavailable(message + "; the store is full: make room there or raise its quota");
  if (holds_any(text, kCredentialRefusals)) {
    return invalid(message + (has_keys_ ? "; check the keys and their rights"
                                        : "; check the rights of the keys that AWS's own chain finds (environment, "
                                          "profile, role of the machine), or set access_key and secret_key"));
  }
  if (holds_any(text, kPlaceRefusals)) return invalid(message + "; check region, endpoint and the bucket's name");
  if (holds_any(text, kCertificateRefusals)) {
    return invalid(message + "; set ca_file to the authority that signed the endpoint's certificate");
  }
  if (holds_any(text, kNoTls)) return invalid(message + "; the endpoint does not speak TLS: is it http://?");
  if (holds(text, "NO_SUCH_BUCKET") || holds(text, "The specified bucket does not exist")) {
    return not_found(message + "; make the bucket first");
  }
  if (holds(text, "NO_SUCH_KEY") || holds(text, "RESOURCE_NOT_FOUND") || holds(text, "does not exist") ||
      holds(text, "Not Found") || holds(text, "not found")) {
    return not_found(message);
  }
  if (is_plain_ && holds_any(text, kHungUp)) {
    return unavailable(message + "; if the endpoint serves TLS, its address begins with https://");
  }
  return unavailable(message);
}

Error S3LakeStore::Connection::error_of_head(const arrow::Status& status, const std::string& path) const {
  if (!holds(status.message(), "(HTTP status 400)")) return error(status, path);
  arrow::fs::FileSelector selector;
  selector.base_dir = path;
  selector.allow_not_found = true;
  const auto listed = files_->GetFileInfo(selector);
  return error(listed.ok() ? status : listed.status(), path);
}

S3LakeStore::S3LakeStore(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

// What is registered last is called first: before the end of what Arrow has made up to now.
S3LakeStore::~S3LakeStore() {
  std::atexit(end_s3);
}

Result<std::unique_ptr<S3LakeStore>> S3LakeStore::open(const LakeSettings& settings) {
  if (const arrow::Status started = start_s3(); !started.ok()) return unavailable("lake: S3: " + started.message());
  ASSIGN_OR_RETURN(const arrow::fs::S3Options options, s3_options(settings));
  std::string base = settings.uri.substr(kScheme.size());
  while (base.ends_with('/')) base.pop_back();
  auto files = arrow::fs::S3FileSystem::Make(options);
  if (!files.ok()) return invalid(fmt::format("lake: {}: {}", settings.uri, files.status().message()));
  return std::unique_ptr<S3LakeStore>(
      new S3LakeStore(std::make_unique<Connection>(std::move(files).ValueUnsafe(), std::move(base), settings)));
}

std::string S3LakeStore::place() const {
  return std::string(kScheme) + connection_->base();
}

Result<std::vector<LakeStore::Entry>> S3LakeStore::list(std::string_view directory) {
  arrow::fs::FileSelector selector;
  selector.base_dir = connection_->full_path(directory);
  selector.recursive = true;
  selector.allow_not_found = true;
  auto found = connection_->files().GetFileInfo(selector);
  if (!found.ok()) return connection_->error(found.status(), selector.base_dir);
  std::vector<Entry> entries;
  for (const arrow::fs::FileInfo& file : *found) {
    if (!file.IsFile()) continue;
    const int64_t modified_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(file.mtime().time_since_epoch()).count();
    entries.push_back({file.path().substr(connection_->base().size() + 1), file.size(), modified_ms});
  }
  std::ranges::sort(entries, {}, &Entry::path);
  return entries;
}

Result<std::string> S3LakeStore::read(std::string_view path) {
  const std::string name = connection_->full_path(path);
  auto file = connection_->files().OpenInputFile(name);
  if (!file.ok()) return connection_->error_of_head(file.status(), name);
  const auto size = (*file)->GetSize();
  if (!size.ok()) return connection_->error_of_head(size.status(), name);
  std::string bytes(static_cast<size_t>(*size), '\0');
  const auto count = (*file)->ReadAt(0, *size, bytes.data());
  if (!count.ok()) return connection_->error(count.status(), name);
  if (*count != *size) return unavailable(fmt::format("lake: s3://{} ended after {} of {} bytes", name, *count, *size));
  return bytes;
}

Status S3LakeStore::write(std::string_view path, std::string_view bytes) {
  const std::string name = connection_->full_path(path);
  auto stream = connection_->files().OpenOutputStream(name);
  if (!stream.ok()) return connection_->error(stream.status(), name);
  arrow::Status status = (*stream)->Write(bytes.data(), static_cast<int64_t>(bytes.size()));
  if (status.ok()) {
    status = (*stream)->Close();
  } else {
    (void)(*stream)->Abort();
  }
  if (!status.ok()) return connection_->error(status, name);
  return {};
}

Result<bool> S3LakeStore::create(std::string_view path, std::string_view bytes) {
  const std::string name = connection_->full_path(path);
  const auto found = connection_->files().GetFileInfo(name);
  if (!found.ok()) return connection_->error_of_head(found.status(), name);
  if (found->IsFile()) return false;
  RETURN_IF_ERROR(write(path, bytes));
  return true;
}

Status S3LakeStore::remove(std::string_view path) {
  const std::string name = connection_->full_path(path);
  const arrow::Status removed = connection_->files().DeleteFile(name);
  if (removed.ok()) return {};
  Error error = connection_->error_of_head(removed, name);
  if (error.code == ErrorCode::kNotFound) return {};
  return error;
}

}  // namespace meterstream
