#include "stream/pass_processor.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "metering/timestamp.h"
#include "stream/projected_row_writer.h"
#include "stream/reading_decoder.h"
#include "stream/record_headers.h"
#include "stream/result_calculator.h"
#include "stream/row_hash.h"

namespace meterstream {
std::string PassSpec::layout() const {
  std::string text = source->name;
  for (const ViewSpec& view : views) text += '\n' + view.definition();
  return text;
}

/// Results and late readings of one chain, written to the topics of its views.
class PassProcessor::Output final : public ViewOutput {
 public:
  Output(PassProcessor& pass, const ViewChain& chain) : pass_(pass), counts_(chain.views().size()) {
    std::vector<ColumnType> types;
    for (const ViewChain::Argument& argument : chain.arguments()) types.push_back(argument.type);
    for (size_t view = 0; view < chain.views().size(); ++view) {
      const ViewSpec& spec = *chain.views()[view];
      views_.push_back(&spec);
      days_.push_back(spec.has_local_days() ? std::make_unique<LocalDays>(spec.time_zone, spec.window_size_ms)
                                            : nullptr);
      calculators_.push_back(ResultCalculator::is_needed_for(spec)
                                 ? std::make_unique<ResultCalculator>(spec, chain.arguments_of(view), types)
                                 : nullptr);
      writers_.emplace_back(*chain.views()[view], chain.arguments_of(view), types);
      samples_.emplace_back(spec, chain.samples_of(view));
      row_writers_.emplace_back(chain.views()[view]->projection);
      result_topics_.push_back(pass.output_.topic(chain.views()[view]->topic));
      late_topics_.push_back(pass.output_.topic(chain.views()[view]->late_topic()));
    }
  }

  Status emit(size_t view, std::string_view group_key, int64_t window_start_ms, const GroupState& state) override {
    const bool refined = views_[view]->emit == EmitMode::kChanges;
    const int64_t end_ms = days_[view] != nullptr ? days_[view]->window_of(window_start_ms).end_ms
                                                  : window_start_ms + views_[view]->window_size_ms;
    emit_window(view, group_key, {window_start_ms, end_ms, refined ? state.slot.rows : 0}, state);
    return {};
  }

  void emit_window(size_t view, std::string_view group_key, const ResultWindow& window,
                   const GroupState& state) override {
    ResultCalculator* calculator = calculators_[view].get();
    const std::vector<ScalarValue>& sampled = samples_[view].of(state, window.end_ms);
    if (calculator == nullptr) return write(view, group_key, window, state.slot, sampled, {});
    calculator->add(group_key, window, state.slot, sampled);
    if (calculator->is_full()) write_calculated(view, *calculator);
  }

  void retract(size_t view, std::string_view group_key, int64_t window_start_ms) override {
    // What waits was before it.
    if (calculators_[view] != nullptr) write_calculated(view, *calculators_[view]);
    const std::string_view key = writers_[view].key(group_key);
    headers_.clear();
    append_window_header(headers_, window_start_ms);
    if (pass_.options_.result_ids) append_result_id(headers_, views_[view]->name, key, window_start_ms, 0);
    pass_.output_.add(result_topics_[view], partition_for_key(key, views_[view]->partitions), key, {}, headers_,
                      pass_.last_ingest_time_);
    ++counts_[view].written;
  }

  ResultCounts take_counts(size_t view) override {
    if (calculators_[view] != nullptr) write_calculated(view, *calculators_[view]);
    counts_[view].faults += samples_[view].take_faults();
    return std::exchange(counts_[view], {});
  }

  void row(size_t view, const RecordView& record, const std::vector<const Column*>& columns, uint32_t row) override {
    headers_.clear();
    const PartitionId source = pass_.options_.partition_ids[pass_.batch_.partition];
    if (pass_.options_.result_ids) append_source_id(headers_, views_[view]->name, source, record.offset);
    const PartitionId target = record.has_key() ? partition_for_key(record.key, views_[view]->partitions)
                                                : PartitionId(source.value % views_[view]->partitions);
    pass_.output_.add(result_topics_[view], target, record.key, row_writers_[view].write(columns, row), headers_,
                      record.ingest_time);
  }

  void late(size_t view, const RecordView& record, int64_t window_start_ms, int64_t closed_before_ms) override {
    const std::string reason =
        fmt::format("late for {}: its window from {} is closed (windows before {} are)", views_[view]->name,
                    format_timestamp(EventTime(window_start_ms)), format_timestamp(EventTime(closed_before_ms)));
    const PartitionId partition =
        record.has_key() ? partition_for_key(record.key, views_[view]->late_partitions) : PartitionId(0);
    pass_.output_.add(late_topics_[view], partition, record.key, record.value,
                      pass_.headers_of(record, views_[view]->name, reason), record.ingest_time);
  }

 private:
  void write(size_t view, std::string_view group_key, const ResultWindow& window, const WindowSlot& slot,
             const std::vector<ScalarValue>& sampled, CalculatedRow calculated) {
    const ResultWriter::Result result = writers_[view].write(group_key, window, slot, sampled, calculated);
    headers_.clear();
    if (pass_.options_.result_ids)
      append_result_id(headers_, views_[view]->name, result.key, window.start_ms, window.revision);
    pass_.output_.add(result_topics_[view], partition_for_key(result.key, views_[view]->partitions), result.key,
                      result.value, headers_, pass_.last_ingest_time_);
    ++counts_[view].written;
  }

  void write_calculated(size_t view, ResultCalculator& calculator) {
    counts_[view].faults += calculator.calculate();
    for (size_t row = 0; row < calculator.rows(); ++row)
      write(view, calculator.group_key(row), calculator.window(row), calculator.slot(row), calculator.sampled(row),
            calculator.calculated(row));
    calculator.clear();
  }

  PassProcessor& pass_;
  std::vector<const ViewSpec*> views_;
  /// Null for views whose windows are all of one length.
  std::vector<std::unique_ptr<LocalDays>> days_;
  /// Null for views that need none.
  std::vector<std::unique_ptr<ResultCalculator>> calculators_;
  std::vector<ResultWriter> writers_;
  std::vector<SampleResults> samples_;
  std::vector<ProjectedRowWriter> row_writers_;
  std::vector<size_t> result_topics_;
  std::vector<size_t> late_topics_;
  std::vector<ResultCounts> counts_;
  std::string headers_;
};

PassProcessor::PassProcessor(PassSpec spec, SchemaStore& schemas, const Options& options)
    : spec_(std::move(spec)),
      options_(options),
      watermark_(options.partitions,
                 {.idle_timeout_ms = options.idle_timeout_ms.value_or(spec_.source->idle_timeout_ms),
                  .max_ahead_ms = spec_.source->max_ahead_ms,
                  .follow_wall_clock = options.follow_wall_clock}) {
  budget_.limit_bytes = options.memory_limit_bytes;
  if (spec_.source->deduplicate) {
    for (size_t i = 0; i < options.partitions; ++i) {
      duplicates_.push_back(std::make_unique<DuplicateFilter>(spec_.source->deduplicate_horizon_ms));
      if (options.keeps_changes) duplicates_.back()->keep_changes();
    }
  }
  make_decoder(schemas);
}

PassProcessor::~PassProcessor() = default;

void PassProcessor::make_decoder(SchemaStore& schemas) {
  const StreamSpec& source = *spec_.source;
  const std::vector<std::vector<size_t>> chains = chains_of(spec_.views);
  CHECK(!chains.empty());
  for (size_t i = 0; i < source.columns.size(); ++i) {
    if (source.columns[i].type == ColumnType::kDouble) bounded_columns_.push_back(i);
    if (source.columns[i].type == ColumnType::kVarchar) {
      if (i != source.key_column) series_columns_.push_back(i);
    } else if (i != source.timestamp_column) {
      value_columns_.push_back(i);
    }
  }
  DecodeRequest request;
  request.columns = source.columns;
  request.needed.assign(source.columns.size(), false);
  request.needed[source.timestamp_column] = true;
  // Whether a reading is rejected is the stream's business and the same for all views, whatever they sum.
  for (const size_t column : bounded_columns_) request.needed[column] = true;
  series_keys_decoded_ = source.deduplicate && !series_columns_.empty();
  const auto is_decoded = [&](size_t column) { return column < source.columns.size() && column != source.key_column; };
  request.group_key = series_keys_decoded_ ? series_columns_ : decoded_group_key(chains);
  if (source.deduplicate) {
    for (const size_t column : value_columns_) request.needed[column] = true;
  }
  place_of_view_.resize(spec_.views.size());
  uint32_t table_number = 1;
  for (const std::vector<size_t>& members : chains) {
    std::vector<const ViewSpec*> views;
    for (const size_t member : members) {
      const ViewSpec& view = spec_.views[member];
      place_of_view_[member] = {chains_.size(), views.size()};
      views.push_back(&view);
      for (const size_t column : view.columns_read()) {
        if (is_decoded(column)) request.needed[column] = true;
      }
    }
    const bool keys_decoded = views.front()->group_by == request.group_key;
    for (const size_t column : views.front()->group_by) {
      if (!keys_decoded && is_decoded(column)) request.needed[column] = true;
    }
    chains_.push_back(std::make_unique<ViewChain>(views, keys_decoded, options_.partitions, budget_, options_.spill,
                                                  table_number, options_.tables));
    table_number += static_cast<uint32_t>(views.size());
    outputs_.push_back(std::make_unique<Output>(*this, *chains_.back()));
  }
  decoder_ = make_record_decoder(source.format, schemas, std::move(request));
}

// The groups of the first chain whose keys a decoder can make.
std::vector<size_t> PassProcessor::decoded_group_key(const std::vector<std::vector<size_t>>& chains) const {
  for (const std::vector<size_t>& members : chains) {
    const ViewSpec& view = spec_.views[members.front()];
    if (!view.is_stream() && view.groups_by_texts()) return view.group_by;
  }
  return {};
}

void PassProcessor::reject(uint32_t row, std::string reason) {
  batch_.columns.rejected.push_back({batch_.columns.record_index[row], std::move(reason)});
}

// In the order of the records, whatever found them, so that the topic does not depend on how records are batched.
void PassProcessor::write_rejected() {
  std::vector<RejectedRecord>& rejected = batch_.columns.rejected;
  std::stable_sort(rejected.begin(), rejected.end(),
                   [](const RejectedRecord& a, const RejectedRecord& b) { return a.record_index < b.record_index; });
  for (const RejectedRecord& bad : rejected) write_rejected(batch_.records[bad.record_index], bad.reason);
}

void PassProcessor::write_rejected(const RecordView& record, std::string_view reason) {
  const PartitionId target = record.has_key()
                                 ? partition_for_key(record.key, options_.rejected_partitions)
                                 : PartitionId(static_cast<int32_t>(batch_.partition) % options_.rejected_partitions);
  output_.add(output_.topic(spec_.rejected_topic()), target, record.key, record.value,
              headers_of(record, spec_.source->topic, reason), record.ingest_time);
}

// Of a record of this batch that is passed on as it came.
std::string PassProcessor::headers_of(const RecordView& record, std::string_view origin,
                                      std::string_view reason) const {
  std::string headers;
  append_reason_header(headers, reason);
  append_source_id(headers, origin, options_.partition_ids[batch_.partition], record.offset);
  return headers;
}

void PassProcessor::fill_keys() {
  Column& keys = batch_.columns.columns[*spec_.source->key_column];
  const size_t rows = batch_.columns.rows;
  keys.strings.resize(rows);
  keys.validity.clear();
  for (uint32_t row = 0; row < rows; ++row) {
    const RecordView& record = batch_.record_of(row);
    keys.strings[row] = record.key;
    if (record.has_key()) continue;
    if (keys.validity.empty()) keys.validity.assign(rows, 1);
    keys.validity[row] = 0;
  }
}

void PassProcessor::prepare_times() {
  const size_t rows = batch_.columns.rows;
  batch_.ingest_times_ms.resize(rows);
  for (size_t row = 0; row < rows; ++row) {
    batch_.ingest_times_ms[row] = batch_.record_of(static_cast<uint32_t>(row)).ingest_time.value;
  }
  // NULL times were rejected; they must not move the watermark.
  const Column& times = batch_.columns.columns[spec_.source->timestamp_column];
  batch_.event_times_ms.assign(times.integers.begin(), times.integers.end());
  for (size_t row = 0; row < times.validity.size(); ++row) {
    if (times.validity[row] == 0) batch_.event_times_ms[row] = kNoWatermark;
  }
}

std::string_view PassProcessor::out_of_range_column(uint32_t row) const {
  for (const size_t index : bounded_columns_) {
    const Column& column = batch_.columns.columns[index];
    if (!column.is_null(row) && !(std::fabs(column.doubles[row]) < Decimal::kMaxReading)) {
      return spec_.source->columns[index].name;
    }
  }
  return {};
}

bool PassProcessor::check_duplicate(uint32_t row, int64_t& duplicates, int64_t& conflicts) {
  const RecordView& record = batch_.record_of(row);
  const int64_t time_ms = batch_.event_times_ms[row];
  DuplicateFilter::Observation observation;
  observation.series_key = series_keys_decoded_ ? batch_.columns.group_keys[row] : std::string_view{};
  observation.event_time_ms = time_ms;
  observation.capped_time_ms = std::min(time_ms, record.ingest_time.value + spec_.source->max_ahead_ms);
  observation.value_hash = hash_of_row(batch_.columns, value_columns_, row);
  observation.offset = record.offset.value;
  switch (duplicates_[batch_.partition]->check(observation)) {
    case DuplicateFilter::Verdict::kNew:
      return true;
    case DuplicateFilter::Verdict::kDuplicate:
      ++duplicates;
      return false;
    case DuplicateFilter::Verdict::kConflict:
      ++conflicts;
      reject(row, "conflict: the same reading came before with another value");
      return false;
  }
  return true;
}

void PassProcessor::select_rows(int64_t& duplicates, int64_t& conflicts) {
  const size_t rows = batch_.columns.rows;
  const Column& times = batch_.columns.columns[spec_.source->timestamp_column];
  bool any_bad = !times.validity.empty() || !duplicates_.empty();
  for (const size_t index : bounded_columns_) {
    bool bad = false;
    for (const double value : batch_.columns.columns[index].doubles) bad |= !(std::fabs(value) < Decimal::kMaxReading);
    any_bad |= bad;
  }
  bool bad_time = false;
  for (const int64_t time_ms : times.integers)
    bad_time |= time_ms < kFirstReadingTimeMs || time_ms > kLastReadingTimeMs;
  any_bad |= bad_time;
  if (!any_bad) {
    batch_.selection.resize(rows);
    std::iota(batch_.selection.begin(), batch_.selection.end(), 0U);
    return;
  }
  batch_.selection.clear();
  for (uint32_t row = 0; row < rows; ++row) {
    if (times.is_null(row)) {
      reject(row, fmt::format("no event time: {} is NULL", spec_.source->columns[spec_.source->timestamp_column].name));
      continue;
    }
    if (times.integers[row] < kFirstReadingTimeMs || times.integers[row] > kLastReadingTimeMs) {
      batch_.event_times_ms[row] = kNoWatermark;
      reject(row, "out of range: the event time must lie in the years 1 to 9999");
      continue;
    }
    if (const std::string_view column = out_of_range_column(row); !column.empty()) {
      batch_.event_times_ms[row] = kNoWatermark;
      reject(row, fmt::format("out of range: {} must be below 1e20 in magnitude to be summed exactly", column));
      continue;
    }
    if (duplicates_.empty() || check_duplicate(row, duplicates, conflicts)) {
      batch_.selection.push_back(row);
    }
  }
}

Status PassProcessor::process(size_t partition, std::span<const RecordView> records, bool rebuilding) {
  if (records.empty()) return {};
  RETURN_IF_ERROR(decoder_->decode(records, batch_.columns));
  batch_.partition = partition;
  batch_.records = records;
  if (spec_.source->key_column) fill_keys();
  // Nothing has changed up to here; an error from here on leaves a part of the batch counted.
  whole_ = false;
  RETURN_IF_ERROR(apply(rebuilding));
  whole_ = true;
  return {};
}

Status PassProcessor::apply(bool rebuilding) {
  const size_t partition = batch_.partition;
  const std::span<const RecordView> records = batch_.records;
  if (!rebuilding) last_ingest_time_ = records.back().ingest_time;

  int64_t duplicates = 0;
  int64_t conflicts = 0;
  prepare_times();
  select_rows(duplicates, conflicts);
  const auto rejected = static_cast<int64_t>(batch_.columns.rejected.size());
  if (!rebuilding && rejected > 0) write_rejected();
  const int64_t capped_before = watermark_.capped_ahead();
  if (!rebuilding) {
    watermark_.observe(partition, batch_.event_times_ms, batch_.ingest_times_ms, batch_.watermark_after_ms);
  } else {
    batch_.watermark_after_ms.assign(batch_.columns.rows, kNoWatermark);
  }
  for (size_t i = 0; i < chains_.size(); ++i) {
    ViewChain& chain = *chains_[i];
    if (!rebuilding) {
      for (size_t view = 0; view < chain.views().size(); ++view) {
        ViewAccounting& accounting = chain.accounting(view);
        accounting.read += static_cast<int64_t>(records.size());
        accounting.duplicate += duplicates;
        accounting.rejected += rejected;
        accounting.conflicts += conflicts;
        accounting.capped_ahead += watermark_.capped_ahead() - capped_before;
      }
    }
    RETURN_IF_ERROR(chain.add(batch_, rebuilding, *outputs_[i]));
    if (!rebuilding) RETURN_IF_ERROR(chain.close_windows(watermark_.current_ms(), *outputs_[i]));
    if (budget_.exceeded()) RETURN_IF_ERROR(chain.enforce_budget());
  }
  return {};
}

Status PassProcessor::mark_exhausted(size_t partition, IngestTime now) {
  if (!watermark_.mark_exhausted(partition, now)) return {};
  last_ingest_time_ = std::max(last_ingest_time_, now);
  whole_ = false;
  for (size_t i = 0; i < chains_.size(); ++i) {
    RETURN_IF_ERROR(chains_[i]->close_windows(watermark_.current_ms(), *outputs_[i]));
  }
  whole_ = true;
  return {};
}

Status PassProcessor::close_all() {
  int64_t highest_ms = watermark_.current_ms();
  for (size_t i = 0; i < options_.partitions; ++i) highest_ms = std::max(highest_ms, watermark_.partition_ms(i));
  whole_ = false;
  for (size_t i = 0; i < chains_.size(); ++i) RETURN_IF_ERROR(chains_[i]->close_all(highest_ms, *outputs_[i]));
  whole_ = true;
  return {};
}

Status PassProcessor::emit_changes() {
  for (size_t i = 0; i < chains_.size(); ++i) {
    if (chains_[i]->views().front()->emit == EmitMode::kChanges) {
      RETURN_IF_ERROR(chains_[i]->emit_changes(*outputs_[i]));
    }
  }
  return {};
}

ViewAccounting PassProcessor::accounting(size_t view) const {
  return chains_[place_of_view_[view].chain]->accounting(place_of_view_[view].index);
}

void PassProcessor::restore_accounting(size_t view, const ViewAccounting& accounting) {
  chains_[place_of_view_[view].chain]->accounting(place_of_view_[view].index) = accounting;
}

int64_t PassProcessor::closed_before_ms(size_t view) const {
  return chains_[place_of_view_[view].chain]->closed_before_ms(place_of_view_[view].index);
}

std::vector<int64_t> PassProcessor::closed_beyond_ms(size_t view) const {
  return chains_[place_of_view_[view].chain]->closed_beyond(place_of_view_[view].index);
}

void PassProcessor::restore_closed_beyond(size_t view, const std::vector<int64_t>& starts_ms) {
  chains_[place_of_view_[view].chain]->restore_closed_beyond(place_of_view_[view].index, starts_ms);
}

void PassProcessor::restore_closed_before(size_t view, int64_t closed_before_ms) {
  chains_[place_of_view_[view].chain]->restore_closed_before(place_of_view_[view].index, closed_before_ms);
}

int64_t PassProcessor::first_open_offset(size_t partition) const {
  int64_t lowest = -1;
  if (!duplicates_.empty()) {
    int64_t earliest_ms = INT64_MAX;
    for (const auto& chain : chains_) earliest_ms = std::min(earliest_ms, chain->earliest_open_ms());
    lowest = duplicates_[partition]->first_open_offset(earliest_ms);
  }
  for (const auto& chain : chains_) {
    const int64_t offset = chain->first_open_offset(partition);
    if (offset >= 0 && (lowest < 0 || offset < lowest)) lowest = offset;
  }
  return lowest;
}

int64_t PassProcessor::open_windows() const {
  int64_t count = 0;
  for (const auto& chain : chains_) count += chain->open_windows();
  return count;
}

size_t PassProcessor::state_bytes() const {
  size_t bytes = budget_.used_bytes;
  for (const auto& chain : chains_) bytes += chain->key_bytes();
  for (const auto& filter : duplicates_) bytes += filter->remembered() * 32;
  return bytes;
}

}  // namespace meterstream
