// Bodies of two writer schemas; whatever comes, every record becomes a row or a reason, and views stay inside memory.
#include <cmath>
#include <cstdlib>

#include "metering/avro_decoder.h"
#include "metering/avro_encoder.h"
#include "metering/memory_schema_store.h"

namespace {

using namespace meterstream;

constexpr std::string_view kOtherSchema = R"({"type":"record","name":"R","fields":[
  {"name":"list","type":{"type":"array","items":["null","long",{"type":"record","name":"P","fields":[
    {"name":"m","type":{"type":"map","values":"bytes"}},{"name":"p","type":["null","P"]}]}]}},
  {"name":"value","type":["null","double","float","int"]},
  {"name":"METRICTYPE","type":{"type":"enum","name":"E","symbols":["A","B"]}},
  {"name":"timestamp","type":["string",{"type":"long","logicalType":"timestamp-micros"}]},
  {"name":"gateway","type":["null","string"]},
  {"name":"metricAttribute","type":{"type":"fixed","name":"F","size":3}}]})";

size_t total(const ColumnBatch& batch) {
  size_t sum = 0;
  for (size_t row = 0; row < batch.rows; ++row) {
    for (const Column& column : batch.columns) {
      if (!column.strings.empty()) {
        for (const char c : column.strings[row]) sum += static_cast<unsigned char>(c);
      }
      if (!column.doubles.empty() && !std::isfinite(column.doubles[row])) std::abort();
    }
    for (const char c : batch.group_keys[row]) sum += static_cast<unsigned char>(c);
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  MemorySchemaStore store;
  (void)store.register_schema("metrics", kMetricAvroSchema);
  (void)store.register_schema("other", kOtherSchema);
  DecodeRequest request;
  request.columns = {{"GATEWAY", ColumnType::kVarchar},
                     {"METRICTYPE", ColumnType::kVarchar},
                     {"METRICATTRIBUTE", ColumnType::kVarchar},
                     {"TIMESTAMP", ColumnType::kTimestamp},
                     {"VALUE", ColumnType::kDouble}};
  request.needed.assign(5, true);
  request.group_key = {0, 1, 2};
  AvroRecordDecoder decoder(store, request);
  // Both schemas see the same body, each in its own allocation so that overruns show.
  std::vector<std::string> values;
  for (const char id : {'\1', '\2'}) {
    std::string value("\0\0\0\0", 4);
    value.push_back(id);
    value.append(reinterpret_cast<const char*>(data), size);
    value.shrink_to_fit();
    values.push_back(std::move(value));
  }
  values.emplace_back(reinterpret_cast<const char*>(data), size);
  std::vector<RecordView> records(values.size());
  for (size_t i = 0; i < values.size(); ++i) records[i].value = values[i];
  ColumnBatch batch;
  if (!decoder.decode(records, batch) || batch.rows + batch.rejected.size() != records.size()) std::abort();
  return total(batch) == SIZE_MAX ? 1 : 0;
}
