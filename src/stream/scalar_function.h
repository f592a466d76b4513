// Purpose: the scalar functions of the dialect: name, types, and what one row gives.
// Semantics: a NULL argument gives NULL without a call. A call without a result (the square root of -1) gives NULL and is
//            counted as a fault. Texts are UTF-8; positions count characters from 1. Times are UTC unless a zone is given.
// Ownership: results point into the arguments or into the arena, never elsewhere.
// Thread-safety: pure functions over immutable tables.
// Source: ksqlDB's function reference; what differs is said in docs/sql.md.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metering/column_batch.h"

namespace meterstream {

/// BOOLEAN, BIGINT and TIMESTAMP are in `integer`.
struct FunctionValue {
  int64_t integer = 0;
  double number = 0;
  std::string_view text;
  /// Of a result: it is NULL, which is no fault.
  bool is_null = false;
};

using FunctionArena = std::deque<std::string>;

struct ScalarFunction {
  /// False: there is no result.
  using Body = bool (*)(std::span<const FunctionValue> arguments, FunctionValue& result, FunctionArena& arena);

  std::string_view name;  ///< as SQL spells it, in capitals
  std::vector<ColumnType> arguments;
  ColumnType result = ColumnType::kBigint;
  Body body = nullptr;
  /// The last argument may come any number of times, at least once.
  bool is_variadic = false;

  [[nodiscard]] bool takes(size_t count) const {
    return is_variadic ? count >= arguments.size() : count == arguments.size();
  }
  [[nodiscard]] ColumnType argument(size_t index) const {
    return index < arguments.size() ? arguments[index] : arguments.back();
  }
};

/// All of them; those of one name stand together, the one that needs the least conversion first.
std::span<const ScalarFunction> scalar_functions();

std::vector<ScalarFunction> number_functions();
std::vector<ScalarFunction> text_functions();
std::vector<ScalarFunction> time_functions();
std::vector<ScalarFunction> json_functions();

}  // namespace meterstream
