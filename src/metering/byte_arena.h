// Purpose: bytes that a decoder makes for one batch, kept in ColumnBatch::arena in large chunks.
// Guarantee: a view stays valid until the batch is cleared; at most one allocation for each 64 KB.
// Thread-safety: none.
#pragma once

#include <deque>
#include <string>
#include <string_view>

namespace meterstream {

class ByteArena {
 public:
  /// Chunks go into `chunks`, which must outlive the arena.
  explicit ByteArena(std::deque<std::string>& chunks) : chunks_(chunks) {}

  std::string_view copy(std::string_view bytes) {
    reserve(bytes.size());
    chunks_.back().append(bytes);
    return std::string_view(chunks_.back()).substr(chunks_.back().size() - bytes.size());
  }

  /// A chunk to append up to `bytes` bytes to without moving what it holds.
  std::string& reserve(size_t bytes) {
    constexpr size_t kChunkBytes = 64 << 10;
    if (chunks_.empty() || chunks_.back().capacity() - chunks_.back().size() < bytes)
      chunks_.emplace_back().reserve(bytes > kChunkBytes ? bytes : kChunkBytes);
    return chunks_.back();
  }

 private:
  std::deque<std::string>& chunks_;
};

}  // namespace meterstream
