#include "log/partitioner.h"

#include <gtest/gtest.h>

#include "log/event_log.h"

namespace meterstream {
namespace {

TEST(Partitioner, HashesAsJavaClientsDo) {
  const std::pair<std::string_view, int32_t> vectors[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& [text, hash] : vectors) EXPECT_EQ(static_cast<int32_t>(murmur2(text)), hash) << text;
}

TEST(Partitioner, NegativeHashesLoseTheirSignBit) {
  EXPECT_EQ(partition_for_key("21", 4).value, (-973932308 & 0x7fffffff) % 4);
  EXPECT_EQ(partition_for_key("abc", 7).value, 479470107 % 7);
  EXPECT_EQ(partition_for_key("foobar", 1).value, 0);
}

}  // namespace
}  // namespace meterstream
