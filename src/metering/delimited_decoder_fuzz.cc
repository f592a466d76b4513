// Any bytes are a row or a reason, and a row that is written again reads back as the same row. The first byte is the delimiter.
#include <cstdlib>
#include <string>

#include "metering/delimited_decoder.h"
#include "metering/delimited_encoder.h"

namespace {

using namespace meterstream;

std::string written(const ColumnBatch& batch, char delimiter) {
  std::string line;
  for (size_t index = 0; index < batch.columns.size(); ++index) {
    const Column& column = batch.columns[index];
    if (index > 0) line += delimiter;
    if (!column.is_null(0)) append_delimited_field(line, column.strings[0], delimiter);
  }
  return line;
}

bool decoded(std::string_view value, const DecodeRequest& request, ColumnBatch& batch) {
  RecordView record;
  record.value = value.empty() ? "" : value;
  if (!DelimitedRecordDecoder(request).decode(std::span(&record, 1), batch)) std::abort();
  if (batch.rows + batch.rejected.size() != 1) std::abort();
  return batch.rows == 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || data[0] == '"' || data[0] == '\n' || data[0] == '\r' || data[0] >= 0x80) return 0;
  // Exactly as large as the input, so that reading beyond shows.
  const std::vector<char> bytes(data + 1, data + size);
  const std::string_view value(bytes.data(), bytes.size());
  DecodeRequest typed;
  typed.delimiter = static_cast<char>(data[0]);
  typed.columns = {{"A", ColumnType::kVarchar},
                   {"B", ColumnType::kTimestamp},
                   {"C", ColumnType::kDouble},
                   {"D", ColumnType::kBigint},
                   {"E", ColumnType::kBoolean}};
  typed.needed.assign(5, true);
  typed.group_key = {0};
  ColumnBatch batch;
  decoded(value, typed, batch);
  for (size_t fields = 1; fields <= 3; ++fields) {
    DecodeRequest texts;
    texts.delimiter = typed.delimiter;
    texts.columns.assign(fields, {"A", ColumnType::kVarchar});
    texts.needed.assign(fields, true);
    if (!decoded(value, texts, batch)) continue;
    const std::string again = written(batch, texts.delimiter);
    ColumnBatch second;
    if (!decoded(again, texts, second) || written(second, texts.delimiter) != again) std::abort();
    for (size_t index = 0; index < fields; ++index) {
      const Column& one = batch.columns[index];
      const Column& other = second.columns[index];
      if (one.is_null(0) != other.is_null(0) || (!one.is_null(0) && one.strings[0] != other.strings[0])) std::abort();
    }
  }
  return 0;
}
