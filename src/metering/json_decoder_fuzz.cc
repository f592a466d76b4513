// Any bytes are a row or a reason, as a record and as an aggregate; an aggregate that parses prints and parses again.
#include <cmath>
#include <cstdlib>

#include "metering/aggregate.h"
#include "metering/json_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace meterstream;
  // Exactly as large as the input, so that reading beyond shows.
  const std::vector<char> bytes(data, data + size);
  RecordView record;
  record.value = size == 0 ? std::string_view("") : std::string_view(bytes.data(), bytes.size());
  DecodeRequest request;
  request.columns = {{"A", ColumnType::kVarchar},
                     {"B", ColumnType::kTimestamp},
                     {"C", ColumnType::kDouble},
                     {"D", ColumnType::kBigint},
                     {"E", ColumnType::kBoolean}};
  request.needed.assign(5, true);
  request.group_key = {0};
  JsonRecordDecoder decoder(request);
  ColumnBatch batch;
  if (!decoder.decode(std::span(&record, 1), batch) || batch.rows + batch.rejected.size() != 1) std::abort();
  if (batch.rows == 1 && !std::isfinite(batch.columns[2].doubles[0])) std::abort();
  const auto aggregate = parse_aggregate_json(record.value);
  if (!aggregate) return 0;
  std::string printed;
  append_aggregate_json(printed, *aggregate);
  const auto again = parse_aggregate_json(printed);
  if (!again || *again != *aggregate) std::abort();
  return 0;
}
