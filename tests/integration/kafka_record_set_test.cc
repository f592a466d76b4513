// Batches that come whole and batches that come record by record hold the same records.
#include <array>

#include <gmock/gmock.h>

#include "base/bytes.h"
#include "kafka_fixture.h"

namespace meterstream {
namespace {

using ::testing::SizeIs;

struct Copy {
  bool has_key;
  bool is_tombstone;
  std::string key, value, headers;
  int64_t offset, ingest_time_ms;
  bool operator==(const Copy&) const = default;
};

std::vector<Copy> read_all(const KafkaSettings& settings, const TopicPartition& source, Offset from) {
  std::vector<Copy> copies;
  const auto consumer = KafkaConsumer::open(settings);
  EXPECT_TRUE(consumer) << consumer.error().message;
  const auto range = (*consumer)->offsets(source, 0);
  EXPECT_TRUE(range) << range.error().message;
  RecordSet set;
  for (Offset next = from; next < range->end; next = set.next) {
    const Status read = (*consumer)->read(source, next, 4096, 0, set);
    EXPECT_TRUE(read) << read.error().message;
    if (!read || set.next == next) break;
    for (const RecordView& record : set.records)
      copies.push_back({record.has_key(), record.is_tombstone(), std::string(record.key), std::string(record.value),
                        std::string(record.headers), record.offset.value, record.ingest_time.value});
  }
  return copies;
}

class KafkaRecordSets : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    settings_.compression = GetParam();
    topic_ = unique(std::string("record-sets-") + GetParam());
    topics_ = *KafkaTopics::open(settings_);
    ASSERT_TRUE(topics_->create({.name = topic_, .partitions = 1}));
    log_ = *KafkaLog::connect(settings_);
  }
  void write(int first, int count) const {
    RecordBatchBuilder builder;
    for (int number = first; number < first + count; ++number) {
      std::string headers;
      for (int header = 0; header < number % 3; ++header) {
        append_sized(headers, fmt::format("name {}", header));
        append_sized(headers, std::string(static_cast<size_t>(number), 'h'));
      }
      const std::string key = fmt::format("key {}", number);
      const std::string value = number % 7 == 0 ? "" : std::string(static_cast<size_t>(number * 3), 'v');
      builder.add(number % 5 == 0 ? std::string_view() : std::string_view(key),
                  number % 11 == 0 ? std::string_view() : std::string_view(value), headers,
                  IngestTime(1'700'000'000'000 + number * (number % 2 == 0 ? 1 : -1)));
    }
    Transaction transaction;
    transaction.appends.push_back({source(), std::move(builder)});
    const Status status = log_->commit(std::move(transaction), Durability::kSync);
    ASSERT_TRUE(status) << status.error().message;
  }
  [[nodiscard]] TopicPartition source() const { return {topic_, PartitionId(0)}; }

  KafkaSettings settings_ = test_settings();
  std::string topic_;
  std::shared_ptr<KafkaTopics> topics_;
  std::unique_ptr<KafkaLog> log_;
};

TEST_P(KafkaRecordSets, HoldWhatComesRecordByRecordFromAnyOffset) {
  constexpr int kBatches = 4;
  constexpr int kRecords = 60;
  for (int batch = 0; batch < kBatches; ++batch) write(batch * kRecords, kRecords);
  KafkaSettings singly = settings_;
  singly.librdkafka["record.sets"] = "false";
  const std::vector<Copy> all = read_all(singly, source(), Offset(0));
  ASSERT_THAT(all, SizeIs(kBatches * kRecords));
  EXPECT_EQ(read_all(settings_, source(), Offset(0)), all);
  for (const size_t first : {size_t{1}, size_t{59}, size_t{60}, size_t{150}, all.size() - 1}) {
    const std::vector<Copy> rest(all.begin() + static_cast<std::ptrdiff_t>(first), all.end());
    EXPECT_EQ(read_all(settings_, source(), Offset(all[first].offset)), rest) << first;
    EXPECT_EQ(read_all(singly, source(), Offset(all[first].offset)), rest) << first;
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, KafkaRecordSets, testing::Values("none", "gzip", "snappy", "lz4", "zstd"),
                         [](const auto& codec) { return std::string(codec.param); });

}  // namespace
}  // namespace meterstream
