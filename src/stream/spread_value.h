// Purpose: the values of VAR_POP, VAR_SAMP, STDDEV_POP and STDDEV_SAMP of a window.
// Units: `type` is the argument's; the value is in its unit, or the square of it.
// Thread-safety: pure functions.
#pragma once

#include <optional>

#include "metering/column_batch.h"
#include "stream/view_spec.h"
#include "stream/window_slot.h"

namespace meterstream {

/// Nothing where there are too few values: none, or one for a sample.
std::optional<double> spread_value(AggregateFunction function, const WindowSlot& slot, SlotPlace place,
                                   ColumnType type);

}  // namespace meterstream
