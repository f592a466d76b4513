// Purpose: KeyValueStore on RocksDB, one column family a space. Files: docs/formats/data-directory.md.
// Large values of Space::kLog are written once, to append-only files of their own, and not a second time through the
// write-ahead log. Reading compares no checksum for them: record batches carry one (log/record_batch.h). check() does.
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
class WriteBatch;
}  // namespace rocksdb

namespace meterstream {

struct RocksDbState;

struct RocksDbStoreOptions {
  /// Make the directory and a new store in it when there is none.
  bool create = true;
  /// Memory for blocks read from kMeta, kState and kTable.
  size_t block_cache_bytes = size_t{64} << 20;
  /// Size at which a file of large values is full and the next one begins.
  uint64_t segment_bytes = uint64_t{256} << 20;
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
  /// By table files that RocksDB takes in as they are.
  Status write_bulk(BulkBatch batch) override;
  [[nodiscard]] Status condition() const override;
  Result<std::optional<PinnedValue>> get(Space space, std::string_view key) const override;
  [[nodiscard]] std::unique_ptr<KeyValueCursor> cursor(Space space) const override;

  /// Bytes checked so far and in all; return false to stop.
  using Progress = std::function<bool(uint64_t done_bytes, uint64_t total_bytes)>;
  /// Reads every file and compares all checksums. kCorrupt names the first damaged file; kCancelled when stopped.
  Status check(const Progress& progress = {});
  /// Writes what is buffered in memory to its files; shortens the next open.
  Status flush();
  /// Gives the space of erased large values back to the file system. Copies values that are still there only out of
  /// files that are mostly erased. May take long; call it after retention. Writers wait for it at times.
  Status reclaim();
  /// Bytes of all files.
  [[nodiscard]] uint64_t disk_bytes() const;

 private:
  class Cursor;
  Status append_operations(const WriteBatch& batch, bool is_synced, rocksdb::WriteBatch& writes);
  Status copy_live_values(uint32_t segment);
  Status check_files(const Progress& progress);
  explicit RocksDbStore(std::unique_ptr<RocksDbState> state);

  std::unique_ptr<RocksDbState> state_;
};

}  // namespace meterstream
