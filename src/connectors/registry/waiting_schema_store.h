// Purpose: makes an unknown schema id a reason to wait: its records are neither rejected nor skipped but read again until
//          somebody registers the schema.
// Errors: kUnavailable in place of kNotFound, with what to do; all others are those of the store behind it.
// Thread-safety: that of the store behind it.
#pragma once

#include <memory>

#include "metering/schema_store.h"

namespace meterstream {

class WaitingSchemaStore final : public SchemaStore {
 public:
  explicit WaitingSchemaStore(std::unique_ptr<SchemaStore> store) : store_(std::move(store)) {}

  Result<std::string> schema(SchemaId id) override;
  Result<SchemaId> register_schema(std::string_view subject, std::string_view schema) override {
    return store_->register_schema(subject, schema);
  }

 private:
  std::unique_ptr<SchemaStore> store_;
};

}  // namespace meterstream
