#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "sql/batch_dialect.h"
#include "sql/batch_function.h"
#include "sql/duckdb_json.h"
#include "sql/parser.h"

namespace meterstream {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<Pair, 27> kForms = {{
    {"ABS", "TRY(abs({0}))"},
    {"CEIL", "ceil({0})"},
    {"COS", "cos({0})"},
    {"DEGREES", "{finite}degrees({0}){/finite}"},
    {"ENDS_WITH", "ends_with({0}, {1})"},
    {"EXP", "{finite}exp({0}){/finite}"},
    {"FLOOR", "floor({0})"},
    {"INSTR", "instr({0}, {1})"},
    {"LCASE", "translate({0}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"},
    {"LEN", "length({0})"},
    {"LN", "TRY(ln({0}))"},
    {"LOG_OF", "{finite}(TRY(ln({1})) / NULLIF(TRY(ln({0})), 0)){/finite}"},
    {"LPAD", "TRY(lpad({0}, (CASE WHEN {1} BETWEEN 0 AND 1048576 THEN {1} END)::INTEGER, NULLIF({2}, '')))"},
    {"POWER", "NULLIF({finite}TRY(pow({0}, {1})){/finite}, 'nan')"},
    {"RADIANS", "radians({0})"},
    {"REPLACE", "replace({0}, {1}, {2})"},
    {"REVERSE", "array_to_string(list_reverse(regexp_extract_all({0}, '(?s).')), '')"},
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

constexpr std::array<Pair, 8> kPartsOfTime = {{
    {"YEAR", "year"},
    {"MONTH", "month"},
    {"DAY", "day"},
    {"DAY_OF_WEEK", "isodow"},
    {"DAY_OF_YEAR", "dayofyear"},
    {"HOUR", "hour"},
    {"MINUTE", "minute"},
    {"SECOND", "second"},
}};

/// Letters of patterns, and what strftime has for them.
constexpr std::array<Pair, 21> kLetters = {{
    {"yyyy", "%Y"}, {"yy", "%y"},  {"MMM", "%b"}, {"MM", "%m"}, {"M", "%-m"},  {"dd", "%d"}, {"d", "%-d"},
    {"HH", "%H"},   {"H", "%-H"},  {"hh", "%I"},  {"h", "%-I"}, {"a", "%p"},   {"mm", "%M"}, {"m", "%-M"},
    {"ss", "%S"},   {"SSS", "%g"}, {"E", "%a"},   {"EE", "%a"}, {"EEE", "%a"}, {"e", "%u"},  {"D", "%-j"},
}};

/// Only the forms that are numbers or instants here; DuckDB takes more.
constexpr std::string_view kWholePattern = R"('^[ \t\r\n]*([+-]?[0-9]+)[ \t\r\n]*$')";
constexpr std::string_view kNumberPattern =
    R"('^[ \t\r\n]*([+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?)[ \t\r\n]*$')";
constexpr std::string_view kInstantPattern =
    R"('^((000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?([Zz]|[+-]((0[0-9]|1[0-7])(:?[0-5][0-9])?|18(:?00)?)))$')";
constexpr std::string_view kWithoutSeconds = R"('^([^T ]*[T ][0-9]{2}:[0-9]{2})([Z+-].*)$')";

template <size_t kSize>
std::string_view found_in(const std::array<Pair, kSize>& list, std::string_view name) {
  return std::ranges::find(list, name, &Pair::first)->second;
}

std::string strftime_pattern(const std::vector<PatternPart>& pattern) {
  std::string text;
  for (const PatternPart& part : pattern) {
    if (part.is_letters) {
      text += found_in(kLetters, part.text);
      continue;
    }
    for (const char character : part.text) text.append(character == '%' ? 2 : 1, character);
  }
  return sql_string(text);
}

bool is_literal_but(const Expression& expression, int64_t number) {
  const auto* integer = std::get_if<int64_t>(&expression.literal);
  return expression.kind == Expression::Kind::kLiteral && integer != nullptr && *integer != number;
}

/// The rest of BIGINTs; by -1 it is 0, also where DuckDB's division overflows.
std::string rest_text(const Expression& divisor, const SqlParts& parts) {
  std::string rest = fmt::format("({} % NULLIF({}, 0))", parts[0], parts[1]);
  if (is_literal_but(divisor, -1)) return rest;
  return fmt::format("CASE WHEN {1} = -1 THEN {0} - {0} ELSE TRY{2} END", parts[0], parts[1], rest);
}

/// A list of one list, which is the readings of a group by time, of each time the greatest; `body` is what is made of that
/// list, u.
std::string over_readings(const std::string& value, const std::string& time, const std::string& body) {
  return fmt::format(
      "list_transform(list_transform([list(struct_pack(t := {1}, x := {0}) ORDER BY {1}, {0}) FILTER ({0} IS NOT "
      "NULL)], "
      "lambda r: list_filter(r, lambda e, i: i = len(r) OR r[i + 1].t <> e.t)), lambda u: {2})[1]",
      value, time, body);
}

/// What the register of the list u counted; NULL for fewer than two readings.
std::string increase_text(const std::optional<double>& modulus) {
  const std::string rollover =
      modulus ? fmt::format(" WHEN u[i].x >= 0 AND u[i].x < {0} AND u[i + 1].x >= 0 THEN u[i + 1].x - u[i].x + {0}",
                            *modulus)
              : "";
  return fmt::format(
      "CASE WHEN len(u) > 1 THEN list_sum(list_transform(range(1, len(u)), lambda i: CASE WHEN u[i + 1].x >= u[i].x "
      "THEN u[i + 1].x - u[i].x{} ELSE 0 END)) END",
      rollover);
}

class DuckDbDialect final : public BatchDialect {
 public:
  [[nodiscard]] std::string_view name() const override { return "DuckDB"; }

  [[nodiscard]] std::string quoted_name(std::string_view name) const override {
    return to_sql(ast::Identifier{std::string(name), true, {}});
  }
  [[nodiscard]] std::string string(std::string_view text) const override { return sql_string(text); }
  [[nodiscard]] std::string null(ColumnType type) const override { return fmt::format("NULL::{}", name_of(type)); }
  [[nodiscard]] Status check_names(std::string_view) const override { return {}; }
  [[nodiscard]] std::string number(double number) const override {
    constexpr size_t kExactDigits = 15;  // of a text that is a DECIMAL there before it becomes a DOUBLE
    const std::string text = fmt::format("{}", number);
    const bool is_exact = text.size() <= kExactDigits && !(number == 0 && std::signbit(number));
    return is_exact ? fmt::format("({})::DOUBLE", text) : fmt::format("'{}'::DOUBLE", text);
  }
  [[nodiscard]] std::string integer(int64_t number, ColumnType type) const override {
    return fmt::format("({})::{}", number, name_of(type));
  }

  /// BIGINTs that overflow are an error there, which TRY makes NULL, and DOUBLEs infinite.
  [[nodiscard]] std::string arithmetic(const Expression& expression, const SqlParts& parts) const override {
    const bool is_integer = expression.type == ColumnType::kBigint;
    const auto checked = [&](const std::string& text) {
      return is_integer ? fmt::format("TRY({})", text) : finite(fmt::format("({})", text));
    };
    switch (expression.operation) {
      case Operator::kDivide:
        return checked(fmt::format("{} {} NULLIF({}, 0)", parts[0], is_integer ? "//" : "/", parts[1]));
      case Operator::kModulo:
        return is_integer ? rest_text(*expression.children[1], parts)
                          : fmt::format("({} % NULLIF({}, 0))", parts[0], parts[1]);
      case Operator::kNegate:
        return fmt::format("{}(- {})", is_integer ? "TRY" : "", parts[0]);
      default: {
        const std::string text = operation_text(expression, parts);  // in parentheses
        return checked(text.substr(1, text.size() - 2));
      }
    }
  }
  [[nodiscard]] Result<std::string> like(const Expression& expression, const SqlParts& parts) const override {
    return operation_text(expression, parts);
  }
  [[nodiscard]] std::string finite(std::string_view number) const override {
    return fmt::format("NULLIF(NULLIF({}, 'inf'), '-inf')", number);
  }
  [[nodiscard]] std::string cast(std::string_view value, ColumnType type) const override {
    return fmt::format("({})::{}", value, name_of(type));
  }
  [[nodiscard]] std::string text_to(ColumnType type, const std::string& text) const override {
    switch (type) {
      case ColumnType::kBoolean:
        return fmt::format(
            "CASE lower(trim({}, ' ' || chr(9) || chr(10) || chr(13))) WHEN 'true' THEN TRUE WHEN 'false' "
            "THEN FALSE END",
            text);
      case ColumnType::kBigint:
        return fmt::format("TRY_CAST(regexp_extract({}, {}, 1) AS BIGINT)", text, kWholePattern);
      case ColumnType::kDouble:
        return finite(fmt::format("TRY_CAST(regexp_extract({}, {}, 1) AS DOUBLE)", text, kNumberPattern));
      case ColumnType::kTimestamp:
        return fmt::format(
            "date_trunc('milliseconds', TRY_CAST(replace(regexp_replace(upper(regexp_extract({}, {}, 1)), {}, "
            "'\\1:00\\2'), ',', '.') AS TIMESTAMPTZ) AT TIME ZONE 'UTC')",
            text, kInstantPattern, kWithoutSeconds);
      case ColumnType::kVarchar:
        break;
    }
    return text;
  }
  [[nodiscard]] std::string bigint_of(const std::string& number, bool has_fraction) const override {
    return fmt::format("TRY_CAST({} AS BIGINT)", has_fraction ? fmt::format("trunc({})", number) : number);
  }

  [[nodiscard]] std::string time_of(std::string_view millis) const override {
    return fmt::format("epoch_ms({})", millis);
  }
  [[nodiscard]] std::string millis_of(std::string_view time) const override {
    return fmt::format("epoch_ms({})", time);
  }
  [[nodiscard]] std::string text_of_time(const std::string& time) const override {
    return fmt::format("replace(strftime({}, '%Y-%m-%dT%H:%M:%S.%gZ'), '.000Z', 'Z')", time);
  }
  [[nodiscard]] std::string local_time(const std::string& time, std::string_view zone) const override {
    return fmt::format("(({} AT TIME ZONE 'UTC') AT TIME ZONE {})", time, sql_string(zone));
  }
  [[nodiscard]] std::string shifted_time(const std::string& time, int64_t seconds) const override {
    return fmt::format("({} + INTERVAL '{} seconds')", time, seconds);
  }
  [[nodiscard]] std::string local_millis(const std::string& time, std::string_view zone) const override {
    return fmt::format("epoch_ms(({} AT TIME ZONE 'UTC') AT TIME ZONE {})", time, sql_string(zone));
  }
  /// DuckDB takes the later one of two times that clocks show twice.
  [[nodiscard]] std::string utc_millis(const std::string& local_millis, std::string_view zone) const override {
    return fmt::format(
        "list_transform([(epoch_ms({0}) AT TIME ZONE {1}) AT TIME ZONE 'UTC'], lambda u: epoch_ms(CASE WHEN {2} = {3} "
        "THEN u - INTERVAL '1 hour' ELSE u END))[1]",
        local_millis, sql_string(zone), local_time("(u - INTERVAL '1 hour')", zone), local_time("u", zone));
  }
  [[nodiscard]] std::string part_of_time(std::string_view part, const std::string& local) const override {
    return fmt::format("({}({}))::BIGINT", found_in(kPartsOfTime, part), local);
  }
  [[nodiscard]] std::string format_time(const std::string& local,
                                        const std::vector<PatternPart>& pattern) const override {
    return fmt::format("strftime({}, {})", local, strftime_pattern(pattern));
  }
  [[nodiscard]] std::string parse_time(const std::string& text,
                                       const std::vector<PatternPart>& pattern) const override {
    return fmt::format("try_strptime(regexp_extract({}, {}), {})", text, sql_string(expression_of(pattern)),
                       strftime_pattern(pattern));
  }

  [[nodiscard]] std::optional<std::string_view> form_of(std::string_view function, bool) const override {
    const auto found = std::ranges::find(kForms, function, &Pair::first);
    return found == kForms.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::string rounded(const std::string& number) const override {
    return fmt::format("(CASE WHEN {0} - floor({0}) >= 0.5 THEN floor({0}) + 1 ELSE floor({0}) END)", number);
  }
  [[nodiscard]] std::string rounded_to(const std::string& number, int64_t digits) const override {
    const std::string scale = fmt::format("1e{}", std::abs(digits));
    const std::string scaled = fmt::format("({} {} {})", number, digits < 0 ? "/" : "*", scale);
    return fmt::format("CASE WHEN isfinite({}) THEN {} ELSE {} END", scaled,
                       finite(fmt::format("({} {} {})", rounded(scaled), digits < 0 ? "*" : "/", scale)), number);
  }
  [[nodiscard]] std::string position(const std::string& place) const override { return place; }

  [[nodiscard]] std::string each_of(const std::string& first, const std::string& last, int64_t step) const override {
    return fmt::format("unnest(generate_series({}, {}, {}))", first, last, step);
  }
  [[nodiscard]] Result<std::string> json_call(const Expression& call, const SqlParts& parts) const override {
    return duckdb_json_text(call, parts);
  }

  [[nodiscard]] std::string timed_join(const TimedLookup& lookup) const override {
    return fmt::format("{} ASOF {}JOIN ({}) ON {} = {} AND {} >= {}", lookup.input,
                       lookup.keeps_unmatched ? "LEFT " : "", lookup.relation, lookup.wanted_key, lookup.key,
                       lookup.time, lookup.since);
  }

  [[nodiscard]] std::string exact(const std::string& argument, ColumnType type) const override {
    if (type != ColumnType::kDouble) return fmt::format("CAST({} AS HUGEINT)", argument);
    // Whole part and fraction for themselves: the cast computes in doubles, which have too few digits for both.
    return fmt::format("(CAST(CAST({0} - {0} % 1 AS HUGEINT) AS DECIMAL(29, 9)) + CAST({0} % 1 AS DECIMAL(29, 9)))",
                       argument);
  }
  [[nodiscard]] std::string sum(const std::string& exact, ColumnType type) const override {
    return result(fmt::format("SUM({})", exact), type);
  }
  [[nodiscard]] std::string average(const std::string& argument, ColumnType type) const override {
    const std::string sum = fmt::format("SUM({})", exact(argument, type));
    const std::string units = type == ColumnType::kDouble
                                  ? fmt::format("CAST(replace(CAST({} AS VARCHAR), '.', '') AS HUGEINT)", sum)
                                  : fmt::format("{} * 1000000000", sum);
    return fmt::format(
        "list_transform([struct_pack(u := {}, n := NULLIF(COUNT({}), 0))], lambda s: CAST(CAST(s.u // s.n + CASE WHEN "
        "2 * abs(s.u % s.n) + (s.u // s.n) % 2 * sign(s.u) > s.n THEN sign(s.u) ELSE 0 END "
        "AS VARCHAR) || 'e-9' AS DOUBLE))[1]",
        units, argument);
  }
  [[nodiscard]] std::string percentile(const std::string& argument, double share) const override {
    return fmt::format("quantile_cont(CAST({} AS DOUBLE), {})", argument, share);
  }
  [[nodiscard]] std::string top(const std::string& argument, double count, bool is_distinct) const override {
    return fmt::format("(list({2}{0} ORDER BY {0} DESC) FILTER ({0} IS NOT NULL))[1:{1}]", argument, count,
                       is_distinct ? "DISTINCT " : "");
  }
  [[nodiscard]] std::string histogram(const std::string& argument) const override {
    return fmt::format("HISTOGRAM({})", argument);
  }
  [[nodiscard]] std::string increase(const std::string& exact, ColumnType type, const std::optional<double>& modulus,
                                     const BatchWindow& window) const override {
    return over_readings(exact, window.time, result(increase_text(modulus), type));
  }
  [[nodiscard]] std::string rate(const std::string& exact, ColumnType type, const std::optional<double>& modulus,
                                 const BatchWindow& window) const override {
    return over_readings(exact, window.time,
                         fmt::format("{} / ((u[len(u)].t - u[1].t) / 1000)", number_of(increase_text(modulus), type)));
  }
  [[nodiscard]] std::string time_weighted(const std::string& argument, const BatchWindow& window) const override {
    return over_readings(
        fmt::format("CAST({} AS DOUBLE)", argument), window.time,
        fmt::format(
            "list_sum(list_transform(range(1, len(u) + 1), lambda i: (CASE WHEN i < len(u) THEN u[i + 1].t ELSE {0} "
            "END - u[i].t) * u[i].x)) / ({0} - u[1].t)",
            window.end));
  }

 private:
  /// Of a DECIMAL or HUGEINT; the cast of a DECIMAL alone is not to the nearest one.
  [[nodiscard]] static std::string number_of(const std::string& exact, ColumnType type) {
    return type == ColumnType::kDouble ? fmt::format("CAST(CAST({} AS VARCHAR) AS DOUBLE)", exact)
                                       : fmt::format("CAST({} AS DOUBLE)", exact);
  }
  [[nodiscard]] static std::string result(const std::string& exact, ColumnType type) {
    return type == ColumnType::kDouble ? number_of(exact, type) : fmt::format("TRY_CAST({} AS BIGINT)", exact);
  }
};

}  // namespace

const BatchDialect& duckdb_dialect() {
  static const DuckDbDialect dialect;
  return dialect;
}

}  // namespace meterstream
