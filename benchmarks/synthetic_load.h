// Purpose: synthetic readings for benchmarks, written to a log before the clock starts.
// Shape: `ticks` rounds; in each, every series reports once. Meters keep their phase: the order is pseudo-random but the
//        same in each round. With `shuffled` it is another one each round, the worst case for caches. Values have three
//        decimals, as meters send them; with `counters` they grow.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "log/event_log.h"
#include "metering/avro_encoder.h"

namespace meterstream {

struct SyntheticLoad {
  uint32_t series = 100'000;
  uint32_t ticks = 100;
  int64_t tick_ms = 1'000;
  int64_t start_ms = 1'700'000'000'000 / 60'000 * 60'000;
  uint32_t batch_records = 8'192;
  bool shuffled = false;
  bool counters = false;  ///< values only grow, as those of a meter's register

  [[nodiscard]] int64_t readings() const { return static_cast<int64_t>(series) * ticks; }
};

/// Calls sink(key, value) for every reading in order.
template <class Sink>
void generate(const SyntheticLoad& load, SchemaId schema, Sink&& sink) {
  std::vector<EncodedSeries> encoded;
  encoded.reserve(load.series);
  for (uint32_t i = 0; i < load.series; ++i) {
    encoded.emplace_back(schema, SeriesKey{"household-" + std::to_string(i / 4), "ELECTRICITY",
                                           i % 4 == 0   ? "ACTIVE_POWER"
                                           : i % 4 == 1 ? "REACTIVE_POWER"
                                           : i % 4 == 2 ? "VOLTAGE"
                                                        : "INTENSITY"});
  }
  std::string value;
  uint64_t state = 88172645463325252ULL;
  for (uint32_t tick = 0; tick < load.ticks; ++tick) {
    // A full cycle over a power of two, skipping what is beyond the series: a cheap permutation.
    uint64_t size = 1;
    while (size < load.series) size *= 2;
    const uint64_t round = load.shuffled ? tick : 0;
    const uint64_t multiplier = 4 * (round * 7919ULL + 12345) + 1;
    uint64_t position = round * 2654435761ULL % size;
    for (uint64_t step = 0; step < size; ++step) {
      position = (position * multiplier + 12347) & (size - 1);
      if (position >= load.series) continue;
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      value.clear();
      append_metric_avro(
          value, encoded[position], EventTime(load.start_ms + tick * load.tick_ms),
          static_cast<double>(load.counters ? tick * 300'000ULL + state % 300'000 : state % 300'000) / 1000.0);
      sink(encoded[position].key, value);
    }
  }
}

}  // namespace meterstream
