#include "sql/expression_binder.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

using Kind = ast::Expression::Kind;

bool is_numeric(ColumnType type) {
  return type == ColumnType::kBigint || type == ColumnType::kDouble;
}

/// A BIGINT literal beside a DOUBLE becomes DOUBLE here and not row by row.
void widen_literal(Expression& expression) {
  if (expression.kind != Expression::Kind::kLiteral || expression.type != ColumnType::kBigint) return;
  expression.type = ColumnType::kDouble;
  if (const auto* integer = std::get_if<int64_t>(&expression.literal)) {
    expression.literal = static_cast<double>(*integer);
  }
}

Operator comparison_operator(std::string_view symbol) {
  if (symbol == "=") return Operator::kEqual;
  if (symbol == "<>") return Operator::kNotEqual;
  if (symbol == "<") return Operator::kLess;
  if (symbol == "<=") return Operator::kLessOrEqual;
  if (symbol == ">") return Operator::kGreater;
  return Operator::kGreaterOrEqual;
}

Operator arithmetic_operator(char symbol) {
  switch (symbol) {
    case '+':
      return Operator::kAdd;
    case '-':
      return Operator::kSubtract;
    case '*':
      return Operator::kMultiply;
    case '/':
      return Operator::kDivide;
    default:
      return Operator::kModulo;
  }
}

std::vector<ExpressionPointer> list_of(ExpressionPointer first) {
  std::vector<ExpressionPointer> list;
  list.push_back(std::move(first));
  return list;
}

std::vector<ExpressionPointer> list_of(ExpressionPointer first, ExpressionPointer second) {
  std::vector<ExpressionPointer> list = list_of(std::move(first));
  list.push_back(std::move(second));
  return list;
}

ExpressionPointer negated_if(bool negated, ExpressionPointer expression) {
  if (!negated) return expression;
  return operation_expression(Operator::kNot, ColumnType::kBoolean, list_of(std::move(expression)));
}

size_t nodes_of(const Expression& expression) {
  size_t nodes = 1;
  for (const ExpressionPointer& child : expression.children) nodes += nodes_of(*child);
  return nodes;
}

}  // namespace

ExpressionPointer column_expression(size_t column, ColumnType type) {
  auto made = std::make_unique<Expression>();
  made->kind = Expression::Kind::kColumn;
  made->type = type;
  made->column = column;
  return made;
}

ExpressionPointer literal_expression(ColumnType type, ScalarValue value) {
  auto made = std::make_unique<Expression>();
  made->type = type;
  made->literal = std::move(value);
  return made;
}

ExpressionPointer operation_expression(Operator operation, ColumnType type, std::vector<ExpressionPointer> children) {
  auto made = std::make_unique<Expression>();
  made->kind = Expression::Kind::kOperation;
  made->type = type;
  made->operation = operation;
  made->children = std::move(children);
  return made;
}

ExpressionPointer clone(const Expression& expression) {
  auto copy = std::make_unique<Expression>();
  copy->kind = expression.kind;
  copy->type = expression.type;
  copy->column = expression.column;
  copy->literal = expression.literal;
  copy->operation = expression.operation;
  copy->function = expression.function;
  for (const ExpressionPointer& child : expression.children) copy->children.push_back(clone(*child));
  return copy;
}

ExpressionPointer shifted(const Expression& expression, std::ptrdiff_t columns) {
  ExpressionPointer copy = clone(expression);
  const std::function<void(Expression&)> shift = [&](Expression& part) {
    if (part.kind == Expression::Kind::kColumn)
      part.column = static_cast<size_t>(static_cast<std::ptrdiff_t>(part.column) + columns);
    for (const ExpressionPointer& child : part.children) shift(*child);
  };
  shift(*copy);
  return copy;
}

bool is_null_literal(const Expression& expression) {
  return expression.kind == Expression::Kind::kLiteral && std::holds_alternative<std::monostate>(expression.literal);
}

Result<ExpressionPointer> ExpressionBinder::bind(const ast::Expression& expression) {
  if (known_) {
    ASSIGN_OR_RETURN(ExpressionPointer known, known_(expression));
    if (known != nullptr) return known;
  }
  return bind_parts(expression);
}

Result<ExpressionPointer> ExpressionBinder::bind_parts(const ast::Expression& expression) {
  switch (expression.kind) {
    case Kind::kColumn:
      return column_(expression);
    case Kind::kCall:
      return is_scalar_function(expression.name) ? scalar_call(expression) : call_(expression);
    case Kind::kString:
    case Kind::kInteger:
    case Kind::kDecimal:
    case Kind::kBoolean:
    case Kind::kNull:
      return literal(expression);
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kNot:
      return logic(expression);
    case Kind::kNegate:
      return negate(expression);
    case Kind::kComparison:
      return comparison(expression);
    case Kind::kArithmetic:
      return arithmetic(expression);
    case Kind::kBetween:
      return between(expression);
    case Kind::kIn:
      return in_list(expression);
    case Kind::kLike:
      return like(expression);
    case Kind::kIsNull: {
      ASSIGN_OR_RETURN(ExpressionPointer value, bind(expression.children[0]));
      return operation_expression(expression.negated ? Operator::kIsNotNull : Operator::kIsNull, ColumnType::kBoolean,
                                  list_of(std::move(value)));
    }
    case Kind::kSearchedCase:
    case Kind::kSimpleCase:
      return case_of(expression);
    case Kind::kCast:
      return cast(expression);
  }
  CHECK_MESSAGE(false, "unknown kind of expression");
  return invalid("");
}

Result<ExpressionPointer> ExpressionBinder::copy_of(const Expression& expression, const ast::Expression& at) {
  constexpr size_t kMostCopiedNodes = 100'000;
  copied_nodes_ += nodes_of(expression);
  if (copied_nodes_ > kMostCopiedNodes) return error(at, "this expression is too large");
  return clone(expression);
}

Result<ExpressionPointer> ExpressionBinder::bind_condition(const ast::Expression& expression) {
  ASSIGN_OR_RETURN(ExpressionPointer bound, bind(expression));
  if (is_null_literal(*bound)) bound->type = ColumnType::kBoolean;
  if (bound->type != ColumnType::kBoolean) {
    return error(expression, fmt::format("a condition must be BOOLEAN, this is {}", name_of(bound->type)));
  }
  return bound;
}

Result<ExpressionPointer> ExpressionBinder::literal(const ast::Expression& expression) {
  const std::string& text = expression.text;
  switch (expression.kind) {
    case Kind::kString:
      return literal_expression(ColumnType::kVarchar, text);
    case Kind::kBoolean:
      return literal_expression(ColumnType::kBoolean, text == "TRUE");
    case Kind::kInteger: {
      int64_t value = 0;
      if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
        return error(expression, "this number does not fit BIGINT; write it with a decimal point for a DOUBLE");
      }
      return literal_expression(ColumnType::kBigint, value);
    }
    case Kind::kDecimal: {
      double value = 0;
      const auto failed = std::from_chars(text.data(), text.data() + text.size(), value).ec;
      if (failed != std::errc() || !std::isfinite(value)) return error(expression, "this number does not fit DOUBLE");
      return literal_expression(ColumnType::kDouble, value);
    }
    default:
      return literal_expression(ColumnType::kBigint, std::monostate());
  }
}

Result<ExpressionPointer> ExpressionBinder::negate(const ast::Expression& expression) {
  const ast::Expression& operand = expression.children[0];
  // The lowest BIGINT has no positive counterpart, so a sign belongs to its literal.
  if (operand.kind == Kind::kInteger && operand.text == "9223372036854775808") {
    return literal_expression(ColumnType::kBigint, std::numeric_limits<int64_t>::min());
  }
  ASSIGN_OR_RETURN(ExpressionPointer bound, bind(operand));
  if (!is_numeric(bound->type)) {
    return error(operand, fmt::format("a minus sign needs a number, this is {}", name_of(bound->type)));
  }
  if (operand.kind == Kind::kInteger) bound->literal = -std::get<int64_t>(bound->literal);
  if (operand.kind == Kind::kDecimal) bound->literal = -std::get<double>(bound->literal);
  if (operand.kind == Kind::kInteger || operand.kind == Kind::kDecimal) return bound;
  const ColumnType type = bound->type;
  return operation_expression(Operator::kNegate, type, list_of(std::move(bound)));
}

Result<ExpressionPointer> ExpressionBinder::logic(const ast::Expression& expression) {
  std::vector<ExpressionPointer> children;
  for (const ast::Expression& child : expression.children) {
    ASSIGN_OR_RETURN(ExpressionPointer bound, bind_condition(child));
    children.push_back(std::move(bound));
  }
  const Operator operation = expression.kind == Kind::kAnd  ? Operator::kAnd
                             : expression.kind == Kind::kOr ? Operator::kOr
                                                            : Operator::kNot;
  return operation_expression(operation, ColumnType::kBoolean, std::move(children));
}

Status ExpressionBinder::match(ExpressionPointer& left, ExpressionPointer& right, const ast::Expression& at) {
  if (is_null_literal(*left)) left->type = right->type;
  if (is_null_literal(*right)) right->type = left->type;
  if (left->type == right->type) return {};
  if (is_numeric(left->type) && is_numeric(right->type)) {
    widen_literal(*left);
    widen_literal(*right);
    return {};
  }
  for (auto [time, text] : {std::pair{&left, &right}, std::pair{&right, &left}}) {
    const bool is_instant = (*time)->type == ColumnType::kTimestamp && (*text)->type == ColumnType::kVarchar &&
                            (*text)->kind == Expression::Kind::kLiteral;
    if (!is_instant) continue;
    const auto instant = parse_timestamp_or_explain(std::get<std::string>((*text)->literal));
    if (!instant) return error(at, instant.error().message);
    *text = literal_expression(ColumnType::kTimestamp, instant->value);
    return {};
  }
  return error(at, fmt::format("{} cannot be compared with {}; use CAST(... AS {})", name_of(left->type),
                               name_of(right->type), name_of(left->type)));
}

Result<ExpressionPointer> ExpressionBinder::comparison(const ast::Expression& expression) {
  ASSIGN_OR_RETURN(ExpressionPointer left, bind(expression.children[0]));
  ASSIGN_OR_RETURN(ExpressionPointer right, bind(expression.children[1]));
  RETURN_IF_ERROR(match(left, right, expression.children[1]));
  return operation_expression(comparison_operator(expression.text), ColumnType::kBoolean,
                              list_of(std::move(left), std::move(right)));
}

Result<ExpressionPointer> ExpressionBinder::arithmetic(const ast::Expression& expression) {
  ASSIGN_OR_RETURN(ExpressionPointer left, bind(expression.children[0]));
  ASSIGN_OR_RETURN(ExpressionPointer right, bind(expression.children[1]));
  for (size_t side = 0; side < 2; ++side) {
    const Expression& operand = side == 0 ? *left : *right;
    if (!is_numeric(operand.type)) {
      return error(expression.children[side],
                   fmt::format("'{}' needs numbers, this is {}", expression.text, name_of(operand.type)));
    }
  }
  const bool is_double = left->type == ColumnType::kDouble || right->type == ColumnType::kDouble;
  if (is_double) {
    widen_literal(*left);
    widen_literal(*right);
  }
  return operation_expression(arithmetic_operator(expression.text[0]),
                              is_double ? ColumnType::kDouble : ColumnType::kBigint,
                              list_of(std::move(left), std::move(right)));
}

Result<ExpressionPointer> ExpressionBinder::between(const ast::Expression& expression) {
  ASSIGN_OR_RETURN(ExpressionPointer value, bind(expression.children[0]));
  std::vector<ExpressionPointer> sides;
  for (size_t side = 1; side <= 2; ++side) {
    ASSIGN_OR_RETURN(ExpressionPointer bound, bind(expression.children[side]));
    ASSIGN_OR_RETURN(ExpressionPointer left, copy_of(*value, expression));
    RETURN_IF_ERROR(match(left, bound, expression.children[side]));
    sides.push_back(operation_expression(side == 1 ? Operator::kGreaterOrEqual : Operator::kLessOrEqual,
                                         ColumnType::kBoolean, list_of(std::move(left), std::move(bound))));
  }
  return negated_if(expression.negated, operation_expression(Operator::kAnd, ColumnType::kBoolean, std::move(sides)));
}

Result<ExpressionPointer> ExpressionBinder::in_list(const ast::Expression& expression) {
  ASSIGN_OR_RETURN(ExpressionPointer value, bind(expression.children[0]));
  std::vector<ExpressionPointer> children = list_of(nullptr);
  for (size_t item = 1; item < expression.children.size(); ++item) {
    ASSIGN_OR_RETURN(ExpressionPointer bound, bind(expression.children[item]));
    RETURN_IF_ERROR(match(value, bound, expression.children[item]));
    children.push_back(std::move(bound));
  }
  // A later item may have given the value its type (a text beside a TIMESTAMP).
  for (size_t item = 1; item < expression.children.size(); ++item) {
    RETURN_IF_ERROR(match(value, children[item], expression.children[item]));
  }
  children[0] = std::move(value);
  return negated_if(expression.negated, operation_expression(Operator::kIn, ColumnType::kBoolean, std::move(children)));
}

Result<ExpressionPointer> ExpressionBinder::like(const ast::Expression& expression) {
  std::vector<ExpressionPointer> children;
  for (const ast::Expression& child : expression.children) {
    ASSIGN_OR_RETURN(ExpressionPointer bound, bind(child));
    if (is_null_literal(*bound)) bound->type = ColumnType::kVarchar;
    if (bound->type != ColumnType::kVarchar) {
      return error(child, fmt::format("LIKE needs VARCHAR, this is {}", name_of(bound->type)));
    }
    children.push_back(std::move(bound));
  }
  return negated_if(expression.negated,
                    operation_expression(Operator::kLike, ColumnType::kBoolean, std::move(children)));
}

Result<ExpressionPointer> ExpressionBinder::case_of(const ast::Expression& expression) {
  const auto& syntax = expression.children;
  const bool is_simple = expression.kind == Kind::kSimpleCase;
  ExpressionPointer operand;
  if (is_simple) {
    ASSIGN_OR_RETURN(operand, bind(syntax[0]));
  }
  std::vector<ExpressionPointer> children;
  std::optional<ColumnType> type;
  const auto add_value = [&](const ast::Expression& value) -> Status {
    ASSIGN_OR_RETURN(ExpressionPointer bound, bind(value));
    if (!is_null_literal(*bound)) {
      if (type && *type != bound->type && !(is_numeric(*type) && is_numeric(bound->type))) {
        return error(value, fmt::format("the results of CASE must have one type: this is {}, an earlier one is {}",
                                        name_of(bound->type), name_of(*type)));
      }
      type = type && *type == ColumnType::kDouble ? *type : bound->type;
    }
    children.push_back(std::move(bound));
    return {};
  };
  const size_t end = syntax.size() - (expression.has_else ? 1 : 0);
  for (size_t at = is_simple ? 1 : 0; at < end; at += 2) {
    if (is_simple) {
      ASSIGN_OR_RETURN(ExpressionPointer compared, bind(syntax[at]));
      ASSIGN_OR_RETURN(ExpressionPointer left, copy_of(*operand, expression));
      RETURN_IF_ERROR(match(left, compared, syntax[at]));
      children.push_back(
          operation_expression(Operator::kEqual, ColumnType::kBoolean, list_of(std::move(left), std::move(compared))));
    } else {
      ASSIGN_OR_RETURN(ExpressionPointer condition, bind_condition(syntax[at]));
      children.push_back(std::move(condition));
    }
    RETURN_IF_ERROR(add_value(syntax[at + 1]));
  }
  if (expression.has_else) {
    RETURN_IF_ERROR(add_value(syntax.back()));
  } else {
    children.push_back(literal_expression(ColumnType::kBigint, std::monostate()));
  }
  if (!type) return error(expression, "every result of this CASE is NULL, so it has no type; use CAST(NULL AS ...)");
  for (size_t child = 0; child < children.size(); ++child) {
    const bool is_result = child % 2 == 1 || child + 1 == children.size();
    if (is_result && is_null_literal(*children[child])) children[child]->type = *type;
    if (is_result && *type == ColumnType::kDouble) widen_literal(*children[child]);
  }
  return operation_expression(Operator::kCase, *type, std::move(children));
}

Result<ExpressionPointer> ExpressionBinder::cast(const ast::Expression& expression) {
  ASSIGN_OR_RETURN(ExpressionPointer value, bind(expression.children[0]));
  if (is_null_literal(*value)) {
    value->type = expression.type;
    return value;
  }
  const auto is_pair = [&](ColumnType one, ColumnType other) {
    return (value->type == one && expression.type == other) || (value->type == other && expression.type == one);
  };
  if (is_pair(ColumnType::kBoolean, ColumnType::kTimestamp)) {
    return error(expression, fmt::format("{} cannot become {}", name_of(value->type), name_of(expression.type)));
  }
  if (value->type == expression.type) return value;
  return operation_expression(Operator::kCast, expression.type, list_of(std::move(value)));
}

}  // namespace meterstream
