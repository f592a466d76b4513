#include "metering/reading.h"

namespace meterstream {

std::string SeriesKey::text() const {
  std::string text;
  text.reserve(gateway.size() + metric_type.size() + metric_attribute.size() + 2);
  text.append(gateway).append(1, '.').append(metric_type).append(1, '.').append(metric_attribute);
  return text;
}

}  // namespace meterstream
