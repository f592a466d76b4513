#include "sql/duckdb_function.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "metering/time_zone.h"
#include "sql/parser.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

using Parts = std::vector<std::string>;
using Template = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kSpaces = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)";
/// Beyond the end of every text; DuckDB refuses places of more than 32 bits.
constexpr int64_t kBeyondTexts = 1'000'000'000;

/// {0} to {2} are the arguments.
constexpr std::array<Template, 27> kTemplates = {{
    {"ABS", "TRY(abs({0}))"},
    {"CEIL", "ceil({0})"},
    {"COS", "cos({0})"},
    {"DEGREES", "{finite}degrees({0}){/finite}"},
    {"ENDS_WITH", "ends_with({0}, {1})"},
    {"EXP", "{finite}exp({0}){/finite}"},
    {"FLOOR", "floor({0})"},
    {"FROM_UNIXTIME", "epoch_ms({0})"},
    {"INSTR", "instr({0}, {1})"},
    {"LCASE", "translate({0}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"},
    {"LEN", "length({0})"},
    {"LN", "TRY(ln({0}))"},
    {"LPAD", "TRY(lpad({0}, (CASE WHEN {1} BETWEEN 0 AND 1048576 THEN {1} END)::INTEGER, NULLIF({2}, '')))"},
    {"POWER", "NULLIF({finite}TRY(pow({0}, {1})){/finite}, 'nan')"},
    {"RADIANS", "radians({0})"},
    {"REPLACE", "replace({0}, {1}, {2})"},
    {"REVERSE", "reverse({0})"},
    {"RPAD", "TRY(rpad({0}, (CASE WHEN {1} BETWEEN 0 AND 1048576 THEN {1} END)::INTEGER, NULLIF({2}, '')))"},
    {"SIGN", "sign({0})"},
    {"SIN", "sin({0})"},
    {"SQRT", "TRY(sqrt({0}))"},
    {"STARTS_WITH", "starts_with({0}, {1})"},
    {"TAN", "tan({0})"},
    {"TRIM", "trim({0}, {spaces})"},
    {"TRUNC", "trunc({0})"},
    {"UCASE", "translate({0}, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"},
    {"UNIX_TIMESTAMP", "epoch_ms({0})"},
}};

constexpr std::array<Template, 8> kPartsOfTime = {{
    {"YEAR", "year"},
    {"MONTH", "month"},
    {"DAY", "day"},
    {"DAY_OF_WEEK", "isodow"},
    {"DAY_OF_YEAR", "dayofyear"},
    {"HOUR", "hour"},
    {"MINUTE", "minute"},
    {"SECOND", "second"},
}};

/// Letters of Java's DateTimeFormatter, and what strftime has for them.
constexpr std::array<Template, 21> kPatterns = {{
    {"yyyy", "%Y"}, {"yy", "%y"},  {"MMM", "%b"}, {"MM", "%m"}, {"M", "%-m"},  {"dd", "%d"}, {"d", "%-d"},
    {"HH", "%H"},   {"H", "%-H"},  {"hh", "%I"},  {"h", "%-I"}, {"a", "%p"},   {"mm", "%M"}, {"m", "%-M"},
    {"ss", "%S"},   {"SSS", "%g"}, {"E", "%a"},   {"EE", "%a"}, {"EEE", "%a"}, {"e", "%u"},  {"D", "%-j"},
}};

template <size_t kSize>
std::optional<std::string_view> found_in(const std::array<Template, kSize>& list, std::string_view name) {
  const auto found = std::ranges::find(list, name, &Template::first);
  return found == list.end() ? std::nullopt : std::optional(found->second);
}

std::string filled(std::string_view form, const Parts& parts) {
  std::string text;
  while (!form.empty()) {
    const size_t open = std::min(form.find('{'), form.size());
    text += form.substr(0, open);
    form.remove_prefix(open);
    if (form.empty()) break;
    const std::string_view place = form.substr(1, form.find('}') - 1);
    form.remove_prefix(place.size() + 2);
    if (place == "spaces") {
      text += kSpaces;
    } else if (place == "finite") {
      const size_t end = form.find("{/finite}");
      text += duckdb_finite_text(filled(form.substr(0, end), parts));
      form.remove_prefix(end + std::string_view("{/finite}").size());
    } else {
      text += parts[static_cast<size_t>(place[0] - '0')];
    }
  }
  return text;
}

Error no_counterpart(std::string_view what) {
  return invalid(fmt::format("DuckDB has no counterpart of {}", what));
}

template <class Value>
const Value* literal_of(const Expression& expression) {
  return expression.kind == Expression::Kind::kLiteral ? std::get_if<Value>(&expression.literal) : nullptr;
}

/// The time of clocks in the zone that is argument `index`, UTC when there is none.
Result<std::string> local_text(const Expression& call, const Parts& parts, size_t index) {
  if (parts.size() <= index) return parts[0];
  const std::string* zone = literal_of<std::string>(*call.children[index]);
  if (zone == nullptr) return no_counterpart(fmt::format("{} with a zone that is no constant", call.function->name));
  if (*zone == "UTC") return parts[0];
  if (zone->starts_with('+') || zone->starts_with('-')) {
    const auto offset_ms = time_zone_offset_ms(*zone, 0);
    if (offset_ms) return fmt::format("({} + INTERVAL '{} seconds')", parts[0], *offset_ms / 1000);
  }
  return fmt::format("(({} AT TIME ZONE 'UTC') AT TIME ZONE {})", parts[0], parts[index]);
}

/// A pattern as strftime has it; nothing for letters that it lacks.
std::optional<std::string> strftime_pattern(std::string_view pattern, bool is_for_reading) {
  std::string text;
  const auto add_plain = [&](char character) { text.append(character == '%' ? 2 : 1, character); };
  for (size_t at = 0; at < pattern.size();) {
    const char first = pattern[at];
    if (first == '\'') {
      const size_t end = pattern.find('\'', at + 1);
      if (end == std::string_view::npos) return std::nullopt;
      if (end == at + 1) add_plain('\'');
      for (const char character : pattern.substr(at + 1, end - at - 1)) add_plain(character);
      at = end + 1;
      if (at < pattern.size() && pattern[at] == '\'') return std::nullopt;  // a quote inside of a text
      continue;
    }
    const bool is_letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
    if (!is_letter) {
      add_plain(first);
      ++at;
      continue;
    }
    const size_t end = std::min(pattern.find_first_not_of(first, at), pattern.size());
    const std::string_view letters = pattern.substr(at, end - at);
    const auto known = found_in(kPatterns, letters);
    constexpr std::string_view kRead = "yyyy MM dd HH mm ss";
    if (!known || (is_for_reading && (letters.size() == 1 || kRead.find(letters) == std::string_view::npos)))
      return std::nullopt;
    text += *known;
    at = end;
  }
  // What a text leaves out is of 1970 here and of 1900 there.
  for (const std::string_view part : {"%Y", "%m", "%d"}) {
    if (is_for_reading && text.find(part) == std::string::npos) return std::nullopt;
  }
  return text;
}

Result<std::string> pattern_text(const Expression& call, bool is_for_reading) {
  const std::string* pattern = literal_of<std::string>(*call.children[1]);
  if (pattern == nullptr)
    return no_counterpart(fmt::format("{} with a pattern that is no constant", call.function->name));
  const auto text = strftime_pattern(*pattern, is_for_reading);
  if (!text) return no_counterpart(fmt::format("{} with the pattern '{}'", call.function->name, *pattern));
  return sql_string(*text);
}

Result<std::string> format_text(const Expression& call, const Parts& parts) {
  ASSIGN_OR_RETURN(const std::string pattern, pattern_text(call, false));
  ASSIGN_OR_RETURN(const std::string local, local_text(call, parts, 2));
  return fmt::format("strftime({}, {})", local, pattern);
}

Result<std::string> parse_text(const Expression& call, const Parts& parts) {
  ASSIGN_OR_RETURN(const std::string pattern, pattern_text(call, true));
  const std::string* zone = parts.size() > 2 ? literal_of<std::string>(*call.children[2]) : nullptr;
  if (parts.size() > 2 && (zone == nullptr || *zone != "UTC")) return no_counterpart("PARSE_TIMESTAMP in a zone");
  return fmt::format("try_strptime({}, {})", parts[0], pattern);
}

/// Half goes up, also where x + 0.5 would be rounded itself.
std::string rounded_text(std::string_view number) {
  return fmt::format("(CASE WHEN {0} - floor({0}) >= 0.5 THEN floor({0}) + 1 ELSE floor({0}) END)", number);
}

Result<std::string> round_text(const Expression& call, const Parts& parts) {
  if (parts.size() == 1) return fmt::format("TRY_CAST({} AS BIGINT)", rounded_text(parts[0]));
  const int64_t* digits = literal_of<int64_t>(*call.children[1]);
  if (digits == nullptr) return no_counterpart("ROUND to digits that are no constant");
  if (*digits == 0) return duckdb_finite_text(rounded_text(parts[0]));
  constexpr int64_t kMostDigits = 22;  // powers of ten that are exact
  if (std::abs(*digits) > kMostDigits) return no_counterpart("ROUND to more than 22 digits");
  const std::string scale = fmt::format("1e{}", std::abs(*digits));
  const std::string scaled = fmt::format("({} {} {})", parts[0], *digits < 0 ? "/" : "*", scale);
  return fmt::format(
      "CASE WHEN isfinite({}) THEN {} ELSE {} END", scaled,
      duckdb_finite_text(fmt::format("({} {} {})", rounded_text(scaled), *digits < 0 ? "*" : "/", scale)), parts[0]);
}

/// Where it begins, from 1, as the engine counts: from the end when negative.
std::string place_text(const Expression& expression, const std::string& text, const std::string& place) {
  const int64_t* known = literal_of<int64_t>(expression);
  if (known != nullptr && *known > 0 && *known < kBeyondTexts) return place;
  return fmt::format(
      "CASE WHEN {1} > 0 THEN least({1}, {2}) WHEN {1} < 0 THEN greatest(length({0}) + {1} + 1, 1) "
      "WHEN {1} = 0 THEN 1 END",
      text, place, kBeyondTexts);
}

std::string substring_text(const Expression& call, const Parts& parts) {
  const std::string place = place_text(*call.children[1], parts[0], parts[1]);
  if (parts.size() == 2) return fmt::format("substring({}, {})", parts[0], place);
  return fmt::format("substring({}, {}, CASE WHEN {} >= 0 THEN least({}, {}) WHEN {} < 0 THEN 0 END)", parts[0], place,
                     parts[2], parts[2], kBeyondTexts, parts[2]);
}

/// NULL when one is NULL, which DuckDB's own skips.
std::string extreme_text(std::string_view name, const Parts& parts) {
  if (parts.size() == 1) return parts[0];
  std::string known;
  for (const std::string& part : parts) known += fmt::format("{}{} IS NOT NULL", known.empty() ? "" : " AND ", part);
  return fmt::format("CASE WHEN {} THEN {}({}) END", known, name == "GREATEST" ? "greatest" : "least",
                     fmt::join(parts, ", "));
}

std::string joined_text(const Parts& parts) {
  if (parts.size() == 2) return fmt::format("CASE WHEN {} IS NOT NULL THEN {} END", parts[0], parts[1]);
  return fmt::format("({})", fmt::join(parts.begin() + 1, parts.end(), fmt::format(" || {} || ", parts[0])));
}

}  // namespace

std::string duckdb_finite_text(std::string_view text) {
  return fmt::format("NULLIF(NULLIF({}, 'inf'), '-inf')", text);
}

Result<std::string> duckdb_call_text(const Expression& call, const Parts& parts) {
  const std::string_view name = call.function->name;
  if (const auto part = found_in(kPartsOfTime, name)) {
    ASSIGN_OR_RETURN(const std::string local, local_text(call, parts, 1));
    return fmt::format("({}({}))::BIGINT", *part, local);
  }
  if (is_json_function(name)) return duckdb_json_text(call, parts);
  if (name == "FORMAT_TIMESTAMP") return format_text(call, parts);
  if (name == "PARSE_TIMESTAMP") return parse_text(call, parts);
  if (name == "SUBSTRING") return substring_text(call, parts);
  if (name == "GREATEST" || name == "LEAST") return extreme_text(name, parts);
  // A NULL makes all of it NULL, as || does and DuckDB's concat() does not.
  if (name == "CONCAT") return fmt::format("({})", fmt::join(parts, " || "));
  if (name == "CONCAT_WS") return joined_text(parts);
  if (name == "LOG" && parts.size() == 2)
    return duckdb_finite_text(fmt::format("(TRY(ln({})) / NULLIF(TRY(ln({})), 0))", parts[1], parts[0]));
  const bool is_whole = call.children[0]->type == ColumnType::kBigint;
  // Whole numbers stay as they are; there they would become DOUBLE.
  if (is_whole && (name == "CEIL" || name == "FLOOR" || name == "ROUND" || name == "TRUNC")) return parts[0];
  if (name == "ROUND") return round_text(call, parts);
  const auto form = found_in(kTemplates, name == "LOG" ? "LN" : name);
  if (!form) return no_counterpart(fmt::format("{} with {} argument(s)", name, parts.size()));
  std::string text = filled(*form, parts);
  // Integers of other sizes there are BIGINT here.
  return call.type == ColumnType::kBigint ? fmt::format("({})::BIGINT", text) : text;
}

}  // namespace meterstream
