// Purpose: another LakeStore, whose calls that fail because it is away are tried again.
// Rule: the pause doubles from first_pause_ms to longest_pause_ms and has jitter; after about retry_for_ms the error of
//       the last try is returned. Only kUnavailable is tried again.
// create() that fails may have written the object: tried again, it would see its own; then the bytes are compared.
// Thread-safety, blocking, errors: see LakeStore.
#pragma once

#include <functional>
#include <mutex>
#include <random>

#include "connectors/lake/lake_store.h"

namespace meterstream {

/// What retries wait with; tests own it.
struct LakeTiming {
  /// Must outlive the store.
  const Clock* clock = nullptr;
  std::function<void(int64_t pause_ms)> sleep;
  uint64_t seed = 0;

  /// Real sleep by `clock`.
  static LakeTiming real(const Clock& clock);
};

class RetryingLakeStore final : public LakeStore {
 public:
  RetryingLakeStore(std::unique_ptr<LakeStore> store, const LakeSettings& settings, LakeTiming timing);

  Result<std::vector<Entry>> list(std::string_view directory) override;
  Result<std::string> read(std::string_view path) override;
  Status write(std::string_view path, std::string_view bytes) override;
  Result<bool> create(std::string_view path, std::string_view bytes) override;
  Status remove(std::string_view path) override;
  [[nodiscard]] std::string place() const override { return store_->place(); }

 private:
  template <class Call>
  auto retry(const Call& call) -> decltype(call());
  int64_t pause_ms(int attempt);

  std::unique_ptr<LakeStore> store_;
  int64_t retry_for_ms_;
  int64_t first_pause_ms_;
  int64_t longest_pause_ms_;
  LakeTiming timing_;
  std::mutex random_mutex_;
  std::mt19937_64 random_;
};

}  // namespace meterstream
