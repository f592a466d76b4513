#include "apps/avro_text.h"

#include <gtest/gtest.h>

#include "apps/record_text.h"
#include "base/bytes.h"
#include "metering/avro_encoder.h"
#include "metering/memory_schema_store.h"

namespace meterstream {
namespace {

std::string print(std::string_view schema, std::string_view body) {
  return avro_to_json(AvroSchema::parse(schema).value(), body).value_or("refused");
}

TEST(AvroText, PrintsEveryKindOfValue) {
  EXPECT_EQ(print(R"("long")", "\x03"), "-2");
  EXPECT_EQ(print(R"({"type":"long","logicalType":"timestamp-millis"})", std::string_view("\0", 1)),
            "\"1970-01-01T00:00:00Z\"");
  EXPECT_EQ(print(R"(["null","string"])", std::string_view("\0", 1)), "null");
  EXPECT_EQ(print(R"(["null","string"])", "\x02\x04hi"), "\"hi\"");
  EXPECT_EQ(print(R"({"type":"array","items":"int"})", std::string_view("\x04\x02\x04\x00", 4)), "[1,2]");
  EXPECT_EQ(print(R"({"type":"array","items":"int"})", std::string_view("\x03\x04\x02\x04\x00", 5)), "[1,2]");
  EXPECT_EQ(print(R"({"type":"map","values":"boolean"})", std::string_view("\x02\x02k\x01\x00", 5)), "{\"k\":true}");
  EXPECT_EQ(print(R"({"type":"enum","name":"E","symbols":["A","B"]})", "\x02"), "\"B\"");
  EXPECT_EQ(print(R"({"type":"fixed","name":"F","size":2})", "\x01z"), "\"\\\\x01z\"");
}

TEST(AvroText, RefusesBytesThatAreNotOneValue) {
  EXPECT_EQ(print(R"("long")", ""), "refused");
  EXPECT_EQ(print(R"("long")", "\x02\x02"), "refused");
  EXPECT_EQ(print(R"("string")", "\x7fshort"), "refused");
  EXPECT_EQ(print(R"("string")", "\x01"), "refused");
  EXPECT_EQ(print(R"(["null","string"])", "\x08"), "refused");
  EXPECT_EQ(print(R"({"type":"array","items":"null"})", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "refused");
}

TEST(RecordText, ShowsAvroJsonAndOtherBytes) {
  MemorySchemaStore schemas;
  const SchemaId id = schemas.register_schema("metrics-value", kMetricAvroSchema).value();
  const std::string avro = encode_metric_avro(id, {{"g", "WATER", "WATER_IDD"}, EventTime(0), 1.5});
  RecordText text(schemas);
  RecordView record;
  record.key = "k";
  record.value = avro;
  EXPECT_EQ(
      text.value_json(record),
      R"({"gateway":"g","metricType":"WATER","metricAttribute":"WATER_IDD","timestamp":"1970-01-01T00:00:00Z","value":1.5})");
  record.value = R"({"a":1})";
  EXPECT_EQ(text.record_json("t", PartitionId(2), record),
            R"({"topic":"t","partition":2,"offset":0,"ingestTime":"1970-01-01T00:00:00Z","key":"k","value":{"a":1}})");
  record.value = std::string_view("\0\0\0\0\x63oops", 9);
  EXPECT_EQ(text.value_json(record), R"("\\x00\\x00\\x00\\x00coops")");
  record.value = {};
  EXPECT_EQ(text.value_json(record), "null");
}

TEST(RecordText, ShowsHeadersBeforeTheValue) {
  MemorySchemaStore schemas;
  RecordText text(schemas);
  std::string headers;
  append_sized(headers, "id");
  append_sized(headers, "hourly|a \"b\"|1");
  append_sized(headers, "raw");
  append_sized(headers, std::string_view("\0\x01", 2));
  RecordView record{"k", "{}", headers, Offset(7), IngestTime(0)};
  EXPECT_EQ(text.record_line(PartitionId(2), record),
            "2:7  1970-01-01T00:00:00Z  k  {id=hourly|a \"b\"|1, raw=\\x00\\x01}  {}");
  EXPECT_EQ(text.record_json("t", PartitionId(2), record),
            R"({"topic":"t","partition":2,"offset":7,"ingestTime":"1970-01-01T00:00:00Z","key":"k",)"
            R"("headers":[{"name":"id","value":"hourly|a \"b\"|1"},{"name":"raw","value":"\\x00\\x01"}],"value":{}})");
  record.headers = std::string_view(headers).substr(0, headers.size() - 1);
  EXPECT_EQ(text.record_line(PartitionId(2), record), "2:7  1970-01-01T00:00:00Z  k  {id=hourly|a \"b\"|1}  {}");
}

}  // namespace
}  // namespace meterstream
