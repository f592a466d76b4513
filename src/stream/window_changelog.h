// Purpose: writes what changed of a table's open windows as small values of a key-value store, and reads them back.
// Shapes: a value is a block of 16 slots of a window, a part of a group's sample set, or its header. A window that is gone is erased value by
//         value, so that the writes can also go to a compacted topic.
// Format: docs/formats/data-directory.md.
// Thread-safety: none. Errors: those of the spill while saving; kCorrupt for values that do not fit the table.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "state/key_value_store.h"
#include "stream/window_table.h"

namespace meterstream {

/// A slot in as few bytes as it needs. What is read goes into an empty one.
void append_slot(std::string& out, const WindowSlot& slot, size_t arguments);
void read_slot(ByteReader& reader, WindowSlot& slot, size_t arguments);

class WindowChangelog {
 public:
  /// Keys begin with `prefix` and the table's number.
  WindowChangelog(WindowTable& table, size_t partitions, std::string_view prefix);

  /// Adds to `batch` what changed since the last call in windows touched at or after `since_touch`, and the erasures of
  /// windows that are gone. Changed pages that were spilled are read back.
  Status save(uint64_t since_touch, WriteBatch& batch);

  /// Fills the empty table. `groups` is the number of group ids that exist.
  Status load(const KeyValueStore& store, uint32_t groups);

 private:
  Status save_blocks(WindowTable::Window& window, WriteBatch& batch);
  // In window_changelog_samples.cc.
  void save_samples(WindowTable::Window& window, uint32_t block, const SamplePage& samples, WriteBatch& batch) const;
  void erase_samples(const WindowTable::ErasedWindow& gone, WriteBatch& batch) const;
  Status load_samples(const KeyValueStore& store, uint32_t groups);
  Status load_part(std::string_view key, std::string_view value, uint32_t groups);
  Status load_headers(const KeyValueStore& store);
  Status load_blocks(const KeyValueStore& store, uint32_t groups);
  Status load_block(WindowTable::Window& window, uint32_t block, std::string_view value, uint32_t groups);
  [[nodiscard]] std::string header_of(const WindowTable::Window& window) const;
  [[nodiscard]] std::string key_of(char kind, int64_t start_ms) const;
  [[nodiscard]] std::string block_key(int64_t start_ms, uint32_t block) const;
  [[nodiscard]] std::string samples_key(int64_t start_ms, uint32_t id, size_t set, size_t part) const;
  /// Empty when no slot is in use.
  [[nodiscard]] std::string encode_block(const char* slots) const;
  [[nodiscard]] Error unreadable(std::string_view what, int64_t start_ms) const;

  WindowTable& table_;
  size_t partitions_;
  std::string prefix_;
};

}  // namespace meterstream
