// Purpose: the latest window that a table holds of each series, so that a writer need not look for the row of a later one.
// Use: one for all writers of a table; hold `mutex` from the question to the write that follows from it.
// Memory: bounded; what was forgotten is asked of the store again.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace meterstream {

class KnownWindows {
 public:
  std::mutex mutex;

  /// nullptr: not known.
  [[nodiscard]] const int64_t* latest_ms(std::string_view series) const {
    const auto found = latest_ms_.find(series);
    return found == latest_ms_.end() ? nullptr : &found->second;
  }
  void set(std::string_view series, int64_t window_start_ms) {
    if (latest_ms_.size() >= kMostSeries) latest_ms_.clear();
    latest_ms_.insert_or_assign(std::string(series), window_start_ms);
  }

 private:
  static constexpr size_t kMostSeries = 200'000;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> latest_ms_;
};

}  // namespace meterstream
