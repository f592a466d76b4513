// Purpose: a reading that names its series by number, for producers of many readings of few series.
// Shapes: `series` is an index into the list of series that the producer (ReplayFanout, Simulator) publishes.
#pragma once

#include <cstdint>

#include "base/strong.h"

namespace meterstream {

struct IndexedReading {
  EventTime timestamp;
  double value = 0;
  uint32_t series = 0;

  bool operator==(const IndexedReading&) const = default;
};

}  // namespace meterstream
