// Purpose: what the parts of expression evaluation hand to one another. Not for use outside
// stream/expression*.cc. Shapes: an operand has one value a row, or a single value (index 0) that stands for
// all rows. Ownership: values are borrowed from the batch or an expression's literal, or live in `owned`;
// moving keeps them. Thread-safety: none.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "metering/column_batch.h"
#include "stream/expression.h"

namespace meterstream {

struct Operand {
  Operand() = default;
  Operand(Operand&&) = default;
  Operand& operator=(Operand&&) = default;

  ColumnType type = ColumnType::kBigint;
  bool constant = false;
  bool is_owned = false;  ///< the values are in `owned`
  const int64_t* integers = nullptr;
  const double* doubles = nullptr;
  const std::string_view* strings = nullptr;
  const uint8_t* validity = nullptr;  ///< null: no row is NULL
  Column owned;

  [[nodiscard]] bool is_null(size_t row) const { return validity != nullptr && validity[constant ? 0 : row] == 0; }
  /// The same values, kept alive by this operand.
  [[nodiscard]] Operand borrowed() const {
    Operand view;
    view.type = type;
    view.constant = constant;
    view.integers = integers;
    view.doubles = doubles;
    view.strings = strings;
    view.validity = validity;
    return view;
  }
  [[nodiscard]] int64_t integer(size_t row) const { return integers[constant ? 0 : row]; }
  [[nodiscard]] double number(size_t row) const { return doubles[constant ? 0 : row]; }
  [[nodiscard]] std::string_view text(size_t row) const { return strings[constant ? 0 : row]; }
};

/// What one evaluation works on. `active` marks the rows whose faults count; null: all rows.
struct EvaluationContext {
  ColumnBatch& batch;
  const uint8_t* active = nullptr;
  int64_t& faults;

  [[nodiscard]] bool counts(size_t row) const { return active == nullptr || active[row] != 0; }
};

/// Points at a column that lives longer.
Operand borrowed(const Column& column);

/// One NULL for all rows; it may be read as any type.
Operand null_operand(ColumnType type);
Operand literal_operand(const Expression& literal);

/// Takes `column` over and points the operand at it.
Operand own(Column column, bool constant = false);

/// A column of zeros or empty texts.
Column empty_column(ColumnType type, size_t rows);
/// NULL where the operand is NULL, too.
void merge_validity(Column& out, const Operand& operand, size_t rows);
void mark_null(Column& out, size_t row, size_t rows);
/// The column as an operand, the slots of its NULL rows zero or empty.
Operand finished(Column column);

/// The operand with values of `type`. A value that has no counterpart becomes NULL and a fault.
Operand cast_operand(Operand operand, ColumnType type, EvaluationContext& context);

/// The arguments have the function's types. NULL where one of them is NULL; a row without a result is a fault.
Operand call_function(const ScalarFunction& function, const std::vector<Operand>& arguments,
                      EvaluationContext& context);

/// SQL LIKE: `%` any characters, `_` one character (a UTF-8 code point); there is no escape character.
bool matches_like(std::string_view text, std::string_view pattern);

}  // namespace meterstream
