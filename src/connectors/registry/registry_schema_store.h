// Purpose: schemas of a registry, kept once fetched: an id never changes its meaning.
// Thread-safety: safe for concurrent use; blocks on the network for what is not in the cache.
// Errors: those of RegistryClient. What was fetched once is given while the registry is away.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "connectors/registry/registry_client.h"
#include "metering/schema_store.h"

namespace meterstream {

class RegistrySchemaStore final : public SchemaStore {
 public:
  explicit RegistrySchemaStore(RegistrySettings settings, RegistryTiming timing = RegistryTiming::real());

  /// kInvalid for ids that no registry gives (below 1).
  Result<std::string> schema(SchemaId id) override;
  Result<SchemaId> register_schema(std::string_view subject, std::string_view schema) override;

  /// For what is not part of the port; its answers are not cached.
  [[nodiscard]] RegistryClient& client() { return client_; }

 private:
  RegistryClient client_;
  std::mutex mutex_;
  std::unordered_map<int32_t, std::string> schemas_;
  std::map<std::pair<std::string, std::string>, SchemaId> ids_;
};

}  // namespace meterstream
