#include "stream/expression_operand.h"

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

}  // namespace meterstream
