// Purpose: a value of a column as JSON.
// Format: times as ISO-8601 instants, doubles as the shortest digits that read back the same
//         (docs/formats/metrics-topic.md).
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "metering/column_batch.h"

namespace meterstream {

void append_json_value(std::string& out, const Column& column, uint32_t row);

}  // namespace meterstream
