// Purpose: records of one line of delimited fields each (CSV) as columns.
// Format: RFC 4180 with any delimiter: a field may be in double quotes, inside of which a quote is doubled and a line may end. Fields
//         stand in the order of the columns, without DecodeRequest::absent_column. An empty field is NULL; "" is an empty text. BIGINT
//         takes integers, DOUBLE any number, BOOLEAN true and false, TIMESTAMP an ISO-8601 text or an integer of milliseconds, with
//         spaces around them. A line end behind the last field is left out.
// Thread-safety: one decoder per task.
// Errors: a record of another number of fields, with a value of another type or with bytes that are no UTF-8 is a RejectedRecord;
//         decode() always succeeds. Ownership: VARCHAR values point into the record or the batch's arena.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "metering/record_decoder.h"

namespace meterstream {

class RowWriter;

class DelimitedRecordDecoder final : public RecordDecoder {
 public:
  explicit DelimitedRecordDecoder(DecodeRequest request);

  [[nodiscard]] const std::vector<ColumnSchema>& schema() const override { return request_.columns; }
  Status decode(std::span<const RecordView> records, ColumnBatch& batch) override;

 private:
  struct Field {
    std::string_view text;  ///< without the quotes around it
    bool is_quoted = false;
    bool has_doubled_quotes = false;
  };

  bool fail(std::string reason);
  bool decode_record(const RecordView& record, RowWriter& writer);
  bool split(std::string_view line);
  bool take_quoted(std::string_view line, size_t& at);
  bool decode_field(const Field& field, size_t column, RowWriter& writer);
  bool decode_integer(std::string_view text, size_t column, RowWriter& writer);
  bool decode_timestamp(std::string_view text, size_t column, RowWriter& writer);
  bool unlike(std::string_view text, size_t column, std::string_view expected);

  DecodeRequest request_;
  std::vector<size_t> columns_;  ///< of each field
  std::vector<Field> fields_;
  std::string reason_;
};

}  // namespace meterstream
