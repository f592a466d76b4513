// Purpose: times that are known to be stored under keys, so that they need not be read before every write. Shared by all
//          writers of a table in a process; whoever reads, compares and writes holds the lock meanwhile.
// Guarantee: bounded; what does not fit is forgotten, which only costs a read.
// Thread-safety: hold mutex() around find() and put().
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace meterstream {

class KnownTimes {
 public:
  static constexpr size_t kDefaultLimit = 400'000;

  explicit KnownTimes(size_t limit = kDefaultLimit) : limit_(limit) {}

  std::mutex& mutex() { return mutex_; }
  [[nodiscard]] std::optional<int64_t> find(std::string_view key) const {
    const auto found = times_.find(key);
    return found == times_.end() ? std::nullopt : std::optional(found->second);
  }
  void put(std::string_view key, int64_t time_ms) {
    if (const auto found = times_.find(key); found != times_.end()) {
      found->second = time_ms;
      return;
    }
    if (times_.size() >= limit_) times_.clear();
    times_.emplace(key, time_ms);
  }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };

  size_t limit_;
  std::mutex mutex_;
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> times_;
};

}  // namespace meterstream
