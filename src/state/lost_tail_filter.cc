#include "state/lost_tail_filter.h"

#include <rocksdb/write_batch.h>

namespace meterstream {
namespace {

// Looks at the pointers of one batch. Only the last file can hold bytes that were not stable.
class PointerCheck final : public rocksdb::WriteBatch::Handler {
 public:
  PointerCheck(const ValueSegments& segments, uint32_t family)
      : segments_(segments), files_(segments.snapshot()), last_(segments.last()), family_(family) {}

  rocksdb::Status PutCF(uint32_t family, const rocksdb::Slice& /*key*/, const rocksdb::Slice& value) override {
    if (family != family_) return rocksdb::Status::OK();
    const auto stored = decode_stored_value({value.data(), value.size()});
    if (!stored || stored->form != ValueForm::kPointer || stored->pointer.segment < last_) return rocksdb::Status::OK();
    if (!segments_.read(files_, stored->pointer, true)) is_lost = true;
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t /*family*/, const rocksdb::Slice& /*key*/) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(uint32_t /*family*/, const rocksdb::Slice& /*first*/,
                                const rocksdb::Slice& /*limit*/) override {
    return rocksdb::Status::OK();
  }

  bool is_lost = false;

 private:
  const ValueSegments& segments_;
  const ValueSegments::Snapshot files_;
  const uint32_t last_;
  const uint32_t family_;
};

}  // namespace

void LostTailFilter::ColumnFamilyLogNumberMap(const std::map<uint32_t, uint64_t>& log_numbers,
                                              const std::map<std::string, uint32_t>& ids) {
  if (const auto id = ids.find(log_family_name_); id != ids.end()) log_family_id_ = id->second;
  if (const auto number = log_numbers.find(log_family_id_); number != log_numbers.end())
    first_log_number_ = number->second;
}

rocksdb::WalFilter::WalProcessingOption LostTailFilter::LogRecordFound(unsigned long long log_number,
                                                                       const std::string& /*file_name*/,
                                                                       const rocksdb::WriteBatch& batch,
                                                                       rocksdb::WriteBatch* /*new_batch*/,
                                                                       bool* /*batch_changed*/) {
  // What the log's family has flushed was stable then, and may have been erased since.
  if (log_number < first_log_number_ || log_family_id_ == 0) return WalProcessingOption::kContinueProcessing;
  PointerCheck check(segments_, log_family_id_);
  if (!batch.Iterate(&check).ok()) return WalProcessingOption::kCorruptedRecord;
  return check.is_lost ? WalProcessingOption::kStopReplay : WalProcessingOption::kContinueProcessing;
}

}  // namespace meterstream
