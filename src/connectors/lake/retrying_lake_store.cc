#include "connectors/lake/retrying_lake_store.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace meterstream {

LakeTiming LakeTiming::real(const Clock& clock) {
  return {&clock, [](int64_t pause_ms) { std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms)); },
          std::random_device()()};
}

RetryingLakeStore::RetryingLakeStore(std::unique_ptr<LakeStore> store, const LakeSettings& settings, LakeTiming timing)
    : store_(std::move(store)),
      retry_for_ms_(settings.retry_for_ms),
      first_pause_ms_(settings.first_pause_ms),
      longest_pause_ms_(settings.longest_pause_ms),
      timing_(std::move(timing)),
      random_(timing_.seed) {}

int64_t RetryingLakeStore::pause_ms(int attempt) {
  constexpr int kMostDoublings = 20;
  const int64_t pause = std::min(first_pause_ms_ << std::min(attempt, kMostDoublings), longest_pause_ms_);
  const std::lock_guard lock(random_mutex_);
  return std::uniform_int_distribution<int64_t>(pause - pause / 2, pause)(random_);
}

template <class Call>
auto RetryingLakeStore::retry(const Call& call) -> decltype(call()) {
  constexpr int64_t kNsPerMs = 1'000'000;
  const int64_t end_ns = timing_.clock->monotonic_ns() + retry_for_ms_ * kNsPerMs;
  for (int attempt = 0;; ++attempt) {
    auto result = call();
    if (result || result.error().code != ErrorCode::kUnavailable) return result;
    const int64_t pause = pause_ms(attempt);
    if (timing_.clock->monotonic_ns() + pause * kNsPerMs > end_ns) return result;
    timing_.sleep(pause);
  }
}

Result<std::vector<LakeStore::Entry>> RetryingLakeStore::list(std::string_view directory) {
  return retry([&] { return store_->list(directory); });
}

Result<std::string> RetryingLakeStore::read(std::string_view path) {
  return retry([&] { return store_->read(path); });
}

Status RetryingLakeStore::write(std::string_view path, std::string_view bytes) {
  return retry([&] { return store_->write(path, bytes); });
}

Result<bool> RetryingLakeStore::create(std::string_view path, std::string_view bytes) {
  bool has_failed = false;
  ASSIGN_OR_RETURN(const bool created, retry([&] {
                     auto result = store_->create(path, bytes);
                     has_failed |= !result;
                     return result;
                   }));
  if (created || !has_failed) return created;
  ASSIGN_OR_RETURN(const std::string there, read(path));
  return there == bytes;
}

Status RetryingLakeStore::remove(std::string_view path) {
  return retry([&] { return store_->remove(path); });
}

}  // namespace meterstream
