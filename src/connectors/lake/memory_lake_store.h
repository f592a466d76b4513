// Purpose: a lake in memory that fails at a call of the test's choice.
// Thread-safety: none.
#pragma once

#include <map>
#include <string>

#include <fmt/format.h>

#include "connectors/lake/lake_store.h"

namespace meterstream {

class MemoryLakeStore final : public LakeStore {
 public:
  enum class Fault : uint8_t {
    kBefore,  ///< nothing happens
    kAfter,   ///< it is done, and the answer is lost
  };

  /// From the call of this number on (1 is the next one that changes something), all fail, as if the process had died.
  void fail_from(int64_t call, Fault fault) {
    calls_left_ = call;
    fault_ = fault;
  }
  void heal() { calls_left_ = -1; }
  [[nodiscard]] bool has_failed() const { return calls_left_ == 0; }
  void set_time(int64_t now_ms) { now_ms_ = now_ms; }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& objects() const { return objects_; }
  std::string& bytes_of(const std::string& path) { return objects_.at(path); }
  void erase(const std::string& path) { objects_.erase(path); }

  Result<std::vector<Entry>> list(std::string_view directory) override {
    if (has_failed()) return away();
    const std::string prefix = directory.empty() ? "" : fmt::format("{}/", directory);
    std::vector<Entry> entries;
    for (const auto& [path, bytes] : objects_) {
      if (path.starts_with(prefix)) entries.push_back({path, static_cast<int64_t>(bytes.size()), times_.at(path)});
    }
    return entries;
  }
  Result<std::string> read(std::string_view path) override {
    if (has_failed()) return away();
    const auto found = objects_.find(path);
    if (found == objects_.end()) return not_found(std::string(path));
    return found->second;
  }
  Status write(std::string_view path, std::string_view bytes) override {
    return change([&] { put(path, bytes); });
  }
  Result<bool> create(std::string_view path, std::string_view bytes) override {
    const bool is_new = !objects_.contains(path);
    RETURN_IF_ERROR(change([&] {
      if (is_new) put(path, bytes);
    }));
    return is_new;
  }
  Status remove(std::string_view path) override {
    return change([&] { objects_.erase(std::string(path)); });
  }
  [[nodiscard]] std::string place() const override { return "memory"; }

 private:
  template <class Action>
  Status change(const Action& action) {
    if (has_failed()) return away();
    const bool fails = calls_left_ == 1;
    if (calls_left_ > 0) --calls_left_;
    if (!fails || fault_ == Fault::kAfter) action();
    if (fails) return away();
    return {};
  }
  void put(std::string_view path, std::string_view bytes) {
    objects_.insert_or_assign(std::string(path), std::string(bytes));
    times_.insert_or_assign(std::string(path), now_ms_);
  }
  static Error away() { return unavailable("the store is away"); }

  std::map<std::string, std::string, std::less<>> objects_;
  std::map<std::string, int64_t> times_;
  int64_t now_ms_ = 0;
  int64_t calls_left_ = -1;
  Fault fault_ = Fault::kBefore;
};

}  // namespace meterstream
