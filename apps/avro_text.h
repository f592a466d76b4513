// Purpose: one Avro value of any schema as JSON text for people.
// Format: objects, arrays and plain values; unions as their value; bytes and fixed as escaped text; logical timestamps as
//         ISO-8601; NaN and infinities as null.
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "metering/avro_schema.h"

namespace meterstream {

/// Nothing when the bytes are not exactly one value of the schema.
std::optional<std::string> avro_to_json(const AvroSchema& schema, std::string_view body);

}  // namespace meterstream
