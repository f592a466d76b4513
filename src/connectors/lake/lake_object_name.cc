#include "connectors/lake/lake_object_name.h"

#include <charconv>

#include <fmt/format.h>

#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr std::string_view kDatePrefix = "dt=";
constexpr std::string_view kEnding = ".parquet";

/// Digits only, no sign and no leading zeros: one number has one name.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return number;
}

/// Cuts what stands behind the last '+' off `text`.
template <class Number>
std::optional<Number> take_last_number(std::string_view& text) {
  const size_t plus = text.rfind('+');
  if (plus == std::string_view::npos) return std::nullopt;
  const auto number = parse_number<Number>(text.substr(plus + 1));
  text = text.substr(0, plus);
  return number;
}

}  // namespace

std::string date_text(int64_t day) {
  const CalendarDate date = date_from_days(day);
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::optional<int64_t> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto number = [&](size_t begin, size_t size) -> int64_t {
    int64_t value = 0;
    for (const char digit : text.substr(begin, size)) {
      if (digit < '0' || digit > '9') return -1;
      value = value * 10 + (digit - '0');
    }
    return value;
  };
  const int64_t year = number(0, 4);
  const int64_t month = number(5, 2);
  const int64_t day = number(8, 2);
  if (year < 0 || month < 0 || day < 0) return std::nullopt;
  if (!is_valid_date(year, static_cast<uint32_t>(month), static_cast<uint32_t>(day))) return std::nullopt;
  return days_from_date(year, static_cast<uint32_t>(month), static_cast<uint32_t>(day));
}

std::string LakeObjectName::path() const {
  return fmt::format("{}{}/{}+{}+{}+{}{}", kDatePrefix, date_text(day), source.topic, source.partition, first, last,
                     kEnding);
}

std::optional<LakeObjectName> LakeObjectName::parse(std::string_view path) {
  if (!path.starts_with(kDatePrefix) || !path.ends_with(kEnding)) return std::nullopt;
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos || path.size() < slash + 1 + kEnding.size()) return std::nullopt;
  const auto day = parse_date(path.substr(kDatePrefix.size(), slash - kDatePrefix.size()));
  std::string_view rest = path.substr(slash + 1, path.size() - slash - 1 - kEnding.size());
  const auto last = take_last_number<int64_t>(rest);
  const auto first = take_last_number<int64_t>(rest);
  const auto partition = take_last_number<int32_t>(rest);
  if (!day || !last || !first || !partition || rest.empty() || *first > *last) return std::nullopt;
  if (rest.find('/') != std::string_view::npos) return std::nullopt;
  return LakeObjectName{*day, {std::string(rest), PartitionId(*partition)}, Offset(*first), Offset(*last)};
}

}  // namespace meterstream
