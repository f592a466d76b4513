#include "stream/pass_processor.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "stream/pass_processor_output.h"
#include "stream/reading_decoder.h"
#include "stream/record_headers.h"
#include "stream/row_hash.h"

namespace meterstream {
std::string PassSpec::layout() const {
  std::string text = source->name;
  for (const ViewSpec& view : views) text += '\n' + view.definition();
  return text;
}

PassProcessor::PassProcessor(PassSpec spec, SchemaStore& schemas, const Options& options)
    : spec_(std::move(spec)),
      options_(options),
      watermark_(options.partitions,
                 {.idle_timeout_ms = options.idle_timeout_ms.value_or(spec_.source->idle_timeout_ms),
                  .max_ahead_ms = spec_.source->max_ahead_ms,
                  .follow_wall_clock = options.follow_wall_clock}) {
  budget_.limit_bytes = options.memory_limit_bytes;
  if (spec_.views.front().join != nullptr) {
    make_join(schemas);
  } else if (spec_.views.front().table_join != nullptr) {
    make_table_join(schemas);
  } else {
    inputs_.emplace_back().stream = spec_.source;
    inputs_.front().rejected_partitions = options.rejected_partitions;
    make_decoder(schemas);
  }
  for (size_t i = 0; i < options.partitions; ++i) {
    choose_input(i);
    if (!source().deduplicate) continue;
    duplicates_.resize(options.partitions);
    duplicates_[i] = std::make_unique<DuplicateFilter>(source().deduplicate_horizon_ms);
    if (options.keeps_changes) duplicates_[i]->keep_changes();
  }
}

PassProcessor::~PassProcessor() = default;

/// What every view of the stream needs, whatever it reads.
DecodeRequest PassProcessor::request_of(Input& input) const {
  const StreamSpec& source = *input.stream;
  for (size_t i = 0; i < source.columns.size(); ++i) {
    if (source.columns[i].type == ColumnType::kDouble) input.bounded_columns.push_back(i);
    if (source.columns[i].type == ColumnType::kVarchar) {
      if (i != source.key_column) input.series_columns.push_back(i);
    } else if (i != source.timestamp_column) {
      input.value_columns.push_back(i);
    }
  }
  DecodeRequest request;
  request.columns = source.columns;
  request.delimiter = source.delimiter;
  if (!source.value_has_key) request.absent_column = source.key_column;
  request.needed.assign(source.columns.size(), false);
  request.needed[source.timestamp_column] = true;
  // Whether a reading is rejected is the stream's business and the same for all views, whatever they sum.
  for (const size_t column : input.bounded_columns) request.needed[column] = true;
  input.series_keys_decoded = source.deduplicate && !input.series_columns.empty();
  if (input.series_keys_decoded) request.group_key = input.series_columns;
  if (source.deduplicate) {
    for (const size_t column : input.value_columns) request.needed[column] = true;
  }
  return request;
}

void PassProcessor::make_decoder(SchemaStore& schemas) {
  Input& input = inputs_.front();
  const StreamSpec& source = *input.stream;
  const std::vector<std::vector<size_t>> chains = chains_of(spec_.views);
  CHECK(!chains.empty());
  DecodeRequest request = request_of(input);
  const auto is_decoded = [&](size_t column) { return column < source.columns.size() && column != source.key_column; };
  if (!input.series_keys_decoded) request.group_key = decoded_group_key(chains);
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
  input.decoder = make_record_decoder(source.format, schemas, std::move(request));
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
  const int32_t partitions = inputs_[input_].rejected_partitions;
  const PartitionId target = record.has_key() ? partition_for_key(record.key, partitions)
                                              : PartitionId(static_cast<int32_t>(batch_.partition) % partitions);
  output_.add(output_.topic(source().topic + "-rejected"), target, record.key, record.value,
              headers_of(record, source().topic, reason), record.ingest_time);
}

// Of a record of this batch that is passed on as it came.
std::string PassProcessor::headers_of(const RecordView& record, std::string_view origin,
                                      std::string_view reason) const {
  std::string headers;
  append_reason_header(headers, reason);
  append_source_id(headers, origin, options_.partition_ids[batch_.partition], record.offset);
  return headers;
}

void PassProcessor::write_late(const ViewSpec& view, const RecordView& record, std::string_view origin,
                               std::string_view reason) {
  const PartitionId partition = record.has_key() ? partition_for_key(record.key, view.late_partitions) : PartitionId(0);
  output_.add(output_.topic(view.late_topic()), partition, record.key, record.value, headers_of(record, origin, reason),
              record.ingest_time);
}

void PassProcessor::fill_keys() {
  Column& keys = batch_.columns.columns[*source().key_column];
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
  const Column& times = batch_.columns.columns[source().timestamp_column];
  batch_.event_times_ms.assign(times.integers.begin(), times.integers.end());
  for (size_t row = 0; row < times.validity.size(); ++row) {
    if (times.validity[row] == 0) batch_.event_times_ms[row] = kNoWatermark;
  }
}

std::string_view PassProcessor::out_of_range_column(uint32_t row) const {
  for (const size_t index : inputs_[input_].bounded_columns) {
    const Column& column = batch_.columns.columns[index];
    if (!column.is_null(row) && !(std::fabs(column.doubles[row]) < Decimal::kMaxReading)) {
      return source().columns[index].name;
    }
  }
  return {};
}

/// All texts of the row, also the one that is the record's key. Until the next call.
std::string_view PassProcessor::name_of_reading(uint32_t row) {
  const std::string_view texts =
      inputs_[input_].series_keys_decoded ? batch_.columns.group_keys[row] : std::string_view{};
  if (!source().key_column || source().value_has_key) return texts;
  const std::string_view key = batch_.record_of(row).key;
  reading_name_.assign(texts);
  reading_name_.append(key);
  append_little_endian(reading_name_, static_cast<uint32_t>(key.size()));
  return reading_name_;
}

bool PassProcessor::check_duplicate(uint32_t row, int64_t& duplicates, int64_t& conflicts) {
  const RecordView& record = batch_.record_of(row);
  const int64_t time_ms = batch_.event_times_ms[row];
  DuplicateFilter::Observation observation;
  observation.series_key = name_of_reading(row);
  observation.event_time_ms = time_ms;
  observation.capped_time_ms = std::min(time_ms, record.ingest_time.value + source().max_ahead_ms);
  observation.value_hash = hash_of_row(batch_.columns, inputs_[input_].value_columns, row);
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
  const Column& times = batch_.columns.columns[source().timestamp_column];
  bool any_bad = !times.validity.empty() || source().deduplicate;
  for (const size_t index : inputs_[input_].bounded_columns) {
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
      reject(row, fmt::format("no event time: {} is NULL", source().columns[source().timestamp_column].name));
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
    if (!source().deduplicate || check_duplicate(row, duplicates, conflicts)) {
      batch_.selection.push_back(row);
    }
  }
}

Status PassProcessor::process(size_t partition, std::span<const RecordView> records, bool rebuilding) {
  if (records.empty()) return {};
  choose_input(partition);
  RETURN_IF_ERROR(inputs_[input_].decoder->decode(records, batch_.columns));
  batch_.partition = partition;
  batch_.records = records;
  if (source().key_column) fill_keys();
  // Nothing has changed up to here; an error from here on leaves a part of the batch counted.
  whole_ = false;
  RETURN_IF_ERROR(table_join_ != nullptr ? change_tables() : apply(rebuilding));
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
  if (join_ != nullptr) return join_rows(rejected, duplicates, conflicts, watermark_.capped_ahead() - capped_before);
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
  if (join_ != nullptr) RETURN_IF_ERROR(advance_join());
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
  if (join_ != nullptr) RETURN_IF_ERROR(join_->close_all());
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
  if (!duplicates_.empty() && duplicates_[partition] != nullptr) {
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
  for (const auto& filter : duplicates_) bytes += filter == nullptr ? 0 : filter->remembered() * 32;
  if (join_ != nullptr) bytes += join_->bytes();
  if (table_join_ != nullptr) bytes += table_join_->bytes();
  return bytes;
}

}  // namespace meterstream
