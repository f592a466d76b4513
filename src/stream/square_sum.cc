#include "stream/square_sum.h"

#include <array>
#include <bit>
#include <cmath>

namespace meterstream {
namespace {

using Unsigned128 = unsigned __int128;
/// 256 bits, lowest word first.
using Wide = std::array<uint64_t, 4>;

Wide words_of(const ArgumentState& squares) {
  return {squares.sum_low, squares.sum_high, squares.min_bits, squares.max_bits};
}

void set_words(ArgumentState& squares, const Wide& words) {
  squares.sum_low = words[0];
  squares.sum_high = words[1];
  squares.min_bits = words[2];
  squares.max_bits = words[3];
}

Wide sum_of(const Wide& left, const Wide& right) {
  Wide sum{};
  Unsigned128 carry = 0;
  for (size_t word = 0; word < sum.size(); ++word) {
    carry += static_cast<Unsigned128>(left[word]) + right[word];
    sum[word] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  return sum;
}

/// `left` must not be below `right`.
Wide difference_of(const Wide& left, const Wide& right) {
  Wide difference{};
  uint64_t borrow = 0;
  for (size_t word = 0; word < difference.size(); ++word) {
    const Unsigned128 taken = static_cast<Unsigned128>(right[word]) + borrow;
    difference[word] = static_cast<uint64_t>(left[word] - taken);
    borrow = taken > left[word] ? 1 : 0;
  }
  return difference;
}

Wide product_of(const Wide& wide, uint64_t factor) {
  Wide product{};
  Unsigned128 carry = 0;
  for (size_t word = 0; word < product.size(); ++word) {
    carry += static_cast<Unsigned128>(wide[word]) * factor;
    product[word] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  return product;
}

Wide square_of(Int128 units) {
  const Unsigned128 magnitude = units < 0 ? -static_cast<Unsigned128>(units) : static_cast<Unsigned128>(units);
  const auto low = static_cast<uint64_t>(magnitude);
  const auto high = static_cast<uint64_t>(magnitude >> 64);
  const Wide times_low = product_of({low, high, 0, 0}, low);
  const Wide times_high = product_of({low, high, 0, 0}, high);
  return sum_of(times_low, {0, times_high[0], times_high[1], times_high[2]});
}

/// Rounded once: what lies below the highest 64 bits only breaks ties.
double nearest_double(const Wide& wide) {
  size_t top = wide.size();
  while (top > 0 && wide[top - 1] == 0) --top;
  if (top == 0) return 0;
  const int shift = std::countl_zero(wide[top - 1]);
  uint64_t bits = wide[top - 1] << shift;
  bool rest = false;
  if (top > 1 && shift > 0) bits |= wide[top - 2] >> (64 - shift);
  if (top > 1) rest = (wide[top - 2] << shift) != 0;
  for (size_t word = 0; word + 2 < top; ++word) rest |= wide[word] != 0;
  if (rest) bits |= 1;
  return std::ldexp(static_cast<double>(bits), static_cast<int>(top - 1) * 64 - shift);
}

}  // namespace

void add_square(ArgumentState& squares, Int128 units) {
  set_words(squares, sum_of(words_of(squares), square_of(units)));
  ++squares.count;
}

void merge_squares(ArgumentState& into, const ArgumentState& from) {
  set_words(into, sum_of(words_of(into), words_of(from)));
  into.count += from.count;
}

void subtract_squares(ArgumentState& from, const ArgumentState& leaving) {
  set_words(from, difference_of(words_of(from), words_of(leaving)));
  from.count -= leaving.count;
}

double variance_of(const ArgumentState& values, const ArgumentState& squares, Spread spread, int64_t units_per_one) {
  const uint64_t count = values.count;
  // count^2 times the variance of the population, and never negative.
  const Wide scaled = difference_of(product_of(words_of(squares), count), square_of(values.sum()));
  const Unsigned128 divisor = static_cast<Unsigned128>(count) * (spread == Spread::kSample ? count - 1 : count);
  const auto scale = static_cast<double>(units_per_one);
  return nearest_double(scaled) / static_cast<double>(divisor) / (scale * scale);
}

}  // namespace meterstream
