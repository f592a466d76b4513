// Purpose: rows of any columns as Avro in the Confluent wire format, and their schema.
// Format: 0x00, schema id (4 bytes, big-endian), the Avro body of a record whose fields are unions of null and the column's type.
// Units: a TIMESTAMP is a long of logical type timestamp-millis.
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metering/column_batch.h"
#include "metering/schema_store.h"

namespace meterstream {

/// kInvalid for a column whose name Avro does not take. In `name` every other byte becomes '_'.
Result<std::string> avro_schema_of(std::string_view name, const std::vector<ColumnSchema>& columns);

/// Appends the record value of row `row` of the columns, which are those of the schema in its order.
void append_avro_row(std::string& out, SchemaId schema, const std::vector<const Column*>& columns, size_t row);

}  // namespace meterstream
