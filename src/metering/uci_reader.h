// Purpose: reads "Individual household electric power consumption" (UCI data set 235).
// Format: Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;Sub_metering_1;2;3 with
//         dates d/m/yyyy, times h:mm:ss and '?' or nothing for missing values (docs/formats/datasets.md).
// Rule: columns are found by their names in the header and never by place, so that active and reactive power cannot be
//       swapped. Registers are ACTIVE_POWER (kW), REACTIVE_POWER (kvar), VOLTAGE (V) and INTENSITY (A) of type
//       ELECTRICITY, in this order, as far as the file has them. Sub-meterings are not read.
// Time base: the file's local times are taken as UTC. It was recorded near Paris and has no offset and no repeated
//            hour in autumn, so that any other reading would make gaps and doubles at clock changes.
// Errors: kInvalid when the header has no date, no time or none of the four values.
#pragma once

#include <memory>

#include "metering/reading_reader.h"

namespace meterstream {

Result<std::unique_ptr<ReadingReader>> make_uci_reader(std::unique_ptr<ByteSource> source);

}  // namespace meterstream
