#include "metering/duration.h"

#include <array>
#include <cctype>

#include <fmt/format.h>

namespace meterstream {

namespace {

struct Unit {
  std::string_view name;
  int64_t milliseconds;
};
// From large to small. "ms" must be tried before "m" and "s".
constexpr std::array<Unit, 6> kUnits{
    {{"w", 604'800'000}, {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Error not_a_duration(std::string_view text, std::string_view fault) {
  return invalid(fmt::format(
      "'{}' is not a duration: {}. Write seconds (60), parts from large to small (1h30m, 250ms, 1d) or ISO-8601 (PT5M)",
      text, fault));
}

/// A number with its fraction, times `unit`, in whole milliseconds (the rest is cut off).
bool scale(std::string_view whole, std::string_view fraction, int64_t unit, int64_t& milliseconds) {
  int64_t number = 0;
  for (const char digit : whole) {
    if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digit - '0', &number))
      return false;
  }
  if (__builtin_mul_overflow(number, unit, &number)) return false;
  __int128 part = 0;
  __int128 power = 1;
  for (const char digit : fraction.substr(0, 18)) {
    part = part * 10 + (digit - '0');
    power *= 10;
  }
  return !__builtin_add_overflow(number, static_cast<int64_t>(part * unit / power), &milliseconds);
}

std::string_view take_digits(std::string_view& rest) {
  size_t count = 0;
  while (count < rest.size() && rest[count] >= '0' && rest[count] <= '9') ++count;
  const std::string_view digits = rest.substr(0, count);
  rest.remove_prefix(count);
  return digits;
}

const Unit* take_unit(std::string_view& rest) {
  const Unit* found = nullptr;
  for (const Unit& unit : kUnits) {
    if (rest.starts_with(unit.name) && (found == nullptr || unit.name.size() > found->name.size())) found = &unit;
  }
  if (found != nullptr) rest.remove_prefix(found->name.size());
  return found;
}

}  // namespace

Result<int64_t> parse_duration(std::string_view text) {
  const std::string lower = lower_case(trimmed(text));
  std::string_view rest = lower;
  const bool is_iso = rest.starts_with('p');
  bool is_time = !is_iso;
  if (is_iso) rest.remove_prefix(1);
  if (rest.empty() || rest == "t") return not_a_duration(text, "it has no number");
  int64_t total = 0;
  int64_t smaller_than = INT64_MAX;
  while (!rest.empty()) {
    if (is_iso && !is_time && rest.starts_with('t')) {
      is_time = true;
      rest.remove_prefix(1);
    }
    const std::string_view whole = take_digits(rest);
    if (whole.empty()) return not_a_duration(text, "a number was expected");
    std::string_view fraction;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      fraction = take_digits(rest);
      if (fraction.empty()) return not_a_duration(text, "digits were expected after the point");
    }
    const bool is_bare = rest.empty() && !is_iso && smaller_than == INT64_MAX;
    const Unit* unit = is_bare ? &kUnits[4] : take_unit(rest);
    if (unit == nullptr) return not_a_duration(text, "a unit (ms, s, m, h, d, w) was expected after the number");
    const bool is_date_unit = unit->milliseconds >= 86'400'000;
    if (is_iso && (is_date_unit == is_time || unit->milliseconds == 1))
      return not_a_duration(text, "ISO-8601 has W and D before the T, and H, M and S after it");
    if (unit->milliseconds >= smaller_than) return not_a_duration(text, "units must go from large to small");
    if (!fraction.empty() && !rest.empty()) return not_a_duration(text, "only the last part may have a fraction");
    smaller_than = unit->milliseconds;
    int64_t part = 0;
    if (!scale(whole, fraction, unit->milliseconds, part) || __builtin_add_overflow(total, part, &total))
      return not_a_duration(text, "it is too long");
  }
  return total;
}

std::string format_duration(int64_t milliseconds) {
  if (milliseconds == 0) return "0s";
  std::string text = milliseconds < 0 ? "-" : "";
  uint64_t rest = milliseconds < 0 ? -static_cast<uint64_t>(milliseconds) : static_cast<uint64_t>(milliseconds);
  for (const Unit& unit : kUnits) {
    if (unit.name == "w") continue;
    const uint64_t count = rest / static_cast<uint64_t>(unit.milliseconds);
    rest %= static_cast<uint64_t>(unit.milliseconds);
    if (count > 0) fmt::format_to(std::back_inserter(text), "{}{}", count, unit.name);
  }
  return text;
}

}  // namespace meterstream
