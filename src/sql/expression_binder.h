// Purpose: a scalar expression's syntax to a typed Expression (stream/expression.h). Part of the binder.
// Errors: kInvalid with the position, for types that do not fit and literals out of range.
// Thread-safety: none; short-lived.
#pragma once

#include <functional>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/source_text.h"
#include "stream/expression.h"

namespace meterstream {

class ExpressionBinder {
 public:
  /// What a name or the call of a function that is no scalar one means depends on the clause.
  using Resolve = std::function<Result<ExpressionPointer>(const ast::Expression&)>;

  ExpressionBinder(const SourceText& source, Resolve column, Resolve call)
      : source_(source), column_(std::move(column)), call_(std::move(call)) {}

  /// Asked first about every part of an expression: gives what stands for the part, or null.
  void set_known(Resolve known) { known_ = std::move(known); }

  Result<ExpressionPointer> bind(const ast::Expression& expression);
  /// As `bind`, and the result must be BOOLEAN.
  Result<ExpressionPointer> bind_condition(const ast::Expression& expression);

 private:
  Result<ExpressionPointer> bind_parts(const ast::Expression& expression);
  Result<ExpressionPointer> literal(const ast::Expression& expression);
  Result<ExpressionPointer> negate(const ast::Expression& expression);
  Result<ExpressionPointer> logic(const ast::Expression& expression);
  Result<ExpressionPointer> comparison(const ast::Expression& expression);
  Result<ExpressionPointer> arithmetic(const ast::Expression& expression);
  Result<ExpressionPointer> between(const ast::Expression& expression);
  Result<ExpressionPointer> in_list(const ast::Expression& expression);
  Result<ExpressionPointer> like(const ast::Expression& expression);
  Result<ExpressionPointer> case_of(const ast::Expression& expression);
  Result<ExpressionPointer> cast(const ast::Expression& expression);
  Result<ExpressionPointer> scalar_call(const ast::Expression& expression);
  Status check_literals(const ScalarFunction& function, const std::vector<ExpressionPointer>& arguments,
                        const ast::Expression& at);
  static ExpressionPointer call_expression(const ScalarFunction& function, std::vector<ExpressionPointer> arguments);
  Result<ExpressionPointer> coalesce(const ast::Expression& at, std::vector<ExpressionPointer> arguments);
  Result<ExpressionPointer> null_if(const ast::Expression& at, std::vector<ExpressionPointer> arguments);
  /// A second copy for BETWEEN and CASE x WHEN; their number is limited, as nested copies would grow without bound.
  Result<ExpressionPointer> copy_of(const Expression& expression, const ast::Expression& at);
  /// Brings both sides of a comparison to types that compare.
  Status match(ExpressionPointer& left, ExpressionPointer& right, const ast::Expression& at);
  [[nodiscard]] Error error(const ast::Expression& at, std::string_view message) const {
    return source_.error_at(at.position.offset, message);
  }

  const SourceText& source_;
  Resolve column_;
  Resolve call_;
  Resolve known_;
  size_t copied_nodes_ = 0;
};

/// In the order of their lists.
std::vector<std::string_view> scalar_function_names();
bool is_scalar_function(const ast::Identifier& name);

ExpressionPointer column_expression(size_t column, ColumnType type);
ExpressionPointer literal_expression(ColumnType type, ScalarValue value);
ExpressionPointer operation_expression(Operator operation, ColumnType type, std::vector<ExpressionPointer> children);
ExpressionPointer clone(const Expression& expression);
/// A copy that reads the columns that stand so far behind, or before.
ExpressionPointer shifted(const Expression& expression, std::ptrdiff_t columns);
bool is_null_literal(const Expression& expression);

}  // namespace meterstream
