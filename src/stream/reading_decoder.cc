#include "stream/reading_decoder.h"

#include "metering/avro_decoder.h"
#include "metering/delimited_decoder.h"
#include "metering/json_decoder.h"

namespace meterstream {

DecodeRequest reading_request() {
  DecodeRequest request;
  request.columns = {{"gateway", ColumnType::kVarchar},
                     {"metricType", ColumnType::kVarchar},
                     {"metricAttribute", ColumnType::kVarchar},
                     {"timestamp", ColumnType::kTimestamp},
                     {"value", ColumnType::kDouble}};
  request.needed.assign(request.columns.size(), true);
  return request;
}

std::unique_ptr<RecordDecoder> make_record_decoder(ValueFormat format, SchemaStore& schemas, DecodeRequest request) {
  if (format == ValueFormat::kAvro) return std::make_unique<AvroRecordDecoder>(schemas, std::move(request));
  if (format == ValueFormat::kDelimited) return std::make_unique<DelimitedRecordDecoder>(std::move(request));
  return std::make_unique<JsonRecordDecoder>(std::move(request));
}

}  // namespace meterstream
