// Purpose: what one open window of one group remembers, as plain bytes in an array.
// Layout: a row count, then per argument {non-null count, min, max, exact sum}: 8 + 40 * arguments bytes. All zero is the
//         empty slot, so fresh memory needs no set-up. Sums of DOUBLE are in units of 1e-9, sums of BIGINT in ones.
// Thread-safety: none.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "metering/decimal.h"

namespace meterstream {

struct ArgumentState {
  uint64_t count;
  uint64_t min_bits;
  uint64_t max_bits;
  uint64_t sum_low;
  uint64_t sum_high;

  [[nodiscard]] Int128 sum() const {
    return static_cast<Int128>((static_cast<unsigned __int128>(sum_high) << 64) | sum_low);
  }
  void add_to_sum(Int128 units) {
    const Int128 total = sum() + units;
    sum_low = static_cast<uint64_t>(total);
    sum_high = static_cast<uint64_t>(static_cast<unsigned __int128>(total) >> 64);
  }

  template <class Number>
  [[nodiscard]] Number min() const {
    return std::bit_cast<Number>(min_bits);
  }
  template <class Number>
  [[nodiscard]] Number max() const {
    return std::bit_cast<Number>(max_bits);
  }

  /// Number is double or int64_t; `units` is the value in the argument's sum units.
  template <class Number>
  void add(Number value, Int128 units) {
    if constexpr (std::is_same_v<Number, double>) value += 0.0;  // -0 and 0 are one value, whichever comes first
    const bool first = count == 0;
    min_bits = std::bit_cast<uint64_t>(first ? value : std::min(min<Number>(), value));
    max_bits = std::bit_cast<uint64_t>(first ? value : std::max(max<Number>(), value));
    add_to_sum(units);
    ++count;
  }

  template <class Number>
  void merge(const ArgumentState& other) {
    if (other.count == 0) return;
    const bool first = count == 0;
    min_bits = std::bit_cast<uint64_t>(first ? other.min<Number>() : std::min(min<Number>(), other.min<Number>()));
    max_bits = std::bit_cast<uint64_t>(first ? other.max<Number>() : std::max(max<Number>(), other.max<Number>()));
    add_to_sum(other.sum());
    count += other.count;
  }

  /// Takes away what was merged in before. The extremes stay, unless nothing is left.
  void subtract(const ArgumentState& other) {
    count -= other.count;
    add_to_sum(-other.sum());
    if (count == 0) *this = {};
  }
};
static_assert(sizeof(ArgumentState) == 40);

/// Where in a slot the states of an aggregate are.
struct SlotPlace {
  size_t value = 0;    ///< of its argument
  size_t squares = 0;  ///< of the squares of its argument, where it needs them (square_sum.h)
};

struct WindowSlot {
  uint64_t rows;

  ArgumentState* arguments() { return reinterpret_cast<ArgumentState*>(this + 1); }
  [[nodiscard]] const ArgumentState* arguments() const { return reinterpret_cast<const ArgumentState*>(this + 1); }

  static constexpr size_t bytes_for(size_t arguments) { return sizeof(WindowSlot) + arguments * sizeof(ArgumentState); }
};
static_assert(sizeof(WindowSlot) == 8);

/// Adds what `from` holds. `is_integer(i)` tells the kind of argument i.
template <class IsInteger>
void merge_slots(const WindowSlot& from, WindowSlot& into, size_t arguments, IsInteger&& is_integer) {
  into.rows += from.rows;
  for (size_t i = 0; i < arguments; ++i) {
    if (is_integer(i)) {
      into.arguments()[i].merge<int64_t>(from.arguments()[i]);
    } else {
      into.arguments()[i].merge<double>(from.arguments()[i]);
    }
  }
}

}  // namespace meterstream
