// Purpose: the behaviour that every KeyValueStore must show, as parameterised tests.
// Use: include it in one test file of a binary, define a KeyValueStoreSubject, and
//   INSTANTIATE_TEST_SUITE_P(Name, KeyValueStoreContract, testing::Values(&make_subject));
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "state/bulk_batch.h"
#include "state/key_value_store.h"

namespace meterstream {

/// A store under test that can be closed and opened again.
class KeyValueStoreSubject {
 public:
  virtual ~KeyValueStoreSubject() = default;
  virtual KeyValueStore& store() = 0;
  /// Nothing written before may be missing afterwards: an orderly restart.
  virtual void reopen() = 0;
};

class KeyValueStoreContract : public testing::TestWithParam<std::unique_ptr<KeyValueStoreSubject> (*)()> {
 protected:
  void SetUp() override { subject_ = GetParam()(); }
  KeyValueStore& store() { return subject_->store(); }

  void put(Space space, std::string key, std::string value) {
    WriteBatch batch;
    batch.put(space, std::move(key), std::move(value));
    ASSERT_TRUE(store().write(batch, Durability::kSync));
  }
  std::optional<std::string> get(Space space, std::string_view key) {
    const auto value = store().get(space, key);
    EXPECT_TRUE(value) << value.error().message;
    if (!value || !*value) return std::nullopt;
    return std::string((*value)->bytes);
  }
  std::vector<std::pair<std::string, std::string>> all(Space space) {
    std::vector<std::pair<std::string, std::string>> pairs;
    const auto cursor = store().cursor(space);
    for (cursor->seek(""); cursor->valid(); cursor->next()) pairs.emplace_back(cursor->key(), cursor->value());
    EXPECT_TRUE(cursor->status());
    return pairs;
  }

  std::unique_ptr<KeyValueStoreSubject> subject_;
};

TEST_P(KeyValueStoreContract, KeepsWhatWasPutPerSpace) {
  put(Space::kMeta, "k", "meta");
  put(Space::kTable, "k", "table");
  EXPECT_EQ(get(Space::kMeta, "k"), "meta");
  EXPECT_EQ(get(Space::kTable, "k"), "table");
  EXPECT_EQ(get(Space::kState, "k"), std::nullopt);
  put(Space::kMeta, "k", "");
  EXPECT_EQ(get(Space::kMeta, "k"), "");
}

TEST_P(KeyValueStoreContract, AppliesOperationsOfABatchInOrder) {
  WriteBatch batch;
  batch.put(Space::kState, "a", "1");
  batch.put(Space::kState, "a", "2");
  batch.put(Space::kState, "b", "1");
  batch.erase(Space::kState, "b");
  batch.put(Space::kState, "c", "1");
  batch.erase_range(Space::kState, "c", "d");
  batch.put(Space::kState, "c", "2");
  batch.erase(Space::kState, "never there");
  batch.erase_range(Space::kState, "z", "a");
  ASSERT_TRUE(store().write(batch, Durability::kBuffered));
  EXPECT_EQ(get(Space::kState, "a"), "2");
  EXPECT_EQ(get(Space::kState, "b"), std::nullopt);
  EXPECT_EQ(get(Space::kState, "c"), "2");
}

TEST_P(KeyValueStoreContract, OrdersKeysAsUnsignedBytes) {
  for (const std::string key : {"\xff", "a", "ab", "b", "\x7f", "\x80"}) put(Space::kState, key, key);
  put(Space::kState, std::string("a\0", 2), "nul");
  std::vector<std::string> keys;
  for (const auto& [key, value] : all(Space::kState)) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"a", std::string("a\0", 2), "ab", "b", "\x7f", "\x80", "\xff"}));
}

TEST_P(KeyValueStoreContract, ErasesRangesWithoutTheirLimit) {
  for (const std::string key : {"a", "b", "c", "d"}) put(Space::kTable, key, key);
  WriteBatch batch;
  batch.erase_range(Space::kTable, "b", "d");
  ASSERT_TRUE(store().write(batch, Durability::kSync));
  EXPECT_EQ(all(Space::kTable), (std::vector<std::pair<std::string, std::string>>{{"a", "a"}, {"d", "d"}}));
}

TEST_P(KeyValueStoreContract, SeeksInBothDirections) {
  for (const std::string key : {"b", "d", "f"}) put(Space::kMeta, key, key + key);
  const auto cursor = store().cursor(Space::kMeta);
  cursor->seek("c");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "d");
  EXPECT_EQ(cursor->value(), "dd");
  cursor->previous();
  EXPECT_EQ(cursor->key(), "b");
  cursor->previous();
  EXPECT_FALSE(cursor->valid());
  cursor->seek_for_previous("e");
  EXPECT_EQ(cursor->key(), "d");
  cursor->seek_for_previous("d");
  EXPECT_EQ(cursor->key(), "d");
  cursor->next();
  EXPECT_EQ(cursor->key(), "f");
  cursor->next();
  EXPECT_FALSE(cursor->valid());
  cursor->seek_for_previous("a");
  EXPECT_FALSE(cursor->valid());
  EXPECT_TRUE(cursor->status());
}

TEST_P(KeyValueStoreContract, CursorSeesTheSnapshotOfItsBirth) {
  put(Space::kState, "a", "old");
  put(Space::kState, "b", "old");
  const auto cursor = store().cursor(Space::kState);
  put(Space::kState, "a", "new");
  put(Space::kState, "a", "newer");
  put(Space::kState, "c", "new");
  WriteBatch batch;
  batch.erase(Space::kState, "b");
  ASSERT_TRUE(store().write(batch, Durability::kBuffered));
  std::vector<std::pair<std::string, std::string>> seen;
  for (cursor->seek(""); cursor->valid(); cursor->next()) seen.emplace_back(cursor->key(), cursor->value());
  EXPECT_EQ(seen, (std::vector<std::pair<std::string, std::string>>{{"a", "old"}, {"b", "old"}}));
  EXPECT_EQ(all(Space::kState), (std::vector<std::pair<std::string, std::string>>{{"a", "newer"}, {"c", "new"}}));
}

TEST_P(KeyValueStoreContract, PinnedValueOutlivesLaterWrites) {
  const std::string large(100'000, 'x');
  put(Space::kLog, "k", large);
  const auto pinned = store().get(Space::kLog, "k");
  ASSERT_TRUE(pinned && *pinned);
  put(Space::kLog, "k", std::string(100'000, 'y'));
  EXPECT_EQ((*pinned)->bytes, large);
}

TEST_P(KeyValueStoreContract, EverythingIsThereAfterReopening) {
  std::mt19937_64 random(7);
  std::map<std::string, std::string> model;
  for (int round = 0; round < 50; ++round) {
    WriteBatch batch;
    for (int index = 0; index < 20; ++index) {
      const std::string key = std::to_string(random() % 300);
      const size_t size = random() % 10 == 0 ? 50'000 : random() % 100;
      if (random() % 4 == 0) {
        batch.erase(Space::kLog, key);
        model.erase(key);
      } else {
        model[key] = std::string(size, static_cast<char>('a' + random() % 26));
        batch.put(Space::kLog, key, model[key]);
      }
    }
    ASSERT_TRUE(store().write(batch, round % 2 == 0 ? Durability::kSync : Durability::kBuffered));
    if (round % 20 == 19) subject_->reopen();
  }
  subject_->reopen();
  const auto pairs = all(Space::kLog);
  EXPECT_EQ((std::map<std::string, std::string>(pairs.begin(), pairs.end())), model);
}

TEST_P(KeyValueStoreContract, ReadersSeeBatchesWholeWhileWritersWrite) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int round = 0; round < 300; ++round) {
      WriteBatch batch;
      for (const std::string key : {"a", "b", "c"}) batch.put(Space::kMeta, key, std::to_string(round));
      EXPECT_TRUE(store().write(batch, Durability::kBuffered));
    }
    stop = true;
  });
  while (!stop) {
    const auto pairs = all(Space::kMeta);
    for (const auto& [key, value] : pairs) EXPECT_EQ(value, pairs.front().second);
    EXPECT_TRUE(pairs.empty() || pairs.size() == 3);
  }
  writer.join();
}

TEST_P(KeyValueStoreContract, WritersAtOnceMayEraseRangesAndPutInOneBatch) {
  constexpr int kRounds = 500;
  const auto write_rounds = [&](char writer) {
    const std::string prefix = std::string(1, writer) + "/";
    for (int round = 0; round < kRounds; ++round) {
      WriteBatch batch;
      batch.erase_range(Space::kState, prefix, prefix + '\xff');
      for (int key = 0; key < 5; ++key) batch.put(Space::kState, prefix + std::to_string(key), std::to_string(round));
      EXPECT_TRUE(store().write(batch, Durability::kBuffered));
    }
  };
  std::vector<std::thread> writers;
  writers.reserve(4);
  for (const char writer : {'a', 'b', 'c', 'd'}) writers.emplace_back(write_rounds, writer);
  for (std::thread& writer : writers) writer.join();
  const auto pairs = all(Space::kState);
  EXPECT_EQ(pairs.size(), 20);
  for (const auto& [key, value] : pairs) EXPECT_EQ(value, std::to_string(kRounds - 1)) << key;
}

TEST_P(KeyValueStoreContract, BulkWritesOfManySpacesAreThereTogetherAndAfterReopening) {
  put(Space::kState, "b", "old");
  put(Space::kState, "c", "old");
  BulkBatch batch;
  batch.put(Space::kState, "d", "new");
  batch.put(Space::kState, "b", "first");
  batch.erase(Space::kState, "c");
  batch.erase(Space::kState, "never there");
  batch.put(Space::kState, "b", "new");
  batch.put(Space::kMeta, "next", "7");
  batch.put(Space::kTable, "", "");
  ASSERT_TRUE(store().write_bulk(std::move(batch)));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(all(Space::kState), (std::vector<std::pair<std::string, std::string>>{{"b", "new"}, {"d", "new"}}));
    EXPECT_EQ(get(Space::kMeta, "next"), "7");
    EXPECT_EQ(get(Space::kTable, ""), "");
    subject_->reopen();
  }
}

TEST_P(KeyValueStoreContract, BulkWritesNothingOfABatchForTheLog) {
  BulkBatch batch;
  batch.put(Space::kState, "a", "1");
  batch.put(Space::kLog, "a", "1");
  const Status refused = store().write_bulk(std::move(batch));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(get(Space::kState, "a"), std::nullopt);
  EXPECT_TRUE(store().write_bulk(BulkBatch()));
}

TEST_P(KeyValueStoreContract, CursorSeesNothingOfALaterBulkWrite) {
  put(Space::kState, "a", "old");
  const auto cursor = store().cursor(Space::kState);
  BulkBatch batch;
  batch.put(Space::kState, "a", "new");
  batch.put(Space::kState, "b", "new");
  ASSERT_TRUE(store().write_bulk(std::move(batch)));
  std::vector<std::pair<std::string, std::string>> seen;
  for (cursor->seek(""); cursor->valid(); cursor->next()) seen.emplace_back(cursor->key(), cursor->value());
  EXPECT_EQ(seen, (std::vector<std::pair<std::string, std::string>>{{"a", "old"}}));
}

TEST_P(KeyValueStoreContract, BulkAndOtherWritesKeepTheirOrder) {
  std::mt19937_64 random(11);
  std::map<std::string, std::string> model;
  for (int round = 0; round < 60; ++round) {
    WriteBatch batch;
    BulkBatch bulk;
    const bool is_bulk = random() % 2 == 0;
    if (!is_bulk && random() % 4 == 0) {
      const std::string first = std::to_string(random() % 300);
      const std::string limit = std::to_string(random() % 300);
      batch.erase_range(Space::kState, first, limit);
      if (first < limit) model.erase(model.lower_bound(first), model.lower_bound(limit));
    }
    for (int index = 0; index < 50; ++index) {
      const std::string key = std::to_string(random() % 300);
      if (random() % 4 == 0) {
        is_bulk ? bulk.erase(Space::kState, key) : batch.erase(Space::kState, key);
        model.erase(key);
      } else {
        model[key] = std::to_string(random());
        is_bulk ? bulk.put(Space::kState, key, model[key]) : batch.put(Space::kState, key, model[key]);
      }
    }
    if (is_bulk)
      ASSERT_TRUE(store().write_bulk(std::move(bulk)));
    else
      ASSERT_TRUE(store().write(batch, Durability::kBuffered));
    if (round % 20 == 19) subject_->reopen();
  }
  subject_->reopen();
  const auto pairs = all(Space::kState);
  EXPECT_EQ((std::map<std::string, std::string>(pairs.begin(), pairs.end())), model);
}

}  // namespace meterstream
