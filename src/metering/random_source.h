// Purpose: random numbers that are the same on every machine: SplitMix64 (Steele, Lea, Flood 2014) and what is made of it
//          with additions and multiplications alone.
// Thread-safety: none; a value.
#pragma once

#include <cstdint>

namespace meterstream {

class RandomSource {
 public:
  explicit RandomSource(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e37'79b9'7f4a'7c15;
    return mix(state_);
  }
  /// [0, 1)
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// [low, high], for small ranges.
  int64_t integer(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(uniform() * static_cast<double>(high - low + 1));
  }
  /// Bell-shaped around 0 with standard deviation 1, between -3.5 and 3.5: four uniform numbers added.
  double bell() {
    const uint64_t bits = next();
    const auto sum =
        static_cast<double>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
    return (sum - 131'070.0) * (1.7320508075688772 / 65'536.0);
  }

  static uint64_t mix(uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * 0xbf58'476d'1ce4'e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d0'49bb'1331'11eb;
    return bits ^ (bits >> 31);
  }

 private:
  uint64_t state_;
};

}  // namespace meterstream
