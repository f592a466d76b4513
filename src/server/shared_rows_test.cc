#include "server/shared_rows.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meterstream {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

QueryRow row_of(int64_t number) {
  return {number, std::string(1000, 'x')};
}

std::vector<int64_t> take(SharedRows& rows, SharedRows::Reader reader, size_t most) {
  std::vector<QueryRow> taken;
  EXPECT_TRUE(rows.next(reader, taken, most, milliseconds(1000)));
  std::vector<int64_t> numbers;
  for (const QueryRow& row : taken) numbers.push_back(std::get<int64_t>(row[0]));
  return numbers;
}

TEST(SharedRows, EachReaderHasAllRowsInOrderHoweverSlowItIs) {
  constexpr int64_t kRows = 2000;
  SharedRows rows({.most_bytes = 20'000, .patience = milliseconds(60'000)});
  std::vector<std::thread> readers;
  std::vector<std::vector<int64_t>> seen(4);
  size_t most_bytes = 0;
  for (size_t number = 0; number < seen.size(); ++number) {
    const auto reader = rows.join(true).value();
    readers.emplace_back([&, number, reader] {
      while (seen[number].size() < kRows) {
        for (const int64_t taken : take(rows, reader, 7 + number)) seen[number].push_back(taken);
        if (number == 0 && seen[number].size() % 10 == 0) std::this_thread::sleep_for(milliseconds(1));
      }
      rows.leave(reader);
    });
  }
  for (int64_t number = 0; number < kRows; ++number) {
    ASSERT_TRUE(rows.add({row_of(number)}));
    most_bytes = std::max(most_bytes, rows.bytes());
  }
  for (std::thread& reader : readers) reader.join();
  std::vector<int64_t> expected(kRows);
  for (int64_t number = 0; number < kRows; ++number) expected[static_cast<size_t>(number)] = number;
  for (const auto& own : seen) EXPECT_EQ(own, expected);
  EXPECT_LE(most_bytes, 22'000U);
}

TEST(SharedRows, WhoHoldsOthersBackIsSentAwayAndWhoIsAloneIsNot) {
  SharedRows rows({.most_bytes = 5'000, .patience = milliseconds(50)});
  const auto slow = rows.join(true).value();
  const auto fast = rows.join(true).value();
  std::thread maker([&] {
    for (int64_t number = 0; number < 20; ++number) rows.add({row_of(number)});
  });
  size_t taken = 0;
  while (taken < 20) taken += take(rows, fast, 100).size();
  maker.join();
  std::vector<QueryRow> none;
  const auto refused = rows.next(slow, none, 1, milliseconds(0));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("held back others"));
  rows.leave(slow);
  std::thread second([&] {
    for (int64_t number = 20; number < 40; ++number) rows.add({row_of(number)});
  });
  std::this_thread::sleep_for(milliseconds(200));
  for (taken = 0; taken < 20;) taken += take(rows, fast, 1).size();
  second.join();
}

TEST(SharedRows, WhoComesLateSeesAllOrNothing) {
  SharedRows rows({.most_bytes = 5'000, .patience = milliseconds(1000)});
  const auto first = rows.join(true).value();
  ASSERT_TRUE(rows.add({row_of(0), row_of(1)}));
  EXPECT_EQ(take(rows, first, 10), (std::vector<int64_t>{0, 1}));
  const auto second = rows.join(true);
  ASSERT_TRUE(second);
  EXPECT_EQ(take(rows, *second, 10), (std::vector<int64_t>{0, 1}));
  for (int64_t number = 2; number < 20; ++number) {
    ASSERT_TRUE(rows.add({row_of(number)}));
    EXPECT_EQ(take(rows, first, 10), std::vector<int64_t>{number});
    EXPECT_EQ(take(rows, *second, 10), std::vector<int64_t>{number});
  }
  EXPECT_FALSE(rows.join(true));
  const auto third = rows.join(false);
  ASSERT_TRUE(third);
  ASSERT_TRUE(rows.add({row_of(20)}));
  EXPECT_EQ(take(rows, *third, 10), std::vector<int64_t>{20});
}

TEST(SharedRows, EndsWithItsErrorAndWithItsReaders) {
  SharedRows rows({});
  const auto first = rows.join(true).value();
  ASSERT_TRUE(rows.add({row_of(0)}));
  rows.end(unavailable("the log is away"));
  std::vector<QueryRow> taken;
  const auto end = rows.next(first, taken, 10, milliseconds(0));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().message, "the log is away");
  EXPECT_FALSE(rows.join(false));
  rows.leave(first);
  EXPECT_FALSE(rows.add({row_of(1)}));
}

}  // namespace
}  // namespace meterstream
