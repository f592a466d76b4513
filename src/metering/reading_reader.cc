#include "metering/reading_reader.h"

#include <cctype>

#include <fmt/format.h>

#include "metering/ampds2_reader.h"
#include "metering/uci_reader.h"

namespace meterstream {

Result<std::unique_ptr<ReadingReader>> make_reading_reader(std::string_view type, std::unique_ptr<ByteSource> source) {
  std::string upper(type);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper == "ELECTRICITY") return make_uci_reader(std::move(source));
  if (upper == "WATER" || upper == "GAS") return make_ampds2_reader(std::move(source), upper);
  return invalid(fmt::format("'{}' is no type of meter; use electricity, water or gas", type));
}

}  // namespace meterstream
