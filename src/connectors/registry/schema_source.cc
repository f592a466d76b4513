#include "connectors/registry/schema_source.h"

#include "base/password_file.h"
#include "connectors/registry/file_schema_store.h"
#include "connectors/registry/registry_schema_store.h"
#include "connectors/registry/waiting_schema_store.h"

namespace meterstream {
namespace {

Result<std::unique_ptr<SchemaStore>> open_store(RegistrySettings settings, RegistryTiming timing) {
  if (settings.schema_id != 0 || !settings.schema_file.empty()) {
    if (!settings.urls.empty()) {
      return invalid(
          "[registry] names a url and a schema_id or schema_file. Leave out one: with a registry, ids come "
          "from there");
    }
    if (settings.schema_id == 0) return invalid("[registry] schema_file needs schema_id: the id that records carry");
    ASSIGN_OR_RETURN(FileSchemaStore store, FileSchemaStore::open(SchemaId(settings.schema_id), settings.schema_file));
    return std::make_unique<FileSchemaStore>(std::move(store));
  }
  if (!settings.password_file.empty()) {
    if (!settings.password.empty()) return invalid("[registry] has a password and a password_file. Leave out one");
    ASSIGN_OR_RETURN(settings.password, read_password_file(settings.password_file, "registry"));
  }
  RETURN_IF_ERROR(check_registry_settings(settings));
  return std::make_unique<RegistrySchemaStore>(std::move(settings), std::move(timing));
}

}  // namespace

Result<std::unique_ptr<SchemaStore>> open_schema_source(RegistrySettings settings, RegistryTiming timing) {
  const bool waits = settings.wait_for_unknown;
  ASSIGN_OR_RETURN(auto store, open_store(std::move(settings), std::move(timing)));
  if (!waits) return store;
  return std::make_unique<WaitingSchemaStore>(std::move(store));
}

}  // namespace meterstream
