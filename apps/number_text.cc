#include "apps/number_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace meterstream {
namespace {

std::string three_digits(double number) {
  const double size = std::abs(number);
  if (size >= 99.95) return fmt::format("{:.0f}", number);
  if (size >= 9.995) return fmt::format("{:.1f}", number);
  return fmt::format("{:.2f}", number);
}

std::string scaled_text(double number, std::string_view unit) {
  static constexpr std::string_view kPrefixes[] = {"", "k", "M", "G", "T", "P"};
  size_t prefix = 0;
  while (std::abs(number) >= 999.5 && prefix + 1 < std::size(kPrefixes)) {
    number /= 1000;
    ++prefix;
  }
  std::string digits =
      prefix == 0 && number == std::floor(number) ? fmt::format("{:.0f}", number) : three_digits(number);
  if (prefix == 0 && unit.empty()) return digits;
  return fmt::format("{} {}{}", digits, kPrefixes[prefix], unit);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; });
  return lower;
}

struct NumberWithUnit {
  double number = 0;
  std::string unit;
};

Result<NumberWithUnit> split_unit(std::string_view text, std::string_view accepted) {
  NumberWithUnit result;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, result.number);
  if (error != std::errc() || !std::isfinite(result.number) || result.number < 0) {
    return invalid(fmt::format("'{}' is not {}", text, accepted));
  }
  std::string_view unit(rest, static_cast<size_t>(end - rest));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  result.unit = lower_case(unit);
  return result;
}

Result<int64_t> scaled_to_integer(double number, double factor, std::string_view text, std::string_view accepted) {
  const double product = std::round(number * factor);
  if (product >= 9.2e18) return invalid(fmt::format("'{}' is too large; give {}", text, accepted));
  return static_cast<int64_t>(product);
}

}  // namespace

std::string count_text(double count) {
  return scaled_text(count, "");
}

std::string grouped_text(int64_t number) {
  std::string digits = fmt::format("{}", number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t position = digits.size(); position > first + 3;) {
    position -= 3;
    digits.insert(position, ",");
  }
  return digits;
}

std::string bytes_text(double bytes) {
  return scaled_text(bytes, "B");
}

std::string rate_text(double per_second) {
  return scaled_text(per_second, "") + "/s";
}

std::string elapsed_text(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  if (seconds < 0) return "-" + elapsed_text(-seconds);
  if (seconds < 0.9995) return three_digits(seconds * 1000) + " ms";
  if (seconds < 59.95) return three_digits(seconds) + " s";
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  if (whole < 86'400) return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86'400, whole % 86'400 / 3600);
}

std::string percent_text(double part, double whole) {
  if (whole <= 0) return "-";
  return fmt::format("{:.1f} %", 100 * part / whole);
}

std::string value_text(double value, int decimals) {
  if (!std::isfinite(value)) return "-";
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

Result<int64_t> parse_bytes(std::string_view text) {
  static constexpr std::string_view kAccepted = "a size such as 512MB, 2GB or 256MiB";
  ASSIGN_OR_RETURN(const NumberWithUnit parts, split_unit(text, kAccepted));
  static constexpr struct {
    std::string_view name;
    double factor;
  } kUnits[] = {{"", 1},
                {"b", 1},
                {"k", 1e3},
                {"kb", 1e3},
                {"kib", 1024},
                {"m", 1e6},
                {"mb", 1e6},
                {"mib", 1048576.0},
                {"g", 1e9},
                {"gb", 1e9},
                {"gib", 1073741824.0},
                {"t", 1e12},
                {"tb", 1e12},
                {"tib", 1099511627776.0}};
  for (const auto& unit : kUnits) {
    if (parts.unit == unit.name) return scaled_to_integer(parts.number, unit.factor, text, kAccepted);
  }
  return invalid(fmt::format("'{}' is not {}", text, kAccepted));
}

Result<int64_t> parse_count(std::string_view text) {
  static constexpr std::string_view kAccepted = "a count such as 250000, 10k or 1.5M";
  ASSIGN_OR_RETURN(const NumberWithUnit parts, split_unit(text, kAccepted));
  double factor = 0;
  if (parts.unit.empty()) factor = 1;
  if (parts.unit == "k") factor = 1e3;
  if (parts.unit == "m") factor = 1e6;
  if (parts.unit == "g") factor = 1e9;
  // 1.5M is a whole number; 0.5 is none, and would become 0 or 1.
  const double count = parts.number * factor;
  if (factor == 0 || std::abs(count - std::round(count)) > 1e-9 * std::abs(count)) {
    return invalid(fmt::format("'{}' is not {}", text, kAccepted));
  }
  return scaled_to_integer(parts.number, factor, text, kAccepted);
}

}  // namespace meterstream
