#include "stream/offset_runs.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace meterstream {
namespace {

TEST(OffsetRuns, CountsEveryOffsetOnceWhereverItIsCut) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    OffsetRuns runs;
    std::vector<int64_t> model;
    int64_t next = 0;
    int64_t limit = 0;
    for (int step = 0; step < 200; ++step) {
      if (random() % 4 != 0) {
        next += random() % 5 == 0 ? random() % 4 : 0;
        runs.add(Offset(next));
        model.push_back(next++);
        continue;
      }
      limit += random() % 8;
      const auto below = std::erase_if(model, [&](int64_t offset) { return offset < limit; });
      ASSERT_EQ(runs.take_below(Offset(limit)), static_cast<int64_t>(below)) << "seed " << seed;
      next = std::max(next, limit);
    }
    EXPECT_EQ(runs.take_below(Offset(INT64_MAX)), static_cast<int64_t>(model.size())) << "seed " << seed;
    EXPECT_TRUE(runs.empty());
  }
}

}  // namespace
}  // namespace meterstream
