#include "stream/group_key.h"

#include <limits>

#include <gtest/gtest.h>

namespace meterstream {
namespace {

Column integers(ColumnType type, std::vector<int64_t> values, std::vector<uint8_t> validity = {}) {
  Column column;
  column.type = type;
  column.integers = std::move(values);
  column.validity = std::move(validity);
  return column;
}

TEST(GroupKey, ReadsBackValuesOfEveryType) {
  Column texts;
  texts.type = ColumnType::kVarchar;
  texts.strings = {"", "Αθήνα", ""};
  texts.validity = {1, 1, 0};
  const Column numbers = integers(ColumnType::kBigint, {std::numeric_limits<int64_t>::min(), -1, 0}, {1, 1, 0});
  const Column flags = integers(ColumnType::kBoolean, {1, 0, 1});
  const Column times = integers(ColumnType::kTimestamp, {-62'135'596'800'000, 253'402'300'799'999, 0});
  for (uint32_t row = 0; row < 3; ++row) {
    std::string key;
    for (const Column* column : std::initializer_list<const Column*>{&texts, &numbers, &flags, &times})
      append_group_value(key, *column, row);
    ByteReader reader(key);
    const GroupValue text = read_group_value(reader, ColumnType::kVarchar);
    EXPECT_EQ(text.is_null, row == 2);
    EXPECT_EQ(text.text, texts.strings[row]);
    const GroupValue number = read_group_value(reader, ColumnType::kBigint);
    EXPECT_EQ(number.is_null, row == 2);
    EXPECT_EQ(number.integer, numbers.integers[row]);
    EXPECT_EQ(read_group_value(reader, ColumnType::kBoolean).integer, flags.integers[row]);
    EXPECT_EQ(read_group_value(reader, ColumnType::kTimestamp).integer, times.integers[row]);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.remaining(), 0U);
  }
}

TEST(GroupKey, OfTextsIsWhatDecodersGive) {
  Column text;
  text.type = ColumnType::kVarchar;
  text.strings = {"g", ""};
  text.validity = {1, 0};
  std::string key;
  append_group_value(key, text, 0);
  append_group_value(key, text, 1);
  EXPECT_EQ(key, std::string("\x02g\x01"));
  ByteReader reader(key);
  EXPECT_EQ(read_group_text(reader), "g");
  EXPECT_EQ(read_group_text(reader).data(), nullptr);
}

TEST(GroupKey, TakesEveryTypeButDouble) {
  EXPECT_FALSE(can_name_groups(ColumnType::kDouble));
  for (const ColumnType type :
       {ColumnType::kVarchar, ColumnType::kBigint, ColumnType::kBoolean, ColumnType::kTimestamp})
    EXPECT_TRUE(can_name_groups(type));
}

}  // namespace
}  // namespace meterstream
