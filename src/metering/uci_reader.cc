#include "metering/uci_reader.h"

#include "metering/header_matcher.h"

namespace meterstream {

Result<std::unique_ptr<ReadingReader>> make_uci_reader(std::unique_ptr<ByteSource> source) {
  using Role = DelimitedColumn::Role;
  return make_delimited_reader(std::move(source), "UCI household power",
                               {{"Date", Role::kDate, {}},
                                {"Time", Role::kTimeOfDay, {}},
                                {"Global_active_power", Role::kValue, {"ELECTRICITY", "ACTIVE_POWER"}},
                                {"Global_reactive_power", Role::kValue, {"ELECTRICITY", "REACTIVE_POWER"}},
                                {"Voltage", Role::kValue, {"ELECTRICITY", "VOLTAGE"}},
                                {"Global_intensity", Role::kValue, {"ELECTRICITY", "INTENSITY"}}});
}

}  // namespace meterstream
