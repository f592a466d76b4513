#include "state/bulk_batch.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace meterstream {
namespace {

using Model = std::map<std::string, std::optional<std::string>>;

Model model_of(BulkBatch& batch, Space space) {
  Model model;
  std::optional<std::string> last;
  for (const BulkBatch::Entry& entry : batch.entries(space)) {
    const std::string key(entry.key());
    if (last) {
      EXPECT_LT(*last, key);
    }
    last = key;
    model[key] = entry.is_erased() ? std::nullopt : std::optional<std::string>(entry.value());
  }
  return model;
}

RC_GTEST_PROP(BulkBatchTest, HasTheLastWriteOfEachKeyInOrder, ()) {
  // Few different bytes, and beginnings in common: many keys are equal, or begin with another.
  const auto byte = rc::gen::element('\0', '\x7f', '\xff', 'a');
  const auto parts = rc::gen::container<std::vector<std::string>>(rc::gen::container<std::string>(byte));
  const auto begins = *rc::gen::nonEmpty(parts);
  BulkBatch batch;
  Model model;
  for (int round = 0; round < 2; ++round) {
    const auto ends = *parts;
    for (const std::string& end : ends) {
      const std::string key = begins[*rc::gen::inRange<size_t>(0, begins.size())] + end;
      if (*rc::gen::inRange(0, 4) == 0) {
        batch.erase(Space::kState, key);
        model[key] = std::nullopt;
      } else {
        const auto value = *rc::gen::arbitrary<std::string>();
        batch.put(Space::kState, key, value);
        model[key] = value;
      }
    }
    // It can be added to after it was read.
    RC_ASSERT(model_of(batch, Space::kState) == model);
  }
  RC_ASSERT(batch.entries(Space::kTable).empty());
}

TEST(BulkBatchTest, TakesEmptyKeysAndValuesFirst) {
  BulkBatch batch;
  batch.put(Space::kState, "", "");
  batch.erase(Space::kState, "");
  batch.put(Space::kState, "", "last");
  EXPECT_EQ(model_of(batch, Space::kState), (Model{{"", "last"}}));
}

TEST(BulkBatchTest, OrdersManyKeysWithLongCommonBeginnings) {
  BulkBatch batch;
  Model model;
  for (uint64_t i = 0; i < 100'000; ++i) {
    const uint64_t number = i * 7919 % 60'000;
    const std::string key =
        (number % 2 == 0 ? "windows/meterstream-0123456789abcdef-0/" : "keys/meterstream/") + std::to_string(number);
    model[key] = std::to_string(i);
    batch.put(Space::kState, key, *model[key]);
  }
  EXPECT_EQ(model_of(batch, Space::kState), model);
}

TEST(BulkBatchTest, KeepsLargeValuesAndIsEmptyAfterClear) {
  BulkBatch batch;
  batch.put(Space::kTable, "large", std::string(3'000'000, 'x'));
  batch.put(Space::kTable, "small", "y");
  EXPECT_GE(batch.bytes(), 3'000'000);
  ASSERT_EQ(batch.entries(Space::kTable).size(), 2);
  EXPECT_EQ(batch.entries(Space::kTable).front().value(), std::string(3'000'000, 'x'));
  EXPECT_EQ(batch.to_write_batch().operations().size(), 2);
  batch.clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_TRUE(batch.entries(Space::kTable).empty());
}

TEST(BulkBatchTest, RefusesWritesToTheLog) {
  BulkBatch batch;
  batch.put(Space::kState, "a", "1");
  EXPECT_TRUE(batch.check());
  batch.erase(Space::kLog, "a");
  EXPECT_EQ(batch.check().error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace meterstream
