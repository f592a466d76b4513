// Purpose: the records of one batch as the protocol has them, uncompressed, behind the batch's header.
// Guarantee: bytes that are not what the batch promises are an error, never a read beyond them.
// Thread-safety: a value. Ownership: what it gives are views into the batch's bytes, and into `headers`.
// Errors: kCorrupt names what is wrong; the caller knows where. Brokers do not look into batches that are not compressed, so
//         offsets that do not rise, or leave the batch, are found here.
// Source: Kafka protocol, "Record Batch" and "Record", format 2.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"
#include "base/result.h"

namespace meterstream {

struct KafkaRecordSet {
  std::string_view records;
  int32_t record_count = 0;
  Offset base_offset;
  Offset last_offset;  ///< of the batch; compaction may have taken its record
  IngestTime base_time;
  /// The broker's clock: all records have `base_time`. Otherwise each adds to it.
  bool has_one_time = false;

  /// Adds the records from offset `from` on. `headers` gets those of records that have some, as RecordView wants them.
  Status append_to(std::vector<RecordView>& out, std::deque<std::string>& headers, Offset from) const;
};

}  // namespace meterstream
