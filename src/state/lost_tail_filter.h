// Purpose: private to RocksDbStore: stops the replay of the write-ahead log at the first batch whose large values did not
//          reach the disk before a power loss, so that a suffix is lost and nothing before a survivor.
// Only buffered batches are cut off. A batch that was synced had its values on disk: damage there is not hidden here.
#pragma once

#include <map>
#include <string>

#include <rocksdb/wal_filter.h>

#include "state/value_segments.h"

namespace meterstream {

class LostTailFilter final : public rocksdb::WalFilter {
 public:
  LostTailFilter(const ValueSegments& segments, std::string log_family_name)
      : segments_(segments), log_family_name_(std::move(log_family_name)) {}

  void ColumnFamilyLogNumberMap(const std::map<uint32_t, uint64_t>& log_numbers,
                                const std::map<std::string, uint32_t>& ids) override;
  WalProcessingOption LogRecordFound(unsigned long long log_number, const std::string& file_name,
                                     const rocksdb::WriteBatch& batch, rocksdb::WriteBatch* new_batch,
                                     bool* batch_changed) override;
  [[nodiscard]] const char* Name() const override { return "LostTailFilter"; }

 private:
  const ValueSegments& segments_;
  const std::string log_family_name_;
  uint32_t log_family_id_ = 0;
  uint64_t first_log_number_ = 0;
};

}  // namespace meterstream
