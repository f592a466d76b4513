// Purpose: a large number of puts and erases of single keys, for KeyValueStore::write_bulk(): the bytes are copied once,
//          and put in key order with the last write of each key once, at the end.
// Shapes: byte-string keys below 4 GB, ordered as unsigned bytes inside their space.
// Thread-safety: none. Ownership: views from entries() live until the batch is changed or dies.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "state/key_value_store.h"

namespace meterstream {

class BulkBatch {
 public:
  class Entry {
   public:
    [[nodiscard]] std::string_view key() const { return {bytes_, key_bytes_}; }
    /// Empty when the key is erased.
    [[nodiscard]] std::string_view value() const { return {bytes_ + key_bytes_, value_bytes_}; }
    [[nodiscard]] bool is_erased() const { return is_erased_; }

    /// Starts to bring the bytes into the cache: neighbours in key order are far apart in memory.
    void prefetch() const { __builtin_prefetch(bytes_); }

   private:
    friend class BulkBatch;
    uint64_t word_ = 0;  ///< bytes of the key that are compared now
    const char* bytes_ = nullptr;
    uint32_t key_bytes_ = 0;
    uint32_t value_bytes_ = 0;
    uint32_t number_ = 0;  ///< later writes have higher ones
    uint8_t word_bytes_ = 0;
    bool is_erased_ = false;
  };

  void put(Space space, std::string_view key, std::string_view value) { add(space, key, value, false); }
  void erase(Space space, std::string_view key) { add(space, key, {}, true); }

  /// How many entries ahead a loop over entries() does well to prefetch.
  static constexpr size_t kPrefetch = 16;
  /// The last write of each key, in key order.
  std::span<const Entry> entries(Space space);

  /// Memory in use, about.
  [[nodiscard]] size_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_ == 0; }
  void clear();

  /// kInvalid when it has writes to kLog.
  [[nodiscard]] Status check() const;
  /// The same writes for KeyValueStore::write().
  WriteBatch to_write_batch();

 private:
  using Entries = std::vector<Entry>;
  static void sort(std::span<Entry> all);
  static size_t sort_by_word(std::span<Entry> entries, size_t depth);
  void add(Space space, std::string_view key, std::string_view value, bool is_erased);
  char* room_for(size_t size);

  std::array<Entries, kSpaceCount> entries_;
  std::array<bool, kSpaceCount> is_sorted_{};
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;
  size_t free_bytes_ = 0;
  size_t bytes_ = 0;
};

}  // namespace meterstream
