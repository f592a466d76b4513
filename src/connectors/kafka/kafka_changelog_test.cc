#include "connectors/kafka/kafka_changelog.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "state/memory_store.h"

namespace meterstream {
namespace {

// No broker is needed for what only looks at transactions.
class KafkaChangelogTest : public testing::Test {
 protected:
  KafkaChangelogTest() {
    KafkaSettings settings;
    settings.brokers = "127.0.0.1:1";
    topics_ = *KafkaTopics::open(settings);
    consumer_ = *KafkaConsumer::open(settings);
  }
  KafkaChangelog changelog(std::vector<std::pair<Space, std::string>> prefixes = {}) {
    return {{{"changelog", PartitionId(0)}, std::move(prefixes)}, *consumer_, *topics_, store_};
  }
  /// "key=value" of each record, "key!" for a tombstone.
  static std::vector<std::string> texts(Result<RecordBatchBuilder> records, std::string& bytes) {
    std::vector<std::string> result;
    if (!records || records->empty()) return result;
    bytes = records->finish(Offset(0), IngestTime(1));
    std::vector<RecordView> views;
    EXPECT_TRUE(parse_record_batch(bytes, Offset(0), views));
    for (const RecordView& view : views)
      result.push_back(std::string(view.key) + (view.is_tombstone() ? "!" : "=" + std::string(view.value)));
    return result;
  }

  MemoryStore store_;
  std::unique_ptr<KafkaTopics> topics_;
  std::unique_ptr<KafkaConsumer> consumer_;
  std::string bytes_;
};

using Texts = std::vector<std::string>;

TEST_F(KafkaChangelogTest, WritesBecomeRecordsInTheirOrder) {
  Transaction transaction;
  transaction.state.put(Space::kState, "a", "1");
  transaction.state.put(Space::kTable, "a", "");
  transaction.state.erase(Space::kState, "a");
  EXPECT_EQ(texts(changelog().records(transaction), bytes_), (Texts{"Sa=1", "Ta=", "Sa!"}));
}

TEST_F(KafkaChangelogTest, RangeBecomesTombstonesOfWhatIsThere) {
  WriteBatch before;
  for (const char* key : {"a", "b1", "b2", "c"}) before.put(Space::kState, key, "old");
  before.put(Space::kTable, "b1", "another space");
  ASSERT_TRUE(store_.write(before, Durability::kBuffered));
  Transaction transaction;
  transaction.state.put(Space::kState, "b3", "new");
  transaction.state.erase_range(Space::kState, "b", "c");
  EXPECT_EQ(texts(changelog().records(transaction), bytes_), (Texts{"Sb3=new", "Sb1!", "Sb2!", "Sb3!"}));
}

TEST_F(KafkaChangelogTest, PositionsHaveReadableKeys) {
  Transaction transaction;
  transaction.positions.push_back({"app.view", {"metrics", PartitionId(3)}, {Offset(7), Offset(5), "x"}});
  const auto records = texts(changelog().records(transaction), bytes_);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_TRUE(records[0].starts_with("Mposition/app.view/metrics/3=")) << records[0];
}

TEST_F(KafkaChangelogTest, WritesOutsideOfTheTasksKeysAreRefused) {
  KafkaChangelog changelog = this->changelog({{Space::kState, "task/"}});
  const auto code_of = [&](auto&& write) {
    Transaction transaction;
    write(transaction.state);
    const auto records = changelog.records(transaction);
    return records ? std::optional<ErrorCode>() : records.error().code;
  };
  EXPECT_EQ(code_of([](WriteBatch& state) { state.put(Space::kState, "task/x", ""); }), std::nullopt);
  EXPECT_EQ(code_of([](WriteBatch& state) { state.erase_range(Space::kState, "task/", "task0"); }), std::nullopt);
  EXPECT_EQ(code_of([](WriteBatch& state) { state.put(Space::kTable, "task/x", ""); }), ErrorCode::kInvalid);
  EXPECT_EQ(code_of([](WriteBatch& state) { state.put(Space::kState, "tasl/x", ""); }), ErrorCode::kInvalid);
  EXPECT_EQ(code_of([](WriteBatch& state) { state.erase_range(Space::kState, "task/", "task1"); }),
            ErrorCode::kInvalid);
  EXPECT_EQ(code_of([](WriteBatch& state) { state.put(Space::kMeta, "task/x", ""); }), ErrorCode::kInvalid);
}

RC_GTEST_PROP(KafkaOffsetMetadataTest, PositionSurvivesItsTrip, ()) {
  const GroupPosition position{Offset(*rc::gen::inRange<int64_t>(0, INT64_MAX)),
                               Offset(*rc::gen::inRange<int64_t>(0, INT64_MAX)), *rc::gen::arbitrary<std::string>()};
  const GroupPosition back = decode_offset_metadata(position.next, encode_offset_metadata(position));
  RC_ASSERT(back.next == position.next);
  RC_ASSERT(back.recovery == position.recovery);
  RC_ASSERT(back.metadata == position.metadata);
}

TEST(KafkaOffsetMetadataTest, OffsetsOfOtherProgramsRecoverFromWhereTheyAre) {
  for (const char* text : {"", "ms1 ", "ms1 x", "ms1 5", "ms1 5 ???", "anything"}) {
    const GroupPosition position = decode_offset_metadata(Offset(9), text);
    EXPECT_EQ(position.recovery, Offset(9)) << text;
    EXPECT_EQ(position.metadata, "") << text;
  }
}

}  // namespace
}  // namespace meterstream
