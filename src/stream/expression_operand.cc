#include "stream/expression_operand.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace meterstream {
namespace {

constexpr int64_t kZero = 0;
constexpr double kZeroDouble = 0;
constexpr std::string_view kEmpty;
constexpr uint8_t kNullFlag = 0;

}  // namespace

Operand borrowed(const Column& column) {
  Operand operand;
  operand.type = column.type;
  operand.integers = column.integers.data();
  operand.doubles = column.doubles.data();
  operand.strings = column.strings.data();
  operand.validity = column.validity.empty() ? nullptr : column.validity.data();
  return operand;
}

Operand null_operand(ColumnType type) {
  Operand operand;
  operand.type = type;
  operand.constant = true;
  operand.integers = &kZero;
  operand.doubles = &kZeroDouble;
  operand.strings = &kEmpty;
  operand.validity = &kNullFlag;
  return operand;
}

Operand literal_operand(const Expression& expression) {
  Column column;
  column.type = expression.type;
  if (const auto* flag = std::get_if<bool>(&expression.literal)) {
    column.integers.push_back(*flag ? 1 : 0);
  } else if (const auto* integer = std::get_if<int64_t>(&expression.literal)) {
    if (expression.type == ColumnType::kDouble) {
      column.doubles.push_back(static_cast<double>(*integer));
    } else {
      column.integers.push_back(*integer);
    }
  } else if (const auto* number = std::get_if<double>(&expression.literal)) {
    column.doubles.push_back(*number);
  } else if (const auto* text = std::get_if<std::string>(&expression.literal)) {
    column.strings.emplace_back(*text);
  } else {
    return null_operand(expression.type);
  }
  return own(std::move(column), true);
}

Operand own(Column column, bool constant) {
  Operand operand = borrowed(column);
  operand.constant = constant;
  operand.owned = std::move(column);
  operand.is_owned = true;
  return operand;
}

/// NULL where any operand is NULL.
void merge_validity(Column& out, const Operand& operand, size_t rows) {
  if (operand.validity == nullptr || (operand.constant && operand.validity[0] != 0)) return;
  if (out.validity.empty()) out.validity.assign(rows, 1);
  for (size_t row = 0; row < rows; ++row) {
    out.validity[row] = operand.validity[operand.constant ? 0 : row] != 0 ? out.validity[row] : 0;
  }
}

void mark_null(Column& out, size_t row, size_t rows) {
  if (out.validity.empty()) out.validity.assign(rows, 1);
  out.validity[row] = 0;
}

Column empty_column(ColumnType type, size_t rows) {
  Column column;
  column.type = type;
  if (type == ColumnType::kDouble) {
    column.doubles.assign(rows, 0);
  } else if (type == ColumnType::kVarchar) {
    column.strings.assign(rows, {});
  } else {
    column.integers.assign(rows, 0);
  }
  return column;
}

namespace {

/// Slots of NULL rows become zero or empty, and a validity without NULLs goes.
void normalize(Column& out) {
  if (out.validity.empty()) return;
  if (std::find(out.validity.begin(), out.validity.end(), 0) == out.validity.end()) {
    out.validity.clear();
    return;
  }
  const size_t rows = out.validity.size();
  for (size_t row = 0; row < rows && !out.integers.empty(); ++row) out.integers[row] *= out.validity[row];
  for (size_t row = 0; row < rows && !out.doubles.empty(); ++row) {
    if (out.validity[row] == 0) out.doubles[row] = 0;
  }
  for (size_t row = 0; row < rows && !out.strings.empty(); ++row) {
    if (out.validity[row] == 0) out.strings[row] = {};
  }
}

}  // namespace

Operand finished(Column column) {
  normalize(column);
  return own(std::move(column));
}

}  // namespace meterstream
