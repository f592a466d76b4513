// Purpose: the behaviour that every LatestTable must show, as parameterised tests.
// Use: include it in one test file of a binary, define a LatestTableSubject, and
//   INSTANTIATE_TEST_SUITE_P(Name, LatestTableContract, testing::Values(&make_subject));
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "state/latest_content.h"
#include "state/latest_table.h"

namespace meterstream {

/// An empty table under test.
class LatestTableSubject {
 public:
  virtual ~LatestTableSubject() = default;
  /// A writer and reader of the table; all see the same.
  virtual std::unique_ptr<LatestTable> open(LatestContent content) = 0;
  /// Nothing flushed before may be missing afterwards: an orderly restart. Tables that were opened before are gone.
  virtual void restart() = 0;
};

class LatestTableContract : public testing::TestWithParam<std::unique_ptr<LatestTableSubject> (*)()> {
 protected:
  static constexpr int64_t kNoonMs = 1'167'652'800'000;  // 2007-01-01T12:00:00Z

  void SetUp() override {
    subject_ = GetParam()();
    table_ = subject_->open(LatestContent::kActivityAndValues);
  }

  static void write(LatestTable& table, const std::vector<LatestReading>& readings) {
    std::vector<LatestReadingView> views;
    views.reserve(readings.size());
    for (const LatestReading& one : readings)
      views.push_back({one.gateway, one.metric_type, one.metric_attribute, one.timestamp_ms, one.value});
    const Status written = table.write(views);
    ASSERT_TRUE(written) << written.error().message;
  }
  static void flush(LatestTable& table) {
    const Status flushed = table.flush();
    ASSERT_TRUE(flushed) << flushed.error().message;
  }
  void store(const std::vector<LatestReading>& readings) {
    write(*table_, readings);
    flush(*table_);
  }
  static LatestReading reading(std::string gateway, int64_t timestamp_ms, double value) {
    return {std::move(gateway), "ELECTRICITY", "ACTIVE_POWER", timestamp_ms, value};
  }

  std::optional<int64_t> activity(std::string_view gateway) {
    const auto found = table_->activity(gateway);
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : std::nullopt;
  }
  std::vector<LatestReading> values(std::string_view gateway) {
    const auto found = table_->values(gateway);
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : std::vector<LatestReading>();
  }
  std::vector<std::string> gateways(std::string_view prefix, size_t limit = 1'000'000,
                                    const std::string* after = nullptr) {
    const auto found = table_->gateways(prefix, limit, after);
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : std::vector<std::string>();
  }

  // What the table must hold after these readings.
  using Model = std::map<std::string, std::map<std::pair<std::string, std::string>, LatestReading>>;
  static void apply(Model& model, const LatestReading& one) {
    auto& held = model[one.gateway].try_emplace({one.metric_type, one.metric_attribute}, one).first->second;
    if (held.timestamp_ms < one.timestamp_ms) held = one;
  }
  void expect(const Model& model) {
    std::vector<std::string> names;
    for (const auto& [gateway, series] : model) {
      names.push_back(gateway);
      std::vector<LatestReading> wanted;
      int64_t latest_ms = std::numeric_limits<int64_t>::min();
      for (const auto& [name, one] : series) {
        wanted.push_back(one);
        latest_ms = std::max(latest_ms, one.timestamp_ms);
      }
      EXPECT_EQ(values(gateway), wanted) << gateway;
      EXPECT_EQ(activity(gateway), latest_ms) << gateway;
    }
    EXPECT_EQ(gateways(""), names);
  }

  std::unique_ptr<LatestTableSubject> subject_;
  std::unique_ptr<LatestTable> table_;
};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for this name.
inline void PrintTo(const LatestReading& reading, std::ostream* out) {
  *out << reading.gateway << '.' << reading.metric_type << '.' << reading.metric_attribute << " at "
       << reading.timestamp_ms << ": " << reading.value;
}

TEST_P(LatestTableContract, AnUnknownGatewayHasNothing) {
  store({reading("known", kNoonMs, 1)});
  EXPECT_EQ(activity("kno"), std::nullopt);
  EXPECT_EQ(activity("known "), std::nullopt);
  EXPECT_TRUE(values("kno").empty());
  EXPECT_TRUE(values("").empty());
}

TEST_P(LatestTableContract, KeepsTheLatestReadingOfEachSeriesAndTheLatestTimeOfAll) {
  store({{"g", "WATER", "WATER_IDD", kNoonMs, 1.5},
         {"g", "ELECTRICITY", "VOLTAGE", kNoonMs + 2'000, 230.25},
         {"g", "ELECTRICITY", "INTENSITY", kNoonMs + 1'000, 4}});
  store({{"g", "WATER", "WATER_IDD", kNoonMs + 60'000, 2.5}});
  EXPECT_EQ(activity("g"), kNoonMs + 60'000);
  EXPECT_EQ(values("g"), (std::vector<LatestReading>{{"g", "ELECTRICITY", "INTENSITY", kNoonMs + 1'000, 4},
                                                     {"g", "ELECTRICITY", "VOLTAGE", kNoonMs + 2'000, 230.25},
                                                     {"g", "WATER", "WATER_IDD", kNoonMs + 60'000, 2.5}}));
}

TEST_P(LatestTableContract, NeverGoesBackInTime) {
  store({reading("g", kNoonMs, 1)});
  store({reading("g", kNoonMs - 1, 2)});
  EXPECT_EQ(values("g"), std::vector{reading("g", kNoonMs, 1)});
  // Inside one write and one flush, and through a writer that knows nothing.
  write(*table_, {reading("g", kNoonMs + 5, 5), reading("g", kNoonMs + 3, 3)});
  store({reading("g", kNoonMs + 4, 4)});
  const auto other = subject_->open(LatestContent::kActivityAndValues);
  write(*other, {reading("g", kNoonMs + 2, 2)});
  flush(*other);
  EXPECT_EQ(values("g"), std::vector{reading("g", kNoonMs + 5, 5)});
  EXPECT_EQ(activity("g"), kNoonMs + 5);
  // Another series of the gateway is older, and the gateway is not.
  store({{"g", "GAS", "GAS_IDD", kNoonMs - 1'000, 7}});
  EXPECT_EQ(activity("g"), kNoonMs + 5);
  EXPECT_EQ(values("g").size(), 2U);
}

TEST_P(LatestTableContract, AWriterSeesWhatAnotherWroteMeanwhile) {
  const auto other = subject_->open(LatestContent::kActivityAndValues);
  store({reading("g", kNoonMs, 1)});
  write(*other, {reading("g", kNoonMs + 10, 10)});
  flush(*other);
  store({reading("g", kNoonMs + 5, 5)});
  EXPECT_EQ(values("g"), std::vector{reading("g", kNoonMs + 10, 10)});
  EXPECT_EQ(activity("g"), kNoonMs + 10);
}

TEST_P(LatestTableContract, TimesAreComparedAsTimesWithAndWithoutMilliseconds) {
  const std::vector<int64_t> times = {-62'135'596'800'000,  // the first and the last instant of the years 1 to 9999
                                      -1,
                                      0,
                                      1,
                                      999,
                                      1'000,
                                      1'001,
                                      946'684'799'999,
                                      946'684'800'000,
                                      kNoonMs,
                                      kNoonMs + 1,
                                      kNoonMs + 500,
                                      kNoonMs + 1'000,
                                      253'402'300'799'999};
  for (size_t older = 0; older + 1 < times.size(); ++older) {
    const std::string gateway = "g" + std::to_string(older);
    const LatestReading before = reading(gateway, times[older], 1);
    const LatestReading after = reading(gateway, times[older + 1], 2);
    store({before});
    EXPECT_EQ(values(gateway), std::vector{before});
    store({after});
    store({before});
    EXPECT_EQ(values(gateway), std::vector{after});
    EXPECT_EQ(activity(gateway), after.timestamp_ms);
  }
}

TEST_P(LatestTableContract, OfEqualTimesEitherStays) {
  const LatestReading one = reading("g", kNoonMs, 1);
  const LatestReading two = reading("g", kNoonMs, 2);
  store({one, two});
  const auto held = values("g");
  ASSERT_EQ(held.size(), 1U);
  EXPECT_TRUE(held[0] == one || held[0] == two);
  store({one});
  store({two});
  ASSERT_EQ(values("g").size(), 1U);
  EXPECT_EQ(activity("g"), kNoonMs);
}

TEST_P(LatestTableContract, AnyOrderAndAnyRepeatGivesTheSame) {
  std::mt19937_64 random(5);
  std::vector<LatestReading> readings;
  Model model;
  constexpr int kGateways = 20;
  constexpr int kTimes = 30;
  for (int gateway = 0; gateway < kGateways; ++gateway) {
    for (int time = 0; time < kTimes; ++time) {
      LatestReading one = reading("gateway-" + std::to_string(gateway), kNoonMs + time * 250, time);
      if (random() % 3 == 0) one.metric_attribute = "VOLTAGE";
      apply(model, one);
      readings.push_back(std::move(one));
    }
  }
  for (int round = 0; round < 3; ++round) {
    std::ranges::shuffle(readings, random);
    for (size_t at = 0; at < readings.size();) {
      const size_t count = std::min(readings.size() - at, random() % 100 + 1);
      write(*table_,
            {readings.begin() + static_cast<ptrdiff_t>(at), readings.begin() + static_cast<ptrdiff_t>(at + count)});
      if (random() % 2 == 0) flush(*table_);
      at += count;
    }
    flush(*table_);
    expect(model);
  }
}

TEST_P(LatestTableContract, NamesMayHoldAnyBytes) {
  using std::string_literals::operator""s;
  const std::vector<std::string> names = {"",
                                          ":",
                                          "a:b",
                                          "a.b",
                                          "a",
                                          "a\0b"s,
                                          "\0"s,
                                          "\0\xff"s,
                                          "*",
                                          "a*",
                                          "[a]",
                                          "?",
                                          "\\",
                                          "a\\.b",
                                          "é",
                                          "日本",
                                          "\xff\xfe",
                                          "values:",
                                          "values:a",
                                          "values:a:b",
                                          "gateway:",
                                          "gateway:a",
                                          "gateway:values:a",
                                          "line\r\nbreak",
                                          " ",
                                          "{a}",
                                          "%s",
                                          "2007-01-01T12:00:00Z"};
  Model model;
  std::vector<LatestReading> readings;
  int64_t time_ms = kNoonMs;
  for (const std::string& gateway : names) {
    for (const auto& [type, attribute] :
         {std::pair("ELECTRICITY"s, "ACTIVE_POWER"s), std::pair("A"s, "B.C"s), std::pair("A.B"s, "C"s),
          std::pair("A\\"s, ".B"s), std::pair(""s, ""s), std::pair(gateway, gateway)}) {
      readings.push_back({gateway, type, attribute, ++time_ms, static_cast<double>(time_ms)});
      apply(model, readings.back());
    }
  }
  store(readings);
  store(readings);
  expect(model);
}

TEST_P(LatestTableContract, ValuesComeBackToTheLastBit) {
  const std::vector<double> numbers = {0.0, -0.0, 0.1, 1.0 / 3, -1e300, 5e-324, 1.7976931348623157e308, 12345678.9};
  std::vector<LatestReading> readings;
  readings.reserve(numbers.size());
  for (size_t index = 0; index < numbers.size(); ++index)
    readings.push_back({"g", "T", std::to_string(index), kNoonMs, numbers[index]});
  store(readings);
  const auto held = values("g");
  ASSERT_EQ(held.size(), numbers.size());
  for (size_t index = 0; index < numbers.size(); ++index) {
    EXPECT_EQ(held[index].value, numbers[index]);
    EXPECT_EQ(std::signbit(held[index].value), std::signbit(numbers[index]));
  }
}

TEST_P(LatestTableContract, ManyGatewaysComeInTheOrderOfTheirNamesPageByPage) {
  constexpr size_t kCount = 3'000;
  std::vector<LatestReading> readings;
  std::vector<std::string> names;
  for (size_t index = 0; index < kCount; ++index) {
    const std::string name = (index % 3 == 0 ? "b-" : "a-") + std::to_string(index);
    names.push_back(name);
    readings.push_back(reading(name, kNoonMs + static_cast<int64_t>(index), 1));
    readings.push_back({name, "WATER", "WATER_IDD", kNoonMs + static_cast<int64_t>(index) + 1, 2});
  }
  store(readings);
  std::ranges::sort(names);
  EXPECT_EQ(gateways(""), names);
  const auto behind = std::ranges::find_if(names, [](const std::string& name) { return name.starts_with("b-"); });
  EXPECT_EQ(gateways("a-"), std::vector(names.begin(), behind));
  std::vector<std::string> paged;
  while (true) {
    const std::string last = paged.empty() ? "" : paged.back();
    const auto page = gateways("b-", 700, paged.empty() ? nullptr : &last);
    ASSERT_LE(page.size(), 700U);
    if (page.empty()) break;
    paged.insert(paged.end(), page.begin(), page.end());
  }
  EXPECT_EQ(paged, std::vector(behind, names.end()));
  EXPECT_TRUE(gateways("c").empty());
  EXPECT_TRUE(gateways("", 0).empty());
  EXPECT_EQ(activity("a-1"), kNoonMs + 2);
  EXPECT_EQ(values("b-2997").size(), 2U);
}

TEST_P(LatestTableContract, AGatewayMayHaveManySeries) {
  std::vector<LatestReading> readings;
  readings.reserve(5'000);
  for (int index = 0; index < 5'000; ++index)
    readings.push_back({"g", "T" + std::to_string(100'000 + index), "A", kNoonMs + index, 1.0 * index});
  store(readings);
  EXPECT_EQ(values("g"), readings);
  EXPECT_EQ(activity("g"), kNoonMs + 4'999);
}

TEST_P(LatestTableContract, KeepsOnlyWhatItIsAskedToKeep) {
  const auto activity_alone = subject_->open(LatestContent::kActivity);
  write(*activity_alone, {reading("a", kNoonMs, 1)});
  flush(*activity_alone);
  const auto values_alone = subject_->open(LatestContent::kValues);
  write(*values_alone, {reading("v", kNoonMs, 1)});
  flush(*values_alone);
  EXPECT_EQ(activity("a"), kNoonMs);
  EXPECT_TRUE(values("a").empty());
  EXPECT_EQ(activity("v"), std::nullopt);
  EXPECT_EQ(values("v"), std::vector{reading("v", kNoonMs, 1)});
  EXPECT_EQ(gateways(""), (std::vector<std::string>{"a", "v"}));
}

TEST_P(LatestTableContract, WhatWasFlushedIsThereAfterARestart) {
  store({reading("g", kNoonMs, 1), reading("h", kNoonMs + 1, 2)});
  table_.reset();
  subject_->restart();
  table_ = subject_->open(LatestContent::kActivityAndValues);
  store({reading("g", kNoonMs - 1, 3), reading("h", kNoonMs + 2, 4)});
  EXPECT_EQ(values("g"), std::vector{reading("g", kNoonMs, 1)});
  EXPECT_EQ(values("h"), std::vector{reading("h", kNoonMs + 2, 4)});
  EXPECT_EQ(activity("g"), kNoonMs);
}

TEST_P(LatestTableContract, WritersAtOnceLeaveTheLatest) {
  constexpr int kWriters = 4;
  constexpr int kRounds = 40;
  constexpr int kGateways = 25;
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([this, writer] {
      const auto table = subject_->open(LatestContent::kActivityAndValues);
      for (int round = 0; round < kRounds; ++round) {
        std::vector<LatestReading> readings;
        for (int gateway = 0; gateway < kGateways; ++gateway) {
          const int time = (round * 7 + gateway + writer) % kRounds * kWriters + writer;
          readings.push_back(reading("g" + std::to_string(gateway), kNoonMs + time * 100, time));
        }
        write(*table, readings);
        flush(*table);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  constexpr int kLast = kRounds * kWriters - 1;
  for (int gateway = 0; gateway < kGateways; ++gateway) {
    const std::string name = "g" + std::to_string(gateway);
    EXPECT_EQ(values(name), std::vector{reading(name, kNoonMs + kLast * 100, kLast)});
    EXPECT_EQ(activity(name), kNoonMs + kLast * 100);
  }
}

}  // namespace meterstream
