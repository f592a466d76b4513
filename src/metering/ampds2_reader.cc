#include "metering/ampds2_reader.h"

#include "metering/header_matcher.h"

namespace meterstream {

Result<std::unique_ptr<ReadingReader>> make_ampds2_reader(std::unique_ptr<ByteSource> source,
                                                          std::string_view metric_type) {
  using Role = DelimitedColumn::Role;
  const std::string type(metric_type);
  return make_delimited_reader(std::move(source), "AMPds2 water or gas",
                               {{"unix_ts", Role::kUnixSeconds, {}},
                                {"counter", Role::kValue, {type, type + "_SUMMATION"}},
                                {"inst_rate", Role::kValue, {type, type + "_IDD"}}});
}

}  // namespace meterstream
