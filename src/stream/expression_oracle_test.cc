// Random expressions over random rows, evaluated by the product and by a naive reading of them.
#include <cmath>
#include <random>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "metering/timestamp.h"
#include "stream/expression_test_rows.h"

namespace meterstream {
namespace {

/// The meaning of an expression, one row at a time and without any cleverness.
class Oracle {
 public:
  Oracle(const std::vector<ScalarValue>& row, int64_t& faults) : row_(row), faults_(faults) {}

  ScalarValue value(const Expression& e) {
    if (e.kind == Expression::Kind::kColumn) return row_[e.column];
    if (e.kind == Expression::Kind::kLiteral) return e.literal;
    if (e.operation == Operator::kCase) return case_of(e);
    std::vector<ScalarValue> inputs;
    for (const auto& child : e.children) inputs.push_back(value(*child));
    switch (e.operation) {
      case Operator::kAnd:
      case Operator::kOr:
        return logic(inputs, e.operation == Operator::kOr);
      case Operator::kNot:
        return is_null(inputs[0]) ? inputs[0] : ScalarValue(!std::get<bool>(inputs[0]));
      case Operator::kIsNull:
        return is_null(inputs[0]);
      case Operator::kIsNotNull:
        return !is_null(inputs[0]);
      case Operator::kLike:
        if (is_null(inputs[0]) || is_null(inputs[1])) return std::monostate();
        return like(std::get<std::string>(inputs[0]), std::get<std::string>(inputs[1]));
      case Operator::kIn:
        return in(inputs);
      case Operator::kCast:
        return cast(inputs[0], e.children[0]->type, e.type);
      case Operator::kNegate:
        // The sign of zero changes, too.
        if (std::holds_alternative<double>(inputs[0])) return -std::get<double>(inputs[0]);
        return calculate(Operator::kSubtract, ScalarValue(int64_t{0}), inputs[0], e.type);
      case Operator::kAdd:
      case Operator::kSubtract:
      case Operator::kMultiply:
      case Operator::kDivide:
      case Operator::kModulo:
        return calculate(e.operation, inputs[0], inputs[1], e.type);
      default:
        return compare(e.operation, inputs[0], inputs[1]);
    }
  }

 private:
  static bool is_null(const ScalarValue& value) { return std::holds_alternative<std::monostate>(value); }
  static double as_double(const ScalarValue& value) {
    return std::holds_alternative<double>(value) ? std::get<double>(value)
                                                 : static_cast<double>(std::get<int64_t>(value));
  }
  ScalarValue fault() {
    ++faults_;
    return std::monostate();
  }

  ScalarValue case_of(const Expression& e) {
    size_t child = 0;
    for (; child + 1 < e.children.size(); child += 2) {
      const ScalarValue condition = value(*e.children[child]);
      if (!is_null(condition) && std::get<bool>(condition)) return typed(value(*e.children[child + 1]), e.type);
    }
    return typed(value(*e.children[child]), e.type);
  }
  static ScalarValue typed(ScalarValue value, ColumnType type) {
    if (type == ColumnType::kDouble && std::holds_alternative<int64_t>(value)) return as_double(value);
    return value;
  }

  static ScalarValue logic(const std::vector<ScalarValue>& inputs, bool deciding) {
    bool has_null = false;
    for (const ScalarValue& input : inputs) {
      if (is_null(input)) {
        has_null = true;
      } else if (std::get<bool>(input) == deciding) {
        return deciding;
      }
    }
    return has_null ? ScalarValue() : ScalarValue(!deciding);
  }

  static ScalarValue in(const std::vector<ScalarValue>& inputs) {
    bool has_null = is_null(inputs[0]);
    for (size_t i = 1; i < inputs.size(); ++i) {
      const ScalarValue equal = compare(Operator::kEqual, inputs[0], inputs[i]);
      if (is_null(equal)) {
        has_null = true;
      } else if (std::get<bool>(equal)) {
        return true;
      }
    }
    return has_null ? ScalarValue() : ScalarValue(false);
  }

  template <class Value>
  static bool compare_values(Operator kind, const Value& a, const Value& b) {
    switch (kind) {
      case Operator::kEqual:
        return a == b;
      case Operator::kNotEqual:
        return !(a == b);
      case Operator::kLess:
        return a < b;
      case Operator::kLessOrEqual:
        return !(b < a);
      case Operator::kGreater:
        return b < a;
      default:
        return !(a < b);
    }
  }
  static ScalarValue compare(Operator kind, const ScalarValue& a, const ScalarValue& b) {
    if (is_null(a) || is_null(b)) return std::monostate();
    if (std::holds_alternative<std::string>(a)) {
      return compare_values(kind, std::get<std::string>(a), std::get<std::string>(b));
    }
    if (std::holds_alternative<bool>(a)) return compare_values(kind, std::get<bool>(a), std::get<bool>(b));
    if (std::holds_alternative<int64_t>(a) && std::holds_alternative<int64_t>(b)) {
      return compare_values(kind, std::get<int64_t>(a), std::get<int64_t>(b));
    }
    return compare_values(kind, as_double(a), as_double(b));
  }

  ScalarValue calculate(Operator kind, const ScalarValue& a, const ScalarValue& b, ColumnType type) {
    if (is_null(a) || is_null(b)) return std::monostate();
    if (type == ColumnType::kDouble) {
      const double x = as_double(a);
      const double y = as_double(b);
      const double result = kind == Operator::kAdd        ? x + y
                            : kind == Operator::kSubtract ? x - y
                            : kind == Operator::kMultiply ? x * y
                            : kind == Operator::kDivide   ? x / y
                                                          : std::fmod(x, y);
      return std::isfinite(result) ? ScalarValue(result) : fault();
    }
    const __int128 x = std::get<int64_t>(a);
    const __int128 y = std::get<int64_t>(b);
    if ((kind == Operator::kDivide || kind == Operator::kModulo) && y == 0) return fault();
    const __int128 result = kind == Operator::kAdd        ? x + y
                            : kind == Operator::kSubtract ? x - y
                            : kind == Operator::kMultiply ? x * y
                            : kind == Operator::kDivide   ? x / y
                                                          : x % y;
    if (result < kLowest || result > kHighest) return fault();
    return static_cast<int64_t>(result);
  }

  static bool like(std::string_view text, std::string_view pattern) {  // ASCII
    if (pattern.empty()) return text.empty();
    if (pattern[0] == '%') return like(text, pattern.substr(1)) || (!text.empty() && like(text.substr(1), pattern));
    if (text.empty()) return false;
    return (pattern[0] == '_' || pattern[0] == text[0]) && like(text.substr(1), pattern.substr(1));
  }

  ScalarValue cast(const ScalarValue& value, ColumnType from, ColumnType to) {
    if (is_null(value) || from == to) return value;
    if (to == ColumnType::kVarchar) return text(value, from);
    if (from == ColumnType::kVarchar) return parse(std::get<std::string>(value), to);
    const double number = std::holds_alternative<bool>(value) ? (std::get<bool>(value) ? 1 : 0) : as_double(value);
    if (to == ColumnType::kDouble) return number;
    if (to == ColumnType::kBoolean) return number != 0;
    if (from == ColumnType::kDouble) {
      return number >= -0x1p63 && number < 0x1p63 ? ScalarValue(static_cast<int64_t>(number)) : fault();
    }
    return std::holds_alternative<bool>(value) ? ScalarValue(int64_t{std::get<bool>(value)}) : value;
  }
  static std::string text(const ScalarValue& value, ColumnType from) {
    if (from == ColumnType::kTimestamp) return format_timestamp(EventTime(std::get<int64_t>(value)));
    if (from == ColumnType::kBoolean) return std::get<bool>(value) ? "true" : "false";
    return from == ColumnType::kDouble ? fmt::format("{}", std::get<double>(value))
                                       : std::to_string(std::get<int64_t>(value));
  }
  ScalarValue parse(const std::string& text, ColumnType to) {
    if (to == ColumnType::kTimestamp) {
      const auto time = parse_timestamp(text);
      return time ? ScalarValue(time->value) : fault();
    }
    if (to == ColumnType::kBoolean) return text == "true" || text == "false" ? ScalarValue(text == "true") : fault();
    try {
      size_t end = 0;
      if (to == ColumnType::kBigint) {
        const int64_t number = std::stoll(text, &end);
        return end == text.size() ? ScalarValue(number) : fault();
      }
      const double number = std::stod(text, &end);
      return end == text.size() ? ScalarValue(number) : fault();
    } catch (const std::exception&) {
      return fault();
    }
  }

  const std::vector<ScalarValue>& row_;
  int64_t& faults_;
};

/// Random values and well-typed expressions; small pools with the extremes make collisions and overflow likely.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  size_t below(size_t limit) { return random_() % limit; }

  ScalarValue value(ColumnType type, bool with_null) {
    if (with_null && below(4) == 0) return std::monostate();
    constexpr int64_t kIntegers[] = {0, 1, -1, 2, 7, -10, kLowest, kHighest, 1'000'000'007};
    constexpr double kDoubles[] = {0, 1, -1, 0.5, 2.25, -7, 1e300, -1e300, 1e19, 9007199254740993.0};
    const std::string kTexts[] = {"", "a", "ab", "abc", "b%", "12", "-3", "1.5", "true", "2020-01-01T00:00:00Z"};
    switch (type) {
      case ColumnType::kBoolean:
        return below(2) == 0;
      case ColumnType::kBigint:
        return kIntegers[below(std::size(kIntegers))];
      case ColumnType::kTimestamp:
        return static_cast<int64_t>(below(5)) * 86'400'000;
      case ColumnType::kDouble:
        return kDoubles[below(std::size(kDoubles))];
      case ColumnType::kVarchar:
        return kTexts[below(std::size(kTexts))];
    }
    return {};
  }

  ExpressionPointer expression(ColumnType type, int depth) {
    const size_t pick = depth <= 0 ? below(3) : below(12);
    if (pick == 0) return literal(type, value(type, true));
    if (pick <= 2) return column_of(type);
    if (pick == 3) return operation(Operator::kCast, type, expression(any_type(), depth - 1));
    if (pick == 4) return case_of(type, depth);
    if (type == ColumnType::kBoolean) return predicate(depth);
    if (type == ColumnType::kVarchar || type == ColumnType::kTimestamp) return column_of(type);
    if (pick == 5) return operation(Operator::kNegate, type, expression(type, depth - 1));
    constexpr Operator kOperators[] = {Operator::kAdd, Operator::kSubtract, Operator::kMultiply, Operator::kDivide,
                                       Operator::kModulo};
    const ColumnType right = type == ColumnType::kDouble ? number_type() : type;
    return operation(kOperators[below(5)], type, expression(type, depth - 1), expression(right, depth - 1));
  }

 private:
  ColumnType any_type() { return static_cast<ColumnType>(below(5)); }
  ColumnType number_type() { return below(2) == 0 ? ColumnType::kBigint : ColumnType::kDouble; }

  ExpressionPointer column_of(ColumnType type) {
    std::vector<size_t> fitting;
    for (size_t i = 0; i < kSchema.size(); ++i) {
      if (kSchema[i].type == type) fitting.push_back(i);
    }
    return column(fitting[below(fitting.size())]);
  }

  ExpressionPointer case_of(ColumnType type, int depth) {
    ExpressionPointer made = operation(Operator::kCase, type);
    for (size_t branch = below(3) + 1; branch > 0; --branch) {
      made->children.push_back(expression(ColumnType::kBoolean, depth - 1));
      made->children.push_back(expression(type, depth - 1));
    }
    made->children.push_back(expression(type == ColumnType::kDouble ? number_type() : type, depth - 1));
    return made;
  }

  ExpressionPointer predicate(int depth) {
    constexpr ColumnType kBoolean = ColumnType::kBoolean;
    const size_t pick = below(12);
    if (pick < 3) {
      ExpressionPointer made = operation(pick == 0 ? Operator::kOr : Operator::kAnd, kBoolean);
      for (size_t child = below(3) + 2; child > 0; --child) {
        made->children.push_back(expression(kBoolean, depth - 1));
      }
      return made;
    }
    if (pick == 3) return operation(Operator::kNot, kBoolean, expression(kBoolean, depth - 1));
    if (pick == 4) {
      return operation(below(2) == 0 ? Operator::kIsNull : Operator::kIsNotNull, kBoolean,
                       expression(any_type(), depth - 1));
    }
    if (pick == 5) {
      const std::string kPatterns[] = {"%", "a%", "_b%", "%c", "", "a_c", "%b%", "__"};
      return operation(Operator::kLike, kBoolean, expression(ColumnType::kVarchar, depth - 1),
                       literal(ColumnType::kVarchar, kPatterns[below(std::size(kPatterns))]));
    }
    const ColumnType left = any_type();
    const bool is_number = left == ColumnType::kBigint || left == ColumnType::kDouble;
    if (pick == 6) {
      ExpressionPointer made = operation(Operator::kIn, kBoolean, expression(left, depth - 1));
      for (size_t item = below(3) + 1; item > 0; --item) {
        made->children.push_back(expression(is_number ? number_type() : left, depth - 1));
      }
      return made;
    }
    constexpr Operator kOperators[] = {Operator::kEqual,       Operator::kNotEqual, Operator::kLess,
                                       Operator::kLessOrEqual, Operator::kGreater,  Operator::kGreaterOrEqual};
    return operation(kOperators[below(6)], kBoolean, expression(left, depth - 1),
                     expression(is_number ? number_type() : left, depth - 1));
  }

  std::mt19937_64 random_;
};

void check_one_expression(uint64_t seed) {
  Generator generator(seed);
  const size_t row_count = generator.below(20);
  const bool with_null = generator.below(3) != 0;
  std::vector<std::vector<ScalarValue>> rows(row_count);
  for (auto& row : rows) {
    for (const ColumnSchema& schema : kSchema) row.push_back(generator.value(schema.type, with_null));
  }
  ColumnBatch batch = batch_of(rows);
  const auto type = static_cast<ColumnType>(generator.below(5));
  const ExpressionPointer expression = generator.expression(type, 4);
  RC_LOG() << to_text(*expression, kSchema) << "\n";

  int64_t faults = 0;
  const Column result = evaluate(*expression, batch, faults);
  int64_t expected_faults = 0;
  RC_ASSERT(result.type == type);
  for (size_t row = 0; row < row_count; ++row) {
    const ScalarValue expected = Oracle(rows[row], expected_faults).value(*expression);
    RC_ASSERT(cell_of(result, row) == expected);
    if (!result.is_null(row)) continue;
    if (!result.integers.empty()) RC_ASSERT(result.integers[row] == 0);
    if (!result.doubles.empty()) RC_ASSERT(result.doubles[row] == 0);
    if (!result.strings.empty()) RC_ASSERT(result.strings[row].empty());
  }
  RC_ASSERT(faults == expected_faults);
}

RC_GTEST_PROP(ExpressionProperty, GivesWhatARowByRowReadingOfTheExpressionGives, (uint64_t seed)) {
  constexpr uint64_t kRounds = 30;
  for (uint64_t round = 0; round < kRounds; ++round) check_one_expression(seed * kRounds + round);
}

}  // namespace
}  // namespace meterstream
