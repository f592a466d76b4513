#include "sql/batch_function.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "metering/time_zone.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

constexpr std::string_view kSpaces = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)";
/// Beyond the end of every text; places of more than 32 bits are refused.
constexpr int64_t kBeyondTexts = 1'000'000'000;
constexpr std::array<std::string_view, 8> kPartsOfTime = {"YEAR",        "MONTH", "DAY",    "DAY_OF_WEEK",
                                                          "DAY_OF_YEAR", "HOUR",  "MINUTE", "SECOND"};
/// Letters of Java's DateTimeFormatter that all dialects have.
constexpr std::array<std::string_view, 21> kLetters = {"yyyy", "yy",  "MMM", "MM", "M",   "dd", "d",
                                                       "HH",   "H",   "hh",  "h",  "a",   "mm", "m",
                                                       "ss",   "SSS", "E",   "EE", "EEE", "e",  "D"};
constexpr std::array<std::string_view, 6> kLettersOfReading = {"yyyy", "MM", "dd", "HH", "mm", "ss"};

std::string filled(std::string_view form, const SqlParts& parts, const BatchDialect& dialect) {
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
      text += dialect.finite(filled(form.substr(0, end), parts, dialect));
      form.remove_prefix(end + std::string_view("{/finite}").size());
    } else {
      text += parts[static_cast<size_t>(place[0] - '0')];
    }
  }
  return text;
}

template <class Value>
const Value* literal_of(const Expression& expression) {
  return expression.kind == Expression::Kind::kLiteral ? std::get_if<Value>(&expression.literal) : nullptr;
}

/// The parts of a pattern; nothing for letters that a dialect lacks.
std::optional<std::vector<PatternPart>> parts_of_pattern(std::string_view pattern) {
  std::vector<PatternPart> parts;
  const auto add_plain = [&](std::string_view text) {
    if (parts.empty() || parts.back().is_letters) parts.emplace_back();
    parts.back().text += text;
  };
  for (size_t at = 0; at < pattern.size();) {
    const char first = pattern[at];
    if (first == '\'') {
      const size_t end = pattern.find('\'', at + 1);
      if (end == std::string_view::npos) return std::nullopt;
      add_plain(end == at + 1 ? "'" : pattern.substr(at + 1, end - at - 1));
      at = end + 1;
      if (at < pattern.size() && pattern[at] == '\'') return std::nullopt;  // a quote inside of a text
      continue;
    }
    const bool is_letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
    if (!is_letter) {
      add_plain(pattern.substr(at, 1));
      ++at;
      continue;
    }
    const size_t end = std::min(pattern.find_first_not_of(first, at), pattern.size());
    const std::string_view letters = pattern.substr(at, end - at);
    if (std::ranges::find(kLetters, letters) == kLetters.end()) return std::nullopt;
    parts.push_back({std::string(letters), true});
    at = end;
  }
  return parts;
}

/// What a text leaves out is of another day in each system.
bool can_be_read(const std::vector<PatternPart>& pattern) {
  const auto has = [&](std::string_view letters) {
    return std::ranges::any_of(pattern,
                               [&](const PatternPart& part) { return part.is_letters && part.text == letters; });
  };
  return has("yyyy") && has("MM") && has("dd") && std::ranges::all_of(pattern, [](const PatternPart& part) {
           return !part.is_letters || std::ranges::find(kLettersOfReading, part.text) != kLettersOfReading.end();
         });
}

class CallWriter {
 public:
  CallWriter(const Expression& call, const SqlParts& parts, const BatchDialect& dialect)
      : call_(call), parts_(parts), dialect_(dialect), name_(call.function->name) {}

  [[nodiscard]] Result<std::string> write() const {
    if (std::ranges::find(kPartsOfTime, name_) != kPartsOfTime.end()) {
      ASSIGN_OR_RETURN(const std::string local, local_text(1));
      return dialect_.part_of_time(name_, local);
    }
    if (is_of_json()) return dialect_.json_call(call_, parts_);
    if (name_ == "FORMAT_TIMESTAMP") return format_text();
    if (name_ == "PARSE_TIMESTAMP") return parse_text();
    if (name_ == "FROM_UNIXTIME") return calendar_time(parts_[0], dialect_);
    if (name_ == "SUBSTRING") return substring_text();
    if (name_ == "GREATEST" || name_ == "LEAST") return extreme_text();
    // A NULL makes all of it NULL, as || does and concat() does not everywhere.
    if (name_ == "CONCAT") return fmt::format("({})", fmt::join(parts_, " || "));
    if (name_ == "CONCAT_WS") return joined_text();
    const bool is_whole = call_.children[0]->type == ColumnType::kBigint;
    // Whole numbers stay as they are; there they would become DOUBLE.
    if (is_whole && (name_ == "CEIL" || name_ == "FLOOR" || name_ == "ROUND" || name_ == "TRUNC")) return parts_[0];
    if (name_ == "ROUND") return round_text();
    const std::string_view function = name_ != "LOG" ? name_ : parts_.size() == 2 ? "LOG_OF" : "LN";
    const auto form = dialect_.form_of(function, is_whole);
    if (!form) return no_counterpart(fmt::format("{} with {} argument(s)", name_, parts_.size()));
    const std::string text = filled(*form, parts_, dialect_);
    // Integers of other sizes there are BIGINT here.
    return call_.type == ColumnType::kBigint ? dialect_.cast(text, ColumnType::kBigint) : text;
  }

 private:
  [[nodiscard]] bool is_of_json() const {
    return std::ranges::any_of(json_functions(), [&](const ScalarFunction& known) { return known.name == name_; });
  }

  [[nodiscard]] Error no_counterpart(std::string_view what) const {
    return invalid(fmt::format("{} has no counterpart of {}", dialect_.name(), what));
  }

  /// The time of clocks in the zone that is argument `index`, UTC when there is none.
  [[nodiscard]] Result<std::string> local_text(size_t index) const {
    if (parts_.size() <= index) return parts_[0];
    const std::string* zone = literal_of<std::string>(*call_.children[index]);
    if (zone == nullptr) return no_counterpart(fmt::format("{} with a zone that is no constant", name_));
    if (*zone == "UTC") return parts_[0];
    if (const auto offset_ms = fixed_offset_ms(*zone)) return dialect_.shifted_time(parts_[0], *offset_ms / 1000);
    return dialect_.local_time(parts_[0], *zone);
  }

  [[nodiscard]] Result<std::vector<PatternPart>> pattern(bool is_for_reading) const {
    const std::string* text = literal_of<std::string>(*call_.children[1]);
    if (text == nullptr) return no_counterpart(fmt::format("{} with a pattern that is no constant", name_));
    auto parts = parts_of_pattern(*text);
    if (!parts || (is_for_reading && !can_be_read(*parts)))
      return no_counterpart(fmt::format("{} with the pattern '{}'", name_, *text));
    return *std::move(parts);
  }

  [[nodiscard]] Result<std::string> format_text() const {
    ASSIGN_OR_RETURN(const std::vector<PatternPart> parts, pattern(false));
    ASSIGN_OR_RETURN(const std::string local, local_text(2));
    return dialect_.format_time(local, parts);
  }

  [[nodiscard]] Result<std::string> parse_text() const {
    ASSIGN_OR_RETURN(const std::vector<PatternPart> parts, pattern(true));
    const std::string* zone = parts_.size() > 2 ? literal_of<std::string>(*call_.children[2]) : nullptr;
    if (parts_.size() > 2 && (zone == nullptr || *zone != "UTC")) return no_counterpart("PARSE_TIMESTAMP in a zone");
    return dialect_.parse_time(parts_[0], parts);
  }

  [[nodiscard]] Result<std::string> round_text() const {
    if (parts_.size() == 1) return dialect_.bigint_of(dialect_.rounded(parts_[0]), false);
    const int64_t* digits = literal_of<int64_t>(*call_.children[1]);
    if (digits == nullptr) return no_counterpart("ROUND to digits that are no constant");
    if (*digits == 0) return dialect_.finite(dialect_.rounded(parts_[0]));
    constexpr int64_t kMostDigits = 22;  // powers of ten that are exact
    if (std::abs(*digits) > kMostDigits) return no_counterpart("ROUND to more than 22 digits");
    return dialect_.rounded_to(parts_[0], *digits);
  }

  /// Where it begins, from 1, as the engine counts: from the end when negative.
  [[nodiscard]] std::string place_text() const {
    const int64_t* known = literal_of<int64_t>(*call_.children[1]);
    if (known != nullptr && *known > 0 && *known < kBeyondTexts) return parts_[1];
    return fmt::format(
        "CASE WHEN {1} > 0 THEN least({1}, {2}) WHEN {1} < 0 THEN greatest(length({0}) + {1} + 1, 1) "
        "WHEN {1} = 0 THEN 1 END",
        parts_[0], parts_[1], kBeyondTexts);
  }

  [[nodiscard]] std::string substring_text() const {
    const std::string place = dialect_.position(place_text());
    if (parts_.size() == 2) return fmt::format("substring({}, {})", parts_[0], place);
    const std::string length =
        fmt::format("CASE WHEN {0} >= 0 THEN least({0}, {1}) WHEN {0} < 0 THEN 0 END", parts_[2], kBeyondTexts);
    return fmt::format("substring({}, {}, {})", parts_[0], place, dialect_.position(length));
  }

  /// NULL when one is NULL, which the systems' own skip.
  [[nodiscard]] std::string extreme_text() const {
    if (parts_.size() == 1) return parts_[0];
    std::string known;
    for (const std::string& part : parts_) known += fmt::format("{}{} IS NOT NULL", known.empty() ? "" : " AND ", part);
    return fmt::format("CASE WHEN {} THEN {}({}) END", known, name_ == "GREATEST" ? "greatest" : "least",
                       fmt::join(parts_, ", "));
  }

  [[nodiscard]] std::string joined_text() const {
    if (parts_.size() == 2) return fmt::format("CASE WHEN {} IS NOT NULL THEN {} END", parts_[0], parts_[1]);
    return fmt::format("({})", fmt::join(parts_.begin() + 1, parts_.end(), fmt::format(" || {} || ", parts_[0])));
  }

  const Expression& call_;
  const SqlParts& parts_;
  const BatchDialect& dialect_;
  std::string_view name_;
};

}  // namespace

std::string calendar_time(const std::string& millis, const BatchDialect& dialect) {
  return dialect.time_of(
      fmt::format("CASE WHEN {0} BETWEEN {1} AND {2} THEN {0} END", millis, kFirstTimeMs, kLastTimeMs));
}

std::string expression_of(const std::vector<PatternPart>& pattern) {
  std::string text = "^";
  for (const PatternPart& part : pattern) {
    if (part.is_letters) {
      text += part.text == "yyyy" ? "[0-9]{4}" : part.text == "HH" ? "([01][0-9]|2[0-3])" : "[0-9]{2}";
      continue;
    }
    for (const char character : part.text) {
      if (std::ispunct(static_cast<unsigned char>(character)) != 0) text += '\\';
      text += character;
    }
  }
  return text + "\\z";
}

std::optional<int64_t> fixed_offset_ms(std::string_view zone) {
  if (!zone.starts_with('+') && !zone.starts_with('-')) return std::nullopt;
  return time_zone_offset_ms(zone, 0);
}

Result<std::string> batch_call_text(const Expression& call, const SqlParts& parts, const BatchDialect& dialect) {
  return CallWriter(call, parts, dialect).write();
}

}  // namespace meterstream
