#include <utility>

#include <fmt/format.h>

#include "sql/batch_function.h"
#include "sql/batch_text.h"

namespace meterstream {
namespace {

std::string literal_text(const Expression& literal, const BatchDialect& dialect) {
  if (std::holds_alternative<std::monostate>(literal.literal)) return dialect.null(literal.type);
  if (const auto* flag = std::get_if<bool>(&literal.literal)) return *flag ? "TRUE" : "FALSE";
  if (const auto* text = std::get_if<std::string>(&literal.literal)) return dialect.string(*text);
  if (const auto* integer = std::get_if<int64_t>(&literal.literal)) {
    if (literal.type == ColumnType::kBoolean) return *integer != 0 ? "TRUE" : "FALSE";
    if (literal.type == ColumnType::kTimestamp && (*integer < kFirstTimeMs || *integer > kLastTimeMs))
      return dialect.null(literal.type);
    if (literal.type == ColumnType::kTimestamp) return dialect.time_of(dialect.integer(*integer, ColumnType::kBigint));
    return dialect.integer(*integer, literal.type == ColumnType::kDouble ? ColumnType::kDouble : ColumnType::kBigint);
  }
  return dialect.number(std::get<double>(literal.literal));
}

Result<std::string> cast_text(const Expression& expression, const std::string& value, const BatchDialect& dialect) {
  const ColumnType from = expression.children[0]->type;
  const ColumnType to = expression.type;
  if (from == to) return value;
  if (from == ColumnType::kVarchar) return dialect.text_to(to, value);
  const std::string number = from == ColumnType::kTimestamp ? dialect.millis_of(value) : value;
  const std::string whole = from == ColumnType::kDouble ? dialect.bigint_of(value, true) : number;
  switch (to) {
    case ColumnType::kBoolean:
      return fmt::format("({} <> 0)", value);
    case ColumnType::kBigint:
      return from == ColumnType::kBoolean ? dialect.cast(value, to) : whole;
    case ColumnType::kDouble:
      return dialect.cast(number, to);
    case ColumnType::kTimestamp:
      return calendar_time(whole, dialect);
    case ColumnType::kVarchar:
      if (from == ColumnType::kTimestamp) return dialect.text_of_time(value);
      if (from != ColumnType::kDouble) return dialect.cast(value, to);
      break;
  }
  return invalid(fmt::format("{} has no counterpart of CAST({} AS {})", dialect.name(), name_of(from), name_of(to)));
}

Result<std::string> operation_in(const Expression& expression, const SqlParts& parts, const BatchDialect& dialect) {
  switch (expression.operation) {
    case Operator::kAdd:
    case Operator::kSubtract:
    case Operator::kMultiply:
    case Operator::kDivide:
    case Operator::kModulo:
    case Operator::kNegate:
      return dialect.arithmetic(expression, parts);
    case Operator::kLike:
      return dialect.like(expression, parts);
    case Operator::kCast:
      return cast_text(expression, parts[0], dialect);
    case Operator::kCall:
      return batch_call_text(expression, parts, dialect);
    default:
      return operation_text(expression, parts);  // as this dialect writes it
  }
}

}  // namespace

Result<std::string> batch_text(const Expression& expression, const BatchDialect& dialect) {
  if (expression.kind == Expression::Kind::kColumn) return fmt::format("c{}", expression.column);
  if (expression.kind == Expression::Kind::kLiteral) return literal_text(expression, dialect);
  SqlParts parts;
  parts.reserve(expression.children.size());
  for (const ExpressionPointer& child : expression.children) {
    ASSIGN_OR_RETURN(std::string part, batch_text(*child, dialect));
    parts.push_back(std::move(part));
  }
  // Some texts name an argument several times, so that calls of calls grow without bound.
  constexpr size_t kLongestText = 200'000;
  ASSIGN_OR_RETURN(std::string text, operation_in(expression, parts, dialect));
  if (text.size() > kLongestText)
    return invalid(fmt::format("an expression of this view would be longer than 200 kB in {}", dialect.name()));
  return text;
}

}  // namespace meterstream
