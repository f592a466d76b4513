// Purpose: exact sums of squares, and the variance that follows from them.
// Units: a square has the argument's sum units twice: 1e-18 for DOUBLE, ones for BIGINT. 256 bits hold 1e9 squares of the
//        largest readings (below 1e20), so the sum does not depend on order, batches or partitions; nor does the variance,
//        whose only roundings are those of a last division.
// Layout: a state of squares stands in a slot like one of an argument (see window_slot.h): count, and the sum's words from
//         the lowest on in sum_low, sum_high, min_bits, max_bits. All zero is empty.
// Thread-safety: none.
#pragma once

#include <cstdint>

#include "metering/decimal.h"
#include "stream/window_slot.h"

namespace meterstream {

/// Adds the square of a value of so many units.
void add_square(ArgumentState& squares, Int128 units);
void merge_squares(ArgumentState& into, const ArgumentState& from);
/// Takes away what was merged in before.
void subtract_squares(ArgumentState& from, const ArgumentState& leaving);

enum class Spread : uint8_t { kPopulation, kSample };

/// Values a variance needs at least.
constexpr uint64_t least_count(Spread spread) {
  return spread == Spread::kSample ? 2 : 1;
}

/// `values` and `squares` are over the same values, at least least_count() of them. `units_per_one` is 1 or
/// Decimal::kUnitsPerOne. Within two units in the last place of the exact variance; 0 exactly when all values are equal.
double variance_of(const ArgumentState& values, const ArgumentState& squares, Spread spread, int64_t units_per_one);

}  // namespace meterstream
