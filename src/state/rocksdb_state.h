// Purpose: private to RocksDbStore: what its source files share.
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string_view>

#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/wal_filter.h>

#include "state/rocksdb_files.h"
#include "state/rocksdb_store.h"
#include "state/value_segments.h"

namespace meterstream {

inline rocksdb::Slice slice_of(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
inline std::string_view view_of(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

/// The first failure wins and stays.
class FailureLatch {
 public:
  void set(const Error& error) {
    const std::scoped_lock lock(mutex_);
    if (failed_.load()) return;
    error_ = error;
    failed_.store(true, std::memory_order_release);
  }
  [[nodiscard]] Status status() const {
    if (!failed_.load(std::memory_order_acquire)) return {};
    const std::scoped_lock lock(mutex_);
    return Error{error_.code, "no more writes until the store is opened again, after: " + error_.message};
  }

 private:
  std::atomic<bool> failed_ = false;
  mutable std::mutex mutex_;
  Error error_;
};

/// Notes failures in the background, and makes large values stable before a table file points to them.
class StoreListener final : public rocksdb::EventListener {
 public:
  StoreListener(std::filesystem::path path, FailureLatch& failure, ValueSegments& segments)
      : path_(std::move(path)), failure_(failure), segments_(segments) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status* error) override {
    failure_.set(error_of(*error, path_));
  }
  void OnFlushBegin(rocksdb::DB* /*db*/, const rocksdb::FlushJobInfo& /*info*/) override {
    if (const Status synced = segments_.sync(); !synced) failure_.set(synced.error());
  }

 private:
  const std::filesystem::path path_;
  FailureLatch& failure_;
  ValueSegments& segments_;
};

struct RocksDbState {
  std::filesystem::path path;
  FailureLatch failure;
  std::unique_ptr<ValueSegments> segments;
  std::unique_ptr<rocksdb::WalFilter> lost_tail;
  std::unique_ptr<rocksdb::DB> db;
  std::array<rocksdb::ColumnFamilyHandle*, kSpaceCount> families{};
  rocksdb::ColumnFamilyHandle* default_family = nullptr;
  /// Shared by writers; reclaim() excludes them while it moves values.
  std::shared_mutex moving;
  /// Names the table files of write_bulk().
  std::atomic<uint64_t> bulk_files = 0;

  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Space space) const { return families[static_cast<size_t>(space)]; }
  [[nodiscard]] Error damaged_value() const;
  /// Where write_bulk() makes its files.
  [[nodiscard]] std::filesystem::path bulk_folder() const { return path / "bulk"; }

  ~RocksDbState() {
    if (db == nullptr) return;
    for (rocksdb::ColumnFamilyHandle* handle : families) db->DestroyColumnFamilyHandle(handle);
    db->DestroyColumnFamilyHandle(default_family);
    db->Close();
    db.reset();  // before the segments, which its listener uses
  }
};

}  // namespace meterstream
