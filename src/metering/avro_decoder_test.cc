#include "metering/avro_decoder.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/bytes.h"
#include "metering/avro_encoder.h"
#include "metering/memory_schema_store.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<ColumnSchema> kColumns = {{"gateway", ColumnType::kVarchar},
                                            {"METRICTYPE", ColumnType::kVarchar},
                                            {"metricattribute", ColumnType::kVarchar},
                                            {"TIMESTAMP", ColumnType::kTimestamp},
                                            {"value", ColumnType::kDouble}};

std::string avro_string(std::string_view text) {
  std::string out;
  append_varint(out, zigzag(static_cast<int64_t>(text.size())));
  return out.append(text);
}
std::string avro_long(int64_t number) {
  std::string out;
  append_varint(out, zigzag(number));
  return out;
}
std::string avro_double(double number) {
  std::string out;
  append_little_endian(out, number);
  return out;
}
std::string schema_of(std::string_view fields) {
  return R"({"type":"record","name":"R","fields":[)" + std::string(fields) + "]}";
}

/// Owns the bytes of records.
class Records {
 public:
  void add(std::string value) { values_.push_back(std::move(value)); }
  void add_body(SchemaId id, std::string_view body) {
    std::string value(1, '\0');
    append_big_endian32(value, static_cast<uint32_t>(id.value));
    add(value.append(body));
  }
  std::vector<RecordView> views() const {
    std::vector<RecordView> views;
    for (const std::string& value : values_) {
      RecordView view;
      view.value = value;
      views.push_back(view);
    }
    return views;
  }

 private:
  std::deque<std::string> values_;
};

DecodeRequest request_of(std::vector<ColumnSchema> columns, std::vector<size_t> key = {}) {
  DecodeRequest request;
  request.needed.assign(columns.size(), true);
  request.columns = std::move(columns);
  request.group_key = std::move(key);
  return request;
}

class AvroDecoder : public testing::Test {
 protected:
  void decode(const Records& records, DecodeRequest request, std::optional<AvroSchema> reader = std::nullopt) {
    AvroRecordDecoder decoder(store_, std::move(request), std::move(reader));
    views_ = records.views();
    const Status status = decoder.decode(views_, batch_);
    ASSERT_TRUE(status.has_value()) << status.error().message;
    EXPECT_EQ(batch_.rows + batch_.rejected.size(), views_.size());
  }
  SchemaId id_of(std::string_view schema) { return *store_.register_schema("s", schema); }
  /// Decodes one body and returns its only column.
  Column column_of(std::string_view fields, const std::string& body, ColumnSchema column) {
    records_.emplace_back().add_body(id_of(schema_of(fields)), body);
    decode(records_.back(), request_of({std::move(column)}));
    EXPECT_TRUE(batch_.rejected.empty()) << batch_.rejected[0].reason;
    return batch_.columns[0];
  }
  std::string rejection_of(std::string_view fields, const std::string& body, ColumnSchema column) {
    records_.emplace_back().add_body(id_of(schema_of(fields)), body);
    decode(records_.back(), request_of({std::move(column)}));
    return batch_.rejected.empty() ? "none" : batch_.rejected[0].reason;
  }

  MemorySchemaStore store_;
  std::deque<Records> records_;
  std::vector<RecordView> views_;
  ColumnBatch batch_;
};

const Reading kReading{{"household-7", "ELECTRICITY", "ACTIVE_POWER"}, EventTime(1'167'609'660'000), 1.25};

TEST_F(AvroDecoder, ReadsWhatTheEncoderWrites) {
  Records records;
  const SchemaId id = id_of(kMetricAvroSchema);
  records.add(encode_metric_avro(id, kReading));
  std::string other;
  append_metric_avro(other, EncodedSeries(id, {"g", "WATER", "WATER_IDD"}), EventTime(1'167'609'660'123), -3);
  records.add(other);
  decode(records, request_of(kColumns, {0, 1, 2}));
  ASSERT_EQ(batch_.rows, 2u);
  EXPECT_THAT(batch_.columns[0].strings, ElementsAre("household-7", "g"));
  EXPECT_THAT(batch_.columns[1].strings, ElementsAre("ELECTRICITY", "WATER"));
  EXPECT_THAT(batch_.columns[2].strings, ElementsAre("ACTIVE_POWER", "WATER_IDD"));
  EXPECT_THAT(batch_.columns[3].integers, ElementsAre(1'167'609'660'000, 1'167'609'660'123));
  EXPECT_THAT(batch_.columns[4].doubles, ElementsAre(1.25, -3));
  EXPECT_THAT(batch_.record_index, ElementsAre(0, 1));
  EXPECT_EQ(batch_.group_keys[1], avro_string("g") + avro_string("WATER") + avro_string("WATER_IDD"));
  // The key is a view of the record itself.
  EXPECT_EQ(batch_.group_keys[0].data(), views_[0].value.data() + 5);
  EXPECT_TRUE(batch_.arena.empty());
}

TEST_F(AvroDecoder, LeavesColumnsThatNobodyNeedsEmpty) {
  Records records;
  records.add(encode_metric_avro(id_of(kMetricAvroSchema), kReading));
  DecodeRequest request = request_of(kColumns, {1, 2});
  request.needed = {false, false, true, true, false};
  decode(records, request);
  EXPECT_TRUE(batch_.columns[0].strings.empty());
  EXPECT_TRUE(batch_.columns[4].doubles.empty());
  EXPECT_THAT(batch_.columns[2].strings, ElementsAre("ACTIVE_POWER"));
  EXPECT_EQ(batch_.group_keys[0], avro_string("ELECTRICITY") + avro_string("ACTIVE_POWER"));
}

TEST_F(AvroDecoder, BuildsTheSameKeyBytesWhenTheWriterHasAnotherOrder) {
  Records records;
  records.add_body(
      id_of(schema_of(R"({"name":"metricAttribute","type":["null","string"]},{"name":"value","type":"double"},
      {"name":"gateway","type":"string"},{"name":"timestamp","type":"string"})")),
      avro_long(1) + avro_string("A") + avro_double(2) + avro_string("gé") + avro_string("2007-01-01T00:00:00Z"));
  decode(records, request_of(kColumns, {0, 1, 2}));
  ASSERT_EQ(batch_.rows, 1u);
  EXPECT_EQ(batch_.group_keys[0], avro_string("gé") + avro_long(-1) + avro_string("A"));
  EXPECT_TRUE(batch_.columns[1].is_null(0));
  EXPECT_FALSE(batch_.columns[0].is_null(0));
}

TEST_F(AvroDecoder, DoesNotTakeALengthWithSparePaddingIntoTheKey) {
  Records records;
  const SchemaId id = id_of(kMetricAvroSchema);
  const std::string padded = std::string("\x82\x00", 2) + "g" + avro_string("t") + avro_string("a") +
                             avro_string("2007-01-01T00:00:00Z") + avro_double(1);
  records.add_body(id, padded);
  records.add(encode_metric_avro(id, {{"g", "t", "a"}, EventTime(0), 1}));
  decode(records, request_of(kColumns, {0, 1, 2}));
  ASSERT_EQ(batch_.rows, 2u);
  EXPECT_EQ(batch_.group_keys[0], batch_.group_keys[1]);
}

TEST_F(AvroDecoder, RejectsDamagedRecordsWithAPreciseReasonAndKeepsTheOthers) {
  const SchemaId id = id_of(kMetricAvroSchema);
  const std::string good = encode_metric_avro(id, kReading);
  Records records;
  records.add(good);
  records.add(good.substr(0, good.size() - 1));
  records.add(good + "x");
  records.add("{" + good.substr(1));
  records.add(std::string("\0\0\0", 3));
  records.add_body(SchemaId(77), good.substr(5));
  Reading bad = kReading;
  bad.value = std::numeric_limits<double>::quiet_NaN();
  records.add(encode_metric_avro(id, bad));
  bad.value = -std::numeric_limits<double>::infinity();
  records.add(encode_metric_avro(id, bad));
  std::string wrong_day = good;
  wrong_day.replace(wrong_day.find("01-01T"), 5, "13-01");
  records.add(wrong_day);
  records.add(good);
  std::vector<RecordView> views = records.views();
  views.emplace_back();
  AvroRecordDecoder decoder(store_, request_of(kColumns, {0, 1, 2}));
  ASSERT_TRUE(decoder.decode(views, batch_).has_value());
  EXPECT_THAT(batch_.record_index, ElementsAre(0, 9));
  EXPECT_THAT(batch_.columns[4].doubles, ElementsAre(1.25, 1.25));
  std::vector<std::string> reasons;
  for (const RejectedRecord& rejected : batch_.rejected) reasons.push_back(rejected.reason);
  EXPECT_THAT(reasons, ElementsAre("field 'value': the record ends too early",
                                   "1 bytes are left after the last field; another schema was used",
                                   "bad magic byte 0x7b; the Confluent wire format starts with 0x00",
                                   "truncated: 3 bytes, and the header alone has 5", "unknown schema id 77",
                                   "field 'value': not a number (NaN)", "field 'value': infinite number",
                                   HasSubstr("field 'timestamp': '2007-13-01"), "tombstone"));
  EXPECT_EQ(batch_.rejected[0].record_index, 1u);
}

TEST_F(AvroDecoder, EveryTruncationIsRejected) {
  const std::string good = encode_metric_avro(id_of(kMetricAvroSchema), kReading);
  Records records;
  for (size_t size = 0; size < good.size(); ++size) records.add(good.substr(0, size));
  decode(records, request_of(kColumns, {0, 1, 2}));
  EXPECT_EQ(batch_.rows, 0u);
  EXPECT_EQ(batch_.rejected.size(), good.size());
}

TEST_F(AvroDecoder, AsksAgainForASchemaThatWasUnknown) {
  AvroRecordDecoder decoder(store_, request_of(kColumns));
  Records records;
  records.add(encode_metric_avro(SchemaId(1), kReading));
  ASSERT_TRUE(decoder.decode(records.views(), batch_).has_value());
  EXPECT_EQ(batch_.rejected.size(), 1u);
  ASSERT_EQ(id_of(kMetricAvroSchema), SchemaId(1));
  ASSERT_TRUE(decoder.decode(records.views(), batch_).has_value());
  EXPECT_EQ(batch_.rows, 1u);
  EXPECT_TRUE(batch_.rejected.empty());
}

class AwaySchemaStore final : public SchemaStore {
 public:
  Result<std::string> schema(SchemaId) override {
    if (is_away) return unavailable("the registry does not answer");
    return std::string(kMetricAvroSchema);
  }
  Result<SchemaId> register_schema(std::string_view, std::string_view) override { return SchemaId(1); }
  bool is_away = true;
};

TEST_F(AvroDecoder, ReturnsTheErrorOfAStoreThatIsAwayAndSucceedsOnRetry) {
  AwaySchemaStore store;
  AvroRecordDecoder decoder(store, request_of(kColumns));
  Records records;
  records.add(encode_metric_avro(SchemaId(5), kReading));
  const Status status = decoder.decode(records.views(), batch_);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(batch_.rows, 0u);
  store.is_away = false;
  ASSERT_TRUE(decoder.decode(records.views(), batch_).has_value());
  EXPECT_EQ(batch_.rows, 1u);
}

class JsonSchemaStore final : public SchemaStore {
 public:
  Result<std::string> schema(SchemaId) override { return invalid("it is of type JSON"); }
  Result<SchemaId> register_schema(std::string_view, std::string_view) override { return SchemaId(1); }
};

TEST_F(AvroDecoder, ASchemaThatIsNoAvroSchemaRejectsItsRecordsAndSaysWhy) {
  JsonSchemaStore store;
  AvroRecordDecoder decoder(store, request_of(kColumns));
  Records records;
  records.add(encode_metric_avro(SchemaId(5), kReading));
  ASSERT_TRUE(decoder.decode(records.views(), batch_).has_value());
  ASSERT_EQ(batch_.rejected.size(), 1u);
  EXPECT_EQ(batch_.rejected[0].reason, "schema 5: it is of type JSON");
}

TEST_F(AvroDecoder, PromotesNumbersAndReadsEveryScalarType) {
  EXPECT_THAT(column_of(R"({"name":"v","type":"int"})", avro_long(-7), {"V", ColumnType::kBigint}).integers,
              ElementsAre(-7));
  EXPECT_THAT(column_of(R"({"name":"v","type":"int"})", avro_long(-7), {"v", ColumnType::kDouble}).doubles,
              ElementsAre(-7.0));
  EXPECT_THAT(column_of(R"({"name":"v","type":"long"})", avro_long(1LL << 40), {"v", ColumnType::kDouble}).doubles,
              ElementsAre(1099511627776.0));
  std::string number;
  append_little_endian(number, 0.5f);
  EXPECT_THAT(column_of(R"({"name":"v","type":"float"})", number, {"v", ColumnType::kDouble}).doubles,
              ElementsAre(0.5));
  EXPECT_THAT(column_of(R"({"name":"v","type":"boolean"})", "\x01", {"v", ColumnType::kBoolean}).integers,
              ElementsAre(1));
  EXPECT_THAT(column_of(R"({"name":"v","type":{"type":"enum","name":"E","symbols":["A","B"]}})", avro_long(1),
                        {"v", ColumnType::kVarchar})
                  .strings,
              ElementsAre("B"));
  EXPECT_THAT(
      column_of(R"({"name":"v","type":{"type":"fixed","name":"F","size":2}})", "xy", {"v", ColumnType::kVarchar})
          .strings,
      ElementsAre("xy"));
}

TEST_F(AvroDecoder, ReadsTimestampsInEveryForm) {
  const ColumnSchema column{"t", ColumnType::kTimestamp};
  EXPECT_THAT(
      column_of(R"({"name":"t","type":"string"})", avro_string("1970-01-01T01:00:00.001+01:00"), column).integers,
      ElementsAre(1));
  EXPECT_THAT(column_of(R"({"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}})", avro_long(5), column)
                  .integers,
              ElementsAre(5));
  EXPECT_THAT(
      column_of(R"({"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}})", avro_long(-1), column)
          .integers,
      ElementsAre(-1));
  EXPECT_THAT(column_of(R"({"name":"t","type":"long"})", avro_long(9), column).integers, ElementsAre(9));
}

TEST_F(AvroDecoder, SkipsFieldsOfEveryTypeAndFindsAliases) {
  const std::string fields =
      R"({"name":"a","type":{"type":"array","items":"long"}},{"name":"m","type":{"type":"map","values":
      {"type":"record","name":"P","fields":[{"name":"x","type":["null","double","string"]},{"name":"y","type":"bytes"}]}}},
      {"name":"list","type":["null",{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}]},
      {"name":"f","type":"float"},{"name":"b","type":"boolean"},{"name":"reading","aliases":["value"],"type":"double"},
      {"name":"zeros","type":{"type":"array","items":"null"}})";
  const std::string body = avro_long(2) + avro_long(1) + avro_long(300) + avro_long(0) +  // a
                           avro_long(-1) + avro_long(6) + avro_string("k") + avro_long(2) + avro_string("z") +
                           avro_long(0) + avro_long(0) +                                   // m
                           avro_long(1) + avro_long(1) + avro_long(1) + avro_long(0) +     // list
                           "ffff" + "\x01" + avro_double(4.5) +                            // f, b, reading
                           avro_long(std::numeric_limits<int64_t>::max()) + avro_long(0);  // zeros
  // A block with its size in bytes is passed over without a look inside, so make the size right.
  std::string fixed = body;
  const std::string block = avro_string("k") + avro_long(2) + avro_string("z") + avro_long(0);
  const std::string declared = avro_long(6) + block;
  fixed.replace(fixed.find(declared), declared.size(), avro_long(static_cast<int64_t>(block.size())) + block);
  EXPECT_THAT(column_of(fields, fixed, {"VALUE", ColumnType::kDouble}).doubles, ElementsAre(4.5));
}

TEST_F(AvroDecoder, RejectsValuesThatDoNotFitTheirColumn) {
  EXPECT_THAT(rejection_of(R"({"name":"v","type":"string"})", avro_string("1"), {"v", ColumnType::kDouble}),
              HasSubstr("column v is DOUBLE, but the writer's field 'v' is string"));
  EXPECT_THAT(rejection_of(R"({"name":"v","type":["double","string"]})", avro_long(1) + avro_string("1"),
                           {"v", ColumnType::kDouble}),
              HasSubstr("field 'v': text cannot become DOUBLE"));
  EXPECT_THAT(rejection_of(R"({"name":"v","type":["null","double"]})", avro_long(2), {"v", ColumnType::kDouble}),
              HasSubstr("branch 2 of a union of 2 types"));
  EXPECT_THAT(rejection_of(R"({"name":"v","type":"string"})", avro_string("\xff"), {"v", ColumnType::kVarchar}),
              HasSubstr("not UTF-8"));
  EXPECT_THAT(rejection_of(R"({"name":"v","type":"string"})", avro_long(-5), {"v", ColumnType::kVarchar}),
              HasSubstr("length -5"));
  EXPECT_THAT(rejection_of(R"({"name":"v","type":"int"})", avro_long(1LL << 33), {"v", ColumnType::kBigint}),
              HasSubstr("does not fit an int"));
  EXPECT_THAT(rejection_of(R"({"name":"v","type":"boolean"})", "\x02", {"v", ColumnType::kBoolean}),
              HasSubstr("boolean"));
}

TEST_F(AvroDecoder, EndsOnSchemasThatDescribeMoreValuesThanBytes) {
  std::string type = R"("null")";
  for (int i = 0; i < 40; ++i)
    type = R"({"type":"record","name":"N)" + std::to_string(i) + R"(","fields":[{"name":"a","type":)" + type +
           R"(},{"name":"b","type":")" + (i == 0 ? "null" : "N" + std::to_string(i - 1)) + R"("}]})";
  EXPECT_THAT(rejection_of(R"({"name":"bomb","type":)" + type + R"(},{"name":"v","type":"long"})", avro_long(1),
                           {"v", ColumnType::kBigint}),
              HasSubstr("more values than bytes"));
  EXPECT_THAT(rejection_of(R"({"name":"self","type":"R"},{"name":"v","type":"long"})", avro_long(1),
                           {"v", ColumnType::kBigint}),
              HasSubstr("nested deeper"));
}

TEST_F(AvroDecoder, FillsFieldsThatTheWriterLacksFromTheReadersSchema) {
  auto reader = AvroSchema::parse(schema_of(R"({"name":"value","type":"double","aliases":["old"]},
      {"name":"unit","type":"string","default":"kW"},{"name":"quality","type":"long","default":3},
      {"name":"note","type":["null","string"],"default":null})"));
  ASSERT_TRUE(reader.has_value());
  Records records;
  records.add_body(id_of(schema_of(R"({"name":"old","type":"double"})")), avro_double(1.5));
  decode(records,
         request_of({{"VALUE", ColumnType::kDouble},
                     {"UNIT", ColumnType::kVarchar},
                     {"QUALITY", ColumnType::kBigint},
                     {"NOTE", ColumnType::kVarchar}},
                    {1, 3}),
         *std::move(reader));
  ASSERT_EQ(batch_.rows, 1u) << batch_.rejected[0].reason;
  EXPECT_THAT(batch_.columns[0].doubles, ElementsAre(1.5));
  EXPECT_THAT(batch_.columns[1].strings, ElementsAre("kW"));
  EXPECT_THAT(batch_.columns[2].integers, ElementsAre(3));
  EXPECT_TRUE(batch_.columns[3].is_null(0));
  EXPECT_EQ(batch_.group_keys[0], avro_string("kW") + avro_long(-1));
}

// The same readings written by different schemas, mixed record by record, decode to the same rows.
RC_GTEST_PROP(AvroDecoderProperty, AnyMixOfWritersGivesTheSameReadings,
              (std::vector<std::tuple<std::string, int64_t, int32_t, uint8_t>> rows)) {
  MemorySchemaStore store;
  const SchemaId plain = *store.register_schema("s", kMetricAvroSchema);
  const SchemaId reordered = *store.register_schema(
      "s", schema_of(R"({"name":"VALUE","type":"double"},{"name":"quality","type":["null","int"],"default":null},
      {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"metricAttribute","type":"string"},
      {"name":"metricType","type":["string","null"]},{"name":"Gateway","type":"string"})"));
  const SchemaId narrow =
      *store.register_schema("s", schema_of(R"({"name":"gateway","type":"string"},{"name":"metricType","type":"string"},
      {"name":"metricAttribute","type":"string"},{"name":"timestamp","type":"string"},{"name":"value","type":"int"})"));
  Records records;
  std::vector<Reading> expected;
  for (auto& [text, time, number, kind] : rows) {
    for (char& c : text) c = static_cast<char>(c & 0x7f);
    const Reading reading{{text, "T", "A" + text}, EventTime(time % 300'000'000'000'000), static_cast<double>(number)};
    expected.push_back(reading);
    const std::string stamp = avro_string(format_timestamp(reading.timestamp));
    if (kind % 3 == 0) records.add(encode_metric_avro(plain, reading));
    if (kind % 3 == 1)
      records.add_body(reordered, avro_double(reading.value) + avro_long(1) + avro_long(number) +
                                      avro_long(reading.timestamp.value) + avro_string("A" + text) + avro_long(0) +
                                      avro_string("T") + avro_string(text));
    if (kind % 3 == 2)
      records.add_body(narrow,
                       avro_string(text) + avro_string("T") + avro_string("A" + text) + stamp + avro_long(number));
  }
  AvroRecordDecoder decoder(store, request_of(kColumns, {0, 1, 2}));
  ColumnBatch batch;
  const std::vector<RecordView> views = records.views();
  RC_ASSERT(decoder.decode(views, batch).has_value());
  RC_ASSERT(batch.rows == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const SeriesKey& series = expected[i].series;
    RC_ASSERT(batch.columns[0].strings[i] == series.gateway);
    RC_ASSERT(batch.columns[1].strings[i] == series.metric_type);
    RC_ASSERT(batch.columns[2].strings[i] == series.metric_attribute);
    RC_ASSERT(batch.columns[3].integers[i] == expected[i].timestamp.value);
    RC_ASSERT(batch.columns[4].doubles[i] == expected[i].value);
    RC_ASSERT(batch.group_keys[i] ==
              avro_string(series.gateway) + avro_string("T") + avro_string(series.metric_attribute));
  }
}

}  // namespace
}  // namespace meterstream
