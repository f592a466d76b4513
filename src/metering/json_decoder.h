// Purpose: records of one JSON object each as columns.
// Format: RFC 8259; names match columns whatever their letter case, the first match wins; other members are
// ignored.
//         A missing member or null is NULL. BIGINT takes integers, DOUBLE any number, BOOLEAN true and false,
//         VARCHAR strings, TIMESTAMP an ISO-8601 string or an integer of milliseconds. Nothing is converted
//         otherwise.
// Thread-safety: one decoder per task.
// Errors: a record that is no JSON object or has a value of another type is a RejectedRecord; decode() always
// succeeds. Ownership: VARCHAR values and group keys point into the batch's arena.
#pragma once

#include <memory>
#include <vector>

#include "metering/record_decoder.h"

namespace meterstream {

class JsonRecordDecoder final : public RecordDecoder {
 public:
  explicit JsonRecordDecoder(DecodeRequest request);
  ~JsonRecordDecoder() override;

  [[nodiscard]] const std::vector<ColumnSchema>& schema() const override;
  Status decode(std::span<const RecordView> records, ColumnBatch& batch) override;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meterstream
