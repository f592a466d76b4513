// Purpose: the aggregates whose state is a sample set (sample_set.h): which set each needs, and what it is of it.
// Time base: event time, UTC, milliseconds; a window is [start, end).
// Guarantee: a result is a function of the set and the window, so not of the order of readings.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "stream/sample_set.h"
#include "stream/view_spec.h"

namespace meterstream {

SampleShape shape_of(const AggregateSpec& aggregate);

/// The value of type_of(aggregate); of those that give JSON its text. NULL without samples that make one. `faults` grows when
/// it does not fit its type.
ScalarValue sample_result(const AggregateSpec& aggregate, const SampleSet& set, int64_t window_end_ms, int64_t& faults);

/// As results are written.
void append_sample_result(std::string& out, const AggregateSpec& aggregate, const ScalarValue& value);

}  // namespace meterstream
