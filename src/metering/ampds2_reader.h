// Purpose: reads the water and gas files of AMPds2 (Makonin, "Almanac of Minutely Power dataset 2").
// Format: unix_ts,counter,avg_rate,inst_rate, one row a minute (docs/formats/datasets.md).
// Rule: <TYPE>_SUMMATION is `counter`, the meter's running total (litres; dm3). <TYPE>_IDD, the instantaneous demand,
//       is `inst_rate`, the flow at the moment of reading (litres a minute; dm3 an hour). `avg_rate` is not read: it is
//       the difference of two counters and says nothing that SUMMATION does not. Columns are found by name.
//       437 rows of each published file write unix_ts with a plus sign; they are read as any other.
// Time base: unix_ts is seconds since 1970-01-01T00:00:00Z.
// Errors: kInvalid when the header lacks unix_ts, or both counter and inst_rate.
#pragma once

#include <memory>
#include <string_view>

#include "metering/reading_reader.h"

namespace meterstream {

/// `metric_type` is "WATER" or "GAS"; attributes are named after it.
Result<std::unique_ptr<ReadingReader>> make_ampds2_reader(std::unique_ptr<ByteSource> source,
                                                          std::string_view metric_type);

}  // namespace meterstream
