#include <algorithm>

#include "stream/view_chain.h"

namespace meterstream {

SessionWindows::Emit ViewChain::sessions_to(ViewOutput& output) {
  return [this, &output](uint32_t id, const ResultWindow& window, const GroupState* state) -> Status {
    if (state == nullptr) {
      output.retract(0, keys_.key(id), window.start_ms);
    } else {
      output.emit_window(0, keys_.key(id), window, *state);
    }
    return {};
  };
}

// State comes with the commits, never from records again.
Status ViewChain::add_to_sessions(DecodedBatch& batch, ViewOutput& output) {
  if (rebuilding_) return {};
  const SessionWindows::Emit emit = sessions_to(output);
  ViewAccounting& accounting = levels_.front().accounting;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const uint32_t row = rows_[i];
    const int64_t watermark_ms = batch.watermark_after_ms[row];
    if (sessions_->is_due(watermark_ms)) RETURN_IF_ERROR(sessions_->close(watermark_ms, emit));
    const int64_t time_ms = batch.event_times_ms[row];
    const SessionWindows::Taken taken = sessions_->take(ids_[i], time_ms, watermark_ms);
    if (taken.slot == nullptr) {
      ++accounting.late;
      output.late(0, batch.record_of(row), time_ms, sessions_->closed_before_ms(watermark_ms));
      continue;
    }
    ++accounting.aggregated;
    add_row(row, *taken.slot);
    if (taken.samples != nullptr) samples_.add(batch, row, *taken.samples);
    RETURN_IF_ERROR(sessions_->told(ids_[i], emit));
  }
  return {};
}

Status ViewChain::close_sessions(int64_t watermark_ms, ViewOutput& output) {
  const SessionWindows::Emit emit = sessions_to(output);
  if (emits_changes_) RETURN_IF_ERROR(sessions_->refine(emit));
  RETURN_IF_ERROR(sessions_->close(watermark_ms, emit));
  count_results(0, output);
  Level& level = levels_.front();
  level.closed_before_ms = std::max(level.closed_before_ms, sessions_->closed_before_ms(watermark_ms));
  return {};
}

// Beginnings and ends tell what time showed: that a run ends is no end of a session.
Status ViewChain::close_all_sessions(int64_t highest_ms, ViewOutput& output) {
  if (views_.front()->emit == EmitMode::kBounds) return close_sessions(highest_ms, output);
  RETURN_IF_ERROR(sessions_->close_all(highest_ms, sessions_to(output)));
  count_results(0, output);
  return {};
}

}  // namespace meterstream
