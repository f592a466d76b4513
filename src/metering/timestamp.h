// Purpose: ISO-8601 instants as text and as EventTime.
// Format: YYYY-MM-DD, then 'T' (or 't' or one space), HH:MM, optional :SS, optional fraction of 1 to 9
// digits, then 'Z'
//         (or 'z') or an offset +HH:MM, +HHMM or +HH. Digits after the third of a fraction are cut off, not
//         rounded. Years beyond 9999 or below 0 carry a sign, as Java's java.time.Instant writes them.
// Units: milliseconds since 1970-01-01T00:00:00Z; leap seconds (:60) and 24:00 are refused.
// Thread-safety: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/strong.h"

namespace meterstream {

/// Days from 1970-01-01 to year-month-day in the proleptic Gregorian calendar; the date must be valid.
int64_t days_from_date(int64_t year, uint32_t month, uint32_t day);

struct CalendarDate {
  int64_t year = 1970;
  uint32_t month = 1;  ///< 1 to 12
  uint32_t day = 1;    ///< 1 to 31
};
/// The inverse of days_from_date.
CalendarDate date_from_days(int64_t days);
inline constexpr int64_t kMsPerDay = 86'400'000;

/// A moment as a day and what is past of it, before 1970 too.
struct DayTime {
  int64_t days = 0;
  int64_t in_day_ms = 0;  ///< 0 to 86,399,999
};
constexpr DayTime day_time_of(int64_t time_ms) {
  DayTime time{time_ms / kMsPerDay, time_ms % kMsPerDay};
  if (time.in_day_ms < 0) {
    time.in_day_ms += kMsPerDay;
    --time.days;
  }
  return time;
}
/// 1 for Monday to 7; 1970-01-01 was a Thursday.
constexpr int64_t weekday_of(int64_t days) {
  return ((days + 3) % 7 + 7) % 7 + 1;
}
/// 1 to 366, of a day of that year.
inline int64_t day_of_year(int64_t days, int64_t year) {
  return days - days_from_date(year, 1, 1) + 1;
}
bool is_valid_date(int64_t year, uint32_t month, uint32_t day);

/// Any accepted form; kInvalid with what is wrong and where in the text.
Result<EventTime> parse_timestamp_or_explain(std::string_view text);

/// As java.time.Instant prints it: 2007-01-01T00:00:00Z, or with .fff when the milliseconds are not 0.
void append_timestamp(std::string& out, EventTime time);
std::string format_timestamp(EventTime time);
/// The same at a place that has room for it; gives the place behind it.
char* write_timestamp(char* at, EventTime time);
inline constexpr size_t kMaxTimestampBytes = 32;

namespace timestamp_detail {

struct MonthTable {
  std::array<uint16_t, 32> days_before{};  // [leap * 16 + month]
  std::array<uint8_t, 32> length{};        // 0 for months that do not exist
};
constexpr MonthTable make_month_table() {
  MonthTable table;
  constexpr uint8_t kLengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (uint32_t leap = 0; leap < 2; ++leap) {
    uint16_t days = 0;
    for (uint32_t month = 1; month <= 12; ++month) {
      const auto length = static_cast<uint8_t>(kLengths[month - 1] + (month == 2 ? leap : 0));
      table.days_before[leap * 16 + month] = days;
      table.length[leap * 16 + month] = length;
      days = static_cast<uint16_t>(days + length);
    }
  }
  return table;
}
inline constexpr MonthTable kMonths = make_month_table();

// The bytes of `text` as a little-endian word, at compile time.
constexpr uint64_t word(const char (&text)[9]) {
  uint64_t result = 0;
  for (int i = 7; i >= 0; --i) result = (result << 8) | static_cast<uint8_t>(text[i]);
  return result;
}
// Per byte of a pattern: what to add so that a byte above its limit (9 for a digit, 0 for a separator) sets
// bit 7.
constexpr uint64_t overflow_of(const char (&pattern)[9]) {
  uint64_t result = 0;
  for (int i = 7; i >= 0; --i) result = (result << 8) | (pattern[i] == '0' ? 0x76u : 0x7fu);
  return result;
}
inline bool is_outside(uint64_t difference, uint64_t overflow) {
  return (((difference + overflow) | difference) & 0x8080808080808080u) != 0;
}

inline constexpr size_t kShortBytes = 20;
inline constexpr size_t kLongBytes = 24;

/// What stands behind the minute.
struct SecondsOfMinute {
  int64_t milliseconds;
  bool is_wrong;
};

/// ":SSZ" (`is_short`; 4 bytes are read) or ":SS.fffZ".
[[gnu::always_inline]] inline SecondsOfMinute parse_seconds(const char* bytes, bool is_short) {
  const uint64_t difference = is_short ? load_little_endian<uint32_t>(bytes) ^ (word(":00Z0000") & UINT32_MAX)
                                       : load_little_endian<uint64_t>(bytes) ^ word(":00.000Z");
  const uint64_t pairs = difference * 10 + (difference >> 8);
  const uint64_t second = (pairs >> 8) & 0xff;
  const uint64_t millisecond = ((pairs >> 32) & 0xff) * 10 + ((difference >> 48) & 0xff);
  const uint64_t overflow = is_short ? overflow_of(":00Z0000") : overflow_of(":00.000Z");
  return {static_cast<int64_t>(second * 1000 + millisecond), is_outside(difference, overflow) || second > 59};
}

}  // namespace timestamp_detail

/// YYYY-MM-DDTHH:MM:SSZ and YYYY-MM-DDTHH:MM:SS.fffZ only, which is what machines write. Nothing for every
/// other text, valid or not. A few nanoseconds.
inline std::optional<EventTime> parse_common_timestamp(std::string_view text) {
  using timestamp_detail::kMonths;
  using timestamp_detail::overflow_of;
  using timestamp_detail::word;
  const bool is_short = text.size() == timestamp_detail::kShortBytes;
  if (!is_short && text.size() != timestamp_detail::kLongBytes) return std::nullopt;
  const char* bytes = text.data();
  // After the exclusive or, digits are 0..9 and separators 0; every other byte is out of its limit.
  const uint64_t date = load_little_endian<uint64_t>(bytes) ^ word("0000-00-");
  const uint64_t minutes = load_little_endian<uint64_t>(bytes + 8) ^ word("00T00:00");
  bool is_wrong = timestamp_detail::is_outside(date, overflow_of("0000-00-")) |
                  timestamp_detail::is_outside(minutes, overflow_of("00T00:00"));
  const uint64_t date_pairs = date * 10 + (date >> 8);
  const uint64_t minute_pairs = minutes * 10 + (minutes >> 8);
  const auto seconds = timestamp_detail::parse_seconds(bytes + 16, is_short);
  const uint64_t century = date_pairs & 0xff;
  const uint64_t year_of_century = (date_pairs >> 16) & 0xff;
  const uint64_t month = (date_pairs >> 40) & 0xff;
  const uint64_t day = minute_pairs & 0xff;
  const uint64_t hour = (minute_pairs >> 24) & 0xff;
  const uint64_t minute = (minute_pairs >> 48) & 0xff;
  const bool is_leap = ((year_of_century != 0 ? year_of_century : century) & 3) == 0;
  const uint64_t slot = (is_leap ? 16 : 0) + (month & 15);
  is_wrong |= (month > 15) | (day - 1 >= kMonths.length[slot]) | (hour > 23) | (minute > 59) | seconds.is_wrong;
  if (is_wrong) return std::nullopt;
  const uint64_t year = century * 100 + year_of_century;
  const uint64_t before = year + 399;            // so that year 0 divides like the others
  constexpr int64_t kOrigin = 719'528 + 96 + 1;  // days to 1970, leap days of the 399 years, days count from 1
  const auto days =
      static_cast<int64_t>(365 * year + before / 4 - before / 100 + before / 400 + kMonths.days_before[slot] + day) -
      kOrigin;
  return EventTime(days * 86'400'000 + static_cast<int64_t>((hour * 60 + minute) * 60'000) + seconds.milliseconds);
}

/// parse_common_timestamp() for texts of which many lie in the same minute, as those of readings that arrive together do:
/// while the minute stays, only seconds are parsed.
class MinuteTimestampParser {
 public:
  /// Sets `time_ms` (UTC); false where parse_common_timestamp() gives nothing.
  [[gnu::always_inline]] bool parse(std::string_view text, int64_t& time_ms) {
    const char* const bytes = text.data();
    const bool is_short = text.size() == timestamp_detail::kShortBytes;
    if ((!is_short && text.size() != timestamp_detail::kLongBytes) || load_little_endian<uint64_t>(bytes) != date_ ||
        load_little_endian<uint64_t>(bytes + 8) != minute_) [[unlikely]]
      return parse_other(text, time_ms);
    const auto seconds = timestamp_detail::parse_seconds(bytes + 16, is_short);
    time_ms = start_ms_ + seconds.milliseconds;
    return !seconds.is_wrong;
  }

 private:
  static constexpr int64_t kMinuteMs = 60'000;

  [[gnu::noinline]] bool parse_other(std::string_view text, int64_t& time_ms) {
    const auto time = parse_common_timestamp(text);
    if (!time) return false;
    time_ms = time->value;
    date_ = load_little_endian<uint64_t>(text.data());
    minute_ = load_little_endian<uint64_t>(text.data() + 8);
    start_ms_ = time_ms - (time_ms % kMinuteMs + kMinuteMs) % kMinuteMs;
    return true;
  }

  // The first 16 bytes of texts in the minute that begins at start_ms_.
  uint64_t date_ = timestamp_detail::word("1970-01-");
  uint64_t minute_ = timestamp_detail::word("01T00:00");
  int64_t start_ms_ = 0;
};

/// write_timestamp() for times of which many lie in the same minute: the text of the minute is made once.
class MinuteTimestampWriter {
 public:
  [[gnu::always_inline]] char* write(char* at, int64_t time_ms) {
    const uint64_t in_minute_ms = static_cast<uint64_t>(time_ms) - static_cast<uint64_t>(start_ms_);
    if (in_minute_ms >= 60'000) [[unlikely]]
      return write_other(at, time_ms);
    std::memcpy(at, minute_, sizeof(minute_));
    const auto seconds = static_cast<uint32_t>(in_minute_ms / 1000);
    const auto fraction = static_cast<uint32_t>(in_minute_ms % 1000);
    at[17] = static_cast<char>('0' + seconds / 10);
    at[18] = static_cast<char>('0' + seconds % 10);
    if (fraction == 0) {
      at[19] = 'Z';
      return at + 20;
    }
    at[19] = '.';
    at[20] = static_cast<char>('0' + fraction / 100);
    at[21] = static_cast<char>('0' + fraction / 10 % 10);
    at[22] = static_cast<char>('0' + fraction % 10);
    at[23] = 'Z';
    return at + 24;
  }

 private:
  char* write_other(char* at, int64_t time_ms);

  char minute_[17] = {'1', '9', '7', '0', '-', '0', '1', '-', '0', '1', 'T', '0', '0', ':', '0', '0', ':'};
  int64_t start_ms_ = 0;
};

/// Any accepted form; nothing for a text that is not an instant (parse_timestamp_or_explain says why).
inline std::optional<EventTime> parse_timestamp(std::string_view text) {
  if (const auto common = parse_common_timestamp(text)) [[likely]]
    return common;
  auto result = parse_timestamp_or_explain(text);
  if (!result) return std::nullopt;
  return *result;
}

}  // namespace meterstream
