#include "connectors/kafka/kafka_record_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void append_number(std::string& out, int64_t number) {
  append_varint(out, zigzag(number));
}

void append_nullable(std::string& out, std::string_view bytes) {
  append_number(out, bytes.data() == nullptr ? -1 : static_cast<int64_t>(bytes.size()));
  out.append(bytes);
}

std::string record_of(int64_t offset_delta, int64_t time_delta, std::string_view key, std::string_view value,
                      const std::vector<std::pair<std::string_view, std::string_view>>& headers = {}) {
  std::string body(1, '\0');
  append_number(body, time_delta);
  append_number(body, offset_delta);
  append_nullable(body, key);
  append_nullable(body, value);
  append_number(body, static_cast<int64_t>(headers.size()));
  for (const auto& [name, content] : headers) {
    append_nullable(body, name);
    append_nullable(body, content);
  }
  std::string record;
  append_number(record, static_cast<int64_t>(body.size()));
  return record + body;
}

KafkaRecordSet set_of(const std::string& records, int32_t count) {
  return {.records = records,
          .record_count = count,
          .base_offset = Offset(100),
          .last_offset = Offset(103),
          .base_time = IngestTime(5000)};
}

struct Parsed {
  std::vector<RecordView> records;
  std::deque<std::string> headers;
  Status status;
};

Parsed parse(const KafkaRecordSet& set, int64_t from = 0) {
  Parsed parsed;
  parsed.status = set.append_to(parsed.records, parsed.headers, Offset(from));
  return parsed;
}

TEST(KafkaRecordSetTest, GivesKeyValueOffsetAndTimeOfEachRecord) {
  const std::string bytes = record_of(0, 0, "a", "one") + record_of(3, -7, "b", "two");
  const Parsed parsed = parse(set_of(bytes, 2));
  ASSERT_TRUE(parsed.status);
  ASSERT_THAT(parsed.records, SizeIs(2));
  EXPECT_EQ(parsed.records[0].key, "a");
  EXPECT_EQ(parsed.records[0].value, "one");
  EXPECT_EQ(parsed.records[0].offset, Offset(100));
  EXPECT_EQ(parsed.records[0].ingest_time, IngestTime(5000));
  EXPECT_EQ(parsed.records[1].offset, Offset(103));
  EXPECT_EQ(parsed.records[1].ingest_time, IngestTime(4993));
  EXPECT_TRUE(parsed.records[1].headers.empty());
}

TEST(KafkaRecordSetTest, TellsNullFromEmpty) {
  const std::string bytes = record_of(0, 0, {}, {}) + record_of(1, 0, "", "");
  const Parsed parsed = parse(set_of(bytes, 2));
  ASSERT_TRUE(parsed.status);
  EXPECT_FALSE(parsed.records[0].has_key());
  EXPECT_TRUE(parsed.records[0].is_tombstone());
  EXPECT_TRUE(parsed.records[1].has_key());
  EXPECT_FALSE(parsed.records[1].is_tombstone());
}

TEST(KafkaRecordSetTest, LeavesOutRecordsBeforeTheOffsetAskedFor) {
  const std::string bytes = record_of(0, 0, "a", "one") + record_of(1, 0, "b", "two") + record_of(2, 0, "c", "three");
  const Parsed parsed = parse(set_of(bytes, 3), 101);
  ASSERT_TRUE(parsed.status);
  ASSERT_THAT(parsed.records, SizeIs(2));
  EXPECT_EQ(parsed.records[0].offset, Offset(101));
}

TEST(KafkaRecordSetTest, GivesTheBrokersTimeToAllRecordsWhenItSetsIt) {
  const std::string bytes = record_of(0, 0, "a", "one") + record_of(1, 40, "b", "two");
  KafkaRecordSet set = set_of(bytes, 2);
  set.has_one_time = true;
  const Parsed parsed = parse(set);
  ASSERT_TRUE(parsed.status);
  EXPECT_EQ(parsed.records[1].ingest_time, IngestTime(5000));
}

TEST(KafkaRecordSetTest, KeepsHeadersOfTheRecordThatHasThem) {
  const std::string bytes = record_of(0, 0, "a", "one") + record_of(1, 0, "b", "two", {{"id", "7"}, {"none", {}}});
  const Parsed parsed = parse(set_of(bytes, 2));
  ASSERT_TRUE(parsed.status);
  EXPECT_TRUE(parsed.records[0].headers.empty());
  std::string expected;
  for (const std::string_view part : {"id", "7", "none", ""}) append_sized(expected, part);
  EXPECT_EQ(parsed.records[1].headers, expected);
}

TEST(KafkaRecordSetTest, CallsABatchThatIsCutAnywhereDamaged) {
  const std::string bytes = record_of(0, 0, "a", "one") + record_of(1, 300, "b", "two", {{"id", "7"}});
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string cut = bytes.substr(0, size);
    const Parsed parsed = parse(set_of(cut, 2));
    ASSERT_FALSE(parsed.status) << size;
    EXPECT_EQ(parsed.status.error().code, ErrorCode::kCorrupt);
  }
}

TEST(KafkaRecordSetTest, CallsOtherCountsOfRecordsDamaged) {
  const std::string bytes = record_of(0, 0, "a", "one") + record_of(1, 0, "b", "two");
  EXPECT_THAT(parse(set_of(bytes, 1)).status.error().message, HasSubstr("bytes too many"));
  EXPECT_THAT(parse(set_of(bytes, 3)).status.error().message, HasSubstr("record 3 of 3"));
}

TEST(KafkaRecordSetTest, CallsOffsetsThatDoNotRiseOrLeaveTheBatchDamaged) {
  const std::vector<std::vector<int64_t>> wrong = {{0, 1, 1'000'000}, {0, 0, 1}, {2, 1, 3}, {0, 1, 4}};
  for (const std::vector<int64_t>& deltas : wrong) {
    std::string bytes;
    for (const int64_t delta : deltas) bytes += record_of(delta, 0, "a", "one");
    const Parsed parsed = parse(set_of(bytes, 3));
    ASSERT_FALSE(parsed.status);
    EXPECT_THAT(parsed.status.error().message, HasSubstr("not in it, or not behind"));
  }
}

TEST(KafkaRecordSetTest, BelievesNoLengthAndNoOffsetThatCannotBe) {
  std::string huge;
  append_number(huge, INT64_MAX);
  EXPECT_FALSE(parse(set_of(huge, 1)).status);
  EXPECT_FALSE(parse(set_of(record_of(-1, 0, "a", "one"), 1)).status);
  std::string headers(1, '\0');
  for (const int64_t number : {0, 0, -1, -1}) append_number(headers, number);
  append_number(headers, INT64_MAX);
  std::string record;
  append_number(record, static_cast<int64_t>(headers.size()));
  EXPECT_FALSE(parse(set_of(record + headers, 1)).status);
  EXPECT_TRUE(parse(set_of(record_of(0, INT64_MIN, "a", "one"), 1)).status);
}

TEST(KafkaRecordSetTest, ABatchWithoutRecordsIsWhole) {
  const Parsed parsed = parse(set_of("", 0));
  EXPECT_TRUE(parsed.status);
  EXPECT_THAT(parsed.records, IsEmpty());
}

}  // namespace
}  // namespace meterstream
