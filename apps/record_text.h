// Purpose: records of any topic as text: Avro in the Confluent wire format by its schema, JSON as it is, else escaped bytes.
// Thread-safety: none; it caches schemas. Asking for a schema may block on I/O; an unknown one shows as escaped bytes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/record.h"
#include "metering/avro_schema.h"
#include "metering/schema_store.h"

namespace meterstream {

class RecordText {
 public:
  /// `schemas` must outlive it.
  explicit RecordText(SchemaStore& schemas) : schemas_(schemas) {}

  /// The value as JSON text: an object, or a string of escaped bytes, or null for a tombstone.
  std::string value_json(const RecordView& record);
  /// {"topic":...,"partition":...,"offset":...,"ingestTime":...,"key":...,"value":...}, and with headers
  /// "headers":[{"name":...,"value":...},...] before the value.
  std::string record_json(std::string_view topic, PartitionId partition, const RecordView& record);
  /// "partition:offset  ingest time  key  value", with headers as {name=value, ...} before the value.
  std::string record_line(PartitionId partition, const RecordView& record);

 private:
  const AvroSchema* schema(SchemaId id);

  SchemaStore& schemas_;
  std::map<SchemaId, std::optional<AvroSchema>> parsed_;
};

}  // namespace meterstream
