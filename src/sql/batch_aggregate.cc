#include <fmt/format.h>

#include "metering/decimal.h"
#include "sql/batch_text.h"

namespace meterstream {

Result<std::string> batch_text(const AggregateSpec& aggregate, const BatchWindow& window, const BatchDialect& dialect) {
  if (aggregate.argument == nullptr) return std::string("COUNT(*)");
  ASSIGN_OR_RETURN(std::string argument, batch_text(*aggregate.argument, dialect));
  const ColumnType type = aggregate.argument->type;
  // What cannot be summed exactly is left out; columns that hold it are rejected before.
  if (type == ColumnType::kDouble && aggregate.argument->kind != Expression::Kind::kColumn)
    argument = fmt::format("CASE WHEN abs({0}) < {1} THEN {0} END", argument, Decimal::kMaxReading);
  const double parameter = aggregate.parameter.value_or(0);
  switch (aggregate.function) {
    case AggregateFunction::kSum:
      return dialect.sum(dialect.exact(argument, type), type);
    case AggregateFunction::kAverage:
      return dialect.average(argument, type);
    case AggregateFunction::kCountDistinct:
      return fmt::format("COUNT(DISTINCT {})", argument);
    case AggregateFunction::kPercentile:
      return dialect.percentile(argument, parameter);
    case AggregateFunction::kTopK:
    case AggregateFunction::kTopKDistinct:
      return dialect.top(argument, parameter, aggregate.function == AggregateFunction::kTopKDistinct);
    case AggregateFunction::kHistogram:
      return dialect.histogram(argument);
    case AggregateFunction::kIncrease:
      return dialect.increase(dialect.exact(argument, type), type, aggregate.parameter, window);
    case AggregateFunction::kRate:
      return dialect.rate(dialect.exact(argument, type), type, aggregate.parameter, window);
    case AggregateFunction::kTimeWeightedAverage:
      return dialect.time_weighted(argument, window);
    case AggregateFunction::kLatestByOffset:
    case AggregateFunction::kEarliestByOffset:
      return invalid(fmt::format("{} has no counterpart of {}: a relation does not tell in which order its rows came",
                                 dialect.name(), name_of(aggregate.function)));
    default:
      return fmt::format("{}({})", name_of(aggregate.function), argument);
  }
}

}  // namespace meterstream
