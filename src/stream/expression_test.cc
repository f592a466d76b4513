#include "stream/expression.h"

#include <cmath>
#include <utility>

#include <gtest/gtest.h>

#include "stream/expression_operand.h"
#include "stream/expression_test_rows.h"
#include "stream/view_spec.h"

namespace meterstream {
namespace {

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

TEST(Expression, SignOfZeroChanges) {
  ColumnBatch batch = batch_of({row_of(0, 0.0, "a"), row_of(0, -0.0, "b")});
  int64_t faults = 0;
  const auto negated = operation(Operator::kNegate, ColumnType::kDouble, column(1));
  const Column numbers = evaluate(*negated, batch, faults);
  EXPECT_TRUE(std::signbit(numbers.doubles[0]));
  EXPECT_FALSE(std::signbit(numbers.doubles[1]));
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
  std::vector<ViewSpec> changed(10, example_view());
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
  changed[9].advance_ms = 1;
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
