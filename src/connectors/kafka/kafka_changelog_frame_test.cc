#include "connectors/kafka/kafka_changelog_frame.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace meterstream {
namespace {

using Values = std::map<std::string, std::string>;
using Texts = std::vector<std::string>;

KafkaChangelogFrame frame_of(uint32_t epoch, uint32_t commit, bool is_last = false, int64_t base = 0) {
  return {{epoch, epoch * 10ULL}, commit, is_last, Offset(base)};
}

Texts keys_of(const std::vector<KafkaChangelogEntry>& entries) {
  Texts keys;
  keys.reserve(entries.size());
  for (const auto& entry : entries) keys.push_back(entry.key);
  return keys;
}

Texts torn_of(const KafkaChangelogSorter& sorter) {
  Texts keys;
  for (const auto& [key, torn] : sorter.torn()) keys.push_back(key);
  return keys;
}

RC_GTEST_PROP(KafkaChangelogFrameTest, FrameSurvivesItsTrip, ()) {
  KafkaChangelogFrame frame{{*rc::gen::arbitrary<uint32_t>(), *rc::gen::arbitrary<uint64_t>()},
                            *rc::gen::inRange<uint32_t>(0, 3),
                            *rc::gen::arbitrary<bool>(),
                            {}};
  if (frame.commit == 0) frame.base = Offset(*rc::gen::inRange<int64_t>(0, INT64_MAX));
  const auto back = decode_changelog_frame(encode_changelog_frame(frame));
  RC_ASSERT(back && *back);
  RC_ASSERT((*back)->writer == frame.writer);
  RC_ASSERT((*back)->commit == frame.commit);
  RC_ASSERT((*back)->is_last == frame.is_last);
  RC_ASSERT((*back)->base == frame.base);
}

TEST(KafkaChangelogFrameTest, ShortFrameIsCorruptAndOtherHeadersAreNone) {
  EXPECT_EQ(decode_changelog_frame(std::string("\6commit\1x")).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decode_changelog_frame("\6com").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(*decode_changelog_frame(std::string("\5other\1x")), std::nullopt);
  EXPECT_EQ(*decode_changelog_frame(""), std::nullopt);
}

TEST(KafkaChangelogSorterTest, CommitCountsOnlyWhenItIsWhole) {
  KafkaChangelogSorter sorter({}, Offset(0));
  sorter.add(frame_of(1, 0, true), {"a", "1", Offset(0)});
  EXPECT_EQ(keys_of(sorter.take_ready()), Texts{"a"});
  sorter.add(frame_of(1, 1), {"b", "1", Offset(1)});
  EXPECT_EQ(keys_of(sorter.take_ready()), Texts{});
  EXPECT_EQ(sorter.open_from(), Offset(1));
  sorter.add(frame_of(1, 1, true), {"c", "1", Offset(2)});
  EXPECT_EQ(keys_of(sorter.take_ready()), (Texts{"b", "c"}));
  EXPECT_TRUE(sorter.is_idle());
  sorter.add(frame_of(1, 2), {"a", "2", Offset(3)});
  sorter.finish();
  EXPECT_EQ(keys_of(sorter.take_ready()), Texts{});
  EXPECT_EQ(torn_of(sorter), Texts{"a"});
}

TEST(KafkaChangelogSorterTest, RecordsOfADisplacedWriterDoNotCount) {
  KafkaChangelogSorter sorter({1, 10}, Offset(5));
  sorter.add(frame_of(2, 0, true, 5), {"mark", "", Offset(5)});
  sorter.add(frame_of(1, 7), {"a", "old", Offset(6)});
  sorter.add(frame_of(1, 7, true), {"b", "old", Offset(7)});
  EXPECT_EQ(keys_of(sorter.take_ready()), Texts{"mark"});
  EXPECT_EQ(torn_of(sorter), (Texts{"a", "b"}));
  EXPECT_EQ(sorter.highest_epoch(), 2U);
  sorter.add(frame_of(2, 1, true), {"a", "new", Offset(8)});
  EXPECT_EQ(torn_of(sorter), Texts{"b"});
}

TEST(KafkaChangelogSorterTest, TakeOverThatMissedARecordIsVoid) {
  KafkaChangelogSorter sorter({1, 10}, Offset(5));
  sorter.add(frame_of(1, 3, true), {"a", "new", Offset(5)});
  sorter.add(frame_of(2, 0, true, 5), {"a", "before", Offset(6)});
  EXPECT_EQ(keys_of(sorter.take_ready()), Texts{"a"});
  EXPECT_EQ(torn_of(sorter), Texts{"a"});
  // Nobody takes that epoch again.
  EXPECT_EQ(sorter.highest_epoch(), 2U);
}

TEST(KafkaChangelogSorterTest, TransactionsAreWhole) {
  KafkaChangelogSorter sorter({}, Offset(0));
  sorter.add(frame_of(1, 0), {"a", "torn", Offset(0)});
  sorter.add(std::nullopt, {"a", "right", Offset(1)});
  const auto ready = sorter.take_ready();
  EXPECT_EQ(ready.back().value, "right");
  EXPECT_TRUE(sorter.is_idle());
}

// A changelog with writers that die in the middle of a commit, and others that write on although they were displaced.
struct Record {
  KafkaChangelogFrame frame;
  std::string key;
  std::string value;
  int64_t offset = 0;
};

struct Log {
  std::vector<Record> records;
  int64_t end = 0;
};

Values with_sum(Values values) {
  values.erase("sum");
  std::string all;
  for (const auto& [key, value] : values) {
    if (key != "mark") all.append(key).append("=").append(value).append(";");
  }
  values["sum"] = std::to_string(std::hash<std::string>()(all));
  return values;
}

class Owner {
 public:
  Owner(Log& log, std::mt19937_64& random) : log_(log), random_(random) {}

  // From the beginning of the log.
  void restore() {
    KafkaChangelogSorter sorter({}, Offset(0));
    for (const Record& record : log_.records) {
      sorter.add(record.frame, {record.key, record.value, Offset(record.offset)});
      for (const auto& entry : sorter.take_ready()) put(entry.key, *entry.value);
    }
    sorter.finish();
    next_ = log_.end;
    frame_.writer = {sorter.highest_epoch() + 1, random_()};
    frame_.base = Offset(next_);
    for (const auto& [key, torn] : sorter.torn()) queue(key, mirror_.contains(key) ? mirror_[key] : "");
    finish_queue();
  }
  void begin_commit() {
    Values after = mirror_;
    after["version"] = std::to_string(version() + 1);
    for (int i = 0; i < 3; ++i) after["key-" + std::to_string(random_() % 5)] = std::to_string(random_());
    after = with_sum(after);
    for (const auto& [key, value] : after) {
      if (!mirror_.contains(key) || mirror_[key] != value) queue(key, value);
    }
    finish_queue();
  }
  // Writes the next record; true when the owner has to go.
  bool write() {
    Record record = queue_[written_++];
    record.offset = log_.end++;
    log_.records.push_back(record);
    if (written_ < queue_.size()) return false;
    if (record.offset != next_ + static_cast<int64_t>(queue_.size()) - 1) return true;
    for (const Record& done : queue_) put(done.key, done.value);
    next_ = log_.end;
    acknowledged_ = version();
    ++frame_.commit;
    queue_.clear();
    written_ = 0;
    return false;
  }
  [[nodiscard]] bool is_writing() const { return !queue_.empty(); }
  [[nodiscard]] const Values& mirror() const { return mirror_; }
  [[nodiscard]] int version() const { return mirror_.contains("version") ? std::stoi(mirror_.at("version")) : 0; }
  [[nodiscard]] int acknowledged() const { return acknowledged_; }

 private:
  // An empty value erases.
  void put(const std::string& key, const std::string& value) {
    if (value.empty())
      mirror_.erase(key);
    else
      mirror_[key] = value;
  }
  void queue(const std::string& key, const std::string& value) { queue_.push_back({frame_, key, value}); }
  void finish_queue() {
    queue("mark", std::to_string(frame_.writer.id));
    queue_.back().frame.is_last = true;
  }

  Log& log_;
  std::mt19937_64& random_;
  Values mirror_;
  KafkaChangelogFrame frame_;
  std::vector<Record> queue_;
  size_t written_ = 0;
  int64_t next_ = 0;
  int acknowledged_ = 0;
};

bool is_in_order(const Log& log) {
  KafkaChangelogSorter sorter({}, Offset(0));
  for (const Record& record : log.records) sorter.add(record.frame, {record.key, record.value, Offset(record.offset)});
  return sorter.is_idle();
}

// Brokers compact what is older than a while: within it some owner has put everything in order.
void compact(Log& log, int64_t limit) {
  std::map<std::string, int64_t> latest;
  for (const Record& record : log.records) {
    if (record.offset < limit) latest[record.key] = record.offset;
  }
  std::erase_if(log.records,
                [&](const Record& record) { return record.offset < limit && record.offset < latest[record.key]; });
}

RC_GTEST_PROP(KafkaChangelogSorterTest, EveryOwnerFindsOneWholeCommitAndNoneAcknowledgedIsLost, ()) {
  std::mt19937_64 random(*rc::gen::arbitrary<uint64_t>());
  Log log;
  std::vector<std::unique_ptr<Owner>> owners;
  int acknowledged = 0;
  int64_t in_order = 0;
  for (int turn = 0; turn < 400; ++turn) {
    if (owners.empty() || random() % 20 == 0) {
      // Those before write on: nobody has told them.
      auto& owner = *owners.emplace_back(std::make_unique<Owner>(log, random));
      owner.restore();
      RC_ASSERT(owner.version() >= acknowledged);
      if (owner.version() > 0) RC_ASSERT(with_sum(owner.mirror()) == owner.mirror());
    }
    const size_t number = random() % owners.size();
    Owner& owner = *owners[number];
    if (!owner.is_writing()) owner.begin_commit();
    const bool must_go = owner.write();
    acknowledged = std::max(acknowledged, owner.acknowledged());
    if (!must_go && !owner.is_writing() && is_in_order(log)) in_order = log.end;
    if (must_go || random() % 25 == 0) owners.erase(owners.begin() + static_cast<ptrdiff_t>(number));
    if (random() % 50 == 0) compact(log, in_order);
  }
}

}  // namespace
}  // namespace meterstream
