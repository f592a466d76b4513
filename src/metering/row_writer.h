// Purpose: what every decoder does with a decoded value: put it into its column, remember it for the group key, undo the
//          row when the record turns out bad.
// Shapes: begin() makes room for a row a record; rows are written by index; finish() cuts to the rows that are good.
// Thread-safety: none.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metering/record_decoder.h"

namespace meterstream {

class RowWriter {
 public:
  /// A VARCHAR value of the current row, and where its encoded form was in the record.
  struct Text {
    std::string_view text;
    bool is_null = true;
    const char* begin = nullptr;
    const char* end = nullptr;
  };

  /// Both must outlive the writer.
  RowWriter(const DecodeRequest& request, ColumnBatch& batch)
      : request_(request), batch_(batch), texts_(request.columns.size()) {}

  void begin(size_t rows);
  void finish(size_t rows);

  void start_row(size_t row) { row_ = row; }
  /// The row will be written again by another record.
  void abandon_row();

  [[nodiscard]] ColumnType type_of(size_t column) const { return request_.columns[column].type; }
  [[nodiscard]] const DecodeRequest& request() const { return request_; }
  [[nodiscard]] ColumnBatch& batch() { return batch_; }
  [[nodiscard]] Text& text(size_t column) { return texts_[column]; }

  void set_null(size_t column);
  /// BOOLEAN, BIGINT and TIMESTAMP.
  void set_integer(size_t column, int64_t number) {
    if (request_.needed[column]) batch_.columns[column].integers[row_] = number;
  }
  void set_double(size_t column, double number) {
    if (request_.needed[column]) batch_.columns[column].doubles[row_] = number;
  }
  /// `text` must live as long as the batch's records or arena do.
  void set_text(size_t column, std::string_view text);
  /// Bytes of the row's canonical group key.
  [[nodiscard]] size_t key_bytes() const;
  /// The row's key is `bytes`, a part of the record.
  void set_group_key(std::string_view bytes) { batch_.group_keys[row_] = bytes; }
  /// Builds the row's key in the arena.
  void build_group_key();

 private:
  void resize(size_t rows);

  const DecodeRequest& request_;
  ColumnBatch& batch_;
  size_t row_ = 0;
  std::vector<Text> texts_;
};

/// Writes each record by `decode_record(record, writer)`; where that is false the record is rejected with `reason`.
template <class DecodeRecord>
void decode_records(const DecodeRequest& request, std::span<const RecordView> records, ColumnBatch& batch,
                    const DecodeRecord& decode_record, std::string& reason) {
  RowWriter writer(request, batch);
  writer.begin(records.size());
  size_t row = 0;
  for (size_t index = 0; index < records.size(); ++index) {
    writer.start_row(row);
    if (decode_record(records[index], writer)) {
      batch.record_index[row++] = static_cast<uint32_t>(index);
      continue;
    }
    writer.abandon_row();
    batch.rejected.push_back({static_cast<uint32_t>(index), std::exchange(reason, {})});
  }
  writer.finish(row);
}

/// Whether a column's value is wanted in the batch or for its group key.
bool is_wanted(const DecodeRequest& request, size_t column);

/// At most `most_bytes` from the beginning of UTF-8, for messages; no character is cut.
std::string_view first_characters(std::string_view text, size_t most_bytes);

/// CHECKs that the request is one: a flag a column, and a key of VARCHAR columns.
void check_request(const DecodeRequest& request);

}  // namespace meterstream
