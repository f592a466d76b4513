#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "sql/duckdb_text.h"
#include "sql/parser.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

using Parts = std::vector<std::string>;

std::string literal_text(const Expression& literal) {
  if (std::holds_alternative<std::monostate>(literal.literal)) return "NULL";
  if (const auto* flag = std::get_if<bool>(&literal.literal)) return *flag ? "TRUE" : "FALSE";
  if (const auto* text = std::get_if<std::string>(&literal.literal)) return sql_string(*text);
  if (const auto* integer = std::get_if<int64_t>(&literal.literal)) {
    if (literal.type == ColumnType::kBoolean) return *integer != 0 ? "TRUE" : "FALSE";
    if (literal.type == ColumnType::kTimestamp) return fmt::format("epoch_ms(({})::BIGINT)", *integer);
    return fmt::format("({})::{}", *integer, literal.type == ColumnType::kDouble ? "DOUBLE" : "BIGINT");
  }
  return fmt::format("({})::DOUBLE", std::get<double>(literal.literal));
}

/// + - * / % and the sign. BIGINTs that overflow are an error in DuckDB, which TRY makes NULL.
std::optional<std::string> arithmetic_text(const Expression& expression, const Parts& parts) {
  const bool is_integer = expression.type == ColumnType::kBigint;
  const auto tried = [&](std::string text) {
    return is_integer ? fmt::format("TRY({})", text) : fmt::format("({})", text);
  };
  switch (expression.operation) {
    case Operator::kAdd:
      return tried(fmt::format("{} + {}", parts[0], parts[1]));
    case Operator::kSubtract:
      return tried(fmt::format("{} - {}", parts[0], parts[1]));
    case Operator::kMultiply:
      return tried(fmt::format("{} * {}", parts[0], parts[1]));
    case Operator::kDivide:
      return tried(fmt::format("{} {} NULLIF({}, 0)", parts[0], is_integer ? "//" : "/", parts[1]));
    case Operator::kModulo:
      return tried(fmt::format("{} % NULLIF({}, 0)", parts[0], parts[1]));
    case Operator::kNegate:
      return tried(fmt::format("- {}", parts[0]));
    default:
      return std::nullopt;
  }
}

Result<std::string> cast_text(const Expression& expression, const std::string& value) {
  const ColumnType from = expression.children[0]->type;
  const ColumnType to = expression.type;
  const bool is_plain = (from == ColumnType::kBigint && (to == ColumnType::kDouble || to == ColumnType::kVarchar)) ||
                        (from == ColumnType::kVarchar && (to == ColumnType::kDouble || to == ColumnType::kBigint));
  if (from == to) return value;
  if (is_plain) return fmt::format("TRY_CAST({} AS {})", value, name_of(to));
  if (from == ColumnType::kDouble && to == ColumnType::kBigint)
    return fmt::format("TRY_CAST(trunc({}) AS BIGINT)", value);
  if (from == ColumnType::kVarchar && to == ColumnType::kTimestamp)
    return fmt::format("TRY_CAST(replace({}, 'Z', '') AS TIMESTAMP)", value);
  if (from == ColumnType::kTimestamp && to == ColumnType::kBigint) return fmt::format("epoch_ms({})", value);
  if (from == ColumnType::kBigint && to == ColumnType::kTimestamp) return fmt::format("epoch_ms({})", value);
  return invalid(fmt::format("DuckDB has no counterpart of CAST({} AS {})", name_of(from), name_of(to)));
}

/// Functions that are a template there; {0} to {2} are the arguments.
constexpr std::array<std::pair<std::string_view, std::string_view>, 36> kTemplates = {{
    {"ABS", "TRY(abs({0}))"},
    {"CEIL", "ceil({0})"},
    {"FLOOR", "floor({0})"},
    {"TRUNC", "trunc({0})"},
    {"SQRT", "TRY(sqrt({0}))"},
    {"EXP", "exp({0})"},
    {"LN", "TRY(ln({0}))"},
    {"SIGN", "sign({0})"},
    {"SIN", "sin({0})"},
    {"COS", "cos({0})"},
    {"TAN", "tan({0})"},
    {"DEGREES", "degrees({0})"},
    {"RADIANS", "radians({0})"},
    {"POWER", "TRY(pow({0}, {1}))"},
    {"ENDS_WITH", "ends_with({0}, {1})"},
    {"STARTS_WITH", "starts_with({0}, {1})"},
    {"INSTR", "instr({0}, {1})"},
    {"LCASE", "translate({0}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"},
    {"UCASE", "translate({0}, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"},
    {"LEN", "length({0})"},
    {"REPLACE", "replace({0}, {1}, {2})"},
    {"LPAD", "lpad({0}, ({1})::INTEGER, {2})"},
    {"RPAD", "rpad({0}, ({1})::INTEGER, {2})"},
    {"FROM_UNIXTIME", "epoch_ms({0})"},
    {"UNIX_TIMESTAMP", "epoch_ms({0})"},
    {"YEAR", "year({0})"},
    {"MONTH", "month({0})"},
    {"DAY", "day({0})"},
    {"DAY_OF_WEEK", "isodow({0})"},
    {"DAY_OF_YEAR", "dayofyear({0})"},
    {"HOUR", "hour({0})"},
    {"MINUTE", "minute({0})"},
    {"SECOND", "second({0})"},
    {"CONCAT", ""},
    {"CONCAT_WS", ""},
    {"ROUND", ""},
}};

Result<std::string> call_text(const Expression& expression, const Parts& parts) {
  const std::string_view name = expression.function->name;
  const auto found = std::ranges::find(kTemplates, name, &std::pair<std::string_view, std::string_view>::first);
  const bool is_time = found >= kTemplates.begin() + 25 && found < kTemplates.begin() + 33;
  if (is_time && parts.size() == 2) {
    const std::string local = fmt::format("({} AT TIME ZONE 'UTC') AT TIME ZONE {}", parts[0], parts[1]);
    return fmt::format("({})::BIGINT", fmt::format(fmt::runtime(found->second), local));
  }
  if (found == kTemplates.end() || (name == "ROUND" && parts.size() > 1))
    return invalid(fmt::format("DuckDB has no counterpart of {} with {} argument(s)", name, parts.size()));
  // A NULL makes all of it NULL, as || does and DuckDB's concat() does not.
  if (name == "CONCAT") return fmt::format("({})", fmt::join(parts, " || "));
  if (name == "CONCAT_WS")
    return fmt::format("({})", fmt::join(parts.begin() + 1, parts.end(), fmt::format(" || {} || ", parts[0])));
  if (name == "ROUND") {
    const bool is_integer = expression.children[0]->type == ColumnType::kBigint;
    return is_integer ? parts[0] : fmt::format("TRY_CAST(floor({} + 0.5) AS BIGINT)", parts[0]);
  }
  std::string text(found->second);
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string place = fmt::format("{{{}}}", i);
    const size_t at = text.find(place);
    if (at == std::string::npos)
      return invalid(fmt::format("DuckDB has no counterpart of {} with {} arguments", name, parts.size()));
    text.replace(at, place.size(), parts[i]);
  }
  // Integers of other sizes there are BIGINT here.
  return expression.type == ColumnType::kBigint ? fmt::format("({})::BIGINT", text) : text;
}

/// Where DuckDB writes it otherwise than this dialect.
Result<std::string> own_text(const Expression& expression, const Parts& parts) {
  if (auto text = arithmetic_text(expression, parts)) return *std::move(text);
  if (expression.operation == Operator::kCast) return cast_text(expression, parts[0]);
  if (expression.operation == Operator::kCall) return call_text(expression, parts);
  return operation_text(expression, parts);
}

}  // namespace

Result<std::string> duckdb_text(const Expression& expression) {
  if (expression.kind == Expression::Kind::kColumn) return fmt::format("c{}", expression.column);
  if (expression.kind == Expression::Kind::kLiteral) return literal_text(expression);
  Parts parts;
  parts.reserve(expression.children.size());
  for (const ExpressionPointer& child : expression.children) {
    ASSIGN_OR_RETURN(std::string part, duckdb_text(*child));
    parts.push_back(std::move(part));
  }
  return own_text(expression, parts);
}

}  // namespace meterstream
