// Purpose: KeyValueStore on RocksDB, one column family a space. Files: docs/formats/data-directory.md.
// Values of Space::kLog go to blob files: written once beside the write-ahead log, never compacted, dropped from the
// front. They carry a checksum of their own (log/record_batch.h), so that RocksDB does not compute another on reading.
// Guarantee: the port's. After a failed write or a failed flush in the background every later write fails with the
//            first reason until the store is opened again.
// Thread-safety: as the port says; check() may run beside readers and writers.
// Errors of open: kConflict (in use by another process), kInvalid (not a directory, no permission, made by another
//         version or not by Meterstream), kNotFound (no such directory and `create` is false), kUnavailable (disk full,
//         too many open files), kCorrupt (the message names the damaged file).
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "state/key_value_store.h"

namespace rocksdb {
class Env;
}

namespace meterstream {

struct RocksDbStoreOptions {
  /// Make the directory and a new store in it when there is none.
  bool create = true;
  /// Memory for blocks read from kMeta, kState and kTable.
  size_t block_cache_bytes = size_t{64} << 20;
  /// Size of the memory that collects record batches before they are written to a blob file.
  size_t log_buffer_bytes = size_t{64} << 20;
  /// Open although the end of the write-ahead log is damaged: what follows the damage is lost.
  bool drop_damaged_tail = false;
  /// For tests: where files go instead of the operating system. Not owned.
  rocksdb::Env* environment = nullptr;
};

class RocksDbStore final : public KeyValueStore {
 public:
  /// `directory` is the data directory; the store's own files are in its folder `store`.
  static Result<std::unique_ptr<RocksDbStore>> open(const std::filesystem::path& directory,
                                                    RocksDbStoreOptions options = {});
  /// Flushes buffered writes to the operating system and closes. No cursor or pinned value may be left.
  ~RocksDbStore() override;

  Status write(const WriteBatch& batch, Durability durability) override;
  Result<std::optional<PinnedValue>> get(Space space, std::string_view key) const override;
  [[nodiscard]] std::unique_ptr<KeyValueCursor> cursor(Space space) const override;

  /// Bytes checked so far and in all; return false to stop.
  using Progress = std::function<bool(uint64_t done_bytes, uint64_t total_bytes)>;
  /// Reads every file and compares all checksums. kCorrupt names the first damaged file; kCancelled when stopped.
  Status check(const Progress& progress = {});
  /// Writes what is buffered in memory to its files; shortens the next open.
  Status flush();
  /// Gives the space of erased record batches back to the file system. Copies batches that are still needed only out of
  /// files that are mostly erased. May take long; call it after retention.
  Status reclaim();
  /// Bytes of all files.
  [[nodiscard]] uint64_t disk_bytes() const;

 private:
  class Cursor;
  struct State;
  explicit RocksDbStore(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace meterstream
