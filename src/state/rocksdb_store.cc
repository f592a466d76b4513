#include "state/rocksdb_store.h"

#include <array>
#include <shared_mutex>
#include <vector>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "state/lost_tail_filter.h"
#include "state/rocksdb_state.h"
#include "state/store_logger.h"

namespace meterstream {
namespace {

// Smaller values of kLog stay with their keys: they are read faster there.
constexpr size_t kMinSegmentValueBytes = 4096;
constexpr uint64_t kMaxWalBytes = uint64_t{256} << 20;
constexpr int kMaxOpenFiles = 512;

constexpr std::array<const char*, kSpaceCount> kSpaceNames = {"meta", "log", "state", "table"};

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

rocksdb::ColumnFamilyOptions family_options(Space space, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(cache)));
  family.compression = rocksdb::kNoCompression;
  family.level_compaction_dynamic_level_bytes = true;
  switch (space) {
    case Space::kMeta:
      family.write_buffer_size = 4 << 20;
      break;
    case Space::kLog:
    case Space::kState:
      family.write_buffer_size = 32 << 20;
      break;
    case Space::kTable:
      // Rows come by time and are kept by series: fewer, larger merges cost least.
      family.write_buffer_size = 64 << 20;
      family.max_write_buffer_number = 3;
      family.compaction_style = rocksdb::kCompactionStyleUniversal;
      family.compression = rocksdb::kLZ4Compression;
      break;
  }
  return family;
}

}  // namespace

Error RocksDbState::damaged_value() const {
  return corrupt(
      fmt::format("data directory {} has an entry of the log that cannot be read; run 'meterstream doctor "
                  "--data-dir {}', and restore it from a copy",
                  path.string(), path.string()));
}

class RocksDbStore::Cursor final : public KeyValueCursor {
 public:
  // The files are noted before the iterator, so that none is gone that the iterator's snapshot needs.
  Cursor(const RocksDbState& state, Space space)
      : state_(state),
        is_log_(space == Space::kLog),
        files_(state.segments->snapshot()),
        iterator_(state.db->NewIterator(options_for(space), state.family(space))) {}

  void seek(std::string_view key) override {
    forget();
    iterator_->Seek(slice_of(key));
  }
  void seek_for_previous(std::string_view key) override {
    forget();
    iterator_->SeekForPrev(slice_of(key));
  }
  void next() override {
    forget();
    iterator_->Next();
  }
  void previous() override {
    forget();
    iterator_->Prev();
  }
  [[nodiscard]] bool valid() const override { return error_.message.empty() && iterator_->Valid(); }
  [[nodiscard]] std::string_view key() const override { return view_of(iterator_->key()); }
  // Large values are read when they are asked for, so that walking over keys is cheap.
  [[nodiscard]] std::string_view value() const override {
    if (!is_log_) return view_of(iterator_->value());
    if (value_.owner != nullptr) return value_.bytes;
    const auto stored = decode_stored_value(view_of(iterator_->value()));
    if (stored && stored->form == ValueForm::kInline) return stored->inline_bytes;
    auto read = stored ? state_.segments->read(files_, stored->pointer) : state_.damaged_value();
    if (!read) {
      error_ = read.error();
      return {};
    }
    value_ = *std::move(read);
    return value_.bytes;
  }
  [[nodiscard]] Status status() const override {
    if (!error_.message.empty()) return error_;
    if (iterator_->status().ok()) return {};
    return error_of(iterator_->status(), state_.path);
  }

 private:
  // State is read once, when a task opens: kept blocks would only take memory.
  static rocksdb::ReadOptions options_for(Space space) {
    rocksdb::ReadOptions options;
    options.fill_cache = space != Space::kState;
    return options;
  }
  void forget() {
    value_ = {};
    error_ = {};
  }

  const RocksDbState& state_;
  const bool is_log_;
  const ValueSegments::Snapshot files_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  mutable PinnedValue value_;
  mutable Error error_;
};

RocksDbStore::RocksDbStore(std::unique_ptr<RocksDbState> state) : state_(std::move(state)) {}

RocksDbStore::~RocksDbStore() {
  // After a failure nothing more is written; what was acknowledged is in the write-ahead log.
  if (state_->failure.status()) std::ignore = flush();
}

Result<std::unique_ptr<RocksDbStore>> RocksDbStore::open(const std::filesystem::path& directory,
                                                         RocksDbStoreOptions options) {
  RETURN_IF_ERROR(prepare_data_directory(directory, options.create));
  auto state = std::make_unique<RocksDbState>();
  state->path = directory;
  ASSIGN_OR_RETURN(state->segments, ValueSegments::open(directory / "log", options.segment_bytes));
  const auto listener = std::make_shared<StoreListener>(directory, state->failure, *state->segments);
  state->lost_tail = std::make_unique<LostTailFilter>(*state->segments, kSpaceNames[static_cast<size_t>(Space::kLog)]);

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
  database.listeners = {listener};
  database.wal_filter = state->lost_tail.get();
  database.info_log = make_store_logger(directory / "store" / "LOG");
  database.stats_dump_period_sec = 0;
  database.stats_persist_period_sec = 0;

  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(kSpaceCount + 1);
  for (size_t space = 0; space < kSpaceCount; ++space)
    families.emplace_back(kSpaceNames[space], family_options(static_cast<Space>(space), cache));
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());

  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(database, (directory / "store").string(), families, &handles, &db);
  if (!opened.ok()) return open_error_of(opened, directory);
  state->db.reset(db);
  // Left by a process that died in write_bulk().
  std::error_code ignored;
  std::filesystem::remove_all(state->bulk_folder(), ignored);
  for (size_t space = 0; space < kSpaceCount; ++space) state->families[space] = handles[space];
  state->default_family = handles[kSpaceCount];
  return std::unique_ptr<RocksDbStore>(new RocksDbStore(std::move(state)));
}

Status RocksDbStore::condition() const {
  return state_->failure.status();
}

Status RocksDbStore::write(const WriteBatch& batch, Durability durability) {
  RETURN_IF_ERROR(state_->failure.status());
  const std::shared_lock lock(state_->moving);
  const bool is_synced = durability == Durability::kSync;
  rocksdb::WriteBatch writes;
  Status appended = append_operations(batch, is_synced, writes);
  // Values first: a pointer that is stable must find them. This covers buffered writes before this one, too.
  if (appended && is_synced) appended = state_->segments->sync();
  if (!appended) {
    state_->failure.set(appended.error());
    return appended;
  }
  rocksdb::WriteOptions options;
  options.sync = is_synced;
  // RocksDB keeps one hint for keys and for ranges, which are in lists of their own: with both it would follow a wrong one.
  options.memtable_insert_hint_per_batch = !writes.HasDeleteRange();
  const rocksdb::Status status = state_->db->Write(options, &writes);
  if (status.ok()) return {};
  Error error = error_of(status, state_->path);
  state_->failure.set(error);
  return error;
}

// Large values go to the segments here, the rest to `writes`.
Status RocksDbStore::append_operations(const WriteBatch& batch, bool is_synced, rocksdb::WriteBatch& writes) {
  for (const WriteBatch::Operation& operation : batch.operations()) {
    rocksdb::ColumnFamilyHandle* const family = state_->family(operation.space);
    rocksdb::Status added;
    switch (operation.kind) {
      case WriteBatch::Operation::Kind::kPut:
        if (operation.space != Space::kLog) {
          added = writes.Put(family, operation.key, operation.value);
        } else if (operation.value.size() < kMinSegmentValueBytes) {
          added = writes.Put(family, operation.key, encode_inline_value(operation.value));
        } else {
          ASSIGN_OR_RETURN(const ValuePointer pointer, state_->segments->append(operation.value));
          added = writes.Put(family, operation.key, encode_pointer(pointer, is_synced));
        }
        break;
      case WriteBatch::Operation::Kind::kErase:
        added = writes.Delete(family, operation.key);
        break;
      case WriteBatch::Operation::Kind::kEraseRange:
        // RocksDB takes an inverted range for an error; here it is an empty one.
        if (operation.key < operation.value) added = writes.DeleteRange(family, operation.key, operation.value);
        break;
    }
    CHECK_MESSAGE(added.ok(), added.ToString());
  }
  return {};
}

Result<std::optional<PinnedValue>> RocksDbStore::get(Space space, std::string_view key) const {
  const bool is_log = space == Space::kLog;
  // Noted before the pointer is read, so that reclaim() cannot take the file away in between.
  const ValueSegments::Snapshot files = is_log ? state_->segments->snapshot() : nullptr;
  auto slice = std::make_shared<rocksdb::PinnableSlice>();
  const rocksdb::Status status =
      state_->db->Get(rocksdb::ReadOptions(), state_->family(space), slice_of(key), slice.get());
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return error_of(status, state_->path);
  const std::string_view bytes = view_of(*slice);
  if (!is_log) return PinnedValue{bytes, std::move(slice)};
  const auto stored = decode_stored_value(bytes);
  if (!stored) return state_->damaged_value();
  if (stored->form == ValueForm::kInline) return PinnedValue{stored->inline_bytes, std::move(slice)};
  ASSIGN_OR_RETURN(PinnedValue value, state_->segments->read(files, stored->pointer));
  return value;
}

std::unique_ptr<KeyValueCursor> RocksDbStore::cursor(Space space) const {
  return std::make_unique<Cursor>(*state_, space);
}

Status RocksDbStore::flush() {
  RETURN_IF_ERROR(state_->segments->sync());
  const std::vector<rocksdb::ColumnFamilyHandle*> families(state_->families.begin(), state_->families.end());
  const rocksdb::Status status = state_->db->Flush(rocksdb::FlushOptions(), families);
  if (!status.ok()) return error_of(status, state_->path);
  return {};
}

uint64_t RocksDbStore::disk_bytes() const {
  uint64_t bytes = state_->segments->disk_bytes();
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_->path / "store", error)) {
    const uint64_t size = entry.file_size(error);
    if (!error) bytes += size;
  }
  return bytes;
}

}  // namespace meterstream
