// Purpose: a small schema, expressions over it and batches from rows of values, for the tests of expressions only.
// Thread-safety: none needed.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stream/expression.h"

namespace meterstream {

inline constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();

inline const std::vector<ColumnSchema> kSchema = {{"number", ColumnType::kBigint}, {"value", ColumnType::kDouble},
                                                  {"name", ColumnType::kVarchar},  {"at", ColumnType::kTimestamp},
                                                  {"flag", ColumnType::kBoolean},  {"other", ColumnType::kBigint},
                                                  {"factor", ColumnType::kDouble}};

inline ExpressionPointer column(size_t index) {
  auto made = std::make_unique<Expression>();
  made->kind = Expression::Kind::kColumn;
  made->type = kSchema[index].type;
  made->column = index;
  return made;
}

inline ExpressionPointer literal(ColumnType type, ScalarValue value) {
  auto made = std::make_unique<Expression>();
  made->type = type;
  made->literal = std::move(value);
  return made;
}

template <class... Children>
inline ExpressionPointer operation(Operator kind, ColumnType type, Children... children) {
  auto made = std::make_unique<Expression>();
  made->kind = Expression::Kind::kOperation;
  made->operation = kind;
  made->type = type;
  (made->children.push_back(std::move(children)), ...);
  return made;
}

/// A batch of kSchema from rows of values; NULL is std::monostate.
inline ColumnBatch batch_of(const std::vector<std::vector<ScalarValue>>& rows) {
  ColumnBatch batch;
  batch.rows = rows.size();
  for (size_t index = 0; index < kSchema.size(); ++index) {
    Column made;
    made.type = kSchema[index].type;
    bool has_null = false;
    std::vector<uint8_t> validity;
    for (const auto& row : rows) {
      const ScalarValue& cell = row[index];
      const bool is_null = std::holds_alternative<std::monostate>(cell);
      has_null |= is_null;
      validity.push_back(is_null ? 0 : 1);
      if (made.type == ColumnType::kDouble) {
        made.doubles.push_back(is_null ? 0 : std::get<double>(cell));
      } else if (made.type == ColumnType::kVarchar) {
        made.strings.push_back(is_null ? std::string_view() : batch.arena.emplace_back(std::get<std::string>(cell)));
      } else if (made.type == ColumnType::kBoolean) {
        made.integers.push_back(!is_null && std::get<bool>(cell) ? 1 : 0);
      } else {
        made.integers.push_back(is_null ? 0 : std::get<int64_t>(cell));
      }
    }
    if (has_null) made.validity = std::move(validity);
    batch.columns.push_back(std::move(made));
  }
  return batch;
}

inline ScalarValue cell_of(const Column& result, size_t row) {
  if (result.is_null(row)) return std::monostate();
  if (result.type == ColumnType::kDouble) return result.doubles[row];
  if (result.type == ColumnType::kVarchar) return std::string(result.strings[row]);
  if (result.type == ColumnType::kBoolean) return result.integers[row] != 0;
  return result.integers[row];
}

}  // namespace meterstream
