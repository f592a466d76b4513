// Purpose: bytes of a snapshot as a stream of chunks, so that state larger than memory can pass through.
// Format: fields are written and read in the same order; layout in docs/formats/data-directory.md.
// Thread-safety: none.
// Errors: those of the chunk sink or source; a reader past the end is kCorrupt.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace meterstream {

class SnapshotWriter {
 public:
  using ChunkSink = std::function<Status(std::string_view chunk)>;
  explicit SnapshotWriter(ChunkSink sink) : sink_(std::move(sink)) {}

  template <class Number>
  Status number(Number value) {
    append_little_endian(chunk_, value);
    return flush_if_full();
  }
  Status bytes(std::string_view text);
  /// Hands out what is left. Call once, at the end.
  Status finish();

 private:
  Status flush_if_full();
  ChunkSink sink_;
  std::string chunk_;
};

class SnapshotReader {
 public:
  /// Gives the next chunk; empty when there is none.
  using ChunkSource = std::function<Result<std::string>()>;
  explicit SnapshotReader(ChunkSource source) : source_(std::move(source)) {}

  template <class Number>
  Result<Number> number() {
    char raw[sizeof(Number)];
    RETURN_IF_ERROR(copy(raw, sizeof(Number)));
    return load_little_endian<Number>(raw);
  }
  Result<std::string> bytes();

 private:
  Status copy(char* out, size_t size);
  ChunkSource source_;
  std::string chunk_;
  size_t position_ = 0;
};

}  // namespace meterstream
