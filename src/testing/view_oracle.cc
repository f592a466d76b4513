#include "testing/view_oracle.h"

#include <algorithm>
#include <cmath>

namespace meterstream {
namespace {

int64_t floor_to(int64_t time_ms, int64_t size_ms) {
  return static_cast<int64_t>(std::floor(static_cast<double>(time_ms) / static_cast<double>(size_ms))) * size_ms;
}

}  // namespace

OracleAnswer ask_oracle(const std::vector<OracleReading>& readings, const OracleView& view) {
  OracleAnswer answer;
  ViewAccounting& accounting = answer.accounting;
  std::map<std::pair<std::string, int64_t>, double> seen;
  int64_t watermark_ms = INT64_MIN / 2;
  int64_t highest_ms = INT64_MIN / 2;
  for (size_t index = 0; index < readings.size(); ++index) {
    const OracleReading& item = readings[index];
    const Reading& reading = item.reading;
    const int64_t time_ms = reading.timestamp.value;
    const int64_t capped_ms = std::min(time_ms, item.ingest_time.value + view.max_ahead_ms);
    ++accounting.read;
    const bool usable = std::isfinite(reading.value) && std::fabs(reading.value) < Decimal::kMaxReading;
    if (std::isfinite(reading.value) && usable && capped_ms < time_ms) ++accounting.capped_ahead;
    if (!usable) {
      ++accounting.rejected;
      answer.rejected.push_back(index);
      continue;
    }
    watermark_ms = std::max(watermark_ms, capped_ms);
    if (view.deduplicate) {
      highest_ms = std::max(highest_ms, capped_ms);
      if (time_ms >= highest_ms - view.deduplicate_horizon_ms) {
        const auto [found, added] = seen.try_emplace({reading.series.text(), time_ms}, reading.value);
        if (!added && found->second == reading.value) {
          ++accounting.duplicate;
          continue;
        }
        if (!added) {
          ++accounting.rejected;
          answer.rejected.push_back(index);
          ++accounting.conflicts;
          continue;
        }
      }
    }
    const int64_t start_ms = floor_to(time_ms, view.size_ms);
    if (start_ms + view.size_ms + view.grace_ms <= watermark_ms) {
      ++accounting.late;
      answer.late.push_back(index);
      continue;
    }
    ++accounting.aggregated;
    OracleWindow& window = answer.windows[{start_ms, reading.series.text()}];
    window.min = window.count == 0 ? reading.value : std::min(window.min, reading.value);
    window.max = window.count == 0 ? reading.value : std::max(window.max, reading.value);
    window.sum = window.sum + Decimal::from_double(reading.value).value();
    ++window.count;
  }
  accounting.results = static_cast<int64_t>(answer.windows.size());
  return answer;
}

}  // namespace meterstream
