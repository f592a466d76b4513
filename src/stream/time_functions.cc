#include <optional>
#include <utility>

#include "metering/time_pattern.h"
#include "metering/time_zone.h"
#include "metering/timestamp.h"
#include "stream/reading_decoder.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

using Arguments = std::span<const FunctionValue>;

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kMinuteMs = 60'000;
constexpr std::string_view kUtc = "UTC";

std::string_view zone_of(Arguments arguments, size_t index) {
  return arguments.size() > index ? arguments[index].text : kUtc;
}

/// Only times that calendars know.
bool is_in_calendar(int64_t utc_ms) {
  return utc_ms >= kFirstReadingTimeMs && utc_ms <= kLastReadingTimeMs;
}

std::optional<int64_t> local_ms(Arguments arguments, size_t zone) {
  if (!is_in_calendar(arguments[0].integer)) return std::nullopt;
  const auto offset_ms = time_zone_offset_ms(zone_of(arguments, zone), arguments[0].integer);
  if (!offset_ms) return std::nullopt;
  return arguments[0].integer + *offset_ms;
}

enum class Part : uint8_t { kYear, kMonth, kDay, kDayOfWeek, kDayOfYear, kHour, kMinute, kSecond };

template <Part kPart>
bool part_of_time(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  const auto local = local_ms(arguments, 1);
  if (!local) return false;
  const auto [days, in_day_ms] = day_time_of(*local);
  const CalendarDate date = date_from_days(days);
  switch (kPart) {
    case Part::kYear:
      result.integer = date.year;
      break;
    case Part::kMonth:
      result.integer = date.month;
      break;
    case Part::kDay:
      result.integer = date.day;
      break;
    case Part::kDayOfWeek:
      result.integer = weekday_of(days);
      break;
    case Part::kDayOfYear:
      result.integer = day_of_year(days, date.year);
      break;
    case Part::kHour:
      result.integer = in_day_ms / kHourMs;
      break;
    case Part::kMinute:
      result.integer = in_day_ms / kMinuteMs % 60;
      break;
    case Part::kSecond:
      result.integer = in_day_ms / 1000 % 60;
      break;
  }
  return true;
}

bool format_time(Arguments arguments, FunctionValue& result, FunctionArena& arena) {
  const auto local = local_ms(arguments, 2);
  std::string text;
  if (!local || !append_time(text, arguments[1].text, *local, *local - arguments[0].integer)) return false;
  result.text = arena.emplace_back(std::move(text));
  return true;
}

bool parse_formatted_time(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  const auto parsed = parse_time(arguments[0].text, arguments[1].text);
  if (!parsed) return false;
  const auto utc_ms = parsed->offset_ms ? std::optional(parsed->local_ms - *parsed->offset_ms)
                                        : utc_of_local_ms(zone_of(arguments, 2), parsed->local_ms);
  if (utc_ms) result.integer = *utc_ms;
  return utc_ms.has_value();
}

bool same_time(Arguments arguments, FunctionValue& result, FunctionArena& /*arena*/) {
  result.integer = arguments[0].integer;
  return true;
}

}  // namespace

std::vector<ScalarFunction> time_functions() {
  constexpr ColumnType kBigint = ColumnType::kBigint;
  constexpr ColumnType kVarchar = ColumnType::kVarchar;
  constexpr ColumnType kTimestamp = ColumnType::kTimestamp;
  std::vector<ScalarFunction> functions = {
      {"FORMAT_TIMESTAMP", {kTimestamp, kVarchar}, kVarchar, format_time},
      {"FORMAT_TIMESTAMP", {kTimestamp, kVarchar, kVarchar}, kVarchar, format_time},
      {"FROM_UNIXTIME", {kBigint}, kTimestamp, same_time},
      {"PARSE_TIMESTAMP", {kVarchar, kVarchar}, kTimestamp, parse_formatted_time},
      {"PARSE_TIMESTAMP", {kVarchar, kVarchar, kVarchar}, kTimestamp, parse_formatted_time},
      {"UNIX_TIMESTAMP", {kTimestamp}, kBigint, same_time},
  };
  const auto add_part = [&](std::string_view name, ScalarFunction::Body body) {
    functions.push_back({name, {kTimestamp}, kBigint, body});
    functions.push_back({name, {kTimestamp, kVarchar}, kBigint, body});
  };
  add_part("DAY", part_of_time<Part::kDay>);
  add_part("DAY_OF_WEEK", part_of_time<Part::kDayOfWeek>);
  add_part("DAY_OF_YEAR", part_of_time<Part::kDayOfYear>);
  add_part("HOUR", part_of_time<Part::kHour>);
  add_part("MINUTE", part_of_time<Part::kMinute>);
  add_part("MONTH", part_of_time<Part::kMonth>);
  add_part("SECOND", part_of_time<Part::kSecond>);
  add_part("YEAR", part_of_time<Part::kYear>);
  return functions;
}

}  // namespace meterstream
