#include "connectors/lake/lake_rows.h"

#include <algorithm>
#include <numeric>

#include "connectors/lake/lake_object_name.h"

namespace meterstream {
namespace {

/// Row numbers by rank of their series; rows of one series stay in the order in which they came.
std::vector<uint32_t> order_by_series(const LakeRows& rows, std::span<const uint32_t> ranks) {
  std::vector<uint32_t> begin(ranks.size() + 1, 0);
  for (const uint32_t series : rows.series_of) ++begin[ranks[series] + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<uint32_t> order(rows.size());
  for (uint32_t row = 0; row < rows.size(); ++row) order[begin[ranks[rows.series_of[row]]]++] = row;
  return order;
}

/// Meters send in the order of time, mostly: most runs are sorted already.
void sort_series_by_time(const LakeRows& rows, std::vector<uint32_t>& order) {
  const auto is_before = [&](uint32_t a, uint32_t b) {
    return rows.time_ms[a] != rows.time_ms[b] ? rows.time_ms[a] < rows.time_ms[b] : rows.offset[a] < rows.offset[b];
  };
  for (auto begin = order.begin(); begin != order.end();) {
    const uint32_t series = rows.series_of[*begin];
    bool is_sorted = true;
    auto end = begin + 1;
    for (; end != order.end() && rows.series_of[*end] == series; ++end) is_sorted &= !is_before(*end, *(end - 1));
    if (!is_sorted) std::sort(begin, end, is_before);
    begin = end;
  }
}

}  // namespace

void LakeRows::clear_readings() {
  series_of.clear();
  time_ms.clear();
  value.clear();
  offset.clear();
  ingest_ms.clear();
}

void LakeRows::reserve(size_t readings) {
  series_of.reserve(readings);
  time_ms.reserve(readings);
  value.reserve(readings);
  offset.reserve(readings);
  ingest_ms.reserve(readings);
}

size_t LakeRows::bytes() const {
  constexpr size_t kBytesOfReading = sizeof(uint32_t) + 4 * sizeof(int64_t);
  return size() * kBytesOfReading + series.size() * sizeof(SeriesKey);
}

std::vector<uint32_t> series_ranks(std::span<const SeriesKey> series) {
  std::vector<uint32_t> by_text(series.size());
  std::iota(by_text.begin(), by_text.end(), 0U);
  std::ranges::sort(by_text, [&](uint32_t a, uint32_t b) { return series[a] < series[b]; });
  std::vector<uint32_t> ranks(series.size());
  for (uint32_t rank = 0; rank < by_text.size(); ++rank) ranks[by_text[rank]] = rank;
  return ranks;
}

std::vector<LakeDay> days_of(const LakeRows& rows) {
  if (rows.size() == 0) return {};
  std::vector<uint32_t> order = order_by_series(rows, series_ranks(rows.series));
  const auto [earliest, latest] = std::ranges::minmax_element(rows.time_ms);
  const int64_t first_day = day_of(*earliest);
  const auto day_count = static_cast<size_t>(day_of(*latest) - first_day + 1);
  std::vector<LakeDay> days;
  if (day_count == 1) {
    sort_series_by_time(rows, order);
    days.push_back({first_day, std::move(order)});
    return days;
  }
  std::vector<size_t> count_of_day(day_count, 0);
  for (const int64_t time_ms : rows.time_ms) ++count_of_day[static_cast<size_t>(day_of(time_ms) - first_day)];
  std::vector<size_t> place_of_day(day_count, 0);
  for (size_t day = 0; day < day_count; ++day) {
    if (count_of_day[day] == 0) continue;
    place_of_day[day] = days.size();
    days.push_back({first_day + static_cast<int64_t>(day), {}});
    days.back().order.reserve(count_of_day[day]);
  }
  for (const uint32_t row : order) {
    days[place_of_day[static_cast<size_t>(day_of(rows.time_ms[row]) - first_day)]].order.push_back(row);
  }
  for (LakeDay& day : days) sort_series_by_time(rows, day.order);
  return days;
}

}  // namespace meterstream
