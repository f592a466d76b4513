#include "stream/watermark.h"

#include <algorithm>

namespace meterstream {

Watermark::Watermark(size_t partitions, Config config) : config_(config), partitions_(partitions) {}

int64_t Watermark::lowest_active_except(size_t partition) const {
  int64_t lowest = INT64_MAX;
  for (size_t i = 0; i < partitions_.size(); ++i) {
    if (i != partition && !partitions_[i].idle) lowest = std::min(lowest, partitions_[i].watermark_ms);
  }
  return lowest;
}

void Watermark::observe(size_t partition, const std::vector<int64_t>& event_times_ms,
                        const std::vector<int64_t>& ingest_times_ms, std::vector<int64_t>& after) {
  const int64_t others_ms = lowest_active_except(partition);
  int64_t own_ms = partitions_[partition].watermark_ms;
  int64_t task_ms = current_ms_;
  int64_t capped = 0;
  after.resize(event_times_ms.size());
  for (size_t i = 0; i < event_times_ms.size(); ++i) {
    const int64_t limit_ms = ingest_times_ms[i] + config_.max_ahead_ms;
    capped += event_times_ms[i] > limit_ms ? 1 : 0;
    own_ms = std::max(own_ms, std::min(event_times_ms[i], limit_ms));
    task_ms = std::max(task_ms, std::min(own_ms, others_ms));
    after[i] = task_ms;
  }
  partitions_[partition].watermark_ms = own_ms;
  current_ms_ = task_ms;
  capped_ahead_ += capped;
}

void Watermark::mark_active(size_t partition, IngestTime now) {
  partitions_[partition].idle = false;
  partitions_[partition].last_data_ms = now.value;
}

bool Watermark::mark_exhausted(size_t partition, IngestTime now) {
  Partition& state = partitions_[partition];
  // A partition never heard of starts its time-out at the first look.
  if (state.last_data_ms == kNoWatermark) state.last_data_ms = now.value;
  state.idle = now.value - state.last_data_ms >= config_.idle_timeout_ms;
  const int64_t before_ms = current_ms_;
  if (state.idle) recompute(now);
  return current_ms_ != before_ms;
}

void Watermark::raise(int64_t watermark_ms) {
  current_ms_ = std::max(current_ms_, watermark_ms);
}

bool Watermark::all_idle() const {
  return std::all_of(partitions_.begin(), partitions_.end(), [](const Partition& state) { return state.idle; });
}

void Watermark::recompute(IngestTime now) {
  if (!all_idle()) {
    const int64_t lowest_ms = lowest_active_except(partitions_.size());
    if (lowest_ms != kNoWatermark) current_ms_ = std::max(current_ms_, lowest_ms);
    return;
  }
  if (!config_.follow_wall_clock) return;
  int64_t highest_ms = kNoWatermark;
  int64_t last_data_ms = kNoWatermark;
  for (const Partition& state : partitions_) {
    highest_ms = std::max(highest_ms, state.watermark_ms);
    last_data_ms = std::max(last_data_ms, state.last_data_ms);
  }
  if (highest_ms == kNoWatermark) return;
  current_ms_ = std::max(current_ms_, highest_ms + (now.value - last_data_ms));
}

}  // namespace meterstream
