#include "metering/time_pattern.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kMinuteMs = 60'000;
constexpr int kMostFractionDigits = 9;
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

/// A run of one letter, or text that stands for itself.
struct Piece {
  char letter = 0;
  int count = 0;
  std::string text;
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int most_of(char letter) {
  switch (letter) {
    case 'y':
    case 'u':
      return 4;
    case 'S':
      return kMostFractionDigits;
    case 'M':
    case 'E':
    case 'X':
      return 3;
    case 'd':
    case 'H':
    case 'h':
    case 'm':
    case 's':
      return 2;
    case 'e':
    case 'D':
    case 'a':
      return 1;
    default:
      return 0;
  }
}

std::optional<std::vector<Piece>> pieces_of(std::string_view pattern) {
  std::vector<Piece> pieces;
  const auto add_text = [&](char c) {
    if (pieces.empty() || pieces.back().letter != 0) pieces.emplace_back();
    pieces.back().text.push_back(c);
  };
  for (size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '\'') {
      if (at + 1 < pattern.size() && pattern[at + 1] == '\'') {
        add_text('\'');
        at += 2;
        continue;
      }
      for (++at; at < pattern.size(); ++at) {
        if (pattern[at] != '\'') {
          add_text(pattern[at]);
        } else if (at + 1 < pattern.size() && pattern[at + 1] == '\'') {
          add_text(pattern[at++]);
        } else {
          break;
        }
      }
      if (at++ == pattern.size()) return std::nullopt;
      continue;
    }
    if (!is_letter(c)) {
      add_text(c);
      ++at;
      continue;
    }
    size_t end = at;
    while (end < pattern.size() && pattern[end] == c) ++end;
    const auto count = static_cast<int>(end - at);
    const bool is_year = c == 'y' || c == 'u';
    if (count > most_of(c) || (is_year && count != 4 && count != 2)) return std::nullopt;
    pieces.push_back({c, count, {}});
    at = end;
  }
  return pieces;
}

void append_number(std::string& out, int64_t number, int digits) {
  fmt::format_to(std::back_inserter(out), "{:0{}}", number, digits);
}

void append_offset(std::string& out, int64_t offset_ms, int count) {
  if (offset_ms == 0) {
    out.push_back('Z');
    return;
  }
  const int64_t minutes = std::abs(offset_ms) / kMinuteMs;
  out.push_back(offset_ms < 0 ? '-' : '+');
  append_number(out, minutes / 60, 2);
  if (count == 1 && minutes % 60 == 0) return;
  if (count == 3) out.push_back(':');
  append_number(out, minutes % 60, 2);
}

struct Moment : DayTime {
  CalendarDate date;
  int64_t offset_ms = 0;
};

void append_piece(std::string& out, const Piece& piece, const Moment& moment) {
  const int64_t hour = moment.in_day_ms / kHourMs;
  const int64_t weekday = weekday_of(moment.days);
  switch (piece.letter) {
    case 'y':
    case 'u':
      return append_number(out, piece.count == 2 ? moment.date.year % 100 : moment.date.year, piece.count);
    case 'M':
      if (piece.count < 3) return append_number(out, moment.date.month, piece.count);
      out += kMonths[moment.date.month - 1];
      return;
    case 'd':
      return append_number(out, moment.date.day, piece.count);
    case 'H':
      return append_number(out, hour, piece.count);
    case 'h':
      return append_number(out, hour % 12 == 0 ? 12 : hour % 12, piece.count);
    case 'a':
      out += hour < 12 ? "AM" : "PM";
      return;
    case 'm':
      return append_number(out, moment.in_day_ms / kMinuteMs % 60, piece.count);
    case 's':
      return append_number(out, moment.in_day_ms / 1000 % 60, piece.count);
    case 'S': {
      std::string digits = fmt::format("{:03}000000", moment.in_day_ms % 1000);
      out += digits.substr(0, static_cast<size_t>(piece.count));
      return;
    }
    case 'e':
      return append_number(out, weekday, 1);
    case 'E':
      out += kDays[static_cast<size_t>(weekday - 1)];
      return;
    case 'D':
      return append_number(out, day_of_year(moment.days, moment.date.year), 1);
    case 'X':
      return append_offset(out, moment.offset_ms, piece.count);
    default:
      out += piece.text;
  }
}

/// Reads a text from its front.
class TextScanner {
 public:
  explicit TextScanner(std::string_view rest) : rest_(rest) {}

  bool skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  std::optional<int64_t> number(size_t least, size_t most) {
    size_t digits = 0;
    int64_t value = 0;
    for (; digits < most && digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits)
      value = value * 10 + (rest_[digits] - '0');
    if (digits < least) return std::nullopt;
    rest_.remove_prefix(digits);
    return value;
  }
  template <size_t kCount>
  std::optional<int64_t> word(const std::array<std::string_view, kCount>& words) {
    for (size_t index = 0; index < kCount; ++index) {
      if (skip(words[index])) return static_cast<int64_t>(index);
    }
    return std::nullopt;
  }
  std::optional<int64_t> offset_ms() {
    if (skip("Z")) return 0;
    const bool is_behind = rest_.starts_with('-');
    if (!skip("+") && !skip("-")) return std::nullopt;
    const auto hours = number(2, 2);
    if (!hours) return std::nullopt;
    const bool has_minutes = skip(":") || (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9');
    const auto minutes = has_minutes ? number(2, 2) : std::optional<int64_t>(0);
    if (!minutes || *hours > 18 || *minutes > 59) return std::nullopt;
    const int64_t offset_ms = *hours * kHourMs + *minutes * kMinuteMs;
    return is_behind ? -offset_ms : offset_ms;
  }
  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

struct Fields {
  int64_t year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0;
  std::optional<int64_t> half_day, day_of_year, offset_ms;
};

bool take(std::optional<int64_t> value, int64_t& into) {
  if (value) into = *value;
  return value.has_value();
}

bool read_fraction(TextScanner& scanner, int count, int64_t& millisecond) {
  const auto digits = scanner.number(static_cast<size_t>(count), static_cast<size_t>(count));
  if (!digits) return false;
  millisecond = *digits;
  for (int place = count; place < 3; ++place) millisecond *= 10;
  for (int place = count; place > 3; --place) millisecond /= 10;
  return true;
}

bool read_piece(TextScanner& scanner, const Piece& piece, Fields& fields) {
  // A single letter takes as many digits as there are.
  const size_t least = piece.count == 1 ? 1 : static_cast<size_t>(piece.count);
  const size_t most = std::max<size_t>(least, 2);
  switch (piece.letter) {
    case 'y':
    case 'u': {
      if (!take(scanner.number(least, most), fields.year)) return false;
      if (piece.count == 2) fields.year += 2000;
      return true;
    }
    case 'M': {
      if (piece.count < 3) return take(scanner.number(least, most), fields.month);
      const auto month = scanner.word(kMonths);
      if (month) fields.month = *month + 1;
      return month.has_value();
    }
    case 'd':
      return take(scanner.number(least, most), fields.day);
    case 'H':
    case 'h':
      return take(scanner.number(least, most), fields.hour);
    case 'a':
      fields.half_day = scanner.word(std::array<std::string_view, 2>{"AM", "PM"});
      return fields.half_day.has_value();
    case 'm':
      return take(scanner.number(least, most), fields.minute);
    case 's':
      return take(scanner.number(least, most), fields.second);
    case 'S':
      return read_fraction(scanner, piece.count, fields.millisecond);
    case 'e':
      return scanner.number(1, 1).has_value();  // follows from the date
    case 'E':
      return scanner.word(kDays).has_value();
    case 'D':
      fields.day_of_year = scanner.number(1, 3);
      return fields.day_of_year.has_value();
    case 'X':
      fields.offset_ms = scanner.offset_ms();
      return fields.offset_ms.has_value();
    default:
      return scanner.skip(piece.text);
  }
}

std::optional<int64_t> local_ms_of(Fields& fields) {
  if (fields.half_day) {
    if (fields.hour < 1 || fields.hour > 12) return std::nullopt;
    fields.hour = fields.hour % 12 + *fields.half_day * 12;
  }
  if (fields.hour > 23 || fields.minute > 59 || fields.second > 59) return std::nullopt;
  if (!is_valid_date(fields.year, static_cast<uint32_t>(fields.month), static_cast<uint32_t>(fields.day)))
    return std::nullopt;
  int64_t days = days_from_date(fields.year, static_cast<uint32_t>(fields.month), static_cast<uint32_t>(fields.day));
  if (fields.day_of_year) {
    const int64_t first = days_from_date(fields.year, 1, 1);
    if (*fields.day_of_year < 1 || *fields.day_of_year > days_from_date(fields.year + 1, 1, 1) - first)
      return std::nullopt;
    days = first + *fields.day_of_year - 1;
  }
  return days * kMsPerDay + fields.hour * kHourMs + fields.minute * kMinuteMs + fields.second * 1000 +
         fields.millisecond;
}

}  // namespace

bool is_time_pattern(std::string_view pattern) {
  return pieces_of(pattern).has_value();
}

bool append_time(std::string& out, std::string_view pattern, int64_t local_ms, int64_t offset_ms) {
  const auto pieces = pieces_of(pattern);
  if (!pieces) return false;
  Moment moment{day_time_of(local_ms), {}, offset_ms};
  moment.date = date_from_days(moment.days);
  if (moment.date.year < 0 || moment.date.year > 9999) return false;
  for (const Piece& piece : *pieces) append_piece(out, piece, moment);
  return true;
}

std::optional<PatternTime> parse_time(std::string_view text, std::string_view pattern) {
  const auto pieces = pieces_of(pattern);
  if (!pieces) return std::nullopt;
  TextScanner scanner(text);
  Fields fields;
  for (const Piece& piece : *pieces) {
    if (!read_piece(scanner, piece, fields)) return std::nullopt;
  }
  if (!scanner.is_at_end()) return std::nullopt;
  const auto local_ms = local_ms_of(fields);
  if (!local_ms) return std::nullopt;
  return PatternTime{*local_ms, fields.offset_ms};
}

}  // namespace meterstream
