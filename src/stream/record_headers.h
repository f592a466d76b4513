// Purpose: headers of the records that tasks write: why a record is here, and an id that is the same whenever the same record
//          is computed again, so that a reader outside can drop repeats.
// Format: docs/formats/metrics-topic.md. Parts of an id are joined by '|' and not escaped.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/strong.h"

namespace meterstream {

void append_reason_header(std::string& headers, std::string_view reason);

/// Of a tombstone: which window of the key is no more.
void append_window_header(std::string& headers, int64_t window_start_ms);

/// That window, of a record's headers; nullopt when none is named.
std::optional<int64_t> window_of_headers(std::string_view headers);

/// `revision` is 0 for a final result, else the rows that the window had when it was refined.
void append_result_id(std::string& headers, std::string_view view, std::string_view key, int64_t window_start_ms,
                      uint64_t revision);

/// `pair` tells which rows of the two streams were joined: partition and offset of each, '-' for none.
void append_pair_id(std::string& headers, std::string_view view, std::string_view pair);

/// Of a record passed on as it came: `origin` is the view that it is late for, or the topic it was rejected from.
void append_source_id(std::string& headers, std::string_view origin, PartitionId partition, Offset offset);

}  // namespace meterstream
