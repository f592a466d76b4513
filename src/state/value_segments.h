// Purpose: private to RocksDbStore: large values of Space::kLog, written once to append-only files. RocksDB keeps only a
//          pointer to each, so that neither its write-ahead log nor its memory sees the bytes.
// Guarantee: after sync() every value appended before is on stable storage. Files that are full are stable.
// Thread-safety: all methods may be called concurrently.
// Ownership: a Snapshot keeps its files readable, also after they were removed. A read value keeps its file, of which it
//            shows the bytes where they are mapped into memory.
// Errors: kUnavailable (disk full, I/O failed: append nothing more), kCorrupt (a file is missing, short or damaged).
// Layout: docs/formats/data-directory.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "state/key_value_store.h"

namespace meterstream {

struct ValuePointer {
  uint32_t segment = 0;
  uint64_t offset = 0;
  uint32_t bytes = 0;
  uint32_t crc = 0;  ///< CRC-32C of the value
};

/// First byte of what RocksDB holds for a key of Space::kLog.
enum class ValueForm : uint8_t {
  kInline = 0,         ///< the value itself follows
  kPointer = 1,        ///< a pointer to bytes that may not have been stable when this was written
  kSyncedPointer = 2,  ///< a pointer to bytes that were
};

struct StoredValue {
  ValueForm form = ValueForm::kInline;
  std::string_view inline_bytes;
  ValuePointer pointer;
};

std::string encode_inline_value(std::string_view value);
std::string encode_pointer(const ValuePointer& pointer, bool is_synced);
/// nullopt for bytes that are neither.
std::optional<StoredValue> decode_stored_value(std::string_view stored);

class ValueSegments {
 public:
  /// `directory` is made when it does not exist.
  static Result<std::unique_ptr<ValueSegments>> open(const std::filesystem::path& directory, uint64_t segment_bytes);
  ~ValueSegments();

  class File;
  using Snapshot = std::shared_ptr<const std::map<uint32_t, std::shared_ptr<File>>>;

  Result<ValuePointer> append(std::string_view value);
  Status sync();

  [[nodiscard]] Snapshot snapshot() const;
  /// Reads from the snapshot, or from a file made after it. The checksum is compared only when `verify`.
  Result<PinnedValue> read(const Snapshot& snapshot, const ValuePointer& pointer, bool verify = false) const;

  /// Number of the file that grows, or the highest there is; 0 for none. Files below it are stable.
  [[nodiscard]] uint32_t last() const;
  [[nodiscard]] std::filesystem::path path_of(uint32_t segment) const;
  /// Removes a file that nothing points to any more.
  Status remove(uint32_t segment);
  [[nodiscard]] uint64_t disk_bytes() const;

 private:
  ValueSegments(std::filesystem::path directory, uint64_t segment_bytes)
      : directory_(std::move(directory)), segment_bytes_(segment_bytes) {}
  static Result<PinnedValue> read_copy(const File& file, const ValuePointer& pointer);
  Status load();
  Status roll();
  void change_files(uint32_t segment, std::shared_ptr<File> file);

  const std::filesystem::path directory_;
  const uint64_t segment_bytes_;

  mutable std::mutex snapshot_mutex_;
  Snapshot files_;

  std::mutex append_mutex_;
  std::shared_ptr<File> active_;
  uint32_t active_number_ = 0;
};

}  // namespace meterstream
