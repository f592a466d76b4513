#include "stream/expression.h"

#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "metering/timestamp.h"
#include "stream/expression_operand.h"
#include "stream/view_spec.h"

namespace meterstream {
namespace {

constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();

const std::vector<ColumnSchema> kSchema = {{"number", ColumnType::kBigint}, {"value", ColumnType::kDouble},
                                           {"name", ColumnType::kVarchar},  {"at", ColumnType::kTimestamp},
                                           {"flag", ColumnType::kBoolean},  {"other", ColumnType::kBigint},
                                           {"factor", ColumnType::kDouble}};

ExpressionPointer column(size_t index) {
  auto made = std::make_unique<Expression>();
  made->kind = Expression::Kind::kColumn;
  made->type = kSchema[index].type;
  made->column = index;
  return made;
}

ExpressionPointer literal(ColumnType type, ScalarValue value) {
  auto made = std::make_unique<Expression>();
  made->type = type;
  made->literal = std::move(value);
  return made;
}

template <class... Children>
ExpressionPointer operation(Operator kind, ColumnType type, Children... children) {
  auto made = std::make_unique<Expression>();
  made->kind = Expression::Kind::kOperation;
  made->operation = kind;
  made->type = type;
  (made->children.push_back(std::move(children)), ...);
  return made;
}

/// A batch of kSchema from rows of values; NULL is std::monostate.
ColumnBatch batch_of(const std::vector<std::vector<ScalarValue>>& rows) {
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

ScalarValue cell_of(const Column& result, size_t row) {
  if (result.is_null(row)) return std::monostate();
  if (result.type == ColumnType::kDouble) return result.doubles[row];
  if (result.type == ColumnType::kVarchar) return std::string(result.strings[row]);
  if (result.type == ColumnType::kBoolean) return result.integers[row] != 0;
  return result.integers[row];
}

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

RC_GTEST_PROP(ExpressionProperty, GivesWhatARowByRowReadingOfTheExpressionGives, (uint64_t seed)) {
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

std::vector<ScalarValue> row_of(int64_t number, double value, std::string name) {
  return {number, value, std::move(name), int64_t{0}, true, int64_t{0}, 0.0};
}

TEST(Expression, CountsOverflowAndDivisionByZeroAndGivesNull) {
  ColumnBatch batch = batch_of({row_of(kHighest, 1e308, "a"), row_of(1, 1, "b")});
  int64_t faults = 0;
  const auto sum = operation(Operator::kAdd, ColumnType::kBigint, column(0), literal(ColumnType::kBigint, int64_t{1}));
  const Column sums = evaluate(*sum, batch, faults);
  EXPECT_TRUE(sums.is_null(0));
  EXPECT_EQ(sums.integers[1], 2);
  EXPECT_EQ(faults, 1);
  const auto ratio = operation(Operator::kDivide, ColumnType::kDouble, column(1), column(6));
  EXPECT_EQ(evaluate(*ratio, batch, faults).validity, (std::vector<uint8_t>{0, 0}));
  EXPECT_EQ(faults, 3);
}

TEST(Expression, LetsCaseGuardADivisionWithoutAFault) {
  ColumnBatch batch = batch_of({row_of(0, 0, "a"), row_of(4, 0, "b")});
  int64_t faults = 0;
  const auto guarded = operation(
      Operator::kCase, ColumnType::kBigint,
      operation(Operator::kNotEqual, ColumnType::kBoolean, column(0), literal(ColumnType::kBigint, int64_t{0})),
      operation(Operator::kDivide, ColumnType::kBigint, literal(ColumnType::kBigint, int64_t{8}), column(0)),
      literal(ColumnType::kBigint, int64_t{-1}));
  EXPECT_EQ(evaluate(*guarded, batch, faults).integers, (std::vector<int64_t>{-1, 2}));
  EXPECT_EQ(faults, 0);
}

TEST(Expression, SpreadsALiteralOverAllRows) {
  ColumnBatch batch = batch_of({row_of(0, 0, "a"), row_of(4, 0, "b")});
  int64_t faults = 0;
  EXPECT_EQ(evaluate(*literal(ColumnType::kVarchar, std::string("x")), batch, faults).strings,
            (std::vector<std::string_view>{"x", "x"}));
  EXPECT_TRUE(evaluate(*literal(ColumnType::kDouble, std::monostate()), batch, faults).is_null(1));
}

TEST(Expression, MatchesLikeByCharactersAndNotByBytes) {
  EXPECT_TRUE(matches_like("Zähler", "Z_hler"));
  EXPECT_FALSE(matches_like("Zähler", "Z__hler"));
  EXPECT_TRUE(matches_like("ACTIVE_POWER", "%POWER"));
  EXPECT_TRUE(matches_like("aaaaaaaaaaaaaaaaaaaaaaab", "%a%a%a%a%b"));
  EXPECT_FALSE(matches_like("ab", "a"));
  EXPECT_TRUE(matches_like("", "%%"));
  EXPECT_FALSE(matches_like("", "_"));
}

TEST(Expression, CastsTextsAndInstantsBothWays) {
  std::vector<ScalarValue> row = row_of(1, 2.5, "2007-01-01T00:00:00.5Z");
  ColumnBatch batch = batch_of({row});
  int64_t faults = 0;
  const auto instant = operation(Operator::kCast, ColumnType::kTimestamp, column(2));
  EXPECT_EQ(evaluate(*instant, batch, faults).integers[0], 1'167'609'600'500);
  const auto back =
      operation(Operator::kCast, ColumnType::kVarchar, operation(Operator::kCast, ColumnType::kTimestamp, column(2)));
  EXPECT_EQ(evaluate(*back, batch, faults).strings[0], "2007-01-01T00:00:00.500Z");
  EXPECT_EQ(faults, 0);
  const auto number = operation(Operator::kCast, ColumnType::kDouble, column(2));
  EXPECT_TRUE(evaluate(*number, batch, faults).is_null(0));
  EXPECT_EQ(faults, 1);
}

TEST(Expression, ListsTheColumnsItReadsOnceAndInOrder) {
  const auto sum = operation(Operator::kAdd, ColumnType::kDouble, column(6),
                             operation(Operator::kMultiply, ColumnType::kDouble, column(1), column(6)));
  EXPECT_EQ(columns_of(*sum), (std::vector<size_t>{1, 6}));
  EXPECT_TRUE(columns_of(*literal(ColumnType::kBigint, int64_t{1})).empty());
}

TEST(Expression, WritesTypesOfLiteralsApart) {
  const auto text_of = [](ColumnType type, ScalarValue value) {
    return to_text(*literal(type, std::move(value)), kSchema);
  };
  EXPECT_EQ(text_of(ColumnType::kBigint, int64_t{1}), "1");
  EXPECT_EQ(text_of(ColumnType::kDouble, 1.0), "1.0");
  EXPECT_EQ(text_of(ColumnType::kDouble, 1e300), "1e+300");
  EXPECT_EQ(text_of(ColumnType::kTimestamp, int64_t{1}), "TIMESTAMP(1)");
  EXPECT_EQ(text_of(ColumnType::kVarchar, std::string("it's")), "'it''s'");
  EXPECT_EQ(text_of(ColumnType::kBoolean, true), "TRUE");
  EXPECT_EQ(text_of(ColumnType::kDouble, std::monostate()), "NULL");
  const auto greater =
      operation(Operator::kGreater, ColumnType::kBoolean, column(1), literal(ColumnType::kDouble, 1.5));
  EXPECT_EQ(to_text(*greater, {{"a", ColumnType::kBigint}, {"odd name", ColumnType::kDouble}}), "(\"odd name\" > 1.5)");
}

ViewSpec example_view() {
  auto stream = std::make_shared<StreamSpec>();
  stream->name = "metrics";
  stream->topic = "metrics";
  stream->columns = kSchema;
  stream->timestamp_column = 3;
  ViewSpec view;
  view.name = "hourly";
  view.topic = "hourly";
  view.source = stream;
  view.group_by = {2};
  view.aggregates.push_back({AggregateFunction::kMax, std::shared_ptr<const Expression>(column(1))});
  view.output = {{"name", OutputColumn::From::kGroupKey, 0}, {"max", OutputColumn::From::kAggregate, 0}};
  return view;
}

TEST(ViewDefinition, ChangesWithEveryPartOfTheComputation) {
  const std::string original = example_view().definition();
  EXPECT_EQ(original, example_view().definition());
  std::vector<ViewSpec> changed(9, example_view());
  changed[0].window_size_ms += 1;
  changed[1].grace_ms += 1;
  changed[2].emit = EmitMode::kChanges;
  changed[3].filter = std::shared_ptr<const Expression>(column(4));
  changed[4].group_by = {0};
  changed[5].aggregates[0].function = AggregateFunction::kMin;
  changed[6].aggregates[0].argument = std::shared_ptr<const Expression>(column(6));
  changed[7].output[1].name = "maximum";
  auto stream = std::make_shared<StreamSpec>(*changed[8].source);
  stream->deduplicate = true;
  changed[8].source = stream;
  for (size_t i = 0; i < changed.size(); ++i) EXPECT_NE(changed[i].definition(), original) << "change " << i;
}

TEST(ViewDefinition, StaysWhenOnlySettingsOfTheRunChange) {
  ViewSpec view = example_view();
  auto stream = std::make_shared<StreamSpec>(*view.source);
  stream->idle_timeout_ms = 1;
  stream->max_ahead_ms = 1;
  view.source = stream;
  view.partitions = 12;
  EXPECT_EQ(view.definition(), example_view().definition());
}

}  // namespace
}  // namespace meterstream
