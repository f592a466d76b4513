#include <algorithm>

#include "stream/view_chain.h"

namespace meterstream {

// The pane of a row that can be added to it and to nothing else; null otherwise.
WindowTable::Window* ViewChain::open_pane(const DecodedBatch& batch, uint32_t row, int64_t start_ms) {
  if (hopping_->is_closed(start_ms, levels_.front().closed_before_ms) || hopping_->merges(start_ms)) return nullptr;
  return &window_for(0, start_ms, batch.partition, batch.record_of(row).offset.value);
}

// A row that is late for all its windows, or for some and counts in the others: their merge has begun.
Status ViewChain::add_beside_pane(DecodedBatch& batch, size_t row_index, uint32_t row, ViewOutput& output) {
  Level& level = levels_.front();
  const RecordView& record = batch.record_of(row);
  const int64_t time_ms = batch.event_times_ms[row];
  const int64_t start_ms = hopping_->shape().pane_start_of(time_ms);
  if (hopping_->is_closed(start_ms, level.closed_before_ms)) {
    if (rebuilding_) return {};
    ++level.accounting.late;
    output.late(0, record, hopping_->shape().last_window_of(time_ms), level.closed_before_ms);
    return {};
  }
  if (!rebuilding_) ++level.accounting.aggregated;
  WindowTable::Window& pane = window_for(0, start_ms, batch.partition, record.offset.value);
  ASSIGN_OR_RETURN(WindowSlot * slot, level.table->load(pane, ids_[row_index]));
  row_slot_.assign(level.table->slot_bytes(), 0);
  auto& alone = *reinterpret_cast<WindowSlot*>(row_slot_.data());
  add_row(row, alone);
  merge_slot(alone, *slot);
  samples_.add(batch, row, *level.table, pane, ids_[row_index]);
  WindowTable::mark_changed(pane, ids_[row_index]);
  return hopping_->add(ids_[row_index], alone);
}

HoppingWindows::Emit ViewChain::emit_to(ViewOutput& output) {
  return [this, &output](int64_t window_start_ms, uint32_t id, const GroupState& state) {
    return output.emit(0, keys_.key(id), window_start_ms, state);
  };
}

// Refinements come first: windows that close get their last ones.
Status ViewChain::close_hopping(ViewOutput& output) {
  Level& level = levels_.front();
  if (emits_changes_) RETURN_IF_ERROR(refine_hopping(output));
  if (level.emitted_before_ms == level.closed_before_ms) return {};
  const auto emit = emits_changes_ ? HoppingWindows::Emit() : emit_to(output);
  RETURN_IF_ERROR(hopping_->close(level.emitted_before_ms, level.closed_before_ms, emit));
  count_results(0, output);
  level.emitted_before_ms = level.closed_before_ms;
  return {};
}

Status ViewChain::close_all_hopping(int64_t limit_ms, ViewOutput& output) {
  Level& level = levels_.front();
  const auto emit = emits_changes_ ? HoppingWindows::Emit() : emit_to(output);
  ASSIGN_OR_RETURN(const int64_t closed_before_ms, hopping_->close_all(level.emitted_before_ms, limit_ms, emit));
  count_results(0, output);
  level.emitted_before_ms = level.closed_before_ms = std::max(level.closed_before_ms, closed_before_ms);
  close_trigger_ms_ = INT64_MIN;
  return {};
}

Status ViewChain::refine_hopping(ViewOutput& output) {
  RETURN_IF_ERROR(hopping_->refine(changed_, levels_.front().emitted_before_ms, emit_to(output)));
  count_results(0, output);
  return {};
}

}  // namespace meterstream
