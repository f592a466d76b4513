// Purpose: what one thread can do with nothing in the way: hand-written decoding of MetricAvro, interned keys, 60 s windows
//          in plain arrays; no log, no checksum, no commit, no late readings, no output. Every engine is a fraction of it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace meterstream {

/// Aggregates all values (Confluent-framed MetricAvro, in time order) and returns the number of windows made.
int64_t run_yardstick(const std::vector<std::string_view>& values);

}  // namespace meterstream
