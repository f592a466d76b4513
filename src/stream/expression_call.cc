#include "stream/expression_operand.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

FunctionValue value_at(const Operand& operand, size_t row) {
  FunctionValue value;
  if (operand.type == ColumnType::kDouble) {
    value.number = operand.number(row);
  } else if (operand.type == ColumnType::kVarchar) {
    value.text = operand.text(row);
  } else {
    value.integer = operand.integer(row);
  }
  return value;
}

void set_value(Column& column, size_t row, const FunctionValue& value) {
  if (column.type == ColumnType::kDouble) {
    column.doubles[row] = value.number;
  } else if (column.type == ColumnType::kVarchar) {
    column.strings[row] = value.text;
  } else {
    column.integers[row] = value.integer;
  }
}

}  // namespace

Operand call_function(const ScalarFunction& function, const std::vector<Operand>& arguments,
                      EvaluationContext& context) {
  const size_t rows = context.batch.rows;
  Column out = empty_column(function.result, rows);
  for (const Operand& argument : arguments) merge_validity(out, argument, rows);
  std::vector<FunctionValue> values(arguments.size());
  for (size_t row = 0; row < rows; ++row) {
    if (out.is_null(row)) continue;
    for (size_t index = 0; index < arguments.size(); ++index) values[index] = value_at(arguments[index], row);
    FunctionValue result;
    if (function.body(values, result, context.batch.arena)) {
      set_value(out, row, result);
      if (result.is_null) mark_null(out, row, rows);
    } else {
      mark_null(out, row, rows);
      context.faults += context.counts(row) ? 1 : 0;
    }
  }
  return finished(std::move(out));
}

}  // namespace meterstream
