#include "apps/run_progress.h"

#include <algorithm>

#include <fmt/format.h>

#include "apps/number_text.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr int kNarrow = 120;

/// On a narrow terminal "01-01 13:47".
std::string watermark_text(int64_t watermark_ms, bool is_short) {
  if (watermark_ms == INT64_MIN) return "none";
  std::string text = format_timestamp(EventTime(watermark_ms));
  constexpr size_t kDateAndTime = 16;
  if (!is_short || text.size() < kDateAndTime) return text;
  return text.substr(5, 5) + " " + text.substr(11, 5);
}

struct Totals {
  int64_t records = 0;
  int64_t lag = 0;
  int64_t results = 0;
  int64_t watermark_ms = INT64_MAX;
};

Totals totals_of(const std::vector<TaskStatus>& tasks) {
  Totals totals;
  for (const TaskStatus& task : tasks) {
    totals.records += task.records;
    totals.lag += task.lag;
    for (const TaskStatus::View& view : task.views) totals.results += view.accounting.results;
    if (task.watermark_ms != INT64_MIN) totals.watermark_ms = std::min(totals.watermark_ms, task.watermark_ms);
  }
  if (totals.watermark_ms == INT64_MAX) totals.watermark_ms = INT64_MIN;
  return totals;
}

}  // namespace

RunProgress::RunProgress(const CommandContext& context, bool is_bounded)
    : line_(context.clock, context.errors, {.unit = "records", .label = "run"}),
      is_bounded_(is_bounded),
      is_narrow_(context.errors.interactive && context.errors.width < kNarrow) {}

void RunProgress::update(const std::vector<TaskStatus>& tasks, std::string_view remark) {
  const Totals totals = totals_of(tasks);
  const double known = static_cast<double>(totals.records + totals.lag);
  const double share = is_bounded_ && known > 0 ? static_cast<double>(totals.records) / known : -1;
  line_.update(totals.records, share, [&] {
    const std::string lag = count_text(static_cast<double>(totals.lag));
    const std::string windows = count_text(static_cast<double>(totals.results));
    const std::string watermark = watermark_text(totals.watermark_ms, is_narrow_);
    std::string text = is_narrow_ ? fmt::format("lag {}, {} windows, to {}", lag, windows, watermark)
                                  : fmt::format("lag {}, {} windows written, watermark {}", lag, windows, watermark);
    if (!remark.empty()) text.append(", ").append(remark);
    return text;
  });
}

}  // namespace meterstream
