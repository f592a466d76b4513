#include "stream/sample_set.h"

#include <algorithm>
#include <limits>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "state/memory_store.h"
#include "stream/window_table.h"

namespace meterstream {
namespace {

using Kind = SampleShape::Kind;

const std::vector<SampleShape> kShapes = {
    {Kind::kNumbers, true, 0, false},   {Kind::kNumbers, false, 0, false}, {Kind::kNumbers, true, 3, true},
    {Kind::kReadings, false, 0, false}, {Kind::kTexts, true, 0, false},    {Kind::kTexts, false, 1, false},
    {Kind::kTexts, false, 2, true},     {Kind::kPlaced, false, 4, true},   {Kind::kPlaced, false, 1, false}};

struct RandomSamples {
  std::vector<std::string> texts;
  std::vector<Sample> samples;
};

RandomSamples random_samples(uint32_t seed, size_t count) {
  std::mt19937_64 random(seed);
  const uint64_t range = 1 + random() % 300;
  RandomSamples made;
  for (size_t i = 0; i < range; ++i)
    made.texts.push_back(i % 3 == 0 ? std::to_string(i) : std::string(10 + i % 20, static_cast<char>('a' + i % 26)));
  for (size_t i = 0; i < count; ++i) {
    Sample sample;
    sample.time_ms = static_cast<int64_t>(random() % (range * 2)) - static_cast<int64_t>(range);
    sample.offset = static_cast<int64_t>(i);
    sample.partition = static_cast<uint32_t>(random() % 3);
    sample.number = ordered_bits(static_cast<int64_t>(random() % range) - static_cast<int64_t>(range / 2));
    sample.text = made.texts[random() % made.texts.size()];
    made.samples.push_back(sample);
  }
  return made;
}

/// What a set is made of, the obvious way: a map of keys to counts, cut to the limit at the end.
std::string bytes_of_map(const SampleShape& shape, const std::vector<Sample>& samples) {
  std::map<std::string, std::pair<Sample, uint64_t>> all;
  for (const Sample& sample : samples) {
    std::string key;
    if (shape.kind == Kind::kPlaced) {
      append_big_endian64(key, static_cast<uint64_t>(sample.offset));
      append_big_endian32(key, sample.partition);
    }
    if (shape.kind == Kind::kReadings) append_big_endian64(key, ordered_bits(sample.time_ms));
    if (shape.kind == Kind::kTexts || shape.kind == Kind::kPlaced) {
      key += sample.text;
    } else {
      append_big_endian64(key, sample.number);
    }
    ++all.try_emplace(key, sample, 0).first->second.second;
  }
  while (shape.limit != 0 && all.size() > shape.limit)
    all.erase(shape.keeps_greatest ? all.begin() : std::prev(all.end()));
  SampleSet set(shape);
  for (const auto& [key, counted] : all) {
    for (uint64_t i = 0; i < counted.second; ++i) set.add(shape, counted.first);
  }
  std::string bytes;
  set.append_to(shape, bytes);
  return bytes;
}

TEST(SampleSet, IsTheSameInEveryOrderAndHoweverItIsMergedAndStored) {
  EXPECT_TRUE(rc::check([](uint32_t seed, uint16_t count) {
    RandomSamples made = random_samples(seed, count % 1'000);
    std::mt19937_64 random(seed);
    for (const SampleShape& shape : kShapes) {
      const std::string expected = bytes_of_map(shape, made.samples);
      std::shuffle(made.samples.begin(), made.samples.end(), random);
      SampleSet straight(shape);
      std::vector<SampleSet> parts(1 + random() % 5, SampleSet(shape));
      for (const Sample& sample : made.samples) {
        straight.add(shape, sample);
        SampleSet& part = parts[random() % parts.size()];
        part.add(shape, sample);
        // Somebody reads now and then.
        if (random() % 50 == 0) RC_ASSERT(!part.empty());
        if (random() % 100 != 0) continue;
        std::string bytes;
        part.append_to(shape, bytes);
        part = SampleSet(shape);
        ByteReader reader(bytes);
        RC_ASSERT(part.read(shape, reader) && reader.remaining() == 0);
      }
      SampleSet merged(shape);
      for (const SampleSet& part : parts) merged.merge(shape, part);
      for (const SampleSet* set : {&straight, &merged}) {
        std::string bytes;
        set->append_to(shape, bytes);
        RC_ASSERT(bytes == expected);
        RC_ASSERT(set->memory_bytes() < 4'096 + made.samples.size() * 200);
      }
    }
  }));
}

TEST(SampleSet, RefusesBytesThatAreNoSet) {
  const RandomSamples made = random_samples(1, 50);
  for (const SampleShape& shape : kShapes) {
    SampleSet set(shape);
    for (const Sample& sample : made.samples) set.add(shape, sample);
    std::string bytes;
    set.append_to(shape, bytes);
    for (size_t size = 0; size < bytes.size(); ++size) {
      ByteReader reader(std::string_view(bytes).substr(0, size));
      EXPECT_FALSE(SampleSet(shape).read(shape, reader));
    }
    // The first sample twice is not ascending.
    std::string one;
    SampleSet single(shape);
    single.add(shape, made.samples.front());
    single.append_to(shape, one);
    ByteReader reader_of_one(one);
    EXPECT_TRUE(SampleSet(shape).read(shape, reader_of_one));
  }
  const SampleShape shape{Kind::kNumbers, false, 0, false};
  std::string twice(1, '\2');
  append_little_endian(twice, uint64_t{7});
  append_little_endian(twice, uint64_t{7});
  ByteReader reader(twice);
  EXPECT_FALSE(SampleSet(shape).read(shape, reader));
}

TEST(SampleSet, NumbersKeepTheirOrderAsBits) {
  const std::vector<double> doubles = {-1e300, -2.5, -1e-300, -0.0, 1e-300, 0.5, 7, 1e300};
  for (size_t i = 1; i < doubles.size(); ++i) EXPECT_LT(ordered_bits(doubles[i - 1]), ordered_bits(doubles[i]));
  EXPECT_EQ(ordered_bits(-0.0), ordered_bits(0.0));
  for (const double value : doubles) EXPECT_EQ(double_of(ordered_bits(value)), value);
  for (const int64_t value : {std::numeric_limits<int64_t>::min(), int64_t{-1}, int64_t{0}, int64_t{5}})
    EXPECT_EQ(integer_of(ordered_bits(value)), value);
  EXPECT_LT(ordered_bits(int64_t{-1}), ordered_bits(int64_t{0}));
}

TEST(WindowTable, CountsSamplesInTheBudgetAndTakesThemToDiskAndBack) {
  MemoryStore store;
  PageSpill spill(store, "test");
  MemoryBudget budget;
  budget.limit_bytes = 1;
  WindowTable table(1, budget, &spill, 7, kShapes);
  const RandomSamples made = random_samples(3, 2'000);
  WindowTable::Window& window = table.find_or_add(0, 1);
  const auto add = [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      ASSERT_TRUE(table.load(window, 200));
      for (size_t set = 0; set < kShapes.size(); ++set) table.add_sample(window, 200, set, made.samples[i]);
    }
  };
  add(0, 1'000);
  EXPECT_GT(budget.used_bytes, table.page_size() + 1'000 * sizeof(TimedNumber));
  ASSERT_TRUE(table.enforce_budget());
  EXPECT_EQ(budget.used_bytes, 0U);
  add(1'000, 2'000);
  for (const bool spilled : {false, true}) {
    if (spilled) {
      ASSERT_TRUE(table.enforce_budget());
    }
    const auto content = table.page_content(window.pages[1]);
    ASSERT_TRUE(content);
    for (size_t set = 0; set < kShapes.size(); ++set) {
      std::string bytes;
      content->samples->sets(200 % WindowTable::kPageSlots)[set].append_to(kShapes[set], bytes);
      EXPECT_EQ(bytes, bytes_of_map(kShapes[set], made.samples)) << set;
    }
  }
  ASSERT_TRUE(table.load(window, 200));
  ASSERT_TRUE(table.erase(0));
  EXPECT_EQ(budget.used_bytes, 0U);
}

}  // namespace
}  // namespace meterstream
