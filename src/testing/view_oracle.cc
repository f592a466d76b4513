#include "testing/view_oracle.h"

#include <algorithm>
#include <cmath>

#include "metering/time_zone.h"

namespace meterstream {
namespace {

int64_t floor_to(int64_t time_ms, int64_t size_ms) {
  return static_cast<int64_t>(std::floor(static_cast<double>(time_ms) / static_cast<double>(size_ms))) * size_ms;
}

void add_to(OracleWindow& window, double value) {
  window.min = window.count == 0 ? value : std::min(window.min, value);
  window.max = window.count == 0 ? value : std::max(window.max, value);
  window.sum = window.sum + Decimal::from_double(value).value();
  ++window.count;
}

// The local day that holds the time, found by going from it to where the calendar there shows another.
std::pair<int64_t, int64_t> local_day_of(int64_t time_ms, const OracleView& view) {
  constexpr int64_t kStepMs = 900'000;
  const auto number_of = [&](int64_t moment_ms) {
    return floor_to(moment_ms + time_zone_offset_ms(view.time_zone, moment_ms).value(), view.size_ms);
  };
  int64_t start_ms = floor_to(time_ms, kStepMs);
  while (number_of(start_ms - kStepMs) == number_of(time_ms)) start_ms -= kStepMs;
  int64_t end_ms = floor_to(time_ms, kStepMs) + kStepMs;
  while (number_of(end_ms) == number_of(time_ms)) end_ms += kStepMs;
  return {start_ms, end_ms};
}

struct OracleSession {
  int64_t start_ms = 0;
  OracleWindow window;
};

// A reading is late when it lies before the end of a session of its series that time closed. Otherwise it makes one session
// of itself and those that it reaches; without any, when time has passed its own, it is late.
bool add_to_sessions(std::vector<OracleSession>& sessions, int64_t time_ms, double value, int64_t watermark_ms,
                     const OracleView& view) {
  const auto is_closed = [&](int64_t end_ms) { return end_ms + view.session_gap_ms + view.grace_ms < watermark_ms; };
  OracleSession made{time_ms, {}};
  made.window.end_ms = time_ms;
  bool reaches_open = false;
  std::vector<OracleSession> others;
  for (const OracleSession& session : sessions) {
    const int64_t end_ms = session.window.end_ms;
    if (is_closed(end_ms) && time_ms <= end_ms) return false;
    const bool reaches = session.start_ms - view.session_gap_ms <= time_ms && time_ms <= end_ms + view.session_gap_ms;
    if (is_closed(end_ms) || !reaches) {
      others.push_back(session);
      continue;
    }
    reaches_open = true;
    made.start_ms = std::min(made.start_ms, session.start_ms);
    made.window.end_ms = std::max(made.window.end_ms, end_ms);
    if (made.window.count == 0) {
      made.window.min = session.window.min;
      made.window.max = session.window.max;
    }
    made.window.min = std::min(made.window.min, session.window.min);
    made.window.max = std::max(made.window.max, session.window.max);
    made.window.sum = made.window.sum + session.window.sum;
    made.window.count += session.window.count;
  }
  if (!reaches_open && is_closed(time_ms)) return false;
  add_to(made.window, value);
  others.push_back(made);
  sessions = std::move(others);
  return true;
}

}  // namespace

OracleView::OracleView(const ViewSpec& view)
    : size_ms(view.window_size_ms),
      advance_ms(view.advance_ms),
      session_gap_ms(view.session_gap_ms),
      time_zone(view.time_zone),
      grace_ms(view.grace_ms),
      deduplicate(view.source->deduplicate),
      deduplicate_horizon_ms(view.source->deduplicate_horizon_ms),
      max_ahead_ms(view.source->max_ahead_ms) {}

OracleAnswer ask_oracle(const std::vector<OracleReading>& readings, const OracleView& view) {
  OracleAnswer answer;
  ViewAccounting& accounting = answer.accounting;
  std::map<std::pair<std::string, int64_t>, double> seen;
  std::map<std::string, std::vector<OracleSession>> sessions;
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
    if (view.session_gap_ms > 0) {
      const bool taken = add_to_sessions(sessions[reading.series.text()], time_ms, reading.value, watermark_ms, view);
      ++(taken ? accounting.aggregated : accounting.late);
      if (!taken) answer.late.push_back(index);
      continue;
    }
    if (!view.time_zone.empty()) {
      const auto [start_ms, end_ms] = local_day_of(time_ms, view);
      const bool is_open = end_ms + view.grace_ms > watermark_ms;
      if (is_open) add_to(answer.windows[{start_ms, reading.series.text()}], reading.value);
      ++(is_open ? accounting.aggregated : accounting.late);
      if (!is_open) answer.late.push_back(index);
      continue;
    }
    // Each window that holds the reading and is open takes it.
    const int64_t advance_ms = view.advance_ms == 0 ? view.size_ms : view.advance_ms;
    bool taken = false;
    for (int64_t start_ms = floor_to(time_ms, advance_ms); start_ms + view.size_ms > time_ms; start_ms -= advance_ms) {
      if (start_ms + view.size_ms + view.grace_ms <= watermark_ms) continue;
      taken = true;
      add_to(answer.windows[{start_ms, reading.series.text()}], reading.value);
    }
    ++(taken ? accounting.aggregated : accounting.late);
    if (!taken) answer.late.push_back(index);
  }
  for (const auto& [series, all] : sessions) {
    for (const OracleSession& session : all) answer.windows[{session.start_ms, series}] = session.window;
  }
  accounting.results = static_cast<int64_t>(answer.windows.size());
  return answer;
}

}  // namespace meterstream
