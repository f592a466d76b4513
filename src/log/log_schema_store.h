// Purpose: the embedded stand-in of a schema registry: Avro schemas by id, kept beside the log.
// Keys: `schema/id/<BE32>` -> schema text, `schema/subject/<subject>` -> id of its newest schema (docs/formats/data-directory.md).
// Thread-safety: safe for concurrent use. Errors: those of the store.
#pragma once

#include <mutex>

#include "metering/schema_store.h"
#include "state/key_value_store.h"

namespace meterstream {

class LogSchemaStore final : public SchemaStore {
 public:
  /// `store` must outlive this.
  explicit LogSchemaStore(KeyValueStore& store) : store_(store) {}

  Result<std::string> schema(SchemaId id) override;
  Result<SchemaId> register_schema(std::string_view subject, std::string_view schema) override;

 private:
  KeyValueStore& store_;
  std::mutex registering_;
};

}  // namespace meterstream
