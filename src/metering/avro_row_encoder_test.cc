#include "metering/avro_row_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metering/avro_decoder.h"
#include "metering/memory_schema_store.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;

const std::vector<ColumnSchema> kColumns = {{"flag", ColumnType::kBoolean},
                                            {"number", ColumnType::kBigint},
                                            {"value", ColumnType::kDouble},
                                            {"text", ColumnType::kVarchar},
                                            {"at", ColumnType::kTimestamp}};

TEST(AvroRowEncoder, WritesWhatTheDecoderReads) {
  std::vector<Column> columns;
  for (const ColumnSchema& column : kColumns) columns.push_back(null_column(column.type, 1));
  const auto set = [&](size_t index) -> Column& {
    columns[index].validity.clear();
    return columns[index];
  };
  MemorySchemaStore schemas;
  const auto schema = avro_schema_of("2 rows of-x", kColumns);
  ASSERT_TRUE(schema);
  const SchemaId id = schemas.register_schema("x-value", *schema).value();
  const std::vector<const Column*> written = {&columns[0], &columns[1], &columns[2], &columns[3], &columns[4]};
  std::vector<std::string> values(2);
  append_avro_row(values[0], id, written, 0);
  set(0).integers = {1};
  set(1).integers = {INT64_MIN};
  set(2).doubles = {-0.1};
  set(3).strings = {"Αθήνα"};
  set(4).integers = {1'711'843'200'123};
  append_avro_row(values[1], id, written, 0);

  DecodeRequest request;
  request.columns = kColumns;
  request.needed.assign(kColumns.size(), true);
  AvroRecordDecoder decoder(schemas, std::move(request));
  ColumnBatch batch;
  std::vector<RecordView> records(2);
  for (size_t index = 0; index < 2; ++index) records[index].value = values[index];
  ASSERT_TRUE(decoder.decode(records, batch));
  ASSERT_EQ(batch.rows, 2U);
  for (const Column& column : batch.columns) {
    EXPECT_TRUE(column.is_null(0));
    EXPECT_FALSE(column.is_null(1));
  }
  EXPECT_EQ(batch.columns[0].integers[1], 1);
  EXPECT_EQ(batch.columns[1].integers[1], INT64_MIN);
  EXPECT_EQ(batch.columns[2].doubles[1], -0.1);
  EXPECT_EQ(batch.columns[3].strings[1], "Αθήνα");
  EXPECT_EQ(batch.columns[4].integers[1], 1'711'843'200'123);
}

TEST(AvroRowEncoder, RefusesNamesThatAvroDoesNotTake) {
  const auto schema = avro_schema_of("rows", {{"read at", ColumnType::kTimestamp}});
  ASSERT_FALSE(schema);
  EXPECT_THAT(schema.error().message, HasSubstr("'read at' cannot be a field of AVRO"));
}

}  // namespace
}  // namespace meterstream
