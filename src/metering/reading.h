// Purpose: one reading of one meter register, the unit everything here is about.
// Units: value in the unit of its attribute (DESIGN section 2); time UTC in milliseconds.
#pragma once

#include <string>
#include <string_view>

#include "base/strong.h"

namespace meterstream {

/// What identifies a series. Types and attributes are data: any text is allowed.
struct SeriesKey {
  std::string gateway;
  std::string metric_type;
  std::string metric_attribute;

  auto operator<=>(const SeriesKey&) const = default;
  /// "gateway.TYPE.ATTRIBUTE", the key of topic `metrics`.
  [[nodiscard]] std::string text() const;
};

struct Reading {
  SeriesKey series;
  EventTime timestamp;
  double value = 0;

  bool operator==(const Reading&) const = default;
};

}  // namespace meterstream
