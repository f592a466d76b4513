// Purpose: readings of a few series in disorder: late, repeated, conflicting, far ahead, without a usable value.
// Determinism: the same seed gives the same readings.
#pragma once

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "testing/view_oracle.h"

namespace meterstream {

inline std::vector<OracleReading> random_readings(size_t count, uint64_t seed, int64_t start_ms) {
  std::mt19937_64 random(seed);
  std::vector<OracleReading> readings;
  int64_t now_ms = start_ms;
  for (size_t i = 0; i < count; ++i) {
    now_ms += static_cast<int64_t>(random() % 4'000);
    int64_t time_ms = now_ms - static_cast<int64_t>(random() % 20'000);
    if (random() % 20 == 0) time_ms -= static_cast<int64_t>(random() % 900'000);
    if (random() % 200 == 0) time_ms += 3'000'000;
    double value = static_cast<double>(static_cast<int64_t>(random() % 2'000'000) - 1'500'000) / 1024.0;
    if (random() % 100 == 0) value = std::numeric_limits<double>::quiet_NaN();
    if (random() % 100 == 1) value = 3e20;
    if (random() % 50 == 2) value *= 1e9;
    const std::string gateway = "household-" + std::to_string(random() % 7);
    readings.push_back(
        {{{gateway, "WATER", random() % 2 == 0 ? "WATER_IDD" : "x.y"}, EventTime(time_ms), value}, IngestTime(now_ms)});
    if (random() % 10 == 0) readings.push_back(readings.back());
    if (random() % 40 == 0) {
      readings.push_back(readings.back());
      readings.back().reading.value += 1;
    }
  }
  return readings;
}

}  // namespace meterstream
