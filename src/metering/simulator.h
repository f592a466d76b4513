// Purpose: plausible readings of many households, with everything that goes wrong on real meters, for demos
// and tests. Model: electricity (ACTIVE_POWER kW, REACTIVE_POWER kvar, VOLTAGE V, INTENSITY A), water
// (WATER_SUMMATION, a counter
//        in litres that rolls over; WATER_IDD, litres a minute) and gas (GAS_SUMMATION in dm3, also rolling
//        over; GAS_IDD, dm3 an hour). Daily and weekly shape, base load, appliances, seasonal outdoor
//        temperature for gas, noise, gaps, late delivery, duplicates, conflicts, a leak in one household and
//        one regional power outage.
// Time base: event time in UTC; readings of a step have the time of the step's start.
// Guarantee: the same config gives the same readings in the same order on every machine with IEEE doubles; values have
//            at most 3 decimals. truth() counts exactly what was delivered. distinct + missing + readings held back
//            for their first delivery = steps x series.
// Thread-safety: none.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/strong.h"
#include "metering/indexed_reading.h"
#include "metering/reading.h"

namespace meterstream {

struct SimulatorConfig {
  uint64_t seed = 1;
  int32_t households = 500;
  /// Number of the first household; gateways are "household-<number>".
  int32_t first_household = 1;
  EventTime start{1'167'609'600'000};  ///< 2007-01-01T00:00:00Z
  int64_t interval_ms = 60'000;
  bool electricity = true;
  bool water = true;
  bool gas = true;
  /// Chance that a household falls silent in a step, for 1 to 30 steps. Those readings are never delivered.
  double gap_chance = 0.0005;
  /// Chance that a reading is delivered late, by up to max_late_ms (at least one step).
  double late_chance = 0.002;
  int64_t max_late_ms = 600'000;
  /// Chance that a reading is delivered twice, and that the second one has another value.
  double duplicate_chance = 0.001;
  double conflict_chance = 0.00002;
  /// One household loses 0.35 litres a minute from the 6th hour on.
  bool leak = true;
  /// The electricity meters of one household in eight are dark for 45 minutes from the 10th hour on.
  bool outage = true;
};

/// What was really delivered so far.
struct SimulatorTruth {
  int64_t delivered = 0;   ///< all readings given out
  int64_t distinct = 0;    ///< first deliveries
  int64_t duplicates = 0;  ///< exact repeats of an earlier delivery
  int64_t conflicts = 0;   ///< repeats of series and time with another value
  int64_t late = 0;        ///< delivered in a later step than their own
  int64_t missing = 0;     ///< readings that a gap or outage kept back for ever
  int64_t pending = 0;     ///< made and not yet delivered
  /// Late readings by their delay: up to 1 minute, 5, 10, 30, 60 minutes, and more.
  std::array<int64_t, 6> late_by{};
};

class Simulator {
 public:
  explicit Simulator(SimulatorConfig config);
  ~Simulator();
  Simulator(Simulator&&) noexcept;
  Simulator& operator=(Simulator&&) noexcept;

  /// The series by number. Ordered by household.
  [[nodiscard]] const std::vector<SeriesKey>& series() const;
  /// Start of the step that next_step() makes.
  [[nodiscard]] EventTime now() const;
  /// Appends what arrives during the next step, [now, now + interval): late readings of earlier steps that
  /// are due, then the step's own.
  void next_step(std::vector<IndexedReading>& out);
  /// Appends every reading still held back. The simulator can go on afterwards.
  void drain(std::vector<IndexedReading>& out);
  [[nodiscard]] const SimulatorTruth& truth() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meterstream
