#include "stream/view_spec.h"

#include <fmt/format.h>

namespace meterstream {
namespace {

std::string_view name_of(OutputColumn::From from) {
  switch (from) {
    case OutputColumn::From::kGroupKey:
      return "key";
    case OutputColumn::From::kWindowStart:
      return "window start";
    case OutputColumn::From::kWindowEnd:
      return "window end";
    case OutputColumn::From::kAggregate:
      return "aggregate";
  }
  return "?";
}

// Names may hold any character, so they are written with their length.
std::string sized(std::string_view name) {
  return fmt::format("{}:{}", name.size(), name);
}

std::string definition_of(const StreamSpec& stream) {
  std::string text =
      fmt::format("from topic {} {}\n", sized(stream.topic), stream.format == ValueFormat::kAvro ? "AVRO" : "JSON");
  for (const ColumnSchema& column : stream.columns) {
    text += fmt::format("column {} {}\n", sized(column.name), meterstream::name_of(column.type));
  }
  text += fmt::format("event time column {}\n", stream.timestamp_column);
  if (stream.deduplicate) text += fmt::format("deduplicate {} ms\n", stream.deduplicate_horizon_ms);
  return text;
}

}  // namespace

std::string_view name_of(AggregateFunction function) {
  switch (function) {
    case AggregateFunction::kCountAll:
    case AggregateFunction::kCount:
      return "COUNT";
    case AggregateFunction::kMin:
      return "MIN";
    case AggregateFunction::kMax:
      return "MAX";
    case AggregateFunction::kSum:
      return "SUM";
    case AggregateFunction::kAverage:
      return "AVG";
  }
  return "?";
}

std::string ViewSpec::definition() const {
  std::string text = fmt::format("view {} to topic {}\n", sized(name), sized(topic)) + definition_of(*source);
  text += fmt::format("window {} ms, {}grace {} ms, emit {}\n", window_size_ms,
                      is_hopping() ? fmt::format("advance {} ms, ", advance_ms) : "", grace_ms,
                      emit == EmitMode::kFinal ? "final" : "changes");
  if (filter != nullptr) text += fmt::format("filter {}\n", to_text(*filter, source->columns));
  for (const size_t column : group_by) text += fmt::format("group by {}\n", column);
  for (const AggregateSpec& aggregate : aggregates) {
    text += fmt::format("aggregate {}({})\n", meterstream::name_of(aggregate.function),
                        aggregate.argument == nullptr ? "*" : to_text(*aggregate.argument, source->columns));
  }
  for (const ProjectedColumn& column : projection) {
    text += fmt::format("project {} from {}\n", sized(column.name), to_text(*column.expression, source->columns));
  }
  for (const OutputColumn& column : output) {
    text += fmt::format("output {} from {} {}\n", sized(column.name), name_of(column.from), column.index);
  }
  return text;
}

}  // namespace meterstream
