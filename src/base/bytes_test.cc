#include "base/bytes.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

TEST(Crc32c, GivesTheCheckValueOfTheStandard) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
}

TEST(ByteReader, ReadsBackVarintsOfAllSizes) {
  std::string bytes;
  const uint64_t numbers[] = {0, 1, 127, 128, 300, 1ULL << 32, ~0ULL};
  for (const uint64_t number : numbers) append_varint(bytes, number);
  ByteReader reader(bytes);
  for (const uint64_t number : numbers) EXPECT_EQ(reader.varint(), number);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ByteReader, FailsOnTruncationAndStaysFailed) {
  ByteReader reader(std::string_view("\x80", 1));
  reader.varint();
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.little_endian<uint32_t>(), 0U);
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, RefusesVarintAbove64Bits) {
  ByteReader reader(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10));
  reader.varint();
  EXPECT_FALSE(reader.ok());
}

TEST(Zigzag, IsItsOwnInverseAtTheExtremes) {
  for (const int64_t number : {int64_t{0}, int64_t{-1}, int64_t{1}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(unzigzag(zigzag(number)), number);
  }
}

}  // namespace
}  // namespace meterstream
