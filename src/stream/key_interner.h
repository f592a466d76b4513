// Purpose: gives every distinct group key a dense id once, so that windows can be plain arrays.
// Shapes: ids are 0, 1, 2, ... in order of first appearance; keys are any bytes up to 4 GB each.
// Thread-safety: none; one interner belongs to one task.
// Ownership: copies keys into its own arena; key() views live as long as the interner.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace meterstream {

class KeyInterner {
 public:
  KeyInterner();

  /// Writes the id of each key to `ids` (same length), adding keys never seen before.
  void intern(std::span<const std::string_view> keys, uint32_t* ids);
  uint32_t intern(std::string_view key);

  static constexpr uint32_t kUnknown = UINT32_MAX;
  /// As intern(), without adding: kUnknown for keys never seen.
  void find(std::span<const std::string_view> keys, uint32_t* ids) const;

  /// Makes room for `keys` keys in all.
  void reserve(size_t keys);

  [[nodiscard]] std::string_view key(uint32_t id) const;
  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(keys_.size()); }
  /// Memory of keys and table, bytes.
  [[nodiscard]] size_t bytes() const;

 private:
  // A slot is free when data is null. The tag is 32 bits of the hash and spares most comparisons of bytes.
  struct Slot {
    const char* data = nullptr;
    uint32_t tag = 0;
    uint32_t id = 0;
  };

  size_t intern_successors(std::span<const std::string_view> keys, uint32_t* ids);
  void intern_group(std::span<const std::string_view> keys, uint32_t* ids);
  uint32_t find_or_add(std::string_view key, uint64_t hash);
  [[nodiscard]] uint32_t find(std::string_view key, uint64_t hash) const;
  const char* store(std::string_view key);
  void rehash(size_t slots);
  [[nodiscard]] bool matches(const Slot& slot, uint32_t tag, std::string_view key) const;

  std::vector<Slot> slots_;
  uint64_t mask_ = 0;
  std::vector<const char*> keys_;
  uint32_t last_id_ = 0;
  bool follows_order_ = false;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_used_ = 0;
  size_t block_size_ = 0;
  size_t arena_bytes_ = 0;
};

}  // namespace meterstream
