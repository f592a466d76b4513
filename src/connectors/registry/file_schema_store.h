// Purpose: schemas for a cluster without a registry: ids that somebody wrote down, and their schemas.
// Thread-safety: immutable; safe for concurrent use. Never blocks.
#pragma once

#include <map>
#include <string>

#include "metering/schema_store.h"

namespace meterstream {

class FileSchemaStore final : public SchemaStore {
 public:
  /// `schemas` by id, as checked Avro schemas.
  explicit FileSchemaStore(std::map<SchemaId, std::string> schemas) : schemas_(std::move(schemas)) {}

  /// One id; the schema in the file, or MetricAvro when `schema_file` is empty. kInvalid for an id below 1, and for a file
  /// that cannot be read or is no Avro schema.
  static Result<FileSchemaStore> open(SchemaId id, const std::string& schema_file);

  Result<std::string> schema(SchemaId id) override;
  /// The id of an equal schema (the JSON may be laid out differently); kConflict for any other: nothing can be added.
  Result<SchemaId> register_schema(std::string_view subject, std::string_view schema) override;

 private:
  std::map<SchemaId, std::string> schemas_;
};

}  // namespace meterstream
