#include "server/row_groups.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "server/row_evaluation.h"
#include "stream/reading_decoder.h"
#include "stream/sample_result.h"
#include "stream/watermark.h"

namespace meterstream {
namespace {

/// Of a row's values without their texts.
constexpr size_t kValueBytes = sizeof(QueryValue);

std::vector<ColumnType> types_of(const ViewChain& chain) {
  std::vector<ColumnType> types;
  for (const ViewChain::Argument& argument : chain.arguments()) types.push_back(argument.type);
  return types;
}

size_t bytes_of(const QueryRow& row) {
  size_t bytes = sizeof(QueryRow) + row.size() * kValueBytes;
  for (const QueryValue& value : row) {
    if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
  }
  return bytes;
}

}  // namespace

RowGroups::RowGroups(std::shared_ptr<const ViewSpec> view, std::optional<size_t> time_column, size_t partitions,
                     QueryMemory& memory)
    : view_(std::move(view)),
      time_column_(time_column),
      memory_(memory),
      chain_({view_.get()}, false, partitions, budget_, nullptr, 0),
      days_(view_->has_local_days() ? std::make_unique<LocalDays>(view_->time_zone, view_->window_size_ms) : nullptr),
      samples_(*view_, chain_.samples_of(0)),
      calculator_(*view_, chain_.arguments_of(0), types_of(chain_)) {}

RowGroups::~RowGroups() = default;

Status RowGroups::add(RowBatch& from) {
  const size_t rows = from.columns.rows;
  if (rows == 0) return {};
  std::swap(batch_.columns, from.columns);
  batch_.partition = from.partition;
  batch_.records = from.records;
  if (batch_.records.empty()) {
    batch_.records = no_records_;
    batch_.columns.record_index.assign(rows, 0);
  }
  batch_.selection.clear();
  batch_.event_times_ms.assign(rows, 0);
  batch_.ingest_times_ms.assign(rows, 0);
  batch_.watermark_after_ms.assign(rows, kNoWatermark);
  for (uint32_t row = 0; row < rows; ++row) {
    if (time_column_) {
      const Column& times = batch_.columns.columns[*time_column_];
      if (times.is_null(row)) continue;
      // As the engine rejects them: windows of such times have no ends.
      if (times.integers[row] < kFirstReadingTimeMs || times.integers[row] > kLastReadingTimeMs) continue;
      batch_.event_times_ms[row] = times.integers[row];
    }
    highest_ms_ = std::max(highest_ms_, batch_.event_times_ms[row]);
    batch_.selection.push_back(row);
  }
  const Status added = chain_.add(batch_, false, *this);
  std::swap(batch_.columns, from.columns);
  RETURN_IF_ERROR(added);
  memory_.set_groups(budget_.used_bytes + chain_.key_bytes());
  return memory_.check("its groups");
}

Status RowGroups::finish(std::vector<QueryRow>& rows) {
  rows_ = &rows;
  if (highest_ms_ != INT64_MIN) RETURN_IF_ERROR(chain_.close_all(highest_ms_, *this));
  // All rows are one group, also when there are none.
  if (!has_results_ && view_->group_by.empty() && !time_column_) emit_nothing();
  write();
  return memory_.check("its results");
}

Status RowGroups::emit(size_t view, std::string_view group_key, int64_t window_start_ms, const GroupState& state) {
  const int64_t end_ms =
      days_ != nullptr ? days_->window_of(window_start_ms).end_ms : window_start_ms + view_->window_size_ms;
  emit_window(view, group_key, {window_start_ms, end_ms, 0}, state);
  return memory_.check("its results");
}

void RowGroups::emit_window(size_t, std::string_view group_key, const ResultWindow& window, const GroupState& state) {
  has_results_ = true;
  calculator_.add(group_key, window, state.slot, samples_.of(state, window.end_ms));
  if (calculator_.is_full()) write();
}

ResultCounts RowGroups::take_counts(size_t) {
  write();
  return {};
}

void RowGroups::emit_nothing() {
  std::vector<uint64_t> empty(WindowSlot::bytes_for(chain_.arguments().size()) / sizeof(uint64_t), 0);
  std::vector<SampleSet> sets;
  for (size_t aggregate = 0; aggregate < view_->aggregates.size(); ++aggregate) {
    if (!is_sampled(view_->aggregates[aggregate])) continue;
    const size_t set = chain_.samples_of(0)[aggregate];
    const SampleShape shape = shape_of(view_->aggregates[aggregate]);
    while (sets.size() <= set) sets.emplace_back(shape);
    sets[set] = SampleSet(shape);
  }
  emit_window(0, {}, {}, GroupState(*reinterpret_cast<const WindowSlot*>(empty.data()), sets.data()));
}

void RowGroups::write() {
  static_cast<void>(calculator_.calculate());
  for (uint32_t row = 0; row < calculator_.rows(); ++row) {
    QueryRow& values = rows_->emplace_back();
    for (const Column& column : *calculator_.calculated(row).columns) values.push_back(value_of(column, row));
    memory_.add(bytes_of(values));
  }
  calculator_.clear();
}

}  // namespace meterstream
