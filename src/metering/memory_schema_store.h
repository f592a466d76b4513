// Purpose: schemas in memory, for tests, benchmarks and tools that need no durable store. Ids count from 1.
// Thread-safety: safe for concurrent use; never blocks on I/O.
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

#include <fmt/format.h>

#include "metering/schema_store.h"

namespace meterstream {

class MemorySchemaStore final : public SchemaStore {
 public:
  Result<std::string> schema(SchemaId id) override {
    const std::lock_guard lock(mutex_);
    if (id.value < 1 || id.value > static_cast<int64_t>(schemas_.size()))
      return not_found(fmt::format("no schema has the id {}", id.value));
    return schemas_[static_cast<size_t>(id.value) - 1];
  }
  Result<SchemaId> register_schema(std::string_view /*subject*/, std::string_view schema) override {
    const std::lock_guard lock(mutex_);
    auto found = std::find(schemas_.begin(), schemas_.end(), schema);
    if (found == schemas_.end()) found = schemas_.insert(found, std::string(schema));
    return SchemaId(static_cast<int32_t>(found - schemas_.begin() + 1));
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> schemas_;
};

}  // namespace meterstream
