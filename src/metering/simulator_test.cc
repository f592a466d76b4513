#include "metering/simulator.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr int64_t kMinuteMs = 60'000;

/// No gaps, no late readings, no repeats.
SimulatorConfig clean(int32_t households) {
  SimulatorConfig config;
  config.households = households;
  config.gap_chance = config.late_chance = config.duplicate_chance = config.conflict_chance = 0;
  config.leak = config.outage = false;
  return config;
}

std::vector<IndexedReading> run(Simulator& simulator, int steps, bool drains = true) {
  std::vector<IndexedReading> readings;
  for (int i = 0; i < steps; ++i) simulator.next_step(readings);
  if (drains) simulator.drain(readings);
  return readings;
}

size_t series_of(const Simulator& simulator, std::string_view gateway, std::string_view attribute) {
  const auto found = std::find_if(simulator.series().begin(), simulator.series().end(), [&](const SeriesKey& key) {
    return key.gateway == gateway && key.metric_attribute == attribute;
  });
  EXPECT_NE(found, simulator.series().end());
  return static_cast<size_t>(found - simulator.series().begin());
}

TEST(Simulator, GivesTheSameReadingsForTheSameSeedAndOthersForAnother) {
  SimulatorConfig config;
  config.households = 20;
  Simulator one(config);
  Simulator two(config);
  config.seed = 2;
  Simulator other(config);
  const auto readings = run(one, 300);
  EXPECT_EQ(readings, run(two, 300));
  EXPECT_NE(readings, run(other, 300));
}

TEST(Simulator, NamesEverySeriesOfEveryHousehold) {
  SimulatorConfig config = clean(3);
  config.first_household = 7;
  const Simulator simulator(config);
  ASSERT_EQ(simulator.series().size(), 24u);
  EXPECT_EQ(simulator.series()[0].text(), "household-7.ELECTRICITY.ACTIVE_POWER");
  EXPECT_EQ(simulator.series()[23].text(), "household-9.GAS.GAS_IDD");
  config.electricity = config.gas = false;
  EXPECT_EQ(Simulator(config).series().size(), 6u);
}

// Counts again from what came out, without knowing how it was made.
RC_GTEST_PROP(SimulatorProperty, TruthIsWhatWasDelivered, (uint64_t seed)) {
  SimulatorConfig config;
  config.seed = seed;
  config.households = 9;
  config.late_chance = 0.03;
  config.duplicate_chance = 0.02;
  config.conflict_chance = 0.01;
  config.gap_chance = 0.01;
  Simulator simulator(config);
  SimulatorTruth counted;
  std::map<std::pair<uint32_t, int64_t>, std::set<double>> seen;
  std::vector<IndexedReading> readings;
  constexpr int kSteps = 700;
  for (int step = 0; step <= kSteps; ++step) {
    const int64_t now_ms = simulator.now().value;
    readings.clear();
    if (step < kSteps) {
      simulator.next_step(readings);
    } else {
      simulator.drain(readings);
    }
    for (const IndexedReading& reading : readings) {
      ++counted.delivered;
      auto& values = seen[{reading.series, reading.timestamp.value}];
      if (values.empty()) ++counted.distinct;
      if (!values.empty() && values.contains(reading.value)) ++counted.duplicates;
      if (!values.empty() && !values.contains(reading.value)) ++counted.conflicts;
      values.insert(reading.value);
      if (reading.timestamp.value < now_ms) ++counted.late;
      RC_ASSERT(reading.timestamp.value <= now_ms);
      RC_ASSERT(std::isfinite(reading.value));
    }
  }
  const SimulatorTruth& truth = simulator.truth();
  RC_ASSERT(truth.delivered == counted.delivered);
  RC_ASSERT(truth.distinct == counted.distinct);
  RC_ASSERT(truth.duplicates == counted.duplicates);
  RC_ASSERT(truth.conflicts == counted.conflicts);
  RC_ASSERT(truth.late == counted.late);
  RC_ASSERT(truth.pending == 0);
  RC_ASSERT(truth.distinct + truth.missing == static_cast<int64_t>(kSteps * simulator.series().size()));
  int64_t late = 0;
  for (const int64_t count : truth.late_by) late += count;
  RC_ASSERT(late == truth.late);
  RC_ASSERT(truth.duplicates > 0);
  RC_ASSERT(truth.conflicts > 0);
  RC_ASSERT(truth.missing > 0);
}

TEST(Simulator, ElectricityHasADailyShapeAndPlausibleValues) {
  Simulator simulator(clean(50));
  double night = 0;
  double evening = 0;
  for (const IndexedReading& reading : run(simulator, 3 * 1'440)) {
    const SeriesKey& key = simulator.series()[reading.series];
    const int64_t hour = reading.timestamp.value / (60 * kMinuteMs) % 24;
    if (key.metric_attribute == "ACTIVE_POWER") {
      ASSERT_GE(reading.value, 0.02);
      ASSERT_LT(reading.value, 25);
      if (hour >= 2 && hour < 5) night += reading.value;
      if (hour >= 18 && hour < 21) evening += reading.value;
    }
    if (key.metric_attribute == "VOLTAGE") {
      ASSERT_GT(reading.value, 207);
      ASSERT_LT(reading.value, 253);
    }
    EXPECT_EQ(reading.value, std::nearbyint(reading.value * 1'000) / 1'000);
  }
  EXPECT_GT(evening, 1.5 * night);
}

TEST(Simulator, PowerVoltageAndIntensityBelongTogether) {
  Simulator simulator(clean(1));
  const auto readings = run(simulator, 100);
  for (size_t i = 0; i < readings.size(); i += 8) {
    const double apparent =
        std::sqrt(readings[i].value * readings[i].value + readings[i + 1].value * readings[i + 1].value);
    EXPECT_NEAR(apparent * 1'000 / readings[i + 2].value, readings[i + 3].value, 0.05);
  }
}

TEST(Simulator, CountersGrowAndRollOver) {
  SimulatorConfig config = clean(400);
  config.electricity = false;
  config.interval_ms = 15 * kMinuteMs;
  Simulator simulator(config);
  std::map<uint32_t, double> last;
  int64_t rollovers = 0;
  for (const IndexedReading& reading : run(simulator, 30 * 96)) {
    if (!simulator.series()[reading.series].metric_attribute.ends_with("SUMMATION")) continue;
    const auto [previous, is_first] = last.emplace(reading.series, reading.value);
    if (!is_first && reading.value < previous->second) {
      ++rollovers;
      EXPECT_LT(reading.value, 10'000);
    }
    previous->second = reading.value;
  }
  EXPECT_GT(rollovers, 0);
}

TEST(Simulator, GasFollowsTheSeasons) {
  const auto used_in = [](std::string_view start) {
    SimulatorConfig config = clean(20);
    config.start = *parse_timestamp(start);
    config.interval_ms = 15 * kMinuteMs;
    Simulator simulator(config);
    double sum = 0;
    for (const IndexedReading& reading : run(simulator, 7 * 96)) {
      if (simulator.series()[reading.series].metric_attribute == "GAS_IDD") sum += reading.value;
    }
    return sum;
  };
  EXPECT_GT(used_in("2007-01-15T00:00:00Z"), 3 * used_in("2007-07-15T00:00:00Z"));
}

TEST(Simulator, OneHouseholdLeaksDayAndNight) {
  SimulatorConfig config = clean(30);
  config.leak = true;
  Simulator simulator(config);
  std::map<uint32_t, double> least;
  for (const IndexedReading& reading : run(simulator, 1'440)) {
    if (reading.timestamp.value - config.start.value < 360 * kMinuteMs) continue;
    if (simulator.series()[reading.series].metric_attribute != "WATER_IDD") continue;
    auto& value = least.emplace(reading.series, reading.value).first->second;
    value = std::min(value, reading.value);
  }
  EXPECT_EQ(least.size(), 30u);
  EXPECT_EQ(std::count_if(least.begin(), least.end(), [](const auto& entry) { return entry.second > 0.3; }), 1);
}

TEST(Simulator, AnOutageDarkensTheElectricityOfOneRegion) {
  SimulatorConfig config = clean(32);
  config.outage = true;
  Simulator simulator(config);
  run(simulator, 1'440);
  EXPECT_EQ(simulator.truth().missing, 45 * 4 * 4);
}

TEST(Simulator, HoldsLateReadingsBackUntilTheyAreDue) {
  SimulatorConfig config = clean(10);
  config.late_chance = 0.1;
  config.max_late_ms = 5 * kMinuteMs;
  Simulator simulator(config);
  const auto readings = run(simulator, 60, false);
  EXPECT_GT(simulator.truth().pending, 0);
  EXPECT_EQ(simulator.truth().distinct + simulator.truth().pending, 60 * 80);
  int64_t high_ms = 0;
  int64_t out_of_order = 0;
  for (const IndexedReading& reading : readings) {
    high_ms = std::max(high_ms, reading.timestamp.value);
    if (reading.timestamp.value < high_ms) ++out_of_order;
    EXPECT_LE(high_ms - reading.timestamp.value, config.max_late_ms);
  }
  EXPECT_GT(out_of_order, 0);
  EXPECT_EQ(simulator.series()[series_of(simulator, "household-3", "GAS_IDD")].metric_type, "GAS");
}

}  // namespace
}  // namespace meterstream
