// Purpose: port of everything that turns records into columns (Avro, JSON, DELIMITED).
// Thread-safety: one decoder per task; implementations may keep caches.
// Errors: a record that does not decode, or whose number is NaN or infinite, is a RejectedRecord of the batch
// and never
//         an error. The Status is for the world only (a schema that cannot be fetched now: kUnavailable,
//         retry the call).
// Group key: the canonical bytes of some VARCHAR columns, each as a zigzag varint length and its UTF-8 bytes
// (the Avro
//            "string" encoding), one after the other; NULL is the length -1. It lets one memory view name a
//            series.
#pragma once

#include <optional>
#include <span>

#include "base/record.h"
#include "base/result.h"
#include "metering/column_batch.h"

namespace meterstream {

class RecordDecoder {
 public:
  virtual ~RecordDecoder() = default;

  /// The columns this decoder fills, in order; fixed at construction.
  [[nodiscard]] virtual const std::vector<ColumnSchema>& schema() const = 0;

  /// Clears `batch` and decodes `records` into it. Tombstones are rejected with the reason "tombstone".
  virtual Status decode(std::span<const RecordView> records, ColumnBatch& batch) = 0;
};

/// Which parts of a record a decoder must produce. Columns not needed keep empty vectors: planners prune.
struct DecodeRequest {
  std::vector<ColumnSchema> columns;
  /// One flag a column: false leaves its vectors empty.
  std::vector<bool> needed;
  /// Indexes of VARCHAR columns whose canonical group key is wanted in ColumnBatch::group_keys; empty for
  /// none.
  std::vector<size_t> group_key;
  /// A VARCHAR column takes arrays and objects of JSON, too, as their text: results that this program wrote.
  bool takes_json_texts = false;
  /// Of DELIMITED values: what stands between fields, and the column that is none of them because it is the record's key.
  char delimiter = ',';
  std::optional<size_t> absent_column = {};
};

}  // namespace meterstream
