#include "stream/expression.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "stream/expression_operand.h"

namespace meterstream {
namespace {

Operand evaluate_node(const Expression& expression, EvaluationContext& context);

/// Calls visit(row, left value, right value) for every row; a constant side is read once.
template <class Left, class Right, class Visit>
void for_each_pair(size_t rows, const Left* left, bool left_constant, const Right* right, bool right_constant,
                   Visit visit) {
  if (left_constant) {
    const Left value = left[0];
    if (right_constant) {
      const Right other = right[0];
      for (size_t row = 0; row < rows; ++row) visit(row, value, other);
    } else {
      for (size_t row = 0; row < rows; ++row) visit(row, value, right[row]);
    }
  } else if (right_constant) {
    const Right value = right[0];
    for (size_t row = 0; row < rows; ++row) visit(row, left[row], value);
  } else {
    for (size_t row = 0; row < rows; ++row) visit(row, left[row], right[row]);
  }
}

template <class Value>
void compare_values(Operator operation, size_t rows, const Value* left, bool left_constant, const Value* right,
                    bool right_constant, int64_t* out) {
  const auto loop = [&](auto compare) {
    for_each_pair(rows, left, left_constant, right, right_constant,
                  [&](size_t row, const Value& a, const Value& b) { out[row] = compare(a, b) ? 1 : 0; });
  };
  switch (operation) {
    case Operator::kEqual:
      return loop([](const Value& a, const Value& b) { return a == b; });
    case Operator::kNotEqual:
      return loop([](const Value& a, const Value& b) { return a != b; });
    case Operator::kLess:
      return loop([](const Value& a, const Value& b) { return a < b; });
    case Operator::kLessOrEqual:
      return loop([](const Value& a, const Value& b) { return a <= b; });
    case Operator::kGreater:
      return loop([](const Value& a, const Value& b) { return a > b; });
    case Operator::kGreaterOrEqual:
      return loop([](const Value& a, const Value& b) { return a >= b; });
    default:
      CHECK_MESSAGE(false, "not a comparison");
  }
}

/// The operand as DOUBLE when the other side of an operator needs it. BIGINT to DOUBLE never faults.
Operand widened(Operand operand, EvaluationContext& context) {
  return operand.type == ColumnType::kDouble ? std::move(operand)
                                             : cast_operand(std::move(operand), ColumnType::kDouble, context);
}

Column compare_operands(Operator operation, Operand left, Operand right, EvaluationContext& context) {
  const size_t rows = context.batch.rows;
  Column out;
  out.type = ColumnType::kBoolean;
  out.integers.assign(rows, 0);
  // A NULL literal takes the type of the other side.
  if (left.constant && left.is_null(0)) left = null_operand(right.type);
  if (right.constant && right.is_null(0)) right = null_operand(left.type);
  if (left.type == ColumnType::kVarchar) {
    compare_values(operation, rows, left.strings, left.constant, right.strings, right.constant, out.integers.data());
  } else if (left.type == ColumnType::kDouble || right.type == ColumnType::kDouble) {
    left = widened(std::move(left), context);
    right = widened(std::move(right), context);
    compare_values(operation, rows, left.doubles, left.constant, right.doubles, right.constant, out.integers.data());
  } else {
    compare_values(operation, rows, left.integers, left.constant, right.integers, right.constant, out.integers.data());
  }
  merge_validity(out, left, rows);
  merge_validity(out, right, rows);
  return out;
}

bool calculate(Operator operation, int64_t a, int64_t b, int64_t& out) {
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  switch (operation) {
    case Operator::kAdd:
      return !__builtin_add_overflow(a, b, &out);
    case Operator::kSubtract:
      return !__builtin_sub_overflow(a, b, &out);
    case Operator::kMultiply:
      return !__builtin_mul_overflow(a, b, &out);
    case Operator::kDivide:
      if (b == 0 || (a == kLowest && b == -1)) return false;
      out = a / b;
      return true;
    case Operator::kModulo:
      if (b == 0) return false;
      out = b == -1 ? 0 : a % b;
      return true;
    default:
      CHECK_MESSAGE(false, "not arithmetic");
      return false;
  }
}

bool calculate(Operator operation, double a, double b, double& out) {
  switch (operation) {
    case Operator::kAdd:
      out = a + b;
      break;
    case Operator::kSubtract:
      out = a - b;
      break;
    case Operator::kMultiply:
      out = a * b;
      break;
    case Operator::kDivide:
      out = a / b;
      break;
    case Operator::kModulo:
      out = std::fmod(a, b);
      break;
    default:
      CHECK_MESSAGE(false, "not arithmetic");
  }
  // Columns hold finite numbers, so infinity and NaN only come from overflow and division by zero.
  return std::isfinite(out);
}

template <class Value>
void calculate_rows(Operator operation, const Operand& left, const Value* left_values, const Operand& right,
                    const Value* right_values, Value* results, Column& out, EvaluationContext& context) {
  const size_t rows = context.batch.rows;
  for_each_pair(rows, left_values, left.constant, right_values, right.constant, [&](size_t row, Value a, Value b) {
    Value result{};
    if (calculate(operation, a, b, result)) {
      results[row] = result;
    } else if (!out.is_null(row)) {
      mark_null(out, row, rows);
      context.faults += context.counts(row) ? 1 : 0;
    }
  });
}

Operand arithmetic(const Expression& expression, EvaluationContext& context) {
  Operand left = evaluate_node(*expression.children[0], context);
  Operand right =
      expression.operation == Operator::kNegate ? Operand() : evaluate_node(*expression.children[1], context);
  Operator operation = expression.operation;
  if (operation == Operator::kNegate) {
    right = std::move(left);
    Column zero;
    zero.type = right.type;
    zero.integers.assign(1, 0);
    zero.doubles.assign(1, -0.0);  // so that the sign of 0.0 changes, too
    left = own(std::move(zero), true);
    operation = Operator::kSubtract;
  }
  const size_t rows = context.batch.rows;
  Column out;
  out.type = expression.type;
  merge_validity(out, left, rows);
  merge_validity(out, right, rows);
  if (expression.type == ColumnType::kDouble) {
    left = widened(std::move(left), context);
    right = widened(std::move(right), context);
    out.doubles.assign(rows, 0);
    calculate_rows(operation, left, left.doubles, right, right.doubles, out.doubles.data(), out, context);
  } else {
    out.integers.assign(rows, 0);
    calculate_rows(operation, left, left.integers, right, right.integers, out.integers.data(), out, context);
  }
  return finished(std::move(out));
}

/// AND and OR of any number of operands. Every operand is evaluated, also where another one decides.
Operand logic(const Expression& expression, EvaluationContext& context) {
  const size_t rows = context.batch.rows;
  const int64_t deciding = expression.operation == Operator::kOr ? 1 : 0;
  Column out;
  out.type = ColumnType::kBoolean;
  out.integers.assign(rows, 1 - deciding);
  std::vector<uint8_t> known;
  for (const ExpressionPointer& child : expression.children) {
    const Operand operand = evaluate_node(*child, context);
    if (operand.validity == nullptr) {
      for (size_t row = 0; row < rows; ++row) {
        if (operand.integer(row) == deciding) out.integers[row] = deciding;
      }
      continue;
    }
    if (known.empty()) known.assign(rows, 1);
    for (size_t row = 0; row < rows; ++row) {
      if (operand.is_null(row)) {
        known[row] = 0;
      } else if (operand.integer(row) == deciding) {
        out.integers[row] = deciding;
      }
    }
  }
  for (size_t row = 0; row < rows && !known.empty(); ++row) known[row] |= out.integers[row] == deciding ? 1 : 0;
  out.validity = std::move(known);
  return finished(std::move(out));
}

Operand negation(const Expression& expression, EvaluationContext& context) {
  const Operand operand = evaluate_node(*expression.children[0], context);
  const size_t rows = context.batch.rows;
  Column out;
  out.type = ColumnType::kBoolean;
  out.integers.resize(rows);
  for (size_t row = 0; row < rows; ++row) out.integers[row] = operand.integer(row) == 0 ? 1 : 0;
  merge_validity(out, operand, rows);
  return finished(std::move(out));
}

Operand null_test(const Expression& expression, EvaluationContext& context) {
  const Operand operand = evaluate_node(*expression.children[0], context);
  const bool wanted = expression.operation == Operator::kIsNull;
  Column out;
  out.type = ColumnType::kBoolean;
  out.integers.assign(context.batch.rows, wanted ? 0 : 1);
  for (size_t row = 0; row < context.batch.rows && operand.validity != nullptr; ++row) {
    out.integers[row] = operand.is_null(row) == wanted ? 1 : 0;
  }
  return own(std::move(out));
}

Operand like(const Expression& expression, EvaluationContext& context) {
  const Operand text = evaluate_node(*expression.children[0], context);
  const Operand pattern = evaluate_node(*expression.children[1], context);
  const size_t rows = context.batch.rows;
  Column out;
  out.type = ColumnType::kBoolean;
  out.integers.resize(rows);
  for (size_t row = 0; row < rows; ++row) {
    out.integers[row] = matches_like(text.text(row), pattern.text(row)) ? 1 : 0;
  }
  merge_validity(out, text, rows);
  merge_validity(out, pattern, rows);
  return finished(std::move(out));
}

/// TRUE when some item equals the first child; else NULL when it or some item is NULL.
Operand in_list(const Expression& expression, EvaluationContext& context) {
  const size_t rows = context.batch.rows;
  const Operand searched = evaluate_node(*expression.children[0], context);
  Column out;
  out.type = ColumnType::kBoolean;
  out.integers.assign(rows, 0);
  std::vector<uint8_t> known(rows, 1);
  for (size_t item = 1; item < expression.children.size(); ++item) {
    const Column equal = compare_operands(Operator::kEqual, searched.borrowed(),
                                          evaluate_node(*expression.children[item], context), context);
    for (size_t row = 0; row < rows; ++row) {
      if (equal.is_null(row)) {
        known[row] = 0;
      } else {
        out.integers[row] |= equal.integers[row];
      }
    }
  }
  for (size_t row = 0; row < rows; ++row) known[row] |= out.integers[row] != 0 ? 1 : 0;
  out.validity = std::move(known);
  return finished(std::move(out));
}

void copy_chosen(const Operand& from, const std::vector<uint8_t>& chosen, Column& out) {
  const size_t rows = chosen.size();
  for (size_t row = 0; row < rows; ++row) {
    if (chosen[row] == 0) continue;
    if (from.is_null(row)) {
      mark_null(out, row, rows);
    } else if (out.type == ColumnType::kDouble) {
      out.doubles[row] = from.number(row);
    } else if (out.type == ColumnType::kVarchar) {
      out.strings[row] = from.text(row);
    } else {
      out.integers[row] = from.integer(row);
    }
  }
}

/// Faults count only in the branch that a row takes, so that CASE can guard a division.
Operand case_of(const Expression& expression, EvaluationContext& context) {
  const size_t rows = context.batch.rows;
  Column out = empty_column(expression.type, rows);
  std::vector<uint8_t> open(rows);
  for (size_t row = 0; row < rows; ++row) open[row] = context.counts(row) ? 1 : 0;
  std::vector<uint8_t> chosen(rows);
  const auto take = [&](const Expression& value) {
    EvaluationContext branch{context.batch, chosen.data(), context.faults};
    Operand operand = evaluate_node(value, branch);
    if (out.type == ColumnType::kDouble) operand = widened(std::move(operand), branch);
    copy_chosen(operand, chosen, out);
  };
  size_t child = 0;
  for (; child + 1 < expression.children.size(); child += 2) {
    EvaluationContext branch{context.batch, open.data(), context.faults};
    const Operand condition = evaluate_node(*expression.children[child], branch);
    for (size_t row = 0; row < rows; ++row) {
      chosen[row] = open[row] != 0 && !condition.is_null(row) && condition.integer(row) != 0 ? 1 : 0;
      open[row] = chosen[row] != 0 ? 0 : open[row];
    }
    take(*expression.children[child + 1]);
  }
  chosen = std::move(open);
  CHECK(child < expression.children.size());
  take(*expression.children[child]);
  return finished(std::move(out));
}

Operand evaluate_operation(const Expression& expression, EvaluationContext& context) {
  switch (expression.operation) {
    case Operator::kAnd:
    case Operator::kOr:
      return logic(expression, context);
    case Operator::kNot:
      return negation(expression, context);
    case Operator::kEqual:
    case Operator::kNotEqual:
    case Operator::kLess:
    case Operator::kLessOrEqual:
    case Operator::kGreater:
    case Operator::kGreaterOrEqual: {
      Operand left = evaluate_node(*expression.children[0], context);
      return finished(compare_operands(expression.operation, std::move(left),
                                       evaluate_node(*expression.children[1], context), context));
    }
    case Operator::kAdd:
    case Operator::kSubtract:
    case Operator::kMultiply:
    case Operator::kDivide:
    case Operator::kModulo:
    case Operator::kNegate:
      return arithmetic(expression, context);
    case Operator::kIsNull:
    case Operator::kIsNotNull:
      return null_test(expression, context);
    case Operator::kLike:
      return like(expression, context);
    case Operator::kCase:
      return case_of(expression, context);
    case Operator::kCast:
      return cast_operand(evaluate_node(*expression.children[0], context), expression.type, context);
    case Operator::kIn:
      return in_list(expression, context);
    case Operator::kCall: {
      std::vector<Operand> arguments;
      arguments.reserve(expression.children.size());
      for (const ExpressionPointer& child : expression.children) arguments.push_back(evaluate_node(*child, context));
      return call_function(*expression.function, arguments, context);
    }
  }
  CHECK_MESSAGE(false, "unknown operator");
  return {};
}

Operand evaluate_node(const Expression& expression, EvaluationContext& context) {
  switch (expression.kind) {
    case Expression::Kind::kColumn:
      return borrowed(context.batch.columns[expression.column]);
    case Expression::Kind::kLiteral:
      return literal_operand(expression);
    case Expression::Kind::kOperation:
      return evaluate_operation(expression, context);
  }
  CHECK_MESSAGE(false, "unknown kind of expression");
  return {};
}

}  // namespace

Column evaluate(const Expression& expression, ColumnBatch& batch, int64_t& faults) {
  EvaluationContext context{batch, nullptr, faults};
  if (expression.kind == Expression::Kind::kColumn) return batch.columns[expression.column];
  Operand result = evaluate_node(expression, context);
  if (!result.constant && result.is_owned) return std::move(result.owned);
  Column out;
  out.type = expression.type;
  if (!result.constant) {  // a column as it is, by way of a CAST to its own type
    const size_t rows = batch.rows;
    if (result.integers != nullptr) out.integers.assign(result.integers, result.integers + rows);
    if (result.doubles != nullptr) out.doubles.assign(result.doubles, result.doubles + rows);
    if (result.strings != nullptr) out.strings.assign(result.strings, result.strings + rows);
    if (result.validity != nullptr) out.validity.assign(result.validity, result.validity + rows);
    return out;
  }
  if (result.is_null(0)) out.validity.assign(batch.rows, 0);
  switch (out.type) {
    case ColumnType::kDouble:
      out.doubles.assign(batch.rows, result.number(0));
      break;
    case ColumnType::kVarchar:
      out.strings.assign(batch.rows, result.text(0));
      break;
    default:
      out.integers.assign(batch.rows, result.integer(0));
      break;
  }
  return out;
}

}  // namespace meterstream
