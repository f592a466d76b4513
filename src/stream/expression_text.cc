#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "stream/expression.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

void collect_columns(const Expression& expression, std::vector<size_t>& out) {
  if (expression.kind == Expression::Kind::kColumn) out.push_back(expression.column);
  for (const ExpressionPointer& child : expression.children) collect_columns(*child, out);
}

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char character : text) out.append(character == quote ? 2 : 1, character);
  out.push_back(quote);
  return out;
}

std::string column_text(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool is_plain =
      !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), plain);
  return is_plain ? std::string(name) : quoted(name, '"');
}

std::string literal_text(const Expression& literal) {
  if (std::holds_alternative<std::monostate>(literal.literal)) return "NULL";
  if (const auto* flag = std::get_if<bool>(&literal.literal)) return *flag ? "TRUE" : "FALSE";
  if (const auto* text = std::get_if<std::string>(&literal.literal)) return quoted(*text, '\'');
  if (const auto* integer = std::get_if<int64_t>(&literal.literal)) {
    if (literal.type == ColumnType::kTimestamp) return fmt::format("TIMESTAMP({})", *integer);
    if (literal.type == ColumnType::kDouble) return fmt::format("{}.0", *integer);
    return fmt::format("{}", *integer);
  }
  std::string text = fmt::format("{}", std::get<double>(literal.literal));
  if (text.find_first_of(".en") == std::string::npos) text += ".0";  // a DOUBLE must not read like a BIGINT
  return text;
}

std::string_view infix_of(Operator operation) {
  switch (operation) {
    case Operator::kAnd:
      return " AND ";
    case Operator::kOr:
      return " OR ";
    case Operator::kEqual:
      return " = ";
    case Operator::kNotEqual:
      return " <> ";
    case Operator::kLess:
      return " < ";
    case Operator::kLessOrEqual:
      return " <= ";
    case Operator::kGreater:
      return " > ";
    case Operator::kGreaterOrEqual:
      return " >= ";
    case Operator::kAdd:
      return " + ";
    case Operator::kSubtract:
      return " - ";
    case Operator::kMultiply:
      return " * ";
    case Operator::kDivide:
      return " / ";
    case Operator::kModulo:
      return " % ";
    case Operator::kLike:
      return " LIKE ";
    default:
      CHECK_MESSAGE(false, "not an infix operator");
      return {};
  }
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("({})", fmt::join(parts, separator));
}

}  // namespace

std::vector<size_t> columns_of(const Expression& expression) {
  std::vector<size_t> columns;
  collect_columns(expression, columns);
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

std::string identity_of(const Expression& expression) {
  const std::vector<size_t> read = columns_of(expression);
  std::vector<ColumnSchema> columns(read.empty() ? 0 : read.back() + 1);
  for (const size_t column : read) columns[column].name = fmt::format("_{}", column);
  return to_text(expression, columns);
}

std::string operation_text(const Expression& operation, const std::vector<std::string>& operands) {
  switch (operation.operation) {
    case Operator::kNot:
      return fmt::format("(NOT {})", operands[0]);
    case Operator::kNegate:
      return fmt::format("(- {})", operands[0]);
    case Operator::kIsNull:
      return fmt::format("({} IS NULL)", operands[0]);
    case Operator::kIsNotNull:
      return fmt::format("({} IS NOT NULL)", operands[0]);
    case Operator::kCast:
      return fmt::format("CAST({} AS {})", operands[0], name_of(operation.type));
    case Operator::kCall:
      return fmt::format("{}{}", operation.function->name, joined(operands, ", "));
    case Operator::kIn:
      return fmt::format("({} IN {})", operands[0], joined({operands.begin() + 1, operands.end()}, ", "));
    case Operator::kCase: {
      std::string text = "CASE";
      size_t child = 0;
      for (; child + 1 < operands.size(); child += 2)
        text += fmt::format(" WHEN {} THEN {}", operands[child], operands[child + 1]);
      return text + fmt::format(" ELSE {} END", operands[child]);
    }
    default:
      return joined(operands, infix_of(operation.operation));
  }
}

std::string to_text(const Expression& expression, const std::vector<ColumnSchema>& columns) {
  if (expression.kind == Expression::Kind::kColumn) return column_text(columns[expression.column].name);
  if (expression.kind == Expression::Kind::kLiteral) return literal_text(expression);
  std::vector<std::string> parts;
  parts.reserve(expression.children.size());
  for (const ExpressionPointer& child : expression.children) parts.push_back(to_text(*child, columns));
  return operation_text(expression, parts);
}

}  // namespace meterstream
