// Purpose: one decoded batch of one partition on its way through the views of a pass.
// Shapes: `selection` lists the rows that are live (not rejected, not duplicates), ascending; `event_times_ms`,
//         `ingest_times_ms` and `watermark_after_ms` have one entry a row of `columns`.
// Ownership: borrows records; valid until the next read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/record.h"
#include "metering/column_batch.h"

namespace meterstream {

struct DecodedBatch {
  /// Index of the partition among those of the task.
  size_t partition = 0;
  std::span<const RecordView> records;
  ColumnBatch columns;
  std::vector<uint32_t> selection;
  std::vector<int64_t> event_times_ms;
  std::vector<int64_t> ingest_times_ms;
  std::vector<int64_t> watermark_after_ms;

  [[nodiscard]] const RecordView& record_of(uint32_t row) const { return records[columns.record_index[row]]; }
};

}  // namespace meterstream
