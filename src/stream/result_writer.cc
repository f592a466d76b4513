#include "stream/result_writer.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "metering/json_encoder.h"
#include "metering/timestamp.h"
#include "stream/column_json.h"
#include "stream/group_key.h"
#include "stream/sample_result.h"
#include "stream/spread_value.h"

namespace meterstream {
namespace {

void append_key_text(std::string& out, ColumnType type, int64_t value) {
  if (type == ColumnType::kBoolean) {
    out += value != 0 ? "true" : "false";
  } else if (type == ColumnType::kTimestamp) {
    append_timestamp(out, EventTime(value));
  } else {
    append_json_number(out, value);
  }
}

}  // namespace

ResultWriter::ResultWriter(const ViewSpec& view, std::vector<SlotPlace> argument_of,
                           std::vector<ColumnType> argument_types)
    : aggregates_(view.aggregates), argument_of_(std::move(argument_of)), argument_types_(std::move(argument_types)) {
  for (const OutputColumn& column : view.output) {
    parts_.push_back({json_member(column.name, parts_.empty()), column.from, column.index});
  }
  for (size_t group = 0; group < view.group_by.size(); ++group) group_types_.push_back(view.group_column(group).type);
  has_texts_only_ = std::ranges::all_of(group_types_, [](ColumnType type) { return type == ColumnType::kVarchar; });
  group_values_.resize(group_types_.size());
  group_texts_.resize(group_types_.size());
}

void ResultWriter::split_group_key(std::string_view group_key) {
  ByteReader reader(group_key);
  if (has_texts_only_) {
    for (std::string_view& value : group_values_) value = read_group_text(reader);
    CHECK(reader.ok());
    return;
  }
  for (size_t group = 0; group < group_types_.size(); ++group) {
    if (group_types_[group] == ColumnType::kVarchar) {
      group_values_[group] = read_group_text(reader);
      continue;
    }
    const GroupValue value = read_group_value(reader, group_types_[group]);
    std::string& text = group_texts_[group];
    text.clear();
    append_key_text(text, group_types_[group], value.integer);
    group_values_[group] = value.is_null ? std::string_view() : text;
  }
  CHECK(reader.ok());
}

void ResultWriter::append_plain_group(size_t group) {
  const bool is_quoted = group_types_[group] == ColumnType::kTimestamp;
  if (is_quoted) value_ += '"';
  value_ += group_values_[group];
  if (is_quoted) value_ += '"';
}

void ResultWriter::append_time(int64_t time_ms, std::string& cached, int64_t& cached_ms) {
  if (time_ms != cached_ms) {
    cached = '"';
    append_timestamp(cached, EventTime(time_ms));
    cached += '"';
    cached_ms = time_ms;
  }
  value_ += cached;
}

void ResultWriter::append_aggregate(size_t aggregate, const WindowSlot& slot) {
  const AggregateFunction function = aggregates_[aggregate].function;
  if (function == AggregateFunction::kCountAll) {
    append_json_number(value_, static_cast<int64_t>(slot.rows));
    return;
  }
  const size_t index = argument_of_[aggregate].value;
  const ArgumentState& argument = slot.arguments()[index];
  const ColumnType type = argument_types_[index];
  if (function == AggregateFunction::kCount) {
    append_json_number(value_, static_cast<int64_t>(argument.count));
    return;
  }
  if (argument.count == 0) {
    value_ += "null";
    return;
  }
  const auto count = static_cast<int64_t>(argument.count);
  switch (function) {
    case AggregateFunction::kMin:
    case AggregateFunction::kMax: {
      const bool is_min = function == AggregateFunction::kMin;
      if (type == ColumnType::kDouble) {
        append_json_number(value_, is_min ? argument.min<double>() : argument.max<double>());
      } else if (type == ColumnType::kTimestamp) {
        value_ += '"';
        append_timestamp(value_, EventTime(is_min ? argument.min<int64_t>() : argument.max<int64_t>()));
        value_ += '"';
      } else {
        append_json_number(value_, is_min ? argument.min<int64_t>() : argument.max<int64_t>());
      }
      return;
    }
    case AggregateFunction::kSum:
    case AggregateFunction::kAverage: {
      Int128 units = argument.sum();
      if (type != ColumnType::kDouble) units *= Decimal::kUnitsPerOne;
      const Decimal sum = Decimal::from_units(units);
      (function == AggregateFunction::kSum ? sum : sum.divided_by(count)).append_text(value_);
      return;
    }
    default:
      append_spread(aggregate, slot);
      return;
  }
}

void ResultWriter::append_spread(size_t aggregate, const WindowSlot& slot) {
  const SlotPlace place = argument_of_[aggregate];
  const auto spread = spread_value(aggregates_[aggregate].function, slot, place, argument_types_[place.value]);
  if (spread) {
    append_json_number(value_, *spread);
  } else {
    value_ += "null";
  }
}

std::string_view ResultWriter::key(std::string_view group_key) {
  split_group_key(group_key);
  key_.clear();
  for (size_t i = 0; i < group_values_.size(); ++i) {
    if (i != 0) key_ += '.';
    key_ += group_values_[i];
  }
  return key_;
}

ResultWriter::Result ResultWriter::write(std::string_view group_key, const ResultWindow& window, const WindowSlot& slot,
                                         const std::vector<ScalarValue>& sampled, CalculatedRow calculated) {
  key(group_key);
  value_.clear();
  for (const Part& part : parts_) {
    value_ += part.prefix;
    switch (part.from) {
      case OutputColumn::From::kGroupKey:
        if (group_values_[part.index].data() == nullptr) {
          value_ += "null";
        } else if (group_types_[part.index] == ColumnType::kVarchar) {
          append_json_string(value_, group_values_[part.index]);
        } else {
          append_plain_group(part.index);
        }
        break;
      case OutputColumn::From::kWindowStart:
        append_time(window.start_ms, start_text_, start_cached_ms_);
        break;
      case OutputColumn::From::kWindowEnd:
        if (window.end_ms == ResultWindow::kNotEnded) {
          value_ += "null";
        } else {
          append_time(window.end_ms, end_text_, end_cached_ms_);
        }
        break;
      case OutputColumn::From::kAggregate:
        if (is_sampled(aggregates_[part.index])) {
          append_sample_result(value_, aggregates_[part.index], sampled[part.index]);
        } else {
          append_aggregate(part.index, slot);
        }
        break;
      case OutputColumn::From::kCalculation:
        append_json_value(value_, (*calculated.columns)[part.index], calculated.row);
        break;
    }
  }
  value_ += '}';
  return {key_, value_};
}

}  // namespace meterstream
