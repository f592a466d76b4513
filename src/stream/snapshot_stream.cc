#include "stream/snapshot_stream.h"

#include <algorithm>

namespace meterstream {
namespace {
constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr uint64_t kMaxField = uint64_t{1} << 32;
}  // namespace

Status SnapshotWriter::flush_if_full() {
  if (chunk_.size() < kChunkBytes) return {};
  RETURN_IF_ERROR(sink_(chunk_));
  chunk_.clear();
  return {};
}

Status SnapshotWriter::bytes(std::string_view text) {
  append_little_endian(chunk_, static_cast<uint64_t>(text.size()));
  chunk_.append(text);
  return flush_if_full();
}

Status SnapshotWriter::finish() {
  if (chunk_.empty()) return {};
  return sink_(chunk_);
}

Status SnapshotReader::copy(char* out, size_t size) {
  while (size > 0) {
    if (position_ == chunk_.size()) {
      ASSIGN_OR_RETURN(chunk_, source_());
      position_ = 0;
      if (chunk_.empty()) return corrupt("snapshot: it ends in the middle of a field");
    }
    const size_t step = std::min(size, chunk_.size() - position_);
    chunk_.copy(out, step, position_);
    out += step;
    position_ += step;
    size -= step;
  }
  return {};
}

Result<std::string> SnapshotReader::bytes() {
  ASSIGN_OR_RETURN(const uint64_t size, number<uint64_t>());
  if (size > kMaxField) return corrupt("snapshot: a field claims an impossible size");
  std::string text(size, '\0');
  RETURN_IF_ERROR(copy(text.data(), size));
  return text;
}

}  // namespace meterstream
