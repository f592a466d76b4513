#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "sql/duckdb_function.h"
#include "sql/duckdb_text.h"
#include "sql/parser.h"

namespace meterstream {
namespace {

using Parts = std::vector<std::string>;

std::string number_text(double number) {
  constexpr size_t kExactDigits = 15;  // of a text that is a DECIMAL there before it becomes a DOUBLE
  const std::string text = fmt::format("{}", number);
  const bool is_exact = text.size() <= kExactDigits && !(number == 0 && std::signbit(number));
  return is_exact ? fmt::format("({})::DOUBLE", text) : fmt::format("'{}'::DOUBLE", text);
}

std::string literal_text(const Expression& literal) {
  if (std::holds_alternative<std::monostate>(literal.literal)) return fmt::format("NULL::{}", name_of(literal.type));
  if (const auto* flag = std::get_if<bool>(&literal.literal)) return *flag ? "TRUE" : "FALSE";
  if (const auto* text = std::get_if<std::string>(&literal.literal)) return sql_string(*text);
  if (const auto* integer = std::get_if<int64_t>(&literal.literal)) {
    if (literal.type == ColumnType::kBoolean) return *integer != 0 ? "TRUE" : "FALSE";
    if (literal.type == ColumnType::kTimestamp) return fmt::format("epoch_ms(({})::BIGINT)", *integer);
    return fmt::format("({})::{}", *integer, literal.type == ColumnType::kDouble ? "DOUBLE" : "BIGINT");
  }
  return number_text(std::get<double>(literal.literal));
}

bool is_literal_but(const Expression& expression, int64_t number) {
  const auto* integer = std::get_if<int64_t>(&expression.literal);
  return expression.kind == Expression::Kind::kLiteral && integer != nullptr && *integer != number;
}

/// The rest of BIGINTs; by -1 it is 0, also where DuckDB's division overflows.
std::string rest_text(const Expression& divisor, const Parts& parts) {
  std::string rest = fmt::format("({} % NULLIF({}, 0))", parts[0], parts[1]);
  if (is_literal_but(divisor, -1)) return rest;
  return fmt::format("CASE WHEN {1} = -1 THEN {0} - {0} ELSE TRY{2} END", parts[0], parts[1], rest);
}

/// + - * / % and the sign. BIGINTs that overflow are an error in DuckDB, which TRY makes NULL, and DOUBLEs infinite.
std::optional<std::string> arithmetic_text(const Expression& expression, const Parts& parts) {
  const bool is_integer = expression.type == ColumnType::kBigint;
  const auto checked = [&](const std::string& text) {
    return is_integer ? fmt::format("TRY({})", text) : duckdb_finite_text(fmt::format("({})", text));
  };
  switch (expression.operation) {
    case Operator::kAdd:
      return checked(fmt::format("{} + {}", parts[0], parts[1]));
    case Operator::kSubtract:
      return checked(fmt::format("{} - {}", parts[0], parts[1]));
    case Operator::kMultiply:
      return checked(fmt::format("{} * {}", parts[0], parts[1]));
    case Operator::kDivide:
      return checked(fmt::format("{} {} NULLIF({}, 0)", parts[0], is_integer ? "//" : "/", parts[1]));
    case Operator::kModulo:
      return is_integer ? rest_text(*expression.children[1], parts)
                        : fmt::format("({} % NULLIF({}, 0))", parts[0], parts[1]);
    case Operator::kNegate:
      return is_integer ? fmt::format("TRY(- {})", parts[0]) : fmt::format("(- {})", parts[0]);
    default:
      return std::nullopt;
  }
}

/// Only the forms that are numbers or instants here; DuckDB takes more.
constexpr std::string_view kWholePattern = R"('^[ \t\r\n]*[+]?(-?[0-9]+)[ \t\r\n]*$')";
constexpr std::string_view kNumberPattern =
    R"('^[ \t\r\n]*[+]?(-?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?)[ \t\r\n]*$')";
constexpr std::string_view kInstantPattern =
    R"('^([+-]?[0-9]{4,9}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?))$')";

std::string from_text(ColumnType to, const std::string& value) {
  switch (to) {
    case ColumnType::kBoolean:
      return fmt::format(
          "CASE lower(trim({}, ' ' || chr(9) || chr(10) || chr(13))) WHEN 'true' THEN TRUE WHEN 'false' "
          "THEN FALSE END",
          value);
    case ColumnType::kBigint:
      return fmt::format("TRY_CAST(regexp_extract({}, {}, 1) AS BIGINT)", value, kWholePattern);
    case ColumnType::kDouble:
      return duckdb_finite_text(fmt::format("TRY_CAST(regexp_extract({}, {}, 1) AS DOUBLE)", value, kNumberPattern));
    case ColumnType::kTimestamp:
      return fmt::format(
          "date_trunc('milliseconds', TRY_CAST(upper(regexp_extract({}, {}, 1)) AS TIMESTAMPTZ) AT TIME ZONE 'UTC')",
          value, kInstantPattern);
    case ColumnType::kVarchar:
      break;
  }
  return value;
}

Result<std::string> cast_text(const Expression& expression, const std::string& value) {
  const ColumnType from = expression.children[0]->type;
  const ColumnType to = expression.type;
  if (from == to) return value;
  if (from == ColumnType::kVarchar) return from_text(to, value);
  const std::string whole = from == ColumnType::kDouble ? fmt::format("TRY_CAST(trunc({}) AS BIGINT)", value) : value;
  switch (to) {
    case ColumnType::kBoolean:
      return fmt::format("({} <> 0)", value);
    case ColumnType::kBigint:
      if (from == ColumnType::kTimestamp) return fmt::format("epoch_ms({})", value);
      return from == ColumnType::kDouble ? whole : fmt::format("({})::BIGINT", value);
    case ColumnType::kDouble:
      return fmt::format("({})::DOUBLE", from == ColumnType::kTimestamp ? fmt::format("epoch_ms({})", value) : value);
    case ColumnType::kTimestamp:
      return fmt::format("epoch_ms({})", whole);
    case ColumnType::kVarchar:
      if (from == ColumnType::kTimestamp)
        return fmt::format("replace(strftime({}, '%Y-%m-%dT%H:%M:%S.%gZ'), '.000Z', 'Z')", value);
      if (from != ColumnType::kDouble) return fmt::format("({})::VARCHAR", value);
      break;
  }
  return invalid(fmt::format("DuckDB has no counterpart of CAST({} AS {})", name_of(from), name_of(to)));
}

/// Where DuckDB writes it otherwise than this dialect.
Result<std::string> own_text(const Expression& expression, const Parts& parts) {
  if (auto text = arithmetic_text(expression, parts)) return *std::move(text);
  if (expression.operation == Operator::kCast) return cast_text(expression, parts[0]);
  if (expression.operation == Operator::kCall) return duckdb_call_text(expression, parts);
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
  // Some texts name an argument several times, so that calls of calls grow without bound.
  constexpr size_t kLongestText = 200'000;
  ASSIGN_OR_RETURN(std::string text, own_text(expression, parts));
  if (text.size() > kLongestText) return invalid("an expression of this view would be longer than 200 kB in DuckDB");
  return text;
}

}  // namespace meterstream
