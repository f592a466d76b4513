#include "sql/aggregate_binder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "metering/decimal.h"
#include "sql/binder.h"
#include "stream/sample_result.h"

namespace meterstream {
namespace {

/// Of a list in a result.
constexpr double kMostItems = 1000;

constexpr std::array<std::pair<std::string_view, AggregateFunction>, 21> kAggregates = {
    {{"COUNT", AggregateFunction::kCount},
     {"MIN", AggregateFunction::kMin},
     {"MAX", AggregateFunction::kMax},
     {"SUM", AggregateFunction::kSum},
     {"AVG", AggregateFunction::kAverage},
     {"STDDEV_SAMP", AggregateFunction::kDeviationSample},
     {"STDDEV_POP", AggregateFunction::kDeviationPopulation},
     {"STDDEV", AggregateFunction::kDeviationSample},
     {"VAR_SAMP", AggregateFunction::kVarianceSample},
     {"VAR_POP", AggregateFunction::kVariancePopulation},
     {"VARIANCE", AggregateFunction::kVarianceSample},
     {"COUNT_DISTINCT", AggregateFunction::kCountDistinct},
     {"LATEST_BY_OFFSET", AggregateFunction::kLatestByOffset},
     {"EARLIEST_BY_OFFSET", AggregateFunction::kEarliestByOffset},
     {"INCREASE", AggregateFunction::kIncrease},
     {"RATE", AggregateFunction::kRate},
     {"TIME_WEIGHTED_AVG", AggregateFunction::kTimeWeightedAverage},
     {"PERCENTILE", AggregateFunction::kPercentile},
     {"TOPK", AggregateFunction::kTopK},
     {"TOPKDISTINCT", AggregateFunction::kTopKDistinct},
     {"HISTOGRAM", AggregateFunction::kHistogram}}};

/// The second argument of a function.
struct Parameter {
  bool is_required = false;
  std::string_view meaning;
  std::string_view example;
  double least = 0;
  double most = 0;
  bool is_whole = false;
};

std::optional<Parameter> parameter_of(AggregateFunction function) {
  switch (function) {
    case AggregateFunction::kPercentile:
      return Parameter{true, "the share of the values below it, from 0 to 1", "PERCENTILE(x, 0.95)", 0, 1, false};
    case AggregateFunction::kTopK:
      return Parameter{true, "how many values it gives, from 1 to 1000", "TOPK(x, 3)", 1, kMostItems, true};
    case AggregateFunction::kTopKDistinct:
      return Parameter{true, "how many values it gives, from 1 to 1000", "TOPKDISTINCT(x, 3)", 1, kMostItems, true};
    case AggregateFunction::kLatestByOffset:
      return Parameter{false, "how many values it gives, from 1 to 1000", "LATEST_BY_OFFSET(x, 3)", 1, kMostItems,
                       true};
    case AggregateFunction::kEarliestByOffset:
      return Parameter{false, "how many values it gives, from 1 to 1000", "EARLIEST_BY_OFFSET(x, 3)", 1, kMostItems,
                       true};
    case AggregateFunction::kIncrease:
      return Parameter{false, "the register's modulus, above 0", "INCREASE(x, 100000)", 1e-9, 1e15, false};
    case AggregateFunction::kRate:
      return Parameter{false, "the register's modulus, above 0", "RATE(x, 100000)", 1e-9, 1e15, false};
    default:
      return std::nullopt;
  }
}

bool is_number(ColumnType type) {
  return type == ColumnType::kBigint || type == ColumnType::kDouble;
}

/// What the function does not take is said in an error: nothing when it takes the type.
std::string_view type_fault(AggregateFunction function, ColumnType type) {
  switch (function) {
    case AggregateFunction::kMin:
    case AggregateFunction::kMax:
    case AggregateFunction::kTopK:
    case AggregateFunction::kTopKDistinct:
      return type == ColumnType::kBoolean ? "a number, a text or a time" : "";
    case AggregateFunction::kCount:
    case AggregateFunction::kCountDistinct:
    case AggregateFunction::kLatestByOffset:
    case AggregateFunction::kEarliestByOffset:
      return "";
    case AggregateFunction::kHistogram:
      return type == ColumnType::kVarchar ? "" : "a text, CAST(... AS VARCHAR),";
    default:
      return is_number(type) ? "" : "a number";
  }
}

/// Only whether it is NULL matters, so that the engine need not carry other types.
ExpressionPointer one_if_known(ExpressionPointer argument) {
  std::vector<ExpressionPointer> test;
  test.push_back(std::move(argument));
  std::vector<ExpressionPointer> children;
  children.push_back(operation_expression(Operator::kIsNull, ColumnType::kBoolean, std::move(test)));
  children.push_back(literal_expression(ColumnType::kBigint, std::monostate()));
  children.push_back(literal_expression(ColumnType::kBigint, int64_t{1}));
  return operation_expression(Operator::kCase, ColumnType::kBigint, std::move(children));
}

}  // namespace

std::optional<AggregateFunction> aggregate_function(const ast::Identifier& name) {
  for (const auto& [text, function] : kAggregates) {
    if (is_same_name(name, text)) return function;
  }
  return std::nullopt;
}

std::vector<std::string_view> aggregate_function_names() {
  std::vector<std::string_view> names;
  std::ranges::transform(kAggregates, std::back_inserter(names), [](const auto& entry) { return entry.first; });
  return names;
}

Result<AggregateSpec> AggregateBinder::bind(AggregateFunction function, const ast::Expression& call) {
  AggregateSpec spec{function};
  if (call.star) {
    if (function != AggregateFunction::kCount)
      return error(call.position, fmt::format("{}(*) has no meaning; only COUNT takes *", call.name.text));
    spec.function = AggregateFunction::kCountAll;
    return spec;
  }
  const std::optional<Parameter> parameter = parameter_of(function);
  const size_t least = parameter && parameter->is_required ? 2 : 1;
  const size_t most = parameter ? 2 : 1;
  if (call.children.size() < least || call.children.size() > most) {
    if (parameter)
      return error(call.position,
                   fmt::format("{} takes a value and {}: {}", call.name.text, parameter->meaning, parameter->example));
    return error(call.position, fmt::format("{} takes one argument, not {}", call.name.text, call.children.size()));
  }
  ASSIGN_OR_RETURN(spec.argument, argument_of(function, call));
  if (call.children.size() == 2) RETURN_IF_ERROR(bind_parameter(call, spec));
  if (is_sampled(spec) && shape_of(spec).kind == SampleShape::Kind::kReadings && !has_window_) {
    return error(call.position,
                 fmt::format("{} remembers each reading of its window; without one that is all there ever were. "
                             "Add WINDOW TUMBLING (SIZE ...) after the source",
                             call.name.text));
  }
  return spec;
}

Result<std::shared_ptr<const Expression>> AggregateBinder::argument_of(AggregateFunction function,
                                                                       const ast::Expression& call) {
  ASSIGN_OR_RETURN(ExpressionPointer argument, rows_.bind(call.children[0]));
  const ColumnType type = argument->type;
  const std::string_view fault = type_fault(function, type);
  if (!fault.empty())
    return error(call.position, fmt::format("{} needs {}, this is {}", call.name.text, fault, name_of(type)));
  if (function == AggregateFunction::kCount && !is_number(type) && type != ColumnType::kTimestamp)
    argument = one_if_known(std::move(argument));
  return std::shared_ptr<const Expression>(std::move(argument));
}

Status AggregateBinder::bind_parameter(const ast::Expression& call, AggregateSpec& spec) const {
  const Parameter parameter = parameter_of(spec.function).value();
  const ast::Expression& given = call.children[1];
  const bool is_literal =
      given.kind == ast::Expression::Kind::kInteger || given.kind == ast::Expression::Kind::kDecimal;
  const double value = is_literal ? std::strtod(given.text.c_str(), nullptr) : std::nan("");
  const bool is_whole = parameter.is_whole ||
                        ((spec.function == AggregateFunction::kIncrease || spec.function == AggregateFunction::kRate) &&
                         spec.argument->type == ColumnType::kBigint);
  if (!(value >= parameter.least && value <= parameter.most) || (is_whole && value != std::floor(value))) {
    return error(given.position, fmt::format("the second argument of {} is a constant: {}; {}", call.name.text,
                                             parameter.meaning, parameter.example));
  }
  spec.parameter = value;
  return {};
}

}  // namespace meterstream
