// Purpose: names of the lake's objects: dt=YYYY-MM-DD/<topic>+<partition>+<first offset>+<last offset>.parquet.
// Guarantee: the name says which readings an object holds: all those of one UTC date of event time whose records lie in
//            the offsets first..last, both included.
// Thread-safety: values and pure functions.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/strong.h"
#include "log/event_log.h"
#include "metering/timestamp.h"

namespace meterstream {

/// Days since 1970-01-01 of an instant, also before it.
constexpr int64_t day_of(int64_t time_ms) {
  return day_time_of(time_ms).days;
}

/// "YYYY-MM-DD"; years 0 to 9999.
std::string date_text(int64_t day);
std::optional<int64_t> parse_date(std::string_view text);

struct LakeObjectName {
  /// UTC, days since 1970-01-01.
  int64_t day = 0;
  TopicPartition source;
  Offset first;
  Offset last;

  auto operator<=>(const LakeObjectName&) const = default;
  [[nodiscard]] bool covers(Offset from, Offset to) const { return first <= from && to <= last; }
  /// Relative to the lake.
  [[nodiscard]] std::string path() const;
  /// Nothing for a path that this program does not write.
  static std::optional<LakeObjectName> parse(std::string_view path);
};

}  // namespace meterstream
