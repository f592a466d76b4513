#include "metering/household_model.h"

#include <algorithm>
#include <cmath>

#include "metering/timestamp.h"

namespace meterstream {

namespace {

// How busy a household is in each hour, 0 to 1.
constexpr std::array<double, 24> kWorkday = {0.10, 0.07, 0.05, 0.05, 0.06, 0.15, 0.45, 0.70, 0.50, 0.30, 0.26, 0.30,
                                             0.38, 0.32, 0.25, 0.28, 0.40, 0.62, 0.88, 1.00, 0.95, 0.75, 0.45, 0.20};
constexpr std::array<double, 24> kWeekend = {0.18, 0.12, 0.08, 0.06, 0.06, 0.08, 0.15, 0.32, 0.55, 0.72, 0.75, 0.78,
                                             0.80, 0.70, 0.58, 0.55, 0.60, 0.72, 0.90, 0.98, 0.92, 0.78, 0.55, 0.32};
// Mean temperature at the middle of each month, and the swing of a day by hour.
constexpr std::array<double, 12> kMonthCelsius = {4.1, 5.0, 8.6, 11.8, 15.5, 18.8, 20.9, 20.6, 17.0, 12.9, 7.9, 4.8};
constexpr std::array<double, 24> kDayCelsius = {-2.2, -2.6, -2.9, -3.2, -3.4, -3.3, -2.7, -1.6, -0.2, 1.1,  2.2,  3.0,
                                                3.5,  3.7,  3.6,  3.2,  2.5,  1.6,  0.7,  0.0,  -0.6, -1.1, -1.5, -1.9};

template <size_t kSize>
double interpolated(const std::array<double, kSize>& table, double position) {
  const auto index = static_cast<size_t>(position);
  const double part = position - static_cast<double>(index);
  return table[index % kSize] * (1 - part) + table[(index + 1) % kSize] * part;
}

double fraction_of_day(uint64_t seed, int64_t day) {
  return static_cast<double>(RandomSource::mix(seed ^ static_cast<uint64_t>(day) * 0x9e37'79b9'7f4a'7c15) >> 11) *
         0x1p-53;
}

struct ApplianceKind {
  double power_kw;
  double minutes;
  double share;  // of all starts
};
// Kettle, microwave, cooker, oven, dishwasher, washing machine, dryer.
constexpr std::array<ApplianceKind, 7> kAppliances{{{2.2, 3, 0.34},
                                                    {1.1, 6, 0.20},
                                                    {1.5, 25, 0.18},
                                                    {2.1, 45, 0.08},
                                                    {1.2, 70, 0.08},
                                                    {0.7, 90, 0.07},
                                                    {2.3, 60, 0.05}}};

}  // namespace

double rounded_to_milli(double value) {
  return std::nearbyint(value * 1000) / 1000;
}

Surroundings surroundings_at(uint64_t seed, EventTime time, int64_t interval_ms) {
  Surroundings result;
  result.time = time;
  result.interval_ms = interval_ms;
  const auto [day, in_day] = day_time_of(time.value);
  result.minute_of_day = static_cast<int32_t>(in_day / 60'000);
  result.is_weekend = weekday_of(day) >= 6;
  const CalendarDate date = date_from_days(day);
  const double hour = static_cast<double>(in_day) / 3'600'000;
  const double month = date.month - 1 + (date.day - 0.5) / 30.5 - 0.5;
  const double share = static_cast<double>(in_day) / static_cast<double>(kMsPerDay);
  const double mood = fraction_of_day(seed, day) * (1 - share) + fraction_of_day(seed, day + 1) * share;
  result.temperature_celsius =
      interpolated(kMonthCelsius, month < 0 ? month + 12 : month) + interpolated(kDayCelsius, hour) + (mood - 0.5) * 10;
  result.grid_volts =
      243 - 7 * interpolated(kWorkday, hour) + (fraction_of_day(~seed, in_day / 600'000 + day * 144) - 0.5) * 2;
  return result;
}

HouseholdModel::HouseholdModel(uint64_t seed) : random_(seed) {
  base_kw_ = random_.uniform(0.05, 0.25);
  size_ = random_.uniform(0.5, 1.6);
  phase_minutes_ = static_cast<int32_t>(random_.integer(-75, 75));
  fridge_period_minutes_ = static_cast<int32_t>(random_.integer(35, 65));
  has_car_ = random_.uniform() < 0.12;
  tangent_ = random_.uniform(0.08, 0.22);
  heat_loss_ = random_.uniform(55, 130);
  boiler_dm3_per_h_ = random_.uniform(1'800, 3'000);
  water_ml_ = random_.integer(20'000'000, kWaterRolloverMl - 1);
  gas_cm3_ = random_.integer(1'000'000'000, kGasRolloverCm3 - 1);
}

double HouseholdModel::activity(const Surroundings& surroundings) const {
  const int32_t minute = (surroundings.minute_of_day + phase_minutes_ + 1'440) % 1'440;
  return interpolated(surroundings.is_weekend ? kWeekend : kWorkday, static_cast<double>(minute) / 60);
}

void HouseholdModel::start_appliance(double activity, int64_t interval_ms) {
  // A busy household starts about 3 appliances an hour.
  const double chance = activity * size_ * 3 * static_cast<double>(interval_ms) / 3'600'000;
  if (random_.uniform() >= chance) return;
  const auto idle =
      std::find_if(appliances_.begin(), appliances_.end(), [](const Appliance& one) { return one.remaining_ms <= 0; });
  if (idle == appliances_.end()) return;
  double choice = random_.uniform();
  for (const ApplianceKind& kind : kAppliances) {
    choice -= kind.share;
    if (choice >= 0) continue;
    idle->power_kw = kind.power_kw * random_.uniform(0.8, 1.2);
    idle->remaining_ms = static_cast<int64_t>(kind.minutes * random_.uniform(0.7, 1.3) * 60'000);
    return;
  }
}

double HouseholdModel::electric_load(const Surroundings& surroundings, double activity, double& motor_kw) {
  start_appliance(activity, surroundings.interval_ms);
  double load = base_kw_ + activity * size_ * 0.35;
  for (Appliance& appliance : appliances_) {
    if (appliance.remaining_ms <= 0) continue;
    load += appliance.power_kw;
    appliance.remaining_ms -= surroundings.interval_ms;
  }
  const int64_t minutes = surroundings.time.value / 60'000 + phase_minutes_ * 7;
  motor_kw = minutes % fridge_period_minutes_ * 3 < fridge_period_minutes_ ? 0.11 : 0.0;
  // A car charges at night, most days.
  const int64_t day = surroundings.time.value / kMsPerDay;
  const bool charges = has_car_ && surroundings.minute_of_day >= 60 + phase_minutes_ &&
                       (day + phase_minutes_) % 4 != 0 &&
                       surroundings.minute_of_day < 60 + phase_minutes_ + static_cast<int32_t>(size_ * 110);
  if (charges) load += 7.2;
  load += motor_kw + random_.bell() * 0.015;
  return std::max(0.02, load);
}

double HouseholdModel::water_flow(const Surroundings& surroundings, double activity) {
  if (flow_remaining_ms_ > 0) {
    flow_remaining_ms_ -= surroundings.interval_ms;
    return flow_l_per_min_;
  }
  const double chance = activity * size_ * 4 * static_cast<double>(surroundings.interval_ms) / 3'600'000;
  const double draw = random_.uniform();
  if (draw >= chance) return 0;
  const bool is_long = draw < chance * 0.15;  // a shower or a machine, not a tap
  flow_l_per_min_ = random_.uniform(is_long ? 6 : 2, is_long ? 11 : 8);
  flow_remaining_ms_ = static_cast<int64_t>((is_long ? random_.uniform(4, 12) : random_.uniform(0, 2)) * 60'000);
  return flow_l_per_min_;
}

double HouseholdModel::gas_rate(const Surroundings& surroundings, double activity, double water) {
  constexpr double kHeatedCelsius = 17;
  const double demand = std::max(0.0, kHeatedCelsius - surroundings.temperature_celsius) * heat_loss_ * size_;
  // The boiler runs for its share of every 20 minutes; less at night.
  const double share = std::min(1.0, demand * (0.55 + 0.45 * activity) / boiler_dm3_per_h_);
  const int64_t minute = (surroundings.time.value / 60'000 + phase_minutes_ + 1'440) % 20;
  double rate = static_cast<double>(minute) < share * 20 ? boiler_dm3_per_h_ : 0;
  if (water > 5.5) rate += 900;
  return rate * (1 + random_.bell() * 0.01);
}

MeterValues HouseholdModel::step(const Surroundings& surroundings, double leak_l_per_min) {
  const double busy = activity(surroundings);
  const double minutes = static_cast<double>(surroundings.interval_ms) / 60'000;
  MeterValues values;
  double motor_kw = 0;
  const double active = electric_load(surroundings, busy, motor_kw);
  const double reactive = active * tangent_ + motor_kw * 0.6 + 0.03;
  const double volts = surroundings.grid_volts - active * 0.45 + random_.bell() * 0.35;
  values.active_power_kw = rounded_to_milli(active);
  values.reactive_power_kvar = rounded_to_milli(reactive);
  values.voltage_v = rounded_to_milli(volts);
  values.intensity_a = rounded_to_milli(std::sqrt(active * active + reactive * reactive) * 1000 / volts);

  const double used = water_flow(surroundings, busy);
  const double flow = used + leak_l_per_min;
  water_ml_ = (water_ml_ + static_cast<int64_t>(flow * minutes * 1000)) % kWaterRolloverMl;
  values.water_summation_l = static_cast<double>(water_ml_) / 1000;
  values.water_idd_l_per_min = rounded_to_milli(flow);

  const double rate = gas_rate(surroundings, busy, used);
  gas_cm3_ = (gas_cm3_ + static_cast<int64_t>(rate * minutes / 60 * 1000)) % kGasRolloverCm3;
  values.gas_summation_dm3 = static_cast<double>(gas_cm3_) / 1000;
  values.gas_idd_dm3_per_h = rounded_to_milli(rate);
  return values;
}

}  // namespace meterstream
