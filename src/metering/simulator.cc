#include "metering/simulator.h"

#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include "base/check.h"
#include "metering/household_model.h"

namespace meterstream {

namespace {

constexpr int64_t kHourMs = 3'600'000;
// The leak runs from the 6th hour on; the outage hits one household in eight from the 10th hour on.
constexpr int64_t kLeakStartMs = 6 * kHourMs;
constexpr double kLeakLitresPerMinute = 0.35;
constexpr int64_t kOutageStartMs = 10 * kHourMs;
constexpr int64_t kOutageMs = 45 * 60'000;
constexpr int32_t kRegions = 8;
constexpr int64_t kMaxGapSteps = 30;
constexpr int64_t kMaxRepeatSteps = 3;

uint64_t threshold_of(double chance) {
  CHECK(chance >= 0 && chance < 1);
  return static_cast<uint64_t>(chance * 18'446'744'073'709'551'616.0);
}

size_t late_class(int64_t delay_ms) {
  constexpr int64_t kLimits[] = {60'000, 300'000, 600'000, 1'800'000, 3'600'000};
  return static_cast<size_t>(std::lower_bound(std::begin(kLimits), std::end(kLimits), delay_ms) - std::begin(kLimits));
}

}  // namespace

class Simulator::Implementation {
 public:
  explicit Implementation(SimulatorConfig config) : config_(config), faults_(RandomSource::mix(config.seed + 1)) {
    CHECK(config_.households > 0 && config_.interval_ms > 0 && config_.max_late_ms >= 0);
    late_below_ = threshold_of(config_.late_chance);
    duplicate_below_ = late_below_ + threshold_of(config_.duplicate_chance);
    conflict_below_ = duplicate_below_ + threshold_of(config_.conflict_chance);
    CHECK_MESSAGE(config_.late_chance + config_.duplicate_chance + config_.conflict_chance < 1, "chances above 1");
    leaking_ = faults_.integer(0, config_.households - 1);
    dark_region_ = faults_.integer(0, std::min(kRegions, config_.households) - 1);
    for (int32_t i = 0; i < config_.households; ++i) {
      models_.emplace_back(RandomSource::mix(config_.seed * 0x1000'0000'01b3 + static_cast<uint64_t>(i)));
      add_series(fmt::format("household-{}", config_.first_household + i));
    }
    gap_steps_.resize(models_.size());
    width_ = series_.size() / models_.size();
    CHECK_MESSAGE(width_ > 0, "no kind of meter is switched on");
    now_ = config_.start;
  }

  [[nodiscard]] const std::vector<SeriesKey>& series() const { return series_; }
  [[nodiscard]] EventTime now() const { return now_; }
  [[nodiscard]] const SimulatorTruth& truth() const { return truth_; }

  void next_step(std::vector<IndexedReading>& out) {
    deliver_due(out);
    const Surroundings surroundings = surroundings_at(config_.seed, now_, config_.interval_ms);
    const int64_t elapsed_ms = now_.value - config_.start.value;
    const bool leaks = config_.leak && elapsed_ms >= kLeakStartMs;
    const bool is_dark = config_.outage && elapsed_ms >= kOutageStartMs && elapsed_ms < kOutageStartMs + kOutageMs;
    for (size_t i = 0; i < models_.size(); ++i) {
      const bool is_leaking = leaks && static_cast<int64_t>(i) == leaking_;
      const MeterValues values = models_[i].step(surroundings, is_leaking ? kLeakLitresPerMinute : 0);
      if (is_silent(i)) {
        truth_.missing += static_cast<int64_t>(width_);
        continue;
      }
      auto series = static_cast<uint32_t>(i * width_);
      const bool has_power = !is_dark || static_cast<int64_t>(i) % kRegions != dark_region_;
      const auto report = [&](double value) { emit(series++, value, out); };
      if (config_.electricity && has_power) {
        report(values.active_power_kw);
        report(values.reactive_power_kvar);
        report(values.voltage_v);
        report(values.intensity_a);
      } else if (config_.electricity) {
        series += 4;
        truth_.missing += 4;
      }
      // Water and gas meters have batteries.
      if (config_.water) {
        report(values.water_summation_l);
        report(values.water_idd_l_per_min);
      }
      if (config_.gas) {
        report(values.gas_summation_dm3);
        report(values.gas_idd_dm3_per_h);
      }
    }
    now_ = EventTime(now_.value + config_.interval_ms);
  }

  void drain(std::vector<IndexedReading>& out) {
    int64_t step_ms = now_.value;
    while (!held_.empty()) {
      for (const Held& one : held_.front()) deliver(one, step_ms, out);
      held_.pop_front();
      step_ms += config_.interval_ms;
    }
  }

 private:
  enum class Kind : uint8_t { kFirst, kDuplicate, kConflict };
  struct Held {
    IndexedReading reading;
    Kind kind = Kind::kFirst;
  };

  void add_series(const std::string& gateway) {
    const auto add = [&](const char* type, const char* attribute) { series_.push_back({gateway, type, attribute}); };
    if (config_.electricity) {
      add("ELECTRICITY", "ACTIVE_POWER");
      add("ELECTRICITY", "REACTIVE_POWER");
      add("ELECTRICITY", "VOLTAGE");
      add("ELECTRICITY", "INTENSITY");
    }
    if (config_.water) {
      add("WATER", "WATER_SUMMATION");
      add("WATER", "WATER_IDD");
    }
    if (config_.gas) {
      add("GAS", "GAS_SUMMATION");
      add("GAS", "GAS_IDD");
    }
  }

  bool is_silent(size_t household) {
    if (gap_steps_[household] > 0) {
      --gap_steps_[household];
      return true;
    }
    if (faults_.uniform() >= config_.gap_chance) return false;
    gap_steps_[household] = static_cast<int32_t>(faults_.integer(0, kMaxGapSteps - 1));
    return true;
  }

  void emit(uint32_t series, double value, std::vector<IndexedReading>& out) {
    const IndexedReading reading{now_, value, series};
    const uint64_t draw = faults_.next();
    if (draw >= conflict_below_) [[likely]] {
      out.push_back(reading);
      ++truth_.delivered;
      ++truth_.distinct;
      return;
    }
    if (draw < late_below_) {
      const int64_t most_steps = std::max<int64_t>(1, config_.max_late_ms / config_.interval_ms);
      hold({reading, Kind::kFirst}, faults_.integer(1, most_steps));
      return;
    }
    deliver({reading, Kind::kFirst}, now_.value, out);
    Held repeat{reading, Kind::kDuplicate};
    if (draw >= duplicate_below_) {
      repeat.kind = Kind::kConflict;
      repeat.reading.value = rounded_to_milli(value + faults_.uniform(0.5, 5));
    }
    const int64_t steps = faults_.integer(0, kMaxRepeatSteps);
    if (steps == 0) {
      deliver(repeat, now_.value, out);
    } else {
      hold(repeat, steps);
    }
  }

  /// Keeps a reading for the step `steps` after the current one.
  void hold(const Held& one, int64_t steps) {
    const auto bucket = static_cast<size_t>(steps - 1);
    if (held_.size() <= bucket) held_.resize(bucket + 1);
    held_[bucket].push_back(one);
    ++truth_.pending;
  }

  // held_[0] is for the step that begins, and for the next one while a step runs.
  void deliver_due(std::vector<IndexedReading>& out) {
    if (held_.empty()) return;
    for (const Held& one : held_.front()) deliver(one, now_.value, out);
    held_.pop_front();
  }

  void deliver(const Held& one, int64_t step_ms, std::vector<IndexedReading>& out) {
    out.push_back(one.reading);
    ++truth_.delivered;
    if (one.kind == Kind::kFirst) ++truth_.distinct;
    if (one.kind == Kind::kDuplicate) ++truth_.duplicates;
    if (one.kind == Kind::kConflict) ++truth_.conflicts;
    const int64_t delay_ms = step_ms - one.reading.timestamp.value;
    const bool was_held = delay_ms > 0;
    if (!was_held) return;
    --truth_.pending;
    ++truth_.late;
    ++truth_.late_by[late_class(delay_ms)];
  }

  SimulatorConfig config_;
  RandomSource faults_;
  uint64_t late_below_ = 0;
  uint64_t duplicate_below_ = 0;
  uint64_t conflict_below_ = 0;
  int64_t leaking_ = 0;
  int64_t dark_region_ = 0;
  std::vector<HouseholdModel> models_;
  std::vector<int32_t> gap_steps_;
  std::vector<SeriesKey> series_;
  size_t width_ = 0;
  EventTime now_;
  std::deque<std::vector<Held>> held_;
  SimulatorTruth truth_;
};

Simulator::Simulator(SimulatorConfig config) : implementation_(std::make_unique<Implementation>(config)) {}
Simulator::~Simulator() = default;
Simulator::Simulator(Simulator&&) noexcept = default;
Simulator& Simulator::operator=(Simulator&&) noexcept = default;

const std::vector<SeriesKey>& Simulator::series() const {
  return implementation_->series();
}
EventTime Simulator::now() const {
  return implementation_->now();
}
void Simulator::next_step(std::vector<IndexedReading>& out) {
  implementation_->next_step(out);
}
void Simulator::drain(std::vector<IndexedReading>& out) {
  implementation_->drain(out);
}
const SimulatorTruth& Simulator::truth() const {
  return implementation_->truth();
}

}  // namespace meterstream
