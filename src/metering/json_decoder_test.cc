#include "metering/json_decoder.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "metering/json_encoder.h"

namespace meterstream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<ColumnSchema> kColumns = {{"GATEWAY", ColumnType::kVarchar},
                                            {"TIMESTAMP", ColumnType::kTimestamp},
                                            {"VALUE", ColumnType::kDouble},
                                            {"COUNT", ColumnType::kBigint},
                                            {"GOOD", ColumnType::kBoolean}};

class JsonDecoder : public testing::Test {
 protected:
  JsonDecoder() {
    request_.columns = kColumns;
    request_.needed.assign(kColumns.size(), true);
    request_.group_key = {0};
  }
  void decode(const std::vector<std::string>& values) {
    std::vector<RecordView> records(values.size());
    for (size_t i = 0; i < values.size(); ++i) records[i].value = values[i];
    JsonRecordDecoder decoder(request_);
    ASSERT_TRUE(decoder.decode(records, batch_).has_value());
    EXPECT_EQ(batch_.rows + batch_.rejected.size(), values.size());
  }
  std::string rejection_of(const std::string& value) {
    decode({value});
    return batch_.rejected.empty() ? "none" : batch_.rejected[0].reason;
  }

  DecodeRequest request_;
  ColumnBatch batch_;
};

TEST_F(JsonDecoder, ReadsColumnsByNameInAnyOrderAndCase) {
  decode(
      {R"({"gateway":"a\u00e9\n","Timestamp":"2007-01-01T00:00:00Z","value":1,"COUNT":-5,"good":true})",
       R"( {"other":{"value":[1,{}]},"good":false,"count":9007199254740993,"value":-2.5e3,"timestamp":17,"gateway":"b"} )"});
  ASSERT_EQ(batch_.rows, 2u);
  EXPECT_THAT(batch_.columns[0].strings, ElementsAre("a\xc3\xa9\n", "b"));
  EXPECT_THAT(batch_.columns[1].integers, ElementsAre(1'167'609'600'000, 17));
  EXPECT_THAT(batch_.columns[2].doubles, ElementsAre(1, -2500));
  EXPECT_THAT(batch_.columns[3].integers, ElementsAre(-5, 9'007'199'254'740'993));
  EXPECT_THAT(batch_.columns[4].integers, ElementsAre(1, 0));
  EXPECT_TRUE(batch_.rejected.empty());
  EXPECT_EQ(batch_.group_keys[1], std::string("\x02") + "b");
}

TEST_F(JsonDecoder, TakesMissingAndNullAsNull) {
  decode({R"({"gateway":"a","value":1})", R"({})", R"({"gateway":null,"value":2,"value":3})"});
  ASSERT_EQ(batch_.rows, 3u);
  EXPECT_FALSE(batch_.columns[0].is_null(0));
  EXPECT_TRUE(batch_.columns[0].is_null(1));
  EXPECT_TRUE(batch_.columns[1].is_null(0));
  EXPECT_TRUE(batch_.columns[2].is_null(1));
  EXPECT_FALSE(batch_.columns[2].is_null(2));
  EXPECT_THAT(batch_.columns[2].doubles, ElementsAre(1, 0, 2));
  EXPECT_EQ(batch_.group_keys[2], "\x01");
}

TEST_F(JsonDecoder, RejectsOtherTypesAndSaysWhatItFound) {
  EXPECT_THAT(rejection_of(R"({"value":"1"})"), HasSubstr("field 'VALUE': expected a finite number, found \"1\""));
  EXPECT_THAT(rejection_of(R"({"count":1.5})"), HasSubstr("field 'COUNT': expected an integer of 64 bits, found 1.5"));
  EXPECT_THAT(rejection_of(R"({"count":99999999999999999999})"), HasSubstr("COUNT"));
  EXPECT_THAT(rejection_of(R"({"good":1})"), HasSubstr("true or false, found 1"));
  EXPECT_THAT(rejection_of(R"({"gateway":["a"]})"), HasSubstr("a string"));
  EXPECT_THAT(rejection_of(R"({"timestamp":1.5})"), HasSubstr("ISO-8601"));
  EXPECT_THAT(rejection_of(R"({"timestamp":"2007-02-30T00:00:00Z"})"), HasSubstr("no such date"));
  EXPECT_THAT(rejection_of(R"({"value":1e999})"), HasSubstr("finite"));
  // A message is UTF-8, too: no character is cut.
  std::string letters;
  for (int count = 0; count < 30; ++count) letters += "\u00e4";
  EXPECT_THAT(rejection_of("{\"value\":\"" + letters + "\"}"),
              ::testing::EndsWith("finite number, found \"" + letters.substr(0, 38)));
  EXPECT_THAT(rejection_of(R"({"value":NaN})"), testing::Not("none"));
}

TEST_F(JsonDecoder, RejectsTextThatIsNoJsonObject) {
  for (const char* text :
       {"", "[]", "1", "{", R"({"value":1)", R"({"value":1} x)", R"({"value":1}{})", R"({"value" 1})",
        R"({"gateway":"a)", "{\"gateway\":\"\xff\"}", R"({"good":tru})", "null", "\x00\x01"})
    EXPECT_THAT(rejection_of(text), testing::AllOf(testing::Not("none"), testing::Not("")));
  EXPECT_EQ(rejection_of("[]"), "the record is JSON but no object");
  std::vector<RecordView> tombstone(1);
  JsonRecordDecoder decoder(request_);
  ASSERT_TRUE(decoder.decode(tombstone, batch_).has_value());
  EXPECT_EQ(batch_.rejected[0].reason, "tombstone");
}

TEST_F(JsonDecoder, ARejectedRecordLeavesNoNullInTheNextRow) {
  decode({R"({"gateway":null,"value":"x"})", R"({"gateway":"b","value":1})"});
  ASSERT_EQ(batch_.rows, 1u);
  EXPECT_FALSE(batch_.columns[0].is_null(0));
}

TEST(JsonEncoder, EscapesWhatJsonAsksFor) {
  std::string out;
  append_json_string(out, std::string_view("a\"b\\c\n\r\t\x01\0\xc3\xa9", 12));
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u0000\xc3\xa9\"");
}

TEST(JsonEncoder, WritesShortestNumbers) {
  std::string out;
  for (const double number : {0.1, 2.0, -0.0, 1e300, std::numeric_limits<double>::infinity()}) {
    append_json_number(out, number);
    out.push_back(' ');
  }
  append_json_number(out, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(out, "0.1 2 -0 1e+300 null -9223372036854775808");
}

RC_GTEST_PROP(JsonProperty, DecoderReadsWhatTheEncoderWrites,
              (std::vector<std::tuple<std::string, int64_t, double>> rows)) {
  std::vector<std::string> values;
  for (auto& [text, number, value] : rows) {
    for (char& c : text) c = static_cast<char>(c & 0x7f);
    if (!std::isfinite(value)) value = 0;
    std::string& out = values.emplace_back("{\"gateway\":");
    append_json_string(out, text);
    out.append(",\"count\":");
    append_json_number(out, number);
    out.append(",\"value\":");
    append_json_number(out, value);
    out.push_back('}');
  }
  std::vector<RecordView> records(values.size());
  for (size_t i = 0; i < values.size(); ++i) records[i].value = values[i];
  DecodeRequest request;
  request.columns = kColumns;
  request.needed.assign(kColumns.size(), true);
  JsonRecordDecoder decoder(request);
  ColumnBatch batch;
  RC_ASSERT(decoder.decode(records, batch).has_value());
  RC_ASSERT(batch.rows == rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    RC_ASSERT(batch.columns[0].strings[i] == std::get<0>(rows[i]));
    RC_ASSERT(batch.columns[3].integers[i] == std::get<1>(rows[i]));
    RC_ASSERT(batch.columns[2].doubles[i] == std::get<2>(rows[i]));
  }
}

}  // namespace
}  // namespace meterstream
