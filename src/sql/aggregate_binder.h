// Purpose: a call of an aggregate function in SELECT or HAVING to an AggregateSpec (stream/view_spec.h). Part of the binder.
// Errors: kInvalid with the position: arguments of the wrong number or type, what keeps every reading without a window.
// Thread-safety: none; short-lived.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/expression_binder.h"
#include "sql/source_text.h"
#include "stream/view_spec.h"

namespace meterstream {

std::optional<AggregateFunction> aggregate_function(const ast::Identifier& name);
std::vector<std::string_view> aggregate_function_names();

class AggregateBinder {
 public:
  /// `rows` binds the arguments.
  AggregateBinder(const SourceText& source, ExpressionBinder rows, bool has_window)
      : source_(source), rows_(std::move(rows)), has_window_(has_window) {}

  Result<AggregateSpec> bind(AggregateFunction function, const ast::Expression& call);

 private:
  Result<std::shared_ptr<const Expression>> argument_of(AggregateFunction function, const ast::Expression& call);
  Status bind_parameter(const ast::Expression& call, AggregateSpec& spec) const;
  [[nodiscard]] Error error(ast::Position position, std::string_view message) const {
    return source_.error_at(position.offset, message);
  }

  const SourceText& source_;
  ExpressionBinder rows_;
  bool has_window_;
};

}  // namespace meterstream
