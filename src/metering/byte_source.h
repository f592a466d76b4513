// Purpose: port that gives a data set's bytes, already decompressed.
// Thread-safety: none. next() may block on I/O.
// Ownership: a chunk is valid until the next call.
// Errors: kUnavailable (read failed), kCorrupt (damaged or truncated compressed data); the message names the
// file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meterstream {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// The next bytes; empty at the end, and at every later call.
  virtual Result<std::string_view> next() = 0;
  /// For messages: the path, and the entry of an archive.
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Stored (compressed) bytes taken so far, and how many there are; 0 when the total is not known.
  [[nodiscard]] virtual int64_t bytes_consumed() const = 0;
  [[nodiscard]] virtual int64_t bytes_total() const = 0;
};

/// Bytes in memory, handed out `chunk_bytes` at a time.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string bytes, size_t chunk_bytes = 1 << 16)
      : bytes_(std::move(bytes)), chunk_bytes_(chunk_bytes) {}
  Result<std::string_view> next() override {
    const std::string_view chunk = std::string_view(bytes_).substr(position_, chunk_bytes_);
    position_ += chunk.size();
    return chunk;
  }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] int64_t bytes_consumed() const override { return static_cast<int64_t>(position_); }
  [[nodiscard]] int64_t bytes_total() const override { return static_cast<int64_t>(bytes_.size()); }

 private:
  std::string name_ = "memory";
  std::string bytes_;
  size_t chunk_bytes_;
  size_t position_ = 0;
};

}  // namespace meterstream
