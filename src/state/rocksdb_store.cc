#include "state/rocksdb_store.h"

#include <array>
#include <atomic>
#include <mutex>
#include <vector>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/metadata.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "state/rocksdb_files.h"

namespace meterstream {
namespace {

// Values below stay with their keys: tiny batches are read faster there.
constexpr uint64_t kMinBlobBytes = 4096;
constexpr uint64_t kBlobFileBytes = uint64_t{256} << 20;
constexpr uint64_t kMaxWalBytes = uint64_t{512} << 20;
constexpr int kMaxOpenFiles = 512;
// Blob files whose garbage is above this share are worth copying the rest out of.
constexpr double kReclaimShare = 0.5;

constexpr std::array<const char*, kSpaceCount> kSpaceNames = {"meta", "log", "state", "table"};

rocksdb::Slice slice_of(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
std::string_view view_of(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

rocksdb::BlockBasedTableOptions table_options(std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.block_size = 16 << 10;
  table.cache_index_and_filter_blocks = false;
  return table;
}

rocksdb::ColumnFamilyOptions family_options(Space space, const RocksDbStoreOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(cache)));
  family.compression = rocksdb::kNoCompression;
  family.level_compaction_dynamic_level_bytes = true;
  switch (space) {
    case Space::kMeta:
      family.write_buffer_size = 4 << 20;
      break;
    case Space::kLog:
      family.write_buffer_size = options.log_buffer_bytes;
      family.max_write_buffer_number = 4;
      family.enable_blob_files = true;
      family.min_blob_size = kMinBlobBytes;
      family.blob_file_size = kBlobFileBytes;
      family.blob_compression_type = rocksdb::kNoCompression;
      break;
    case Space::kState:
      family.write_buffer_size = 32 << 20;
      break;
    case Space::kTable:
      family.write_buffer_size = 32 << 20;
      family.compression = rocksdb::kLZ4Compression;
      family.bottommost_compression = rocksdb::kZSTD;
      break;
  }
  return family;
}

}  // namespace

// The first failure wins and stays.
class FailureLatch final : public rocksdb::EventListener {
 public:
  explicit FailureLatch(std::filesystem::path path) : path_(std::move(path)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status* error) override {
    set(error_of(*error, path_));
  }
  void set(Error error) {
    const std::scoped_lock lock(mutex_);
    if (failed_.load()) return;
    error_ = std::move(error);
    failed_.store(true, std::memory_order_release);
  }
  [[nodiscard]] Status status() const {
    if (!failed_.load(std::memory_order_acquire)) return {};
    const std::scoped_lock lock(mutex_);
    return Error{error_.code, "no more writes until the store is opened again, after: " + error_.message};
  }

 private:
  const std::filesystem::path path_;
  std::atomic<bool> failed_ = false;
  mutable std::mutex mutex_;
  Error error_;
};

struct RocksDbStore::State {
  std::filesystem::path path;
  std::shared_ptr<FailureLatch> failure;
  std::unique_ptr<rocksdb::DB> db;
  std::array<rocksdb::ColumnFamilyHandle*, kSpaceCount> families{};
  rocksdb::ColumnFamilyHandle* default_family = nullptr;

  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Space space) const { return families[static_cast<size_t>(space)]; }
  [[nodiscard]] static rocksdb::ReadOptions read_options(Space space) {
    rocksdb::ReadOptions read;
    if (space == Space::kLog) {
      read.verify_checksums = false;  // record batches carry their own
      read.fill_cache = false;
    }
    return read;
  }

  ~State() {
    if (db == nullptr) return;
    for (rocksdb::ColumnFamilyHandle* handle : families) db->DestroyColumnFamilyHandle(handle);
    db->DestroyColumnFamilyHandle(default_family);
    db->Close();
  }
};

class RocksDbStore::Cursor final : public KeyValueCursor {
 public:
  Cursor(const State& state, Space space)
      : state_(state), iterator_(state.db->NewIterator(State::read_options(space), state.family(space))) {}

  void seek(std::string_view key) override { iterator_->Seek(slice_of(key)); }
  void seek_for_previous(std::string_view key) override { iterator_->SeekForPrev(slice_of(key)); }
  void next() override { iterator_->Next(); }
  void previous() override { iterator_->Prev(); }
  [[nodiscard]] bool valid() const override { return iterator_->Valid(); }
  [[nodiscard]] std::string_view key() const override { return view_of(iterator_->key()); }
  [[nodiscard]] std::string_view value() const override { return view_of(iterator_->value()); }
  [[nodiscard]] Status status() const override {
    if (iterator_->status().ok()) return {};
    return error_of(iterator_->status(), state_.path);
  }

 private:
  const State& state_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

RocksDbStore::RocksDbStore(std::unique_ptr<State> state) : state_(std::move(state)) {}

RocksDbStore::~RocksDbStore() {
  // After a failure nothing more is written; what was acknowledged is in the write-ahead log.
  if (state_->failure->status()) std::ignore = flush();
}

Result<std::unique_ptr<RocksDbStore>> RocksDbStore::open(const std::filesystem::path& directory,
                                                         RocksDbStoreOptions options) {
  RETURN_IF_ERROR(prepare_data_directory(directory, options.create));
  auto state = std::make_unique<State>();
  state->path = directory;
  state->failure = std::make_shared<FailureLatch>(directory);

  rocksdb::DBOptions database;
  if (options.environment != nullptr) database.env = options.environment;
  database.create_if_missing = true;
  database.create_missing_column_families = true;
  database.paranoid_checks = true;
  database.track_and_verify_wals_in_manifest = true;
  database.wal_recovery_mode = options.drop_damaged_tail ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                                         : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  database.max_total_wal_size = kMaxWalBytes;
  database.max_open_files = kMaxOpenFiles;
  database.max_background_jobs = 2;
  database.max_bgerror_resume_count = 0;
  database.file_checksum_gen_factory = make_file_checksum_factory();
  database.listeners = {state->failure};
  database.keep_log_file_num = 2;
  database.max_log_file_size = 1 << 20;
  database.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  database.stats_dump_period_sec = 0;
  database.stats_persist_period_sec = 0;

  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (size_t space = 0; space < kSpaceCount; ++space)
    families.emplace_back(kSpaceNames[space], family_options(static_cast<Space>(space), options, cache));
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());

  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(database, (directory / "store").string(), families, &handles, &db);
  if (!opened.ok()) return open_error_of(opened, directory);
  state->db.reset(db);
  for (size_t space = 0; space < kSpaceCount; ++space) state->families[space] = handles[space];
  state->default_family = handles[kSpaceCount];
  return std::unique_ptr<RocksDbStore>(new RocksDbStore(std::move(state)));
}

Status RocksDbStore::write(const WriteBatch& batch, Durability durability) {
  RETURN_IF_ERROR(state_->failure->status());
  size_t bytes = 16;
  for (const WriteBatch::Operation& operation : batch.operations())
    bytes += operation.key.size() + operation.value.size() + 16;
  rocksdb::WriteBatch writes(bytes);
  rocksdb::Status status;
  for (const WriteBatch::Operation& operation : batch.operations()) {
    rocksdb::ColumnFamilyHandle* const family = state_->family(operation.space);
    switch (operation.kind) {
      case WriteBatch::Operation::Kind::kPut:
        status = writes.Put(family, operation.key, operation.value);
        break;
      case WriteBatch::Operation::Kind::kErase:
        status = writes.Delete(family, operation.key);
        break;
      case WriteBatch::Operation::Kind::kEraseRange:
        // RocksDB takes an inverted range for an error; here it is an empty one.
        if (operation.key < operation.value) status = writes.DeleteRange(family, operation.key, operation.value);
        break;
    }
    CHECK_MESSAGE(status.ok(), status.ToString());
  }
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kSync;
  status = state_->db->Write(options, &writes);
  if (status.ok()) return {};
  Error error = error_of(status, state_->path);
  state_->failure->set(error);
  return error;
}

Result<std::optional<PinnedValue>> RocksDbStore::get(Space space, std::string_view key) const {
  auto slice = std::make_shared<rocksdb::PinnableSlice>();
  const rocksdb::Status status =
      state_->db->Get(State::read_options(space), state_->family(space), slice_of(key), slice.get());
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return error_of(status, state_->path);
  const std::string_view bytes = view_of(*slice);
  return PinnedValue{bytes, std::move(slice)};
}

std::unique_ptr<KeyValueCursor> RocksDbStore::cursor(Space space) const {
  return std::make_unique<Cursor>(*state_, space);
}

Status RocksDbStore::flush() {
  const std::vector<rocksdb::ColumnFamilyHandle*> families(state_->families.begin(), state_->families.end());
  const rocksdb::Status status = state_->db->Flush(rocksdb::FlushOptions(), families);
  if (!status.ok()) return error_of(status, state_->path);
  return {};
}

Status RocksDbStore::reclaim() {
  rocksdb::ColumnFamilyHandle* const family = state_->family(Space::kLog);
  rocksdb::CompactRangeOptions compact;
  compact.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  // Keys only: it lets RocksDB see what of each blob file is garbage, and drop those that are nothing else.
  rocksdb::Status status = state_->db->CompactRange(compact, family, nullptr, nullptr);
  if (!status.ok()) return error_of(status, state_->path);
  rocksdb::ColumnFamilyMetaData metadata;
  state_->db->GetColumnFamilyMetaData(family, &metadata);
  uint64_t total_bytes = 0;
  uint64_t garbage_bytes = 0;
  for (const rocksdb::BlobMetaData& file : metadata.blob_files) {
    total_bytes += file.total_blob_bytes;
    garbage_bytes += file.garbage_blob_bytes;
  }
  if (static_cast<double>(garbage_bytes) <= kReclaimShare * static_cast<double>(total_bytes)) return {};
  compact.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  compact.blob_garbage_collection_age_cutoff = 1.0;
  status = state_->db->CompactRange(compact, family, nullptr, nullptr);
  if (!status.ok()) return error_of(status, state_->path);
  return {};
}

uint64_t RocksDbStore::disk_bytes() const {
  uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_->path / "store", error)) {
    const uint64_t size = entry.file_size(error);
    if (!error) bytes += size;
  }
  return bytes;
}

Status RocksDbStore::check(const Progress& progress) {
  RETURN_IF_ERROR(flush());
  rocksdb::LiveFilesStorageInfoOptions options;
  options.include_checksum_info = true;
  std::vector<rocksdb::LiveFileStorageInfo> files;
  // Files that a compaction replaces meanwhile must stay until they were read.
  state_->db->DisableFileDeletions();
  const rocksdb::Status listed = state_->db->GetLiveFilesStorageInfo(options, &files);
  Status result;
  if (!listed.ok()) result = error_of(listed, state_->path);
  uint64_t total_bytes = 0;
  uint64_t done_bytes = 0;
  for (const auto& file : files) total_bytes += file.file_checksum.empty() ? 0 : file.size;
  for (const auto& file : files) {
    if (!result) break;
    if (file.file_checksum.empty() || file.file_checksum_func_name != make_file_checksum_factory()->Name()) continue;
    const std::filesystem::path path = std::filesystem::path(file.directory) / file.relative_filename;
    const auto checksum = checksum_of_file(path, file.size, [&](uint64_t bytes) {
      done_bytes += bytes;
      return !progress || progress(done_bytes, total_bytes);
    });
    if (!checksum) {
      result = checksum.error();
    } else if (*checksum != file.file_checksum) {
      result =
          corrupt(fmt::format("{} is damaged: its checksum is not the one that was written; restore the data "
                              "directory from a copy",
                              path.string()));
    }
  }
  state_->db->EnableFileDeletions(false);
  return result;
}

}  // namespace meterstream
