#include "stream/result_calculator.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "metering/decimal.h"
#include "stream/group_key.h"
#include "stream/spread_value.h"

namespace meterstream {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);

void mark_null(Column& column, size_t row, size_t rows) {
  if (column.validity.empty()) column.validity.assign(rows, 1);
  column.validity[row] = 0;
}

/// Columns of zeros and empty texts, none NULL.
void reset(Column& column, ColumnType type, size_t rows) {
  column.type = type;
  column.validity.clear();
  column.integers.assign(type == ColumnType::kDouble || type == ColumnType::kVarchar ? 0 : rows, 0);
  column.doubles.assign(type == ColumnType::kDouble ? rows : 0, 0);
  column.strings.assign(type == ColumnType::kVarchar ? rows : 0, {});
}

void mark_needed(const Expression& expression, std::vector<bool>& needed) {
  for (const size_t column : columns_of(expression)) needed[column] = true;
}

}  // namespace

ResultCalculator::ResultCalculator(const ViewSpec& view, std::vector<SlotPlace> argument_of,
                                   std::vector<ColumnType> argument_types)
    : view_(view),
      argument_of_(std::move(argument_of)),
      argument_types_(std::move(argument_types)),
      schema_(view.result_columns()),
      having_needs_(schema_.size(), false),
      calculations_need_(schema_.size(), false) {
  if (view.having != nullptr) mark_needed(*view.having, having_needs_);
  for (const auto& calculation : view.calculations) mark_needed(*calculation, calculations_need_);
  any_sampled_ = std::ranges::any_of(view.aggregates, is_sampled);
  batch_.columns.resize(schema_.size());
}

const WindowSlot& ResultCalculator::slot(size_t row) const {
  const size_t words = WindowSlot::bytes_for(argument_types_.size()) / kWordBytes;
  return *reinterpret_cast<const WindowSlot*>(slot_words_.data() + rows_[row].slot * words);
}

void ResultCalculator::add(std::string_view group_key, const ResultWindow& window, const WindowSlot& slot,
                           const std::vector<ScalarValue>& sampled) {
  const size_t bytes = WindowSlot::bytes_for(argument_types_.size());
  const size_t used = slot_words_.size();
  slot_words_.resize(used + bytes / kWordBytes);
  std::memcpy(slot_words_.data() + used, &slot, bytes);
  rows_.push_back({group_key, window, rows_.size(), any_sampled_ ? sampled : std::vector<ScalarValue>()});
}

void ResultCalculator::clear() {
  rows_.clear();
  slot_words_.clear();
  batch_.arena.clear();
}

int64_t ResultCalculator::calculate() {
  if (rows_.empty()) return 0;
  calculated_.clear();
  int64_t faults = apply_having();
  if (rows_.empty()) return faults;
  faults += fill(calculations_need_);
  batch_.rows = rows_.size();
  for (const auto& calculation : view_.calculations) calculated_.push_back(evaluate(*calculation, batch_, faults));
  return faults;
}

int64_t ResultCalculator::apply_having() {
  if (view_.having == nullptr) return 0;
  int64_t faults = fill(having_needs_);
  batch_.rows = rows_.size();
  const Column keep = evaluate(*view_.having, batch_, faults);
  size_t kept = 0;
  for (size_t row = 0; row < rows_.size(); ++row) {
    if (keep.is_null(row) || keep.integers[row] == 0) continue;
    if (kept != row) rows_[kept] = std::move(rows_[row]);
    ++kept;
  }
  rows_.resize(kept);
  return faults;
}

/// A fault of a column counts once, even if HAVING and calculations take it.
int64_t ResultCalculator::fill(const std::vector<bool>& needed) {
  const size_t groups = view_.group_by.size();
  const bool again = &needed == &calculations_need_;
  int64_t faults = 0;
  fill_groups(needed);
  if (needed[groups]) fill_window_bound(batch_.columns[groups], &ResultWindow::start_ms);
  if (needed[groups + 1]) fill_window_bound(batch_.columns[groups + 1], &ResultWindow::end_ms);
  for (size_t index = groups + 2; index < schema_.size(); ++index) {
    if (!needed[index]) continue;
    const int64_t found = fill_aggregate(index - groups - 2, batch_.columns[index]);
    if (!again || !having_needs_[index]) faults += found;
  }
  return faults;
}

void ResultCalculator::fill_groups(const std::vector<bool>& needed) {
  const size_t groups = view_.group_by.size();
  bool any = false;
  for (size_t group = 0; group < groups; ++group) {
    if (!needed[group]) continue;
    any = true;
    reset(batch_.columns[group], schema_[group].type, rows_.size());
  }
  for (size_t row = 0; row < rows_.size() && any; ++row) {
    ByteReader reader(rows_[row].group_key);
    for (size_t group = 0; group < groups; ++group) {
      const GroupValue value = read_group_value(reader, schema_[group].type);
      if (!needed[group]) continue;
      Column& column = batch_.columns[group];
      if (value.is_null) {
        mark_null(column, row, rows_.size());
      } else if (column.type == ColumnType::kVarchar) {
        column.strings[row] = value.text;
      } else {
        column.integers[row] = value.integer;
      }
    }
    CHECK(reader.ok());
  }
}

void ResultCalculator::fill_window_bound(Column& column, int64_t ResultWindow::* bound) {
  reset(column, ColumnType::kTimestamp, rows_.size());
  for (size_t row = 0; row < rows_.size(); ++row) {
    const int64_t time_ms = rows_[row].window.*bound;
    if (time_ms == ResultWindow::kNotEnded) {
      mark_null(column, row, rows_.size());
    } else {
      column.integers[row] = time_ms;
    }
  }
}

void ResultCalculator::fill_sampled(size_t aggregate, Column& column) {
  for (size_t row = 0; row < rows_.size(); ++row) {
    const ScalarValue& value = rows_[row].sampled[aggregate];
    if (const auto* text = std::get_if<std::string>(&value)) {
      column.strings[row] = *text;
    } else if (const auto* number = std::get_if<double>(&value)) {
      column.doubles[row] = *number;
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      column.integers[row] = *integer;
    } else if (const auto* truth = std::get_if<bool>(&value)) {
      column.integers[row] = *truth ? 1 : 0;
    } else {
      mark_null(column, row, rows_.size());
    }
  }
}

int64_t ResultCalculator::fill_aggregate(size_t aggregate, Column& column) {
  const AggregateSpec& spec = view_.aggregates[aggregate];
  reset(column, type_of(spec), rows_.size());
  if (is_sampled(spec)) {
    fill_sampled(aggregate, column);
    return 0;
  }
  int64_t faults = 0;
  for (size_t row = 0; row < rows_.size(); ++row) {
    const WindowSlot& window = slot(row);
    if (spec.function == AggregateFunction::kCountAll) {
      column.integers[row] = static_cast<int64_t>(window.rows);
      continue;
    }
    const SlotPlace place = argument_of_[aggregate];
    const ArgumentState& state = window.arguments()[place.value];
    const bool is_double = argument_types_[place.value] == ColumnType::kDouble;
    if (spec.function == AggregateFunction::kCount) {
      column.integers[row] = static_cast<int64_t>(state.count);
    } else if (state.count == 0) {
      mark_null(column, row, rows_.size());
    } else if (is_spread(spec.function)) {
      const auto spread = spread_value(spec.function, window, place, argument_types_[place.value]);
      if (spread) {
        column.doubles[row] = *spread;
      } else {
        mark_null(column, row, rows_.size());
      }
    } else if (spec.function == AggregateFunction::kMin || spec.function == AggregateFunction::kMax) {
      const bool is_min = spec.function == AggregateFunction::kMin;
      if (is_double) {
        column.doubles[row] = is_min ? state.min<double>() : state.max<double>();
      } else {
        column.integers[row] = is_min ? state.min<int64_t>() : state.max<int64_t>();
      }
    } else if (spec.function == AggregateFunction::kAverage) {
      const Decimal sum = Decimal::from_units(is_double ? state.sum() : state.sum() * Decimal::kUnitsPerOne);
      column.doubles[row] = sum.divided_by(static_cast<int64_t>(state.count)).to_double();
    } else if (is_double) {
      column.doubles[row] = Decimal::from_units(state.sum()).to_double();
    } else if (state.sum() < std::numeric_limits<int64_t>::min() || state.sum() > std::numeric_limits<int64_t>::max()) {
      mark_null(column, row, rows_.size());
      ++faults;
    } else {
      column.integers[row] = static_cast<int64_t>(state.sum());
    }
  }
  return faults;
}

}  // namespace meterstream
