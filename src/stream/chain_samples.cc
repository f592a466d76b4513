#include "stream/chain_samples.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "metering/decimal.h"
#include "stream/sample_result.h"

namespace meterstream {

ChainSamples::ChainSamples(const std::vector<const ViewSpec*>& views) {
  std::vector<std::string> identities;
  for (const ViewSpec* view : views) {
    std::vector<size_t>& sets = sets_of_.emplace_back(view->aggregates.size(), 0);
    for (size_t i = 0; i < view->aggregates.size(); ++i) {
      const AggregateSpec& aggregate = view->aggregates[i];
      if (!is_sampled(aggregate)) continue;
      const SampleShape shape = shape_of(aggregate);
      std::string identity = identity_of(*aggregate.argument);
      size_t set = 0;
      while (set < shapes_.size() && !(shapes_[set] == shape && identities[set] == identity)) ++set;
      sets[i] = set;
      if (set < shapes_.size()) continue;
      shapes_.push_back(shape);
      arguments_.push_back(aggregate.argument);
      identities.push_back(std::move(identity));
    }
  }
  values_.resize(shapes_.size());
}

int64_t ChainSamples::take(const Column& column, const std::vector<uint32_t>& rows, Values& values) {
  const bool is_text = column.type == ColumnType::kVarchar;
  const bool is_double = column.type == ColumnType::kDouble;
  const size_t count = is_text ? column.strings.size() : is_double ? column.doubles.size() : column.integers.size();
  values.known.assign(count, 0);
  values.numbers.resize(is_text ? 0 : count);
  values.texts.resize(is_text ? count : 0);
  int64_t faults = 0;
  for (const uint32_t row : rows) {
    if (column.is_null(row)) continue;
    values.known[row] = 1;
    if (is_text) {
      const std::string_view text = column.strings[row];
      values.texts[row] = text.data() == nullptr ? std::string_view("") : text;
    } else if (!is_double) {
      values.numbers[row] = ordered_bits(column.integers[row]);
    } else if (std::fabs(column.doubles[row]) < Decimal::kMaxReading) {
      values.numbers[row] = ordered_bits(column.doubles[row]);
    } else {
      values.known[row] = 0;
      ++faults;
    }
  }
  return faults;
}

int64_t ChainSamples::evaluate(DecodedBatch& batch, const std::vector<uint32_t>& rows) {
  int64_t faults = 0;
  for (size_t set = 0; set < shapes_.size(); ++set) {
    const Expression& argument = *arguments_[set];
    if (argument.kind == Expression::Kind::kColumn) {
      faults += take(batch.columns.columns[argument.column], rows, values_[set]);
    } else {
      faults += take(meterstream::evaluate(argument, batch.columns, faults), rows, values_[set]);
    }
  }
  return faults;
}

template <class Add>
void ChainSamples::add_each(const DecodedBatch& batch, uint32_t row, Add&& add) const {
  for (size_t set = 0; set < shapes_.size(); ++set) {
    const Values& values = values_[set];
    if (values.known[row] == 0) continue;
    Sample sample;
    sample.time_ms = batch.event_times_ms[row];
    sample.offset = batch.record_of(row).offset.value;
    sample.partition = static_cast<uint32_t>(batch.partition);
    if (values.texts.empty()) {
      sample.number = values.numbers[row];
    } else {
      sample.text = values.texts[row];
    }
    add(set, sample);
  }
}

void ChainSamples::add(const DecodedBatch& batch, uint32_t row, WindowTable& table, WindowTable::Window& window,
                       uint32_t id) const {
  add_each(batch, row, [&](size_t set, const Sample& sample) { table.add_sample(window, id, set, sample); });
}

void ChainSamples::add(const DecodedBatch& batch, uint32_t row, SessionSamples& session) const {
  add_each(batch, row, [&](size_t set, const Sample& sample) { session.add(set, sample); });
}

SampleResults::SampleResults(const ViewSpec& view, std::vector<size_t> sets)
    : aggregates_(view.aggregates), sets_(std::move(sets)), values_(aggregates_.size()) {
  for (size_t i = 0; i < aggregates_.size(); ++i) {
    if (is_sampled(aggregates_[i])) sampled_.push_back(i);
  }
}

const std::vector<ScalarValue>& SampleResults::of(const GroupState& state, int64_t window_end_ms) {
  for (const size_t i : sampled_)
    values_[i] = sample_result(aggregates_[i], state.samples[sets_[i]], window_end_ms, faults_);
  return values_;
}

}  // namespace meterstream
