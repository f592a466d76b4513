// Any text is a schema or a reason; a schema that parses can be planned and decoded with.
#include <cstdlib>

#include "metering/avro_decoder.h"
#include "metering/memory_schema_store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace meterstream;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto schema = AvroSchema::parse(text);
  if (!schema) return schema.error().message.empty() ? 1 : 0;
  MemorySchemaStore store;
  (void)store.register_schema("s", text);
  DecodeRequest request;
  request.columns = {{"A", ColumnType::kVarchar}, {"B", ColumnType::kTimestamp}, {"C", ColumnType::kDouble}};
  request.needed.assign(3, true);
  request.group_key = {0};
  AvroRecordDecoder decoder(store, request);
  std::string body("\0\0\0\0\1", 5);
  for (int i = 0; i < 40; ++i) body.push_back(static_cast<char>(i * 37 % 7));
  RecordView record;
  record.value = body;
  ColumnBatch batch;
  if (!decoder.decode(std::span(&record, 1), batch) || batch.rows + batch.rejected.size() != 1) std::abort();
  return 0;
}
