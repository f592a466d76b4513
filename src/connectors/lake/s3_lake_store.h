// Purpose: a lake in a bucket of S3, or of anything that speaks its protocol.
// Guarantee: see LakeStore. An upload becomes visible with its last request; what was begun and not ended never is.
// Retries: one try per call and request; RetryingLakeStore does the rest.
// Thread-safety, blocking, errors: see LakeStore.
// Source: Amazon S3 API, through Apache Arrow.
#pragma once

#include <memory>

#include "connectors/lake/lake_store.h"

namespace meterstream {

class S3LakeStore final : public LakeStore {
 public:
  /// No request is made.
  static Result<std::unique_ptr<S3LakeStore>> open(const LakeSettings& settings);
  ~S3LakeStore() override;

  Result<std::vector<Entry>> list(std::string_view directory) override;
  Result<std::string> read(std::string_view path) override;
  Status write(std::string_view path, std::string_view bytes) override;
  Result<bool> create(std::string_view path, std::string_view bytes) override;
  Status remove(std::string_view path) override;
  [[nodiscard]] std::string place() const override;

 private:
  class Connection;
  explicit S3LakeStore(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace meterstream
