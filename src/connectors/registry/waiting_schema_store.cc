#include "connectors/registry/waiting_schema_store.h"

#include <fmt/format.h>

namespace meterstream {

Result<std::string> WaitingSchemaStore::schema(SchemaId id) {
  auto schema = store_->schema(id);
  if (schema || schema.error().code != ErrorCode::kNotFound) return schema;
  return unavailable(
      fmt::format("{}. Its records wait; register the schema, or set [registry] unknown_schema = "
                  "\"reject\" to put them into the rejected topic",
                  schema.error().message));
}

}  // namespace meterstream
