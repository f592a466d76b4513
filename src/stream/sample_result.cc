#include "stream/sample_result.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/check.h"
#include "metering/decimal.h"
#include "metering/json_encoder.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

using Kind = SampleShape::Kind;

ScalarValue value_of_bits(uint64_t bits, ColumnType type) {
  if (type == ColumnType::kDouble) return double_of(bits);
  if (type == ColumnType::kBoolean) return integer_of(bits) != 0;
  return integer_of(bits);
}

double number_of(uint64_t bits, ColumnType type) {
  return type == ColumnType::kDouble ? double_of(bits) : static_cast<double>(integer_of(bits));
}

ScalarValue value_of_placed(std::string_view placed, ColumnType type) {
  const std::string_view value = placed_value(placed);
  if (type == ColumnType::kVarchar) return std::string(value);
  return value_of_bits(load_big_endian64(value.data()), type);
}

void append_value(std::string& out, const ScalarValue& value, ColumnType type) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    append_json_string(out, *text);
  } else if (const auto* number = std::get_if<double>(&value)) {
    append_json_number(out, *number);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    out += *truth ? "true" : "false";
  } else if (const auto* integer = std::get_if<int64_t>(&value); integer != nullptr && type == ColumnType::kTimestamp) {
    out += '"';
    append_timestamp(out, EventTime(*integer));
    out += '"';
  } else if (integer != nullptr) {
    append_json_number(out, *integer);
  } else {
    out += "null";
  }
}

/// The readings that count: of several at one time the greatest.
std::vector<TimedNumber> one_a_time(const std::vector<TimedNumber>& readings) {
  std::vector<TimedNumber> kept;
  kept.reserve(readings.size());
  for (size_t i = 0; i < readings.size(); ++i) {
    if (i + 1 == readings.size() || readings[i + 1].time != readings[i].time) kept.push_back(readings[i]);
  }
  return kept;
}

Int128 units_of(uint64_t bits, ColumnType type) {
  if (type != ColumnType::kDouble) return Int128{integer_of(bits)};
  const auto decimal = Decimal::from_double(double_of(bits));
  CHECK(decimal.has_value());
  return decimal->units();
}

/// What a register counted, in units of its type. `modulus` 0: it has none.
Int128 increase_of(const std::vector<TimedNumber>& readings, ColumnType type, Int128 modulus) {
  Int128 total = 0;
  Int128 before = 0;
  for (size_t i = 0; i < readings.size(); ++i) {
    const Int128 now = units_of(readings[i].number, type);
    const bool rolls_over = before >= 0 && before < modulus && now >= 0 && now < modulus;
    if (i != 0 && now >= before) total += now - before;
    if (i != 0 && now < before && rolls_over) total += now - before + modulus;
    before = now;
  }
  return total;
}

double to_number(Int128 units, ColumnType type) {
  return type == ColumnType::kDouble ? Decimal::from_units(units).to_double() : static_cast<double>(units);
}

ScalarValue register_result(const AggregateSpec& aggregate, const SampleSet& set, int64_t& faults) {
  const ColumnType type = aggregate.argument->type;
  const std::vector<TimedNumber> readings = one_a_time(set.readings());
  if (readings.size() < 2) return std::monostate();
  const double modulus = aggregate.parameter.value_or(0);
  const Int128 modulus_units = type == ColumnType::kDouble ? Decimal::from_double(modulus).value_or(Decimal()).units()
                                                           : static_cast<Int128>(modulus);
  const Int128 increase = increase_of(readings, type, modulus_units);
  if (aggregate.function == AggregateFunction::kRate) {
    const int64_t elapsed_ms = integer_of(readings.back().time) - integer_of(readings.front().time);
    return to_number(increase, type) / (static_cast<double>(elapsed_ms) / 1000);
  }
  if (type == ColumnType::kDouble) return to_number(increase, type);
  if (increase <= std::numeric_limits<int64_t>::max()) return static_cast<int64_t>(increase);
  ++faults;
  return std::monostate();
}

/// Each value holds until the next reading, the last until the window's end.
ScalarValue time_weighted_average(const SampleSet& set, ColumnType type, int64_t window_end_ms) {
  const std::vector<TimedNumber> readings = one_a_time(set.readings());
  if (readings.empty()) return std::monostate();
  if (window_end_ms == ResultWindow::kNotEnded) window_end_ms = integer_of(readings.back().time);
  long double total = 0;
  for (size_t i = 0; i < readings.size(); ++i) {
    const int64_t until_ms = i + 1 < readings.size() ? integer_of(readings[i + 1].time) : window_end_ms;
    const auto held_ms = static_cast<long double>(until_ms - integer_of(readings[i].time));
    total += held_ms * static_cast<long double>(number_of(readings[i].number, type));
  }
  const int64_t elapsed_ms = window_end_ms - integer_of(readings.front().time);
  if (elapsed_ms <= 0) return number_of(readings.back().number, type);
  return static_cast<double>(total / static_cast<long double>(elapsed_ms));
}

/// Between the two values that lie around the place, as far as it is between them.
ScalarValue percentile(const SampleSet& set, ColumnType type, double share) {
  uint64_t count = 0;
  for (const CountedNumber& one : set.numbers()) count += one.count;
  if (count == 0) return std::monostate();
  const double place = share * static_cast<double>(count - 1);
  const double below = std::floor(place);
  const auto value_at = [&](uint64_t rank) {
    uint64_t passed = 0;
    for (const CountedNumber& one : set.numbers()) {
      passed += one.count;
      if (rank < passed) return number_of(one.number, type);
    }
    return number_of(set.numbers().back().number, type);
  };
  const double low = value_at(static_cast<uint64_t>(below));
  const double high = value_at(static_cast<uint64_t>(std::ceil(place)));
  return low + (high - low) * (place - below);
}

class JsonList {
 public:
  explicit JsonList(ColumnType type) : type_(type) {}
  void add(const ScalarValue& value) {
    text_ += text_.empty() ? '[' : ',';
    append_value(text_, value, type_);
    ++size_;
  }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] ScalarValue finish() const { return text_.empty() ? ScalarValue() : ScalarValue(text_ + ']'); }

 private:
  ColumnType type_;
  std::string text_;
  size_t size_ = 0;
};

ScalarValue greatest(const AggregateSpec& aggregate, const SampleSet& set) {
  const ColumnType type = aggregate.argument->type;
  const auto most = static_cast<size_t>(aggregate.parameter.value());
  const bool repeats = aggregate.function == AggregateFunction::kTopK;
  JsonList list(type);
  const auto add = [&](const auto& value, uint64_t count) {
    for (uint64_t i = 0; i < (repeats ? count : 1) && list.size() < most; ++i) list.add(value);
  };
  if (type == ColumnType::kVarchar) {
    for (size_t i = set.texts().size(); i-- > 0;) add(ScalarValue(set.texts()[i].text), set.texts()[i].count);
  } else {
    for (size_t i = set.numbers().size(); i-- > 0;)
      add(value_of_bits(set.numbers()[i].number, type), set.numbers()[i].count);
  }
  return list.finish();
}

ScalarValue histogram(const SampleSet& set) {
  if (set.empty()) return std::monostate();
  std::string text;
  for (const CountedText& one : set.texts()) {
    text += text.empty() ? '{' : ',';
    append_json_string(text, one.text);
    text += ':';
    append_json_number(text, static_cast<int64_t>(one.count));
  }
  return text + '}';
}

ScalarValue by_offset(const AggregateSpec& aggregate, const SampleSet& set) {
  const ColumnType type = aggregate.argument->type;
  if (set.empty()) return std::monostate();
  if (!aggregate.parameter) return value_of_placed(set.texts().front().text, type);
  JsonList list(type);
  for (const CountedText& one : set.texts()) list.add(value_of_placed(one.text, type));
  return list.finish();
}

}  // namespace

SampleShape shape_of(const AggregateSpec& aggregate) {
  const bool is_text = aggregate.argument->type == ColumnType::kVarchar;
  const Kind values = is_text ? Kind::kTexts : Kind::kNumbers;
  const auto limit = static_cast<uint32_t>(aggregate.parameter.value_or(1));
  switch (aggregate.function) {
    case AggregateFunction::kMin:
      return {values, false, 1, false};
    case AggregateFunction::kMax:
      return {values, false, 1, true};
    case AggregateFunction::kCountDistinct:
      return {values, false, 0, false};
    case AggregateFunction::kEarliestByOffset:
      return {Kind::kPlaced, false, limit, false};
    case AggregateFunction::kLatestByOffset:
      return {Kind::kPlaced, false, limit, true};
    case AggregateFunction::kIncrease:
    case AggregateFunction::kRate:
    case AggregateFunction::kTimeWeightedAverage:
      return {Kind::kReadings, false, 0, false};
    case AggregateFunction::kTopK:
    case AggregateFunction::kTopKDistinct:
      return {values, true, limit, true};
    default:
      CHECK(is_sampled(aggregate));
      return {values, true, 0, false};
  }
}

ScalarValue sample_result(const AggregateSpec& aggregate, const SampleSet& set, int64_t window_end_ms,
                          int64_t& faults) {
  const ColumnType type = aggregate.argument->type;
  switch (aggregate.function) {
    case AggregateFunction::kCountDistinct:
      return static_cast<int64_t>(type == ColumnType::kVarchar ? set.texts().size() : set.numbers().size());
    case AggregateFunction::kEarliestByOffset:
    case AggregateFunction::kLatestByOffset:
      return by_offset(aggregate, set);
    case AggregateFunction::kIncrease:
    case AggregateFunction::kRate:
      return register_result(aggregate, set, faults);
    case AggregateFunction::kTimeWeightedAverage:
      return time_weighted_average(set, type, window_end_ms);
    case AggregateFunction::kPercentile:
      return percentile(set, type, aggregate.parameter.value());
    case AggregateFunction::kTopK:
    case AggregateFunction::kTopKDistinct:
      return greatest(aggregate, set);
    case AggregateFunction::kHistogram:
      return histogram(set);
    default:
      CHECK(type == ColumnType::kVarchar);
      return set.empty() ? ScalarValue() : ScalarValue(set.texts().front().text);
  }
}

void append_sample_result(std::string& out, const AggregateSpec& aggregate, const ScalarValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr && gives_json(aggregate)) {
    out += *text;
  } else {
    append_value(out, value, type_of(aggregate));
  }
}

}  // namespace meterstream
