#include "stream/spread_value.h"

#include <cmath>

#include "stream/square_sum.h"

namespace meterstream {

std::optional<double> spread_value(AggregateFunction function, const WindowSlot& slot, SlotPlace place,
                                   ColumnType type) {
  const bool is_sample =
      function == AggregateFunction::kVarianceSample || function == AggregateFunction::kDeviationSample;
  const bool is_variance =
      function == AggregateFunction::kVarianceSample || function == AggregateFunction::kVariancePopulation;
  const Spread spread = is_sample ? Spread::kSample : Spread::kPopulation;
  const ArgumentState& values = slot.arguments()[place.value];
  if (values.count < least_count(spread)) return std::nullopt;
  const double variance = variance_of(values, slot.arguments()[place.squares], spread,
                                      type == ColumnType::kDouble ? Decimal::kUnitsPerOne : 1);
  return is_variance ? variance : std::sqrt(variance);
}

}  // namespace meterstream
