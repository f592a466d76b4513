#include "metering/timestamp.h"

#include <cstring>

#include <fmt/format.h>

namespace meterstream {

namespace {

/// Reads the general form front to back; after the first fault `fault` says what is wrong.
class TimestampParser {
 public:
  explicit TimestampParser(std::string_view text) : text_(text) {}

  Result<EventTime> parse() {
    const int64_t year = parse_year();
    expect("-", "'-' after the year");
    const uint32_t month = digits(2, "the month");
    expect("-", "'-' after the month");
    const uint32_t day = digits(2, "the day");
    expect("Tt ", "'T' after the date");
    const uint32_t hour = digits(2, "the hour");
    expect(":", "':' after the hour");
    const uint32_t minute = digits(2, "the minute");
    uint32_t second = 0;
    uint32_t millisecond = 0;
    if (accept(":")) {
      second = digits(2, "the second");
      if (accept(".,")) millisecond = parse_fraction();
    }
    const int64_t offset_minutes = parse_offset();
    if (fault_.empty() && position_ != text_.size()) fail("text after the offset");
    if (fault_.empty()) check_ranges(year, month, day, hour, minute, second);
    if (!fault_.empty()) return invalid(explain());
    const int64_t minutes = int64_t{hour} * 60 + minute - offset_minutes;
    const int64_t in_day = (minutes * 60 + second) * 1000 + millisecond;
    const __int128 milliseconds = static_cast<__int128>(days_from_date(year, month, day)) * kMsPerDay + in_day;
    if (milliseconds < INT64_MIN || milliseconds > INT64_MAX) {
      fail("the year is beyond what milliseconds in 64 bits can say");
      return invalid(explain());
    }
    return EventTime(static_cast<int64_t>(milliseconds));
  }

 private:
  void fail(std::string_view fault) {
    if (!fault_.empty()) return;
    fault_ = fault;
    fault_position_ = position_;
  }
  bool accept(std::string_view characters) {
    if (!fault_.empty() || position_ == text_.size()) return false;
    if (characters.find(text_[position_]) == std::string_view::npos) return false;
    ++position_;
    return true;
  }
  void expect(std::string_view characters, std::string_view what) {
    if (!accept(characters)) fail(fmt::format("expected {}", what));
  }
  [[nodiscard]] bool is_digit(size_t position) const {
    return position < text_.size() && text_[position] >= '0' && text_[position] <= '9';
  }
  uint32_t digits(int count, std::string_view what) {
    uint32_t number = 0;
    for (int i = 0; i < count; ++i) {
      if (!is_digit(position_)) {
        fail(fmt::format("expected {} digits of {}", count, what));
        return 0;
      }
      number = number * 10 + static_cast<uint32_t>(text_[position_++] - '0');
    }
    return number;
  }
  int64_t parse_year() {
    const bool is_negative = !text_.empty() && text_[0] == '-';
    const bool has_sign = accept("+-");
    if (!has_sign) return digits(4, "the year");
    int count = 0;
    while (count < 9 && is_digit(position_ + static_cast<size_t>(count))) ++count;
    if (count < 4) fail("expected 4 to 9 digits of the year");
    const auto year = static_cast<int64_t>(digits(count, "the year"));
    return is_negative ? -year : year;
  }
  uint32_t parse_fraction() {
    uint32_t millisecond = 0;
    int count = 0;
    for (; is_digit(position_); ++position_, ++count) {
      if (count < 3) millisecond = millisecond * 10 + static_cast<uint32_t>(text_[position_] - '0');
    }
    if (count == 0 || count > 9) fail("expected 1 to 9 digits of the fraction");
    for (; count < 3; ++count) millisecond *= 10;
    return millisecond;
  }
  int64_t parse_offset() {
    if (accept("Zz")) return 0;
    const bool is_negative = position_ < text_.size() && text_[position_] == '-';
    if (!accept("+-")) {
      fail("expected 'Z' or an offset such as +02:00");
      return 0;
    }
    const int64_t hours = digits(2, "the offset's hours");
    int64_t minutes = 0;
    if (accept(":") || is_digit(position_)) minutes = digits(2, "the offset's minutes");
    if (hours > 18 || minutes > 59 || (hours == 18 && minutes > 0)) fail("the offset is beyond 18 hours");
    const int64_t offset = hours * 60 + minutes;
    return is_negative ? -offset : offset;
  }
  void check_ranges(int64_t year, uint32_t month, uint32_t day, uint32_t hour, uint32_t minute, uint32_t second) {
    if (!is_valid_date(year, month, day)) return fail("there is no such date");
    if (hour > 23) return fail("the hour is above 23");
    if (minute > 59) return fail("the minute is above 59");
    if (second > 59) return fail("the second is above 59");
  }
  [[nodiscard]] std::string explain() const {
    constexpr size_t kShown = 64;
    return fmt::format("'{}{}' is not an ISO-8601 instant such as 2007-01-01T00:00:00Z: {} at character {}",
                       text_.substr(0, kShown), text_.size() > kShown ? "..." : "", fault_, fault_position_ + 1);
  }

  std::string_view text_;
  size_t position_ = 0;
  size_t fault_position_ = 0;
  std::string fault_;
};

void put_two(char* at, uint32_t number) {
  at[0] = static_cast<char>('0' + number / 10);
  at[1] = static_cast<char>('0' + number % 10);
}

char* write_year(char* at, int64_t year) {
  if (year < 0 || year > 9999) return fmt::format_to(at, "{}{:04}", year < 0 ? '-' : '+', year < 0 ? -year : year);
  put_two(at, static_cast<uint32_t>(year) / 100);
  put_two(at + 2, static_cast<uint32_t>(year) % 100);
  return at + 4;
}

}  // namespace

bool is_valid_date(int64_t year, uint32_t month, uint32_t day) {
  if (month < 1 || month > 12 || day < 1) return false;
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= timestamp_detail::kMonths.length[(is_leap ? 16 : 0) + month];
}

// Years are counted from March, so that the leap day is the last of its year, and in eras of 400 years.
int64_t days_from_date(int64_t year, uint32_t month, uint32_t day) {
  const int64_t shifted = month <= 2 ? year - 1 : year;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
  const int64_t year_of_era = shifted - era * 400;
  const int64_t day_of_year = (153 * ((int64_t{month} + 9) % 12) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

CalendarDate date_from_days(int64_t days) {
  const int64_t shifted = days + 719'468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  CalendarDate date;
  date.day = static_cast<uint32_t>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  date.month = static_cast<uint32_t>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

Result<EventTime> parse_timestamp_or_explain(std::string_view text) {
  return TimestampParser(text).parse();
}

char* write_timestamp(char* at, EventTime time) {
  const DayTime moment = day_time_of(time.value);
  const CalendarDate date = date_from_days(moment.days);
  const auto milliseconds = static_cast<uint32_t>(moment.in_day_ms);
  const uint32_t seconds = milliseconds / 1000;
  char* const rest = write_year(at, date.year);
  std::string_view("-00-00T00:00:00.000Z").copy(rest, 20);
  put_two(rest + 1, date.month);
  put_two(rest + 4, date.day);
  put_two(rest + 7, seconds / 3600);
  put_two(rest + 10, seconds / 60 % 60);
  put_two(rest + 13, seconds % 60);
  const uint32_t fraction = milliseconds % 1000;
  if (fraction == 0) {
    rest[15] = 'Z';
    return rest + 16;
  }
  rest[16] = static_cast<char>('0' + fraction / 100);
  put_two(rest + 17, fraction % 100);
  return rest + 20;
}

void append_timestamp(std::string& out, EventTime time) {
  char text[kMaxTimestampBytes];
  out.append(text, static_cast<size_t>(write_timestamp(text, time) - text));
}

char* MinuteTimestampWriter::write_other(char* at, int64_t time_ms) {
  constexpr size_t kPlainBytes = 20;  // with seconds, without milliseconds, and a year of four digits
  constexpr int64_t kMinuteMs = 60'000;
  const int64_t in_minute_ms = (time_ms % kMinuteMs + kMinuteMs) % kMinuteMs;
  if (time_ms >= INT64_MIN + kMinuteMs) {
    char text[kMaxTimestampBytes];
    const char* const end = write_timestamp(text, EventTime(time_ms - in_minute_ms));
    if (static_cast<size_t>(end - text) == kPlainBytes) {
      start_ms_ = time_ms - in_minute_ms;
      std::memcpy(minute_, text, sizeof(minute_));
    }
  }
  return write_timestamp(at, EventTime(time_ms));
}

std::string format_timestamp(EventTime time) {
  std::string text;
  append_timestamp(text, time);
  return text;
}

}  // namespace meterstream
