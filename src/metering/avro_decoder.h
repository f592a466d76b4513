// Purpose: records of Avro in the Confluent wire format as columns, whatever schema their writer used.
// Evolution: a column takes the writer's field of its name (or of an alias; letter case does not matter). A
// field that
//            the writer does not have is the reader schema's default, or NULL; fields that no column wants are skipped. int, long, float and
//            double promote to wider columns; string, enum and bytes become VARCHAR; a TIMESTAMP column takes
//            an ISO-8601 string, a long with logicalType timestamp-millis or timestamp-micros, or a plain
//            long of milliseconds. [null, T] unions give NULL.
// Thread-safety: one decoder per task; it caches a plan per schema id.
// Errors: a record that does not decode is a RejectedRecord. The Status is kUnavailable (retry) when the
// schema store
//         cannot be asked; an unknown schema id, or a schema that is none or cannot fill the columns, rejects its
//         records.
// Ownership: VARCHAR values and group keys point into the records where the bytes are there, else into the
// arena. Source: Apache Avro 1.11 specification; Confluent wire format.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "metering/avro_schema.h"
#include "metering/record_decoder.h"
#include "metering/schema_store.h"

namespace meterstream {

class AvroRecordDecoder final : public RecordDecoder {
 public:
  /// `schemas` must outlive the decoder. A reader's schema adds aliases, and defaults for fields the writer lacks.
  AvroRecordDecoder(SchemaStore& schemas, DecodeRequest request,
                    std::optional<AvroSchema> reader_schema = std::nullopt);
  ~AvroRecordDecoder() override;

  [[nodiscard]] const std::vector<ColumnSchema>& schema() const override;
  Status decode(std::span<const RecordView> records, ColumnBatch& batch) override;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meterstream
