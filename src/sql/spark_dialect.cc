#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "sql/batch_dialect.h"
#include "sql/batch_function.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<Pair, 26> kForms = {{
    {"ABS", "abs({0})"},
    {"CEIL", "(- transform(array(- {0}), v -> CASE WHEN rint(v) > v THEN rint(v) - 1D ELSE rint(v) END)[0])"},
    {"COS", "cos({0})"},
    {"DEGREES", "{finite}degrees({0}){/finite}"},
    {"ENDS_WITH", "endswith({0}, {1})"},
    {"EXP", "{finite}exp({0}){/finite}"},
    {"FLOOR", "transform(array({0}), v -> CASE WHEN rint(v) > v THEN rint(v) - 1D ELSE rint(v) END)[0]"},
    {"INSTR", "instr({0}, {1})"},
    {"LCASE", "translate({0}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"},
    {"LEN", "length({0})"},
    {"LN", "ln({0})"},
    {"LOG_OF", "{finite}try_divide(ln({1}), ln({0})){/finite}"},
    {"LPAD", "lpad({0}, CAST(CASE WHEN {1} BETWEEN 0 AND 1048576 THEN {1} END AS INT), NULLIF({2}, ''))"},
    {"POWER", "{finite}power({0}, {1}){/finite}"},
    {"RADIANS", "radians({0})"},
    {"REPLACE", "replace({0}, {1}, {2})"},
    {"REVERSE", "reverse({0})"},
    {"RPAD", "rpad({0}, CAST(CASE WHEN {1} BETWEEN 0 AND 1048576 THEN {1} END AS INT), NULLIF({2}, ''))"},
    {"SIGN", "signum({0})"},
    {"SIN", "sin({0})"},
    {"SQRT", "{finite}sqrt({0}){/finite}"},
    {"STARTS_WITH", "startswith({0}, {1})"},
    {"TAN", "tan({0})"},
    {"TRIM", "btrim({0}, {spaces})"},
    {"UCASE", "translate({0}, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"},
    {"UNIX_TIMESTAMP", "unix_millis({0})"},
}};
/// Zero keeps its sign.
constexpr std::string_view kTrunc =
    "transform(array({0}), v -> signum(v) * CASE WHEN rint(abs(v)) > abs(v) THEN rint(abs(v)) - 1D ELSE rint(abs(v)) "
    "END)[0]";
/// The least BIGINT has no counterpart above 0, which is an error there.
constexpr std::string_view kWholeAbs = "abs(NULLIF({0}, -9223372036854775808L))";

constexpr std::array<Pair, 8> kPartsOfTime = {{
    {"YEAR", "year({})"},
    {"MONTH", "month({})"},
    {"DAY", "day({})"},
    {"DAY_OF_WEEK", "weekday({}) + 1"},
    {"DAY_OF_YEAR", "dayofyear({})"},
    {"HOUR", "hour({})"},
    {"MINUTE", "minute({})"},
    {"SECOND", "second({})"},
}};

/// Only the forms that are numbers or instants here; Spark takes more.
constexpr std::string_view kWholePattern = R"(^[ \t\r\n]*([+-]?[0-9]+)[ \t\r\n]*\z)";
constexpr std::string_view kNumberPattern =
    R"(^[ \t\r\n]*([+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?)[ \t\r\n]*\z)";
constexpr std::string_view kInstantPattern =
    R"(^(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?([Zz]|[+-]((0[0-9]|1[0-7])(:?[0-5][0-9])?|18(:?00)?))\z)";
constexpr std::string_view kWithoutSeconds = R"(^([^T ]*[T ][0-9]{2}:[0-9]{2})([Z+-].*)$)";

std::string_view type_name(ColumnType type) {
  return type == ColumnType::kVarchar ? "STRING" : name_of(type);
}

std::string spark_string(std::string_view text) {
  std::string quoted = "'";
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\'' || text[at] == '\\') quoted += '\\';
    if (text.substr(at).starts_with("${")) {
      quoted += "\\u0024";  // else it would be a variable
    } else {
      quoted += text[at];
    }
  }
  return quoted + "'";
}

std::string doubled_backslashes(std::string_view text) {
  std::string doubled;
  for (const char character : text) doubled.append(character == '\\' ? 2 : 1, character);
  return doubled;
}

/// Whether LIKE takes a character beyond U+FFFF for two.
bool is_taken_apart(std::string_view pattern) {
  constexpr auto is_long = [](char character) { return static_cast<unsigned char>(character) >= 0xf0; };  // UTF-8
  if (std::ranges::none_of(pattern, is_long)) return false;
  if (pattern.starts_with('%')) pattern.remove_prefix(1);
  if (pattern.ends_with('%')) pattern.remove_suffix(1);
  return pattern.find_first_of("%_\\") != std::string_view::npos;
}

bool is_literal_but(const Expression& expression, int64_t number) {
  const auto* integer = std::get_if<int64_t>(&expression.literal);
  return expression.kind == Expression::Kind::kLiteral && integer != nullptr && *integer != number;
}

/// As date_format and try_to_timestamp take it. They have no letters for days of the week as numbers.
std::string java_pattern(const std::vector<PatternPart>& parts) {
  std::string pattern;
  for (const PatternPart& part : parts) {
    if (part.is_letters) {
      pattern += part.text;
      continue;
    }
    pattern += '\'';
    for (const char character : part.text) pattern.append(character == '\'' ? 2 : 1, character);
    pattern += '\'';
  }
  return spark_string(pattern);
}

/// What a sum of readings is: exact, and wide enough for 1e7 of the greatest.
std::string_view sum_type(ColumnType type) {
  return type == ColumnType::kDouble ? "DECIMAL(36, 9)" : "DECIMAL(36, 0)";
}

std::string_view result_type(ColumnType type) {
  return type == ColumnType::kDouble ? "DOUBLE" : "BIGINT";
}

/// `body` over u, which is the readings of a group by time, of each time the greatest.
std::string over_readings(const std::string& value, const std::string& time, const std::string& body) {
  return fmt::format(
      "transform(transform(array(array_sort(collect_list(CASE WHEN {0} IS NOT NULL THEN named_struct('t', {1}, 'x', "
      "{0}) "
      "END))), r -> filter(r, (e, i) -> i = size(r) - 1 OR get(r, i + 1).t <> e.t)), u -> {2})[0]",
      value, time, body);
}

/// What the register of the array u counted; NULL for fewer than two readings.
std::string increase_text(ColumnType type, const std::optional<double>& modulus) {
  const std::string rollover =
      modulus ? fmt::format(
                    " WHEN u[i - 1].x >= 0 AND u[i - 1].x < {0} AND u[i].x >= 0 THEN u[i].x - u[i - 1].x + "
                    "CAST({0} AS DECIMAL(29, 9))",
                    *modulus)
              : "";
  return fmt::format(
      "CASE WHEN size(u) > 1 THEN aggregate(sequence(1, size(u) - 1), CAST(0 AS {0}), (s, i) -> try_cast(s + CASE WHEN "
      "u[i].x "
      ">= u[i - 1].x THEN u[i].x - u[i - 1].x{1} ELSE 0 END AS {0})) END",
      sum_type(type), rollover);
}

class SparkDialect final : public BatchDialect {
 public:
  [[nodiscard]] std::string_view name() const override { return "Spark"; }

  [[nodiscard]] std::string quoted_name(std::string_view name) const override {
    std::string quoted = "`";
    for (const char character : name) quoted.append(character == '`' ? 2 : 1, character);
    return quoted + "`";
  }
  [[nodiscard]] std::string string(std::string_view text) const override { return spark_string(text); }
  [[nodiscard]] std::string null(ColumnType type) const override {
    return fmt::format("CAST(NULL AS {})", type_name(type));
  }
  [[nodiscard]] Status check_names(std::string_view query) const override {
    // In texts it is written otherwise.
    if (!query.contains("${")) return {};
    return invalid(
        "Spark has no counterpart of a name with ${, which is a variable there: give the column another name");
  }
  [[nodiscard]] std::string number(double number) const override { return fmt::format("{}D", number); }
  [[nodiscard]] std::string integer(int64_t number, ColumnType type) const override {
    return fmt::format("{}{}", number, type == ColumnType::kDouble ? "D" : "L");
  }

  [[nodiscard]] std::string arithmetic(const Expression& expression, const SqlParts& parts) const override {
    return expression.type == ColumnType::kBigint ? whole_arithmetic(expression, parts)
                                                  : double_arithmetic(expression, parts);
  }
  [[nodiscard]] Result<std::string> like(const Expression& expression, const SqlParts& parts) const override {
    const Expression& pattern = *expression.children[1];
    const auto* known = std::get_if<std::string>(&pattern.literal);
    const bool is_known = pattern.kind == Expression::Kind::kLiteral && known != nullptr;
    if (is_known && is_taken_apart(*known))
      return invalid(fmt::format("Spark has no counterpart of LIKE with the pattern '{}'", *known));
    return fmt::format("({} LIKE {})", parts[0],
                       is_known ? spark_string(doubled_backslashes(*known))
                                : fmt::format("replace({}, '\\\\', '\\\\\\\\')", parts[1]));
  }
  [[nodiscard]] std::string finite(std::string_view number) const override {
    return fmt::format("get(filter(array({}), v -> abs(v) < double('Infinity')), 0)", number);
  }
  [[nodiscard]] std::string cast(std::string_view value, ColumnType type) const override {
    return fmt::format("CAST({} AS {})", value, type_name(type));
  }
  [[nodiscard]] std::string text_to(ColumnType type, const std::string& text) const override {
    switch (type) {
      case ColumnType::kBoolean:
        return fmt::format(
            "CASE lower(btrim({}, ' ' || chr(9) || chr(10) || chr(13))) WHEN 'true' THEN TRUE WHEN 'false' "
            "THEN FALSE END",
            text);
      case ColumnType::kBigint:
        return fmt::format("try_cast(regexp_extract({}, {}, 1) AS BIGINT)", text, spark_string(kWholePattern));
      case ColumnType::kDouble:
        return finite(fmt::format("try_cast(regexp_extract({}, {}, 1) AS DOUBLE)", text, spark_string(kNumberPattern)));
      case ColumnType::kTimestamp:
        return fmt::format(
            "date_trunc('MILLISECOND', try_cast(replace(regexp_replace(upper(regexp_extract({}, {}, 0)), {}, "
            "'$1:00$2'), ',', '.') AS TIMESTAMP))",
            text, spark_string(kInstantPattern), spark_string(kWithoutSeconds));
      case ColumnType::kVarchar:
        break;
    }
    return text;
  }
  /// The cast takes 2^63 for the greatest BIGINT.
  [[nodiscard]] std::string bigint_of(const std::string& number, bool) const override {
    return fmt::format("try_cast(NULLIF({}, 9223372036854775808D) AS BIGINT)", number);
  }

  [[nodiscard]] std::string time_of(std::string_view millis) const override {
    return fmt::format("timestamp_millis({})", millis);
  }
  [[nodiscard]] std::string millis_of(std::string_view time) const override {
    return fmt::format("unix_millis({})", time);
  }
  [[nodiscard]] std::string text_of_time(const std::string& time) const override {
    return fmt::format(R"(replace(date_format({}, 'yyyy-MM-dd\'T\'HH:mm:ss.SSS\'Z\''), '.000Z', 'Z'))", time);
  }
  [[nodiscard]] std::string local_time(const std::string& time, std::string_view zone) const override {
    return fmt::format("from_utc_timestamp({}, {})", time, spark_string(zone));
  }
  [[nodiscard]] std::string shifted_time(const std::string& time, int64_t seconds) const override {
    return fmt::format("({} + INTERVAL '{}' SECOND)", time, seconds);
  }
  [[nodiscard]] std::string local_millis(const std::string& time, std::string_view zone) const override {
    return millis_of(local_time(time, zone));
  }
  [[nodiscard]] std::string utc_millis(const std::string& local_millis, std::string_view zone) const override {
    return fmt::format("unix_millis(to_utc_timestamp(timestamp_millis({}), {}))", local_millis, spark_string(zone));
  }
  [[nodiscard]] std::string part_of_time(std::string_view part, const std::string& local) const override {
    const std::string_view form = std::ranges::find(kPartsOfTime, part, &Pair::first)->second;
    return cast(fmt::format(fmt::runtime(form), local), ColumnType::kBigint);
  }
  [[nodiscard]] std::string format_time(const std::string& local,
                                        const std::vector<PatternPart>& pattern) const override {
    SqlParts texts;
    std::vector<PatternPart> parts;
    const auto add_parts = [&] {
      if (!parts.empty()) texts.push_back(fmt::format("date_format({}, {})", local, java_pattern(parts)));
      parts.clear();
    };
    for (const PatternPart& part : pattern) {
      if (!part.is_letters || part.text != "e") {
        parts.push_back(part);
        continue;
      }
      add_parts();
      texts.push_back(fmt::format("CAST(weekday({}) + 1 AS STRING)", local));
    }
    if (pattern.empty()) return fmt::format("date_format({}, '')", local);
    add_parts();
    return texts.size() == 1 ? texts[0] : fmt::format("({})", fmt::join(texts, " || "));
  }
  [[nodiscard]] std::string parse_time(const std::string& text,
                                       const std::vector<PatternPart>& pattern) const override {
    return fmt::format("try_to_timestamp(regexp_extract({}, {}, 0), {})", text, spark_string(expression_of(pattern)),
                       java_pattern(pattern));
  }

  [[nodiscard]] std::optional<std::string_view> form_of(std::string_view function, bool is_whole) const override {
    if (function == "ABS" && is_whole) return kWholeAbs;
    if (function == "TRUNC") return kTrunc;
    const auto found = std::ranges::find(kForms, function, &Pair::first);
    return found == kForms.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::string rounded(const std::string& number) const override {
    return fmt::format("transform(array({}), v -> {})[0]", number, kHalfUp);
  }
  [[nodiscard]] std::string rounded_to(const std::string& number, int64_t digits) const override {
    const std::string scale = fmt::format("1e{}", std::abs(digits));
    return fmt::format("transform(array({} {} {}), v -> CASE WHEN abs(v) < double('Infinity') THEN {} ELSE {} END)[0]",
                       number, digits < 0 ? "/" : "*", scale,
                       finite(fmt::format("{} {} {}", kHalfUp, digits < 0 ? "*" : "/", scale)), number);
  }
  [[nodiscard]] std::string position(const std::string& place) const override {
    return fmt::format("CAST({} AS INT)", place);
  }

  [[nodiscard]] std::string each_of(const std::string& first, const std::string& last, int64_t step) const override {
    return fmt::format("explode(sequence({}, {}, {}L))", first, last, step);
  }
  [[nodiscard]] Result<std::string> json_call(const Expression& call, const SqlParts& /*parts*/) const override {
    return invalid(fmt::format("{} has no counterpart of {}", name(), call.function->name));
  }

  /// Rows of a key end where the next one begins.
  [[nodiscard]] std::string timed_join(const TimedLookup& lookup) const override {
    return fmt::format(
        "{} {}JOIN (SELECT *, LEAD({}) OVER (PARTITION BY {} ORDER BY {}) AS until FROM ({})) ON {} = {} AND {} >= {} "
        "AND "
        "(until IS NULL OR {} < until)",
        lookup.input, lookup.keeps_unmatched ? "LEFT " : "", lookup.since, lookup.key, lookup.since, lookup.relation,
        lookup.wanted_key, lookup.key, lookup.time, lookup.since, lookup.time);
  }

  /// So many digits that differences and sums lose none; what has more is left out.
  [[nodiscard]] std::string exact(const std::string& argument, ColumnType type) const override {
    if (type != ColumnType::kDouble) return fmt::format("try_cast({} AS DECIMAL(19, 0))", argument);
    // Whole part and fraction for themselves: the cast takes the shortest text, which is not the number.
    return fmt::format(
        "try_cast(try_cast({0} - {0} % 1D AS DECIMAL(29, 9)) + try_cast({0} % 1D AS DECIMAL(29, 9)) AS DECIMAL(29, 9))",
        argument);
  }
  [[nodiscard]] std::string sum(const std::string& exact, ColumnType type) const override {
    return fmt::format("try_cast(try_sum({}) AS {})", exact, result_type(type));
  }
  [[nodiscard]] std::string average(const std::string& argument, ColumnType type) const override {
    // In units of the ninth digit, u = q * n + r.
    return fmt::format(
        "transform(transform(array(named_struct('u', try_cast(try_multiply(try_sum({}), 1000000000BD) AS DECIMAL(38, "
        "0)), 'n', NULLIF(COUNT({}), 0))), s -> named_struct('q', CAST((s.u - s.u % s.n) / s.n AS DECIMAL(38, 0)), "
        "'r', "
        "s.u % s.n, 'n', s.n)), s -> CAST(CAST(s.q + CASE WHEN 2 * abs(s.r) + abs(s.q % 2) > s.n THEN CASE WHEN s.r > "
        "0 "
        "THEN 1 ELSE -1 END ELSE 0 END AS STRING) || 'E-9' AS DOUBLE))[0]",
        exact(argument, type), argument);
  }
  [[nodiscard]] std::string percentile(const std::string& argument, double share) const override {
    return fmt::format("percentile(CAST({} AS DOUBLE), {}D)", argument, share);
  }
  [[nodiscard]] std::string top(const std::string& argument, double count, bool is_distinct) const override {
    return fmt::format("CASE WHEN COUNT({0}) > 0 THEN slice(sort_array({2}({0}), false), 1, {1}) END", argument, count,
                       is_distinct ? "collect_set" : "collect_list");
  }
  [[nodiscard]] std::string histogram(const std::string& argument) const override {
    return fmt::format(
        "transform(array(collect_list({})), l -> CASE WHEN size(l) > 0 THEN map_from_arrays(array_distinct(l), "
        "transform(array_distinct(l), t -> CAST(size(filter(l, o -> o = t)) AS BIGINT))) END)[0]",
        argument);
  }
  [[nodiscard]] std::string increase(const std::string& exact, ColumnType type, const std::optional<double>& modulus,
                                     const BatchWindow& window) const override {
    return over_readings(exact, window.time,
                         fmt::format("try_cast({} AS {})", increase_text(type, modulus), result_type(type)));
  }
  [[nodiscard]] std::string rate(const std::string& exact, ColumnType type, const std::optional<double>& modulus,
                                 const BatchWindow& window) const override {
    return over_readings(exact, window.time,
                         fmt::format("try_divide(CAST({} AS DOUBLE), (get(u, size(u) - 1).t - get(u, 0).t) / 1000)",
                                     increase_text(type, modulus)));
  }
  [[nodiscard]] std::string time_weighted(const std::string& argument, const BatchWindow& window) const override {
    return over_readings(fmt::format("CAST({} AS DOUBLE)", argument), window.time,
                         fmt::format("CASE WHEN size(u) > 0 THEN aggregate(sequence(0, size(u) - 1), 0D, (s, i) -> s + "
                                     "(CASE WHEN i < size(u) - 1 "
                                     "THEN get(u, i + 1).t ELSE {0} END - u[i].t) * u[i].x) / ({0} - u[0].t) END",
                                     window.end));
  }

 private:
  /// Of v. Zero keeps its sign, what becomes zero has none.
  static constexpr std::string_view kHalfUp =
      "CASE WHEN v = 0 THEN v WHEN v - rint(v) = 0.5D THEN rint(v) + 1D ELSE rint(v) + 0D END";

  [[nodiscard]] static std::string whole_arithmetic(const Expression& expression, const SqlParts& parts) {
    switch (expression.operation) {
      case Operator::kAdd:
        return fmt::format("try_add({}, {})", parts[0], parts[1]);
      case Operator::kSubtract:
        return fmt::format("try_subtract({}, {})", parts[0], parts[1]);
      case Operator::kMultiply:
        return fmt::format("try_multiply({}, {})", parts[0], parts[1]);
      case Operator::kModulo:
        return fmt::format("try_mod({}, {})", parts[0], parts[1]);
      case Operator::kNegate:
        return fmt::format("try_subtract(0L, {})", parts[0]);
      default:
        break;
    }
    std::string quotient = fmt::format("({} div NULLIF({}, 0))", parts[0], parts[1]);
    if (is_literal_but(*expression.children[1], -1)) return quotient;
    return fmt::format("CASE WHEN {1} = -1 THEN try_subtract(0L, {0}) ELSE {2} END", parts[0], parts[1], quotient);
  }

  [[nodiscard]] std::string double_arithmetic(const Expression& expression, const SqlParts& parts) const {
    switch (expression.operation) {
      case Operator::kDivide:
        return finite(fmt::format("try_divide({}, {})", parts[0], parts[1]));
      case Operator::kModulo:
        return fmt::format("try_mod({}, {})", parts[0], parts[1]);
      case Operator::kNegate:
        return fmt::format("(- {})", parts[0]);
      default: {
        const std::string text = operation_text(expression, parts);  // in parentheses
        return finite(text.substr(1, text.size() - 2));
      }
    }
  }
};

}  // namespace

const BatchDialect& spark_dialect() {
  static const SparkDialect dialect;
  return dialect;
}

}  // namespace meterstream
