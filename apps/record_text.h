// Purpose: records of any topic as text: Avro in the Confluent wire format by its schema, JSON as it is, else escaped bytes.
// Thread-safety: none; it caches schemas. Asking for a schema may block on I/O; an unknown one shows as escaped bytes.
#pragma once

#include <chrono>
#include <functional>
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
  using Problem = std::function<void(const std::string& message)>;
  /// `schemas` must outlive it. `on_problem` is told once why the records of a schema are shown as bytes.
  explicit RecordText(SchemaStore& schemas, Problem on_problem = {})
      : schemas_(schemas), on_problem_(std::move(on_problem)) {}

  /// The value as JSON text: an object, or a string of escaped bytes, or null for a tombstone.
  std::string value_json(const RecordView& record);
  /// {"topic":...,"partition":...,"offset":...,"ingestTime":...,"key":...,"value":...}, and with headers
  /// "headers":[{"name":...,"value":...},...] before the value.
  std::string record_json(std::string_view topic, PartitionId partition, const RecordView& record);
  /// "partition:offset  ingest time  key  value", with headers as {name=value, ...} before the value.
  std::string record_line(PartitionId partition, const RecordView& record);

 private:
  struct Known {
    std::optional<AvroSchema> schema;
    /// When a store that was away is asked again.
    std::optional<std::chrono::steady_clock::time_point> again;
    bool is_told = false;
  };
  const AvroSchema* schema(SchemaId id);
  void ask(SchemaId id, Known& known);

  SchemaStore& schemas_;
  Problem on_problem_;
  std::map<SchemaId, Known> known_;
};

}  // namespace meterstream
