#include "connectors/cassandra/cassandra_values.h"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "connectors/cassandra/cassandra_row_writer.h"

namespace meterstream {
namespace {

std::string decimal(__int128 units) {
  std::string bytes;
  append_cassandra_decimal(bytes, units);
  return bytes;
}

// Length, scale and digits as they are on the wire.
std::string decimal_of(int32_t scale, const std::string& digits) {
  std::string bytes;
  append_cassandra_int(bytes, scale);
  bytes = bytes.substr(4) + digits;
  std::string value;
  append_cassandra_text(value, bytes);
  return value;
}

TEST(CassandraValuesTest, EveryKindReadsBack) {
  std::string bytes;
  append_cassandra_text(bytes, "häuschen");
  append_cassandra_int(bytes, -5);
  append_cassandra_bigint(bytes, std::numeric_limits<int64_t>::min());
  append_cassandra_double(bytes, -0.1);
  append_cassandra_text(bytes, "");
  CassandraValueReader reader(bytes);
  EXPECT_EQ(reader.text(), "häuschen");
  EXPECT_EQ(reader.integer(), -5);
  EXPECT_EQ(reader.bigint(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(reader.real(), -0.1);
  EXPECT_EQ(reader.text(), "");
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.at_end());
}

RC_GTEST_PROP(CassandraValuesTest, DecimalsReadBackToTheLastUnit, (int64_t high, uint64_t low, uint8_t shift)) {
  const __int128 units = ((static_cast<__int128>(high) << 64) | low) >> (shift % 128);
  const std::string bytes = decimal(units);
  CassandraValueReader reader(bytes);
  RC_ASSERT(reader.decimal_units() == units);
  RC_ASSERT(reader.ok() && reader.at_end());
}

TEST(CassandraValuesTest, DecimalsAreAsShortAsJavaWritesThem) {
  EXPECT_EQ(decimal(0), decimal_of(9, std::string(1, '\0')));
  EXPECT_EQ(decimal(127), decimal_of(9, "\x7f"));
  EXPECT_EQ(decimal(128), decimal_of(9, std::string("\0\x80", 2)));
  EXPECT_EQ(decimal(-128), decimal_of(9, "\x80"));
  EXPECT_EQ(decimal(-129), decimal_of(9, "\xff\x7f"));
}

TEST(CassandraValuesTest, DecimalsOfOtherScalesAreTakenWhenNothingIsLost) {
  const auto units_of = [](int32_t scale, const std::string& digits) -> std::pair<int64_t, bool> {
    const std::string bytes = decimal_of(scale, digits);
    CassandraValueReader reader(bytes);
    const auto units = static_cast<int64_t>(reader.decimal_units());
    return {units, reader.ok()};
  };
  EXPECT_EQ(units_of(0, "\x05"), std::pair(int64_t{5'000'000'000}, true));
  EXPECT_EQ(units_of(-1, "\x05"), std::pair(int64_t{50'000'000'000}, true));
  EXPECT_EQ(units_of(10, "\x32"), std::pair(int64_t{5}, true));
  EXPECT_FALSE(units_of(10, "\x33").second);
  EXPECT_FALSE(units_of(-40, "\x05").second);
  EXPECT_FALSE(units_of(9, std::string(17, '\x01')).second);
  EXPECT_FALSE(units_of(9, "").second);
}

TEST(CassandraValuesTest, BytesThatAreNotTheValueAreNotOk) {
  std::string bytes;
  append_cassandra_int(bytes, 1);
  CassandraValueReader of_other_size(bytes);
  of_other_size.bigint();
  EXPECT_FALSE(of_other_size.ok());
  CassandraValueReader cut(std::string_view(bytes).substr(0, bytes.size() - 1));
  cut.integer();
  EXPECT_FALSE(cut.ok());
  CassandraValueReader null("\xff\xff\xff\xff");
  null.bigint();
  EXPECT_FALSE(null.ok());
}

TEST(CassandraRowWriterTest, TimeOfWritingGrowsWithWindowAndRevisionAndRefusesWhatDoesNotFit) {
  AggregateRow row;
  row.window_end_ms = 60'000;
  EXPECT_EQ(*cassandra_write_time(row, 5), 60'000'005);
  row.window_end_ms = -60'000;
  EXPECT_EQ(*cassandra_write_time(row, 0), -60'000'000);
  EXPECT_EQ(cassandra_write_time(row, -1).error().code, ErrorCode::kInvalid);
  row.window_end_ms = std::numeric_limits<int64_t>::max() / 1000;
  EXPECT_EQ(cassandra_write_time(row, 1'000).error().code, ErrorCode::kInvalid);
  row.window_end_ms = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(cassandra_write_time(row, 0).error().code, ErrorCode::kInvalid);
}

TEST(CassandraRowWriterTest, SlotOfASeriesNeverChanges) {
  EXPECT_EQ(cassandra_series_slot(""), 9);
  EXPECT_EQ(cassandra_series_slot("household-1"), cassandra_series_slot("household-1"));
}

}  // namespace
}  // namespace meterstream
