// The slow calls of RocksDbStore: checking every byte, and giving space back.
#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include <fmt/format.h>
#include <rocksdb/metadata.h>
#include <rocksdb/write_batch.h>

#include "state/rocksdb_state.h"

namespace meterstream {
namespace {

// A file of values is copied together when less than this share of it is still needed.
constexpr double kReclaimShare = 0.5;
// Writers wait for at most this much copying at a time.
constexpr uint64_t kMoveBytes = uint64_t{16} << 20;

}  // namespace

Status RocksDbStore::check(const Progress& progress) {
  RETURN_IF_ERROR(flush());
  // Files that a compaction replaces meanwhile must stay until they were read.
  state_->db->DisableFileDeletions();
  const Status result = check_files(progress);
  state_->db->EnableFileDeletions(false);
  return result;
}

Status RocksDbStore::check_files(const Progress& progress) {
  rocksdb::LiveFilesStorageInfoOptions options;
  options.include_checksum_info = true;
  std::vector<rocksdb::LiveFileStorageInfo> files;
  const rocksdb::Status listed = state_->db->GetLiveFilesStorageInfo(options, &files);
  if (!listed.ok()) return error_of(listed, state_->path);
  const std::string_view checksum_name = make_file_checksum_factory()->Name();
  std::erase_if(files, [&](const auto& file) { return file.file_checksum_func_name != checksum_name; });
  uint64_t total_bytes = state_->segments->disk_bytes();
  for (const auto& file : files) total_bytes += file.size;
  uint64_t done_bytes = 0;
  const auto advance = [&](uint64_t bytes) {
    done_bytes += bytes;
    return !progress || progress(std::min(done_bytes, total_bytes), total_bytes);
  };
  for (const auto& file : files) {
    const std::filesystem::path path = std::filesystem::path(file.directory) / file.relative_filename;
    ASSIGN_OR_RETURN(const std::string checksum, checksum_of_file(path, file.size, advance));
    if (checksum != file.file_checksum)
      return corrupt(
          fmt::format("{} is damaged: its checksum is not the one that was written; restore the data "
                      "directory from a copy",
                      path.string()));
  }
  const ValueSegments::Snapshot segments = state_->segments->snapshot();
  const std::unique_ptr<rocksdb::Iterator> iterator(
      state_->db->NewIterator(rocksdb::ReadOptions(), state_->family(Space::kLog)));
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    const auto stored = decode_stored_value(view_of(iterator->value()));
    if (!stored) return state_->damaged_value();
    if (stored->form == ValueForm::kInline) continue;
    RETURN_IF_ERROR(state_->segments->read(segments, stored->pointer, true));
    if (!advance(stored->pointer.bytes)) return cancelled("the check was stopped");
  }
  if (!iterator->status().ok()) return error_of(iterator->status(), state_->path);
  return {};
}

Status RocksDbStore::reclaim() {
  RETURN_IF_ERROR(state_->failure.status());
  const uint32_t last = state_->segments->last();  // it grows, and is left alone
  std::map<uint32_t, uint64_t> live_bytes;
  for (const auto& [segment, file] : *state_->segments->snapshot()) {
    if (segment < last) live_bytes[segment] = 0;
  }
  {
    const std::unique_ptr<rocksdb::Iterator> iterator(
        state_->db->NewIterator(rocksdb::ReadOptions(), state_->family(Space::kLog)));
    for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
      const auto stored = decode_stored_value(view_of(iterator->value()));
      if (!stored) return state_->damaged_value();
      if (stored->form == ValueForm::kInline) continue;
      if (const auto found = live_bytes.find(stored->pointer.segment); found != live_bytes.end())
        found->second += stored->pointer.bytes;
    }
    if (!iterator->status().ok()) return error_of(iterator->status(), state_->path);
  }
  // The erasing must be stable before the bytes go, or a power loss would bring pointers back.
  RETURN_IF_ERROR(write({}, Durability::kSync));
  for (const auto& [segment, live] : live_bytes) {
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(state_->segments->path_of(segment), error);
    if (error || static_cast<double>(live) >= kReclaimShare * static_cast<double>(size)) continue;
    if (live > 0) RETURN_IF_ERROR(copy_live_values(segment));
    RETURN_IF_ERROR(state_->segments->remove(segment));
  }
  return {};
}

// Copies what is still needed of a file to the end of the last one.
Status RocksDbStore::copy_live_values(uint32_t segment) {
  std::string position;
  for (bool is_done = false; !is_done;) {
    const std::unique_lock lock(state_->moving);
    const ValueSegments::Snapshot files = state_->segments->snapshot();
    const std::unique_ptr<rocksdb::Iterator> iterator(
        state_->db->NewIterator(rocksdb::ReadOptions(), state_->family(Space::kLog)));
    rocksdb::WriteBatch moves;
    uint64_t moved_bytes = 0;
    for (iterator->Seek(position); iterator->Valid() && moved_bytes < kMoveBytes; iterator->Next()) {
      const auto stored = decode_stored_value(view_of(iterator->value()));
      if (!stored) return state_->damaged_value();
      if (stored->form == ValueForm::kInline || stored->pointer.segment != segment) continue;
      ASSIGN_OR_RETURN(const PinnedValue value, state_->segments->read(files, stored->pointer, true));
      ASSIGN_OR_RETURN(const ValuePointer pointer, state_->segments->append(value.bytes));
      moves.Put(state_->family(Space::kLog), iterator->key(), encode_pointer(pointer, true));
      moved_bytes += pointer.bytes;
    }
    is_done = !iterator->Valid();
    if (!is_done) position = iterator->key().ToString();
    if (!iterator->status().ok()) return error_of(iterator->status(), state_->path);
    Status synced = state_->segments->sync();
    rocksdb::WriteOptions options;
    options.sync = true;
    const rocksdb::Status written = synced ? state_->db->Write(options, &moves) : rocksdb::Status::OK();
    if (!written.ok()) synced = error_of(written, state_->path);
    if (!synced) {
      state_->failure.set(synced.error());
      return synced;
    }
  }
  return {};
}

}  // namespace meterstream
