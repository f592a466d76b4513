// Purpose: port that gives the Avro schema (JSON text) behind a schema id. Embedded store today, registry on
// Kafka. Thread-safety: safe for concurrent use. May block on I/O; callers cache.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"

namespace meterstream {

class SchemaStore {
 public:
  virtual ~SchemaStore() = default;
  /// kNotFound when the id is unknown; kUnavailable when it cannot be asked now.
  virtual Result<std::string> schema(SchemaId id) = 0;
  /// The id of `schema` under `subject`; registers it when new. Equal text under any subject gives the same
  /// id.
  virtual Result<SchemaId> register_schema(std::string_view subject, std::string_view schema) = 0;
};

}  // namespace meterstream
