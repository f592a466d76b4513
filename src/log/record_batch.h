// Purpose: many records as one byte string with a CRC, the unit the embedded log stores and reads.
// Layout: docs/formats/record-batch.md.
// Thread-safety: none; builder and view belong to one thread.
// Errors: parse_record_batch gives kCorrupt for bytes that are not a whole, intact batch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"
#include "base/result.h"

namespace meterstream {

/// Collects records; the log gives them their offsets at commit.
class RecordBatchBuilder {
 public:
  /// A null data pointer in `key` or `value` stores a null. `headers` as in RecordView. Ingest time 0: set at
  /// commit.
  void add(std::string_view key, std::string_view value, std::string_view headers, IngestTime ingest_time);

  /// Makes room at once for a batch that will grow to `bytes`.
  void reserve(size_t bytes) { bytes_.reserve(bytes); }

  [[nodiscard]] uint32_t count() const { return count_; }
  /// Size of the finished batch so far. One batch is one value of the store: append some of 1 MB, not one of
  /// 100 MB.
  [[nodiscard]] size_t bytes() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return count_ == 0; }

  /// The finished batch; the builder is empty afterwards. `now` replaces ingest times of 0. Needs at least
  /// one record.
  std::string finish(Offset base_offset, IngestTime now);

 private:
  void note_time(IngestTime ingest_time);

  std::string bytes_;  ///< room for the header, then the rows; empty without rows
  uint32_t count_ = 0;
  bool has_headers_ = false;
  int64_t first_time_ms_ = 0;
  std::vector<int64_t> times_ms_;  ///< empty as long as all records have the time of the first
};

struct RecordBatchHeader {
  Offset base_offset;
  uint32_t count = 0;
  IngestTime max_ingest_time;
  [[nodiscard]] Offset end_offset() const { return Offset(base_offset.value + count); }
};

/// Header only, without looking at the body or its CRC. kCorrupt also for a format version of a newer
/// program.
Result<RecordBatchHeader> parse_record_batch_header(std::string_view batch);

/// Checks the CRC and appends views of all records at or after `from` to `out`. Views point into `batch`.
Status parse_record_batch(std::string_view batch, Offset from, std::vector<RecordView>& out);

}  // namespace meterstream
