// Purpose: a lake object's bytes: Parquet with the readings of one date and offset range, sorted by series, then time.
// Format: docs/formats/lake.md. Plain Parquet: strings, timestamp (ms, UTC), doubles, no nulls; any reader of Parquet reads it.
// Guarantee: the same readings give the same bytes, as long as Arrow stays the same.
// Thread-safety: pure functions. Blocking: none; memory is some times the object's size.
// Errors: decode gives kCorrupt for bytes that are damaged (every page has a checksum) or are no object of this lake.
// Source: Apache Parquet format 2.x, through Apache Arrow.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/lake/lake_object_name.h"
#include "connectors/lake/lake_rows.h"

namespace meterstream {

/// Written into every object's metadata as "meterstream.schema".
inline constexpr int kLakeSchemaVersion = 1;

/// `order`: rows of one date, as days_of() sorts them.
Result<std::string> encode_lake_file(const LakeObjectName& name, const LakeRows& rows, std::span<const uint32_t> order,
                                     int zstd_level);

struct LakeFile {
  /// As the metadata has it; the date is that of the readings, or 0 without any.
  LakeObjectName name;
  /// In the order of the file.
  LakeRows rows;
};
/// Reads everything and checks it: checksums, columns, order, that date and offsets are what the metadata says.
Result<LakeFile> decode_lake_file(std::string_view bytes);

}  // namespace meterstream
