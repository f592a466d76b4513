// Purpose: what one simulated household does and what its meters show, step by step. Pure; see simulator.h for the
//          quantities and units.
// Guarantee: only additions, multiplications, divisions and square roots of doubles, so that the same seed gives the
//            same values on every machine.
// Thread-safety: none; Weather is immutable within a step.
#pragma once

#include <array>
#include <cstdint>

#include "base/strong.h"
#include "metering/random_source.h"

namespace meterstream {

/// What all households share in one step.
struct Surroundings {
  EventTime time;
  int64_t interval_ms = 60'000;
  int32_t minute_of_day = 0;
  bool is_weekend = false;
  double temperature_celsius = 10;
  double grid_volts = 238;
};
Surroundings surroundings_at(uint64_t seed, EventTime time, int64_t interval_ms);

struct MeterValues {
  double active_power_kw = 0;
  double reactive_power_kvar = 0;
  double voltage_v = 0;
  double intensity_a = 0;
  double water_summation_l = 0;
  double water_idd_l_per_min = 0;
  double gas_summation_dm3 = 0;
  double gas_idd_dm3_per_h = 0;
};

class HouseholdModel {
 public:
  static constexpr int64_t kWaterRolloverMl = 1'000'000'000;   // 999,999.999 litres
  static constexpr int64_t kGasRolloverCm3 = 100'000'000'000;  // 99,999,999.999 dm3

  /// Equal seeds give equal households.
  explicit HouseholdModel(uint64_t seed);

  /// Lives through one step. `leak_l_per_min` runs besides what is used.
  MeterValues step(const Surroundings& surroundings, double leak_l_per_min);

 private:
  struct Appliance {
    double power_kw = 0;
    int64_t remaining_ms = 0;
  };

  double activity(const Surroundings& surroundings) const;
  double electric_load(const Surroundings& surroundings, double activity, double& motor_kw);
  void start_appliance(double activity, int64_t interval_ms);
  double water_flow(const Surroundings& surroundings, double activity);
  double gas_rate(const Surroundings& surroundings, double activity, double water);

  RandomSource random_;
  double base_kw_;
  double size_;
  int32_t phase_minutes_;
  int32_t fridge_period_minutes_;
  bool has_car_;
  double tangent_;
  double heat_loss_;
  double boiler_dm3_per_h_;
  std::array<Appliance, 3> appliances_{};
  double flow_l_per_min_ = 0;
  int64_t flow_remaining_ms_ = 0;
  int64_t water_ml_;
  int64_t gas_cm3_;
};

/// `value` with at most 3 decimals.
double rounded_to_milli(double value);

}  // namespace meterstream
