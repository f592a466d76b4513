// Purpose: how far event time has come, from the readings seen in each partition of a task.
// Rules: a partition's watermark is the highest event time seen, each reading capped at its ingest time + max_ahead, so
//        that a fast meter clock cannot close other meters' windows. The task's watermark is the lowest of its active
//        partitions; a partition idle for the time-out does not count. When all are idle, the highest partition
//        watermark moves on with the wall clock, so that windows close although nothing arrives any more.
// Time base: event time and ingest time, UTC ms; idleness by wall clock, ms. The watermark never goes back.
// Thread-safety: none.
#pragma once

#include <cstdint>
#include <vector>

#include "base/strong.h"

namespace meterstream {

inline constexpr int64_t kNoWatermark = INT64_MIN;

class Watermark {
 public:
  struct Config {
    int64_t idle_timeout_ms = 30'000;
    int64_t max_ahead_ms = 60'000;
    /// False: when all are idle the watermark stands still (a bounded run closes its windows itself).
    bool follow_wall_clock = true;
  };

  Watermark(size_t partitions, Config config);

  /// Sets `after[i]` to the task's watermark after row i of `partition`, and counts readings capped as too far ahead.
  void observe(size_t partition, const std::vector<int64_t>& event_times_ms,
               const std::vector<int64_t>& ingest_times_ms, std::vector<int64_t>& after);

  /// Tells that `partition` gave records at wall-clock `now`.
  void mark_active(size_t partition, IngestTime now);
  /// Tells that `partition` was read to its end at `now` and had nothing. Returns true if the watermark moved.
  bool mark_exhausted(size_t partition, IngestTime now);
  /// Moves at least to `watermark_ms` (recorded progress of an earlier run, or of the view's other tasks).
  void raise(int64_t watermark_ms);

  /// All events before it are expected to have been seen; kNoWatermark before the first.
  [[nodiscard]] int64_t current_ms() const { return current_ms_; }
  [[nodiscard]] int64_t partition_ms(size_t partition) const { return partitions_[partition].watermark_ms; }
  [[nodiscard]] bool is_idle(size_t partition) const { return partitions_[partition].idle; }
  [[nodiscard]] bool all_idle() const;
  [[nodiscard]] int64_t capped_ahead() const { return capped_ahead_; }
  void restore_partition(size_t partition, int64_t watermark_ms) { partitions_[partition].watermark_ms = watermark_ms; }

 private:
  struct Partition {
    int64_t watermark_ms = kNoWatermark;
    int64_t last_data_ms = kNoWatermark;  // wall clock
    bool idle = false;
  };

  [[nodiscard]] int64_t lowest_active_except(size_t partition) const;
  void recompute(IngestTime now);

  Config config_;
  std::vector<Partition> partitions_;
  int64_t current_ms_ = kNoWatermark;
  int64_t capped_ahead_ = 0;
};

}  // namespace meterstream
