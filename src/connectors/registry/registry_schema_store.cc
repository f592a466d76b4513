#include "connectors/registry/registry_schema_store.h"

#include <fmt/format.h>

namespace meterstream {

RegistrySchemaStore::RegistrySchemaStore(RegistrySettings settings, RegistryTiming timing)
    : client_(std::move(settings), std::move(timing)) {}

Result<std::string> RegistrySchemaStore::schema(SchemaId id) {
  if (id.value < 1) return invalid(fmt::format("{} is no schema id; registries count from 1", id));
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = schemas_.find(id.value); found != schemas_.end()) return found->second;
  }
  // Not under the lock: other threads go on with what they know.
  ASSIGN_OR_RETURN(std::string text, client_.schema(id));
  const std::scoped_lock lock(mutex_);
  schemas_.emplace(id.value, text);
  return text;
}

Result<SchemaId> RegistrySchemaStore::register_schema(std::string_view subject, std::string_view schema) {
  const std::pair<std::string, std::string> key(subject, schema);
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = ids_.find(key); found != ids_.end()) return found->second;
  }
  ASSIGN_OR_RETURN(const SchemaId id, client_.register_schema(subject, schema));
  const std::scoped_lock lock(mutex_);
  ids_.emplace(key, id);
  return id;
}

}  // namespace meterstream
