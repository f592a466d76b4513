#include "metering/delimited_decoder.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "metering/delimited_encoder.h"

namespace meterstream {
namespace {

const std::vector<ColumnSchema> kColumns = {{"id", ColumnType::kVarchar},
                                            {"at", ColumnType::kTimestamp},
                                            {"value", ColumnType::kDouble},
                                            {"count", ColumnType::kBigint},
                                            {"ok", ColumnType::kBoolean}};

DecodeRequest request_for(std::vector<ColumnSchema> columns, char delimiter = ',') {
  DecodeRequest request;
  request.needed.assign(columns.size(), true);
  request.columns = std::move(columns);
  request.delimiter = delimiter;
  return request;
}

/// The batch of one line.
ColumnBatch batch_of(const std::string& line, const DecodeRequest& request) {
  // What a batch has points into the line.
  static std::deque<std::string> lines;
  RecordView record;
  record.value = lines.emplace_back(line);
  ColumnBatch batch;
  EXPECT_TRUE(DelimitedRecordDecoder(request).decode(std::span(&record, 1), batch));
  return batch;
}

std::string reason_of(const std::string& line, char delimiter = ',') {
  const ColumnBatch batch = batch_of(line, request_for(kColumns, delimiter));
  return batch.rejected.empty() ? "" : batch.rejected[0].reason;
}

TEST(DelimitedDecoder, ReadsEachType) {
  const ColumnBatch batch = batch_of("m1,2024-03-31T00:30:00+01:00,-2.5e1,+7,TRUE\r\n", request_for(kColumns));
  ASSERT_EQ(batch.rows, 1U);
  EXPECT_EQ(batch.columns[0].strings[0], "m1");
  EXPECT_EQ(batch.columns[1].integers[0], 1711841400000);
  EXPECT_EQ(batch.columns[2].doubles[0], -25);
  EXPECT_EQ(batch.columns[3].integers[0], 7);
  EXPECT_EQ(batch.columns[4].integers[0], 1);
  const ColumnBatch other =
      batch_of("m1; 1711841400000 ;\" 3\";-9223372036854775808;false", request_for(kColumns, ';'));
  ASSERT_EQ(other.rows, 1U) << other.rejected[0].reason;
  EXPECT_EQ(other.columns[1].integers[0], 1711841400000);
  EXPECT_EQ(other.columns[2].doubles[0], 3);
  EXPECT_EQ(other.columns[3].integers[0], INT64_MIN);
  EXPECT_EQ(other.columns[4].integers[0], 0);
}

TEST(DelimitedDecoder, AnEmptyFieldIsNullAndTwoQuotesAreAnEmptyText) {
  const ColumnBatch nulls = batch_of(",,,, ", request_for(kColumns));
  ASSERT_EQ(nulls.rows, 1U);
  for (const Column& column : nulls.columns) EXPECT_TRUE(column.is_null(0));
  const ColumnBatch empty = batch_of("\"\",,,,", request_for(kColumns));
  ASSERT_EQ(empty.rows, 1U);
  EXPECT_FALSE(empty.columns[0].is_null(0));
  EXPECT_EQ(empty.columns[0].strings[0], "");
}

TEST(DelimitedDecoder, QuotesHoldDelimitersQuotesAndLineEnds) {
  const auto request = request_for({{"a", ColumnType::kVarchar}, {"b", ColumnType::kVarchar}});
  const ColumnBatch batch = batch_of("\"x, \"\"y\"\"\nz\",p \"q\"", request);
  ASSERT_EQ(batch.rows, 1U) << batch.rejected[0].reason;
  EXPECT_EQ(batch.columns[0].strings[0], "x, \"y\"\nz");
  EXPECT_EQ(batch.columns[1].strings[0], "p \"q\"");
}

TEST(DelimitedDecoder, TheKeyIsNoField) {
  DecodeRequest request = request_for(kColumns);
  request.absent_column = 0;
  request.needed[0] = false;
  const ColumnBatch batch = batch_of("0,1,2,true", request);
  ASSERT_EQ(batch.rows, 1U) << batch.rejected[0].reason;
  EXPECT_EQ(batch.columns[2].doubles[0], 1);
}

TEST(DelimitedDecoder, ARecordOfWhichAllIsTheKeyIsEmpty) {
  DecodeRequest request = request_for({{"id", ColumnType::kVarchar}});
  request.absent_column = 0;
  EXPECT_EQ(batch_of("", request).rows, 1U);
  EXPECT_EQ(batch_of("x", request).rejected.size(), 1U);
}

TEST(DelimitedDecoder, SaysWhatIsWrongWithARecord) {
  EXPECT_EQ(reason_of("m1,0,1,2"), "found 4 field(s) between ',', expected 5");
  EXPECT_EQ(reason_of("m1,0,1,2,true,"), "found 6 field(s) between ',', expected 5");
  EXPECT_EQ(reason_of(""), "found 1 field(s) between ',', expected 5");
  EXPECT_EQ(reason_of("m1,0,x,2,true"), "field 'value': expected a finite number, found x");
  EXPECT_EQ(reason_of("m1,0,inf,2,true"), "field 'value': expected a finite number, found inf");
  EXPECT_EQ(reason_of("m1,0,1,2.5,true"), "field 'count': expected an integer of 64 bits, found 2.5");
  EXPECT_EQ(reason_of("m1,0,1,9223372036854775808,true"),
            "field 'count': expected an integer of 64 bits, found 9223372036854775808");
  EXPECT_EQ(reason_of("m1,0,1,2,yes"), "field 'ok': expected true or false, found yes");
  EXPECT_TRUE(reason_of("m1,yesterday,1,2,true").starts_with("field 'at': "));
  EXPECT_EQ(reason_of("\"m1,0,1,2,true"), "field 1: its quote is not closed");
  // A message is UTF-8, too: no character is cut.
  std::string letters;
  for (int count = 0; count < 30; ++count) letters += "\u00e4";
  EXPECT_EQ(reason_of("m1,0,x" + letters + ",2,true"),
            "field 'value': expected a finite number, found x" + letters.substr(0, 38));
  EXPECT_EQ(reason_of("m1,0," + letters + ",2,true"),
            "field 'value': expected a finite number, found " + letters.substr(0, 40));
  EXPECT_EQ(reason_of("m1,0,1,2,\"true\"x"), "field 5: text behind its closing quote");
  EXPECT_EQ(reason_of("m1\n,0,1,2,true"), "a line end outside of quotes; a record is one line");
  EXPECT_EQ(reason_of("m\xff,0,1,2,true"), "not valid UTF-8");
  RecordView tombstone;
  ColumnBatch batch;
  ASSERT_TRUE(DelimitedRecordDecoder(request_for(kColumns)).decode(std::span(&tombstone, 1), batch));
  EXPECT_EQ(batch.rejected.at(0).reason, "tombstone");
}

RC_GTEST_PROP(DelimitedDecoder, AnyTextsReadBackAsTheyWereWritten, ()) {
  const char delimiter = *rc::gen::elementOf(std::string(",;\t |."));
  const auto any_text = rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab\"\n\r,;\t |. \\")));
  const auto texts = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::optional<std::string>>>(
      rc::gen::oneOf(rc::gen::just(std::optional<std::string>()),
                     rc::gen::map(any_text, [](std::string text) { return std::optional(std::move(text)); }))));
  std::string line;
  for (size_t index = 0; index < texts.size(); ++index) {
    if (index > 0) line += delimiter;
    if (texts[index]) append_delimited_field(line, *texts[index], delimiter);
  }
  const auto request = request_for(std::vector<ColumnSchema>(texts.size(), {"a", ColumnType::kVarchar}), delimiter);
  const ColumnBatch batch = batch_of(line, request);
  RC_ASSERT(batch.rows == 1U);
  for (size_t index = 0; index < texts.size(); ++index) {
    RC_ASSERT(batch.columns[index].is_null(0) == !texts[index].has_value());
    if (texts[index]) RC_ASSERT(batch.columns[index].strings[0] == *texts[index]);
  }
}

}  // namespace
}  // namespace meterstream
