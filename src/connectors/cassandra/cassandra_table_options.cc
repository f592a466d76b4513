#include "connectors/cassandra/cassandra_table_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace meterstream {
namespace {

constexpr std::string_view kTimeWindows = "TimeWindowCompactionStrategy";
constexpr int64_t kMinuteS = 60;
constexpr int64_t kHourS = 3'600;
constexpr int64_t kDayS = 86'400;
constexpr std::array<std::pair<std::string_view, int64_t>, 3> kUnits = {
    {{"DAYS", kDayS}, {"HOURS", kHourS}, {"MINUTES", kMinuteS}}};
/// Files of a table with a ttl: so many windows of compaction are recommended until rows vanish.
constexpr int64_t kWindowsOfTtl = 30;

int64_t longest_bucket_s(AggregateBucket bucket) {
  switch (bucket) {
    case AggregateBucket::kNone:
      return 0;
    case AggregateBucket::kMinutes:
      return kMinuteS;
    case AggregateBucket::kHours:
      return kHourS;
    case AggregateBucket::kDays:
      return kDayS;
    case AggregateBucket::kMonths:
      return 31 * kDayS;
  }
  return 0;
}

/// 0 for a unit that is not known.
int64_t window_s(const CassandraTableOptions& options) {
  const auto* const unit =
      std::ranges::find(kUnits, std::string_view(options.window_unit), &std::pair<std::string_view, int64_t>::first);
  return unit == kUnits.end() ? 0 : unit->second * options.window_size;
}

/// Names and values of these maps need no escapes.
std::string_view entry_of(std::string_view json, std::string_view name) {
  const size_t found = json.find(fmt::format("\"{}\"", name));
  if (found == std::string_view::npos) return {};
  const size_t begin = json.find('"', found + name.size() + 2);
  if (begin == std::string_view::npos) return {};
  return json.substr(begin + 1, json.find('"', begin + 1) - begin - 1);
}

std::string description_of(const CassandraTableOptions& options) {
  if (options.compaction != kTimeWindows) return options.compaction;
  return fmt::format("{} with windows of {} {}", options.compaction, options.window_size, options.window_unit);
}

}  // namespace

CassandraTableOptions cassandra_table_options(const CassandraSettings& settings) {
  int64_t length_s = settings.compaction_window_s;
  if (length_s == 0) length_s = settings.ttl_s == 0 ? kDayS : settings.ttl_s / kWindowsOfTtl;
  const auto* const unit =
      std::ranges::find_if(kUnits, [&](const auto& one) { return length_s >= one.second || one.second == kMinuteS; });
  return {settings.ttl_s, std::string(kTimeWindows), std::string(unit->first),
          std::max<int64_t>(1, (length_s + unit->second / 2) / unit->second)};
}

CassandraTableOptions cassandra_buckets_options(const CassandraSettings& settings, AggregateBucket bucket) {
  CassandraTableOptions options;
  // An entry is written with the first row of its bucket and must outlive the last one.
  if (settings.ttl_s != 0) options.ttl_s = 2 * settings.ttl_s + 2 * longest_bucket_s(bucket);
  return options;
}

std::string cassandra_compaction_text(const CassandraTableOptions& options) {
  return fmt::format("{{'class': '{}', 'compaction_window_unit': '{}', 'compaction_window_size': '{}'}}",
                     options.compaction, options.window_unit, options.window_size);
}

CassandraTableOptions parse_cassandra_table_options(int64_t ttl_s, std::string_view compaction) {
  CassandraTableOptions options;
  options.ttl_s = ttl_s;
  const std::string_view name = entry_of(compaction, "class");
  options.compaction = name.substr(name.rfind('.') + 1);
  if (const std::string_view unit = entry_of(compaction, "compaction_window_unit"); !unit.empty())
    options.window_unit = unit;
  if (const std::string_view size = entry_of(compaction, "compaction_window_size"); !size.empty())
    std::from_chars(size.data(), size.data() + size.size(), options.window_size);
  return options;
}

std::vector<std::string> cassandra_option_differences(std::string_view table, const CassandraTableOptions& existing,
                                                      const CassandraTableOptions& wanted) {
  std::vector<std::string> differences;
  if (existing.ttl_s != wanted.ttl_s) {
    differences.push_back(
        fmt::format("table {}: default_time_to_live is {} and not {}. Rows that are written from then on get it with: "
                    "ALTER TABLE {} WITH default_time_to_live = {};",
                    table, existing.ttl_s, wanted.ttl_s, table, wanted.ttl_s));
  }
  const bool is_same = existing.compaction == wanted.compaction &&
                       (wanted.compaction != kTimeWindows || window_s(existing) == window_s(wanted));
  if (!wanted.compaction.empty() && !is_same) {
    differences.push_back(
        fmt::format("table {}: compaction is {} and not {}. To change it: ALTER TABLE {} WITH "
                    "compaction = {};",
                    table, description_of(existing), description_of(wanted), table, cassandra_compaction_text(wanted)));
  }
  return differences;
}

}  // namespace meterstream
