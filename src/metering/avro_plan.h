// Purpose: how the fields of one writer's schema become the columns of a request, worked out once for a schema.
// Rule: see avro_decoder.h. Fields are visited in the writer's order, because Avro bodies have no other index.
// Thread-safety: immutable after compile().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metering/avro_schema.h"
#include "metering/record_decoder.h"

namespace meterstream {

/// Decode (or skip) one field of the writer.
struct AvroStep {
  static constexpr uint32_t kNoColumn = UINT32_MAX;
  uint32_t field = 0;
  uint32_t type = 0;
  /// kNoColumn skips the field.
  uint32_t column = kNoColumn;
  /// The same field as the step before, for one more column.
  bool again = false;
};

/// A column that the writer has no field for, with the default of the reader's schema when there is one.
struct AvroConstant {
  uint32_t column = 0;
  bool is_null = true;
  int64_t integer = 0;
  double number = 0;
  std::string text;
};

/// The shape that one tight loop decodes: strings, then a timestamp as ISO-8601 string, then doubles.
struct AvroMetricShape {
  uint32_t strings = 0;
  uint32_t doubles = 0;
  /// Columns of the fields, kNoColumn where the field is skipped.
  std::vector<uint32_t> string_columns;
  uint32_t timestamp_column = AvroStep::kNoColumn;
  std::vector<uint32_t> double_columns;
  /// Strings [key_begin, key_end) are the group key; empty when none is wanted.
  uint32_t key_begin = 0;
  uint32_t key_end = 0;
};

struct AvroPlan {
  AvroSchema schema;
  std::vector<AvroStep> steps;
  std::vector<AvroConstant> constants;
  /// Group key columns are neighbouring plain strings of the writer, in order: their bytes are the key.
  bool key_is_contiguous = false;
  std::optional<AvroMetricShape> metric_shape;

  /// `reader` gives defaults and aliases, and may be null. kInvalid when a field cannot become its column.
  static Result<AvroPlan> compile(std::string_view writer_schema, const DecodeRequest& request,
                                  const AvroSchema* reader);
};

}  // namespace meterstream
