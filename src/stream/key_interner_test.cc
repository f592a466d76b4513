#include "stream/key_interner.h"

#include <map>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace meterstream {
namespace {

TEST(KeyInterner, GivesDenseIdsInOrderOfFirstAppearance) {
  EXPECT_TRUE(rc::check([](const std::vector<uint8_t>& picks, uint8_t batch) {
    std::vector<std::string> keys;
    for (const uint8_t pick : picks) keys.push_back("key-" + std::string(pick % 40, 'x') + std::to_string(pick));
    // Twice the same order, so that the shortcut for regular order is taken, then once reversed.
    std::vector<std::string_view> views(keys.begin(), keys.end());
    views.insert(views.end(), keys.begin(), keys.end());
    views.insert(views.end(), keys.rbegin(), keys.rend());
    KeyInterner interner;
    std::vector<uint32_t> ids(views.size());
    const size_t step = 1 + batch % 50;
    for (size_t first = 0; first < views.size(); first += step) {
      const size_t count = std::min(step, views.size() - first);
      interner.intern(std::span(views).subspan(first, count), ids.data() + first);
    }
    std::map<std::string_view, uint32_t> expected;
    for (size_t i = 0; i < views.size(); ++i) {
      const auto [found, added] = expected.try_emplace(views[i], static_cast<uint32_t>(expected.size()));
      RC_ASSERT(ids[i] == found->second);
      RC_ASSERT(interner.key(ids[i]) == views[i]);
    }
    RC_ASSERT(interner.size() == expected.size());
  }));
}

TEST(KeyInterner, KeepsIdsWhileTheTableGrowsInsideABatch) {
  std::vector<std::string> keys;
  for (int i = 0; i < 100'000; ++i) keys.push_back("household-" + std::to_string(i * 7919 % 100'003));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  KeyInterner interner;
  std::vector<uint32_t> first(views.size());
  std::vector<uint32_t> second(views.size());
  interner.intern(views, first.data());
  interner.intern(views, second.data());
  EXPECT_EQ(first, second);
  EXPECT_EQ(interner.size(), keys.size());
}

TEST(KeyInterner, KeepsItsKeysWhenRoomIsMade) {
  KeyInterner interner;
  for (int i = 0; i < 100; ++i) interner.intern("key-" + std::to_string(i));
  interner.reserve(10'000);
  const size_t room = interner.bytes();
  for (int i = 0; i < 5'000; ++i) EXPECT_EQ(interner.intern("key-" + std::to_string(i)), static_cast<uint32_t>(i));
  EXPECT_LE(interner.bytes(), room + (size_t{1} << 20)) << "only keys need room, the table does not grow";
}

TEST(KeyInterner, TellsEmptyKeysAndKeysThatArePrefixesApart) {
  KeyInterner interner;
  EXPECT_EQ(interner.intern(""), 0U);
  EXPECT_EQ(interner.intern("a"), 1U);
  EXPECT_EQ(interner.intern("ab"), 2U);
  EXPECT_EQ(interner.intern(""), 0U);
  EXPECT_EQ(interner.intern("a"), 1U);
}

}  // namespace
}  // namespace meterstream
