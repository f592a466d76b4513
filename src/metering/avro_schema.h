// Purpose: an Avro schema as a graph that decoders compile plans from.
// Shapes: nodes in a list; types refer to each other by index, so that named types may be recursive.
// Thread-safety: immutable after parsing.
// Errors: kInvalid with the place inside the schema ("field 'value' of record 'MetricAvro': ...").
// Source: Apache Avro 1.11 specification, "Schema Declaration". Unknown logical types and attributes are ignored, as
//         the specification asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace meterstream {

enum class AvroType : uint8_t {
  kNull,
  kBoolean,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kBytes,
  kString,
  kRecord,
  kEnum,
  kArray,
  kMap,
  kUnion,
  kFixed,
};
/// "null", "boolean", ... as schemas spell them.
std::string_view name_of(AvroType type);

enum class AvroLogicalType : uint8_t { kNone, kTimestampMillis, kTimestampMicros };

struct AvroField {
  std::string name;
  std::vector<std::string> aliases;
  /// Index of the field's type.
  uint32_t type = 0;
  /// JSON text of the default; nothing when the field has none.
  std::optional<std::string> default_json;
};

struct AvroNode {
  AvroType type = AvroType::kNull;
  AvroLogicalType logical_type = AvroLogicalType::kNone;
  /// Full name of a record, enum or fixed.
  std::string name;
  std::vector<AvroField> fields;     ///< of a record
  std::vector<std::string> symbols;  ///< of an enum
  /// Branches of a union; the one item type of an array or value type of a map.
  std::vector<uint32_t> children;
  uint64_t size = 0;  ///< of a fixed, in bytes
};

class AvroSchema {
 public:
  static Result<AvroSchema> parse(std::string_view json);

  [[nodiscard]] const AvroNode& root() const { return nodes_[root_]; }
  [[nodiscard]] const AvroNode& node(uint32_t index) const { return nodes_[index]; }

 private:
  friend class AvroSchemaParser;
  std::vector<AvroNode> nodes_;
  uint32_t root_ = 0;
};

}  // namespace meterstream
