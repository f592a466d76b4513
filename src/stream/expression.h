// Purpose: a bound, typed scalar expression over the columns of a batch, evaluated a column at a time.
// Semantics: SQL three-valued logic; overflow, division by zero and a CAST without a counterpart give NULL
// and are counted
//            by the caller (`faults`); AND and OR evaluate every operand, CASE counts only the branch a row
//            takes; comparisons of BIGINT with DOUBLE compare as DOUBLE; TIMESTAMP compares with TIMESTAMP
//            only.
// Ownership: a tree owns its children; evaluation borrows the batch and writes into a column of the caller.
// Thread-safety: immutable after construction; evaluate may run concurrently with different outputs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "metering/column_batch.h"

namespace meterstream {

/// NULL is std::monostate. TIMESTAMP and BIGINT are int64_t; the type beside it tells which.
using ScalarValue = std::variant<std::monostate, bool, int64_t, double, std::string>;

enum class Operator : uint8_t {
  kAnd,
  kOr,  ///< two or more children
  kNot,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kNegate,
  kIsNull,
  kIsNotNull,
  kLike,
  kCase,  ///< children: condition, value, condition, value, ..., else value
  kCast,  ///< one child; the target is `type`
  kIn,    ///< first child searched among the others
  kCall,  ///< `function` of the children, which have its types
};

struct ScalarFunction;

struct Expression {
  enum class Kind : uint8_t { kColumn, kLiteral, kOperation };
  Kind kind = Kind::kLiteral;
  ColumnType type = ColumnType::kBigint;     ///< type of the result; of a NULL literal: any
  size_t column = 0;                         ///< kColumn: index into the batch's columns
  ScalarValue literal;                       ///< kLiteral
  Operator operation = Operator::kAnd;       ///< kOperation
  const ScalarFunction* function = nullptr;  ///< kCall; lives as long as the program
  std::vector<std::unique_ptr<Expression>> children;
};
using ExpressionPointer = std::unique_ptr<Expression>;

/// Evaluates over all rows. `faults` grows by the rows whose result became NULL by overflow or division by
/// zero. VARCHAR results point into the batch, its arena, or the expression's literals.
Column evaluate(const Expression& expression, ColumnBatch& batch, int64_t& faults);

/// The operation of operands that have these texts. Not for a literal or a column.
std::string operation_text(const Expression& operation, const std::vector<std::string>& operands);

/// Indexes of the columns an expression reads, sorted, each once.
std::vector<size_t> columns_of(const Expression& expression);

/// The same text for the same meaning, however columns are called: in a join two columns may have one name.
std::string identity_of(const Expression& expression);

/// The same text for the same meaning, for definitions and their comparison.
std::string to_text(const Expression& expression, const std::vector<ColumnSchema>& columns);

}  // namespace meterstream
