// Purpose: decodes records into the readings of the offset range that is being collected.
// Use: decode() a read, then take() its records one by one, in order; clear() begins the next range.
// Thread-safety: none. Blocking: decode() may wait for the schema store.
// Errors: decode gives kUnavailable (a schema cannot be fetched now); bad records are reasons.
// Ownership: the records of decode() must live until the last take().
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/record.h"
#include "connectors/lake/lake_rows.h"
#include "metering/record_decoder.h"
#include "metering/schema_store.h"
#include "stream/key_interner.h"
#include "stream/view_spec.h"

namespace meterstream {

class LakeCollector {
 public:
  /// `schemas` must outlive the collector.
  LakeCollector(ValueFormat format, SchemaStore& schemas);

  Status decode(std::span<const RecordView> records);
  /// The next record of decode(). Why it is no reading, or nothing.
  std::optional<std::string> take();
  void clear();

  [[nodiscard]] const LakeRows& rows() const { return rows_; }
  [[nodiscard]] int64_t records() const { return records_; }
  [[nodiscard]] int64_t rejected() const { return rejected_; }
  /// Distinct dates of the readings.
  [[nodiscard]] size_t dates() const { return days_.size(); }
  [[nodiscard]] int64_t record_bytes() const { return record_bytes_; }
  /// Of all records taken; does not depend on how they were split into reads.
  [[nodiscard]] uint64_t fingerprint() const { return fingerprint_; }
  /// Of the first record taken.
  [[nodiscard]] int64_t first_ingest_ms() const { return first_ingest_ms_; }

 private:
  std::optional<std::string> take_row(const RecordView& record);
  void forget_unused_series();

  std::unique_ptr<RecordDecoder> decoder_;
  ColumnBatch batch_;
  std::span<const RecordView> records_now_;
  std::vector<uint32_t> interned_;
  size_t next_record_ = 0;
  size_t next_row_ = 0;
  size_t next_rejected_ = 0;

  KeyInterner interner_;
  LakeRows rows_;
  std::set<int64_t> days_;
  int64_t last_day_ = 0;
  /// Series that a reading cannot have: NULL in its name.
  std::vector<bool> is_bad_series_;
  bool may_forget_series_ = false;
  int64_t records_ = 0;
  int64_t rejected_ = 0;
  int64_t record_bytes_ = 0;
  uint64_t fingerprint_ = 0;
  int64_t first_ingest_ms_ = 0;
};

}  // namespace meterstream
