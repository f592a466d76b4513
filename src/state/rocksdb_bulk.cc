// RocksDbStore::write_bulk(): sorted table files that RocksDB takes in as they are, past memory and write-ahead log.
#include <filesystem>
#include <span>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <rocksdb/sst_file_writer.h>

#include "state/bulk_batch.h"
#include "state/rocksdb_state.h"

namespace meterstream {
namespace {

// Removes what was not taken in.
class BulkFiles {
 public:
  explicit BulkFiles(RocksDbState& state) : state_(state) {}
  BulkFiles(const BulkFiles&) = delete;
  BulkFiles& operator=(const BulkFiles&) = delete;
  ~BulkFiles() {
    std::error_code ignored;
    for (const rocksdb::IngestExternalFileArg& file : files_)
      std::filesystem::remove(file.external_files.front(), ignored);
  }

  rocksdb::Status add(Space space, std::span<const BulkBatch::Entry> entries) {
    if (entries.empty()) return rocksdb::Status::OK();
    rocksdb::IngestExternalFileArg& file = files_.emplace_back();
    file.column_family = state_.family(space);
    file.external_files = {(state_.bulk_folder() / fmt::format("{}.sst", state_.bulk_files++)).string()};
    rocksdb::Options options = state_.db->GetOptions(file.column_family);
    rocksdb::SstFileWriter writer(rocksdb::EnvOptions(options), options, file.column_family, false);
    rocksdb::Status status = writer.Open(file.external_files.front());
    for (size_t i = 0; i < entries.size() && status.ok(); ++i) {
      if (i + BulkBatch::kPrefetch < entries.size()) entries[i + BulkBatch::kPrefetch].prefetch();
      const BulkBatch::Entry& entry = entries[i];
      status = entry.is_erased() ? writer.Delete(slice_of(entry.key()))
                                 : writer.Put(slice_of(entry.key()), slice_of(entry.value()));
    }
    rocksdb::ExternalSstFileInfo info;
    if (status.ok()) status = writer.Finish(&info);
    file.files_checksums = {info.file_checksum};
    file.files_checksum_func_names = {info.file_checksum_func_name};
    file.options.move_files = true;
    file.options.write_global_seqno = false;
    file.options.verify_file_checksum = false;
    return status;
  }

  rocksdb::Status take_in() {
    if (files_.empty()) return rocksdb::Status::OK();
    return state_.db->IngestExternalFiles(files_);
  }

 private:
  RocksDbState& state_;
  std::vector<rocksdb::IngestExternalFileArg> files_;
};

}  // namespace

Status RocksDbStore::write_bulk(BulkBatch batch) {
  RETURN_IF_ERROR(state_->failure.status());
  RETURN_IF_ERROR(batch.check());
  // What was written before is stable, too, when this is.
  RETURN_IF_ERROR(write({}, Durability::kSync));
  std::error_code ignored;
  std::filesystem::create_directories(state_->bulk_folder(), ignored);
  BulkFiles files(*state_);
  for (const Space space : {Space::kMeta, Space::kState, Space::kTable}) {
    const rocksdb::Status added = files.add(space, batch.entries(space));
    if (!added.ok()) return error_of(added, state_->path);
  }
  const rocksdb::Status taken = files.take_in();
  if (taken.ok()) return {};
  Error error = error_of(taken, state_->path);
  state_->failure.set(error);
  return error;
}

}  // namespace meterstream
