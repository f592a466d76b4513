#include "log/record_batch.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr IngestTime kNow{1'700'000'000'000};

struct StoredRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::string headers;
  int64_t time_ms = 0;
  bool operator==(const StoredRecord&) const = default;
};

std::string_view view_of(const std::optional<std::string>& text) {
  return text ? std::string_view(text->data(), text->size()) : std::string_view();
}

StoredRecord stored(const RecordView& record) {
  StoredRecord copy;
  if (record.has_key()) copy.key = std::string(record.key);
  if (!record.is_tombstone()) copy.value = std::string(record.value);
  copy.headers = std::string(record.headers);
  copy.time_ms = record.ingest_time.value;
  return copy;
}

std::string sample_batch(int count = 10, int64_t base = 100) {
  RecordBatchBuilder builder;
  for (int index = 0; index < count; ++index)
    builder.add("key" + std::to_string(index), std::string(70, 'v'), {}, IngestTime(0));
  return builder.finish(Offset(base), kNow);
}

// Puts the right CRC over changed bytes, as an attacker or a bug would.
void seal(std::string& batch) {
  const uint32_t crc = crc32c(std::string_view(batch).substr(8));
  std::memcpy(batch.data() + 4, &crc, 4);
}

TEST(RecordBatch, ReadsBackOffsetsTimesAndText) {
  RecordBatchBuilder builder;
  builder.add("a", "1", {}, IngestTime(0));
  builder.add("", "", {}, IngestTime(0));
  builder.add({}, {}, {}, IngestTime(0));
  EXPECT_EQ(builder.count(), 3U);
  const std::string batch = builder.finish(Offset(7), kNow);
  EXPECT_TRUE(builder.empty());

  std::vector<RecordView> records;
  ASSERT_TRUE(parse_record_batch(batch, Offset(0), records));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].key, "a");
  EXPECT_EQ(records[0].value, "1");
  EXPECT_EQ(records[0].offset, Offset(7));
  EXPECT_EQ(records[0].ingest_time, kNow);
  EXPECT_TRUE(records[1].has_key());
  EXPECT_FALSE(records[1].is_tombstone());
  EXPECT_FALSE(records[2].has_key());
  EXPECT_TRUE(records[2].is_tombstone());
  EXPECT_EQ(records[2].offset, Offset(9));
}

TEST(RecordBatch, EqualTimesCostNoBytesInTheRows) {
  RecordBatchBuilder equal;
  RecordBatchBuilder different;
  for (int index = 0; index < 100; ++index) {
    equal.add("k", "v", {}, IngestTime(5));
    different.add("k", "v", {}, IngestTime(5 + index));
  }
  EXPECT_EQ(different.finish(Offset(0), kNow).size() - equal.finish(Offset(0), kNow).size(), 400U);
}

TEST(RecordBatch, LeavesOutRecordsBeforeTheAskedOffset) {
  const std::string batch = sample_batch(10, 100);
  std::vector<RecordView> records;
  ASSERT_TRUE(parse_record_batch(batch, Offset(107), records));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].key, "key7");
  EXPECT_EQ(records[0].offset, Offset(107));
  ASSERT_TRUE(parse_record_batch(batch, Offset(110), records));
  EXPECT_EQ(records.size(), 3U);
}

TEST(RecordBatch, HeaderTellsOffsetsCountAndLatestTime) {
  RecordBatchBuilder builder;
  builder.add("k", "v", {}, IngestTime(30));
  builder.add("k", "v", {}, IngestTime(50));
  builder.add("k", "v", {}, IngestTime(40));
  const std::string batch = builder.finish(Offset(12), kNow);
  const auto header = parse_record_batch_header(batch);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->base_offset, Offset(12));
  EXPECT_EQ(header->end_offset(), Offset(15));
  EXPECT_EQ(header->max_ingest_time, IngestTime(50));
}

TEST(RecordBatch, EveryFlippedBitIsCorrupt) {
  const std::string batch = sample_batch(5);
  for (size_t bit = 0; bit < batch.size() * 8; ++bit) {
    std::string damaged = batch;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    std::vector<RecordView> records;
    const Status status = parse_record_batch(damaged, Offset(0), records);
    ASSERT_FALSE(status) << "bit " << bit;
    ASSERT_EQ(status.error().code, ErrorCode::kCorrupt);
    ASSERT_TRUE(records.empty());
  }
}

TEST(RecordBatch, EveryTruncationAndExtensionIsCorrupt) {
  const std::string batch = sample_batch(3);
  std::vector<RecordView> records;
  for (size_t size = 0; size < batch.size(); ++size)
    ASSERT_FALSE(parse_record_batch(std::string_view(batch).substr(0, size), Offset(0), records)) << size;
  EXPECT_FALSE(parse_record_batch(batch + "x", Offset(0), records));
}

TEST(RecordBatch, ForgedLengthsWithRightChecksumAreCorrupt) {
  const std::string batch = sample_batch(3);
  std::vector<RecordView> records;
  for (size_t at = 44; at < batch.size(); ++at) {
    std::string forged = batch;
    forged[at] = '\x7f';
    seal(forged);
    std::ignore = parse_record_batch(forged, Offset(0), records);  // must not read outside; the sanitizer looks on
  }
  std::string forged = batch;
  forged[44] = '\x7f';
  seal(forged);
  EXPECT_FALSE(parse_record_batch(forged, Offset(0), records));
  forged = batch;
  forged[16] = '\x04';
  seal(forged);
  EXPECT_FALSE(parse_record_batch(forged, Offset(0), records));
}

TEST(RecordBatch, NewerFormatVersionIsNamed) {
  std::string batch = sample_batch(1);
  batch[3] = 2;
  const auto header = parse_record_batch_header(batch);
  ASSERT_FALSE(header);
  EXPECT_NE(header.error().message.find("version 2"), std::string::npos) << header.error().message;
}

RC_GTEST_PROP(RecordBatchProperty, AnyRecordsReadBackAsWritten, ()) {
  const auto text = rc::gen::oneOf(rc::gen::just(std::optional<std::string>()),
                                   rc::gen::map(rc::gen::container<std::string>(rc::gen::arbitrary<char>()),
                                                [](std::string bytes) { return std::optional(std::move(bytes)); }),
                                   rc::gen::map(rc::gen::inRange<size_t>(100, 40'000),
                                                [](size_t size) { return std::optional(std::string(size, 'x')); }));
  const auto time =
      rc::gen::oneOf(rc::gen::just<int64_t>(0), rc::gen::just<int64_t>(77), rc::gen::arbitrary<int64_t>());
  const bool with_headers = *rc::gen::arbitrary<bool>();
  const auto count = *rc::gen::inRange<size_t>(1, 40);
  RecordBatchBuilder builder;
  std::vector<StoredRecord> expected;
  for (size_t index = 0; index < count; ++index) {
    StoredRecord record{*text, *text, {}, *time};
    if (with_headers && *rc::gen::arbitrary<bool>()) {
      append_sized(record.headers, "name");
      append_sized(record.headers, "value");
    }
    builder.add(view_of(record.key), view_of(record.value), record.headers, IngestTime(record.time_ms));
    if (record.time_ms == 0) record.time_ms = kNow.value;
    expected.push_back(std::move(record));
  }
  const std::string batch = builder.finish(Offset(1000), kNow);
  std::vector<RecordView> records;
  RC_ASSERT(parse_record_batch(batch, Offset(0), records).has_value());
  RC_ASSERT(records.size() == count);
  for (size_t index = 0; index < count; ++index) {
    RC_ASSERT(stored(records[index]) == expected[index]);
    RC_ASSERT(records[index].offset.value == static_cast<int64_t>(1000 + index));
  }
}

}  // namespace
}  // namespace meterstream
