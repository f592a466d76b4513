// Purpose: what a view commits beside its input position, and the decision how to go on from it. Pure, no I/O.
// Guarantee: a view's state at a commit is a function of the records in [recovery, next) and of closed_before: every
//            record whose window is still open was accepted when it came. So state can be rebuilt from the log alone;
//            a snapshot makes that shorter, and state that was committed with the positions makes it needless.
// Thread-safety: values and pure functions.
// Format: versioned little-endian fields, docs/formats/data-directory.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/strong.h"

namespace meterstream {

/// Committed in GroupPosition::metadata for each view and partition.
struct ViewCheckpoint {
  /// ViewSpec::definition(): a view may only go on with the same one.
  std::string definition;
  int64_t watermark_ms = INT64_MIN;            ///< of the task
  int64_t partition_watermark_ms = INT64_MIN;  ///< of this partition
  int64_t closed_before_ms = INT64_MIN;        ///< windows that start before it are closed
  std::vector<int64_t> closed_beyond_ms;       ///< and these later ones
  /// Counters since the view began, in the order of ViewAccounting. Only the task's first partition carries them.
  std::array<int64_t, 10> counters{};
  /// Latest snapshot of the task; empty for none. It holds the state at snapshot_offset of this partition.
  std::string snapshot;
  Offset snapshot_offset;
  /// The views that shared the pass when this was committed: a snapshot or state serves only the same set.
  std::string layout;
  /// Number of the commit that also brought the task's state up to date; 0 when this one left the state out.
  int64_t state_commit = 0;
};

std::string encode_view_checkpoint(const ViewCheckpoint& checkpoint);
/// kCorrupt when the bytes are not a checkpoint; kConflict when a newer program wrote them.
Result<ViewCheckpoint> decode_view_checkpoint(std::string_view bytes);

/// One partition as it was committed.
struct CommittedPartition {
  Offset next;
  Offset recovery;
  ViewCheckpoint checkpoint;
};

struct RecoveryDecision {
  enum class Outcome : uint8_t {
    kFresh,         ///< nothing was committed: start at the beginning of the log
    kFromSnapshot,  ///< load the snapshot, read [snapshot offset, next) again without emitting
    kFromLog,       ///< read [recovery, next) again without emitting
    kFromState,     ///< load the state that was committed with the positions, read nothing again
  };
  Outcome outcome = Outcome::kFresh;
  std::string snapshot;
  /// With kFromState: the commit that the state must be of.
  int64_t state_commit = 0;
  /// Per partition: where to begin to read, and where to begin to emit.
  struct Range {
    Offset rebuild_from;
    Offset live_from;
  };
  std::vector<Range> ranges;
};

/// `partitions` as committed (nullopt: never), `begin` the first offsets of the log, `layout` of the pass to run.
RecoveryDecision decide_recovery(const std::vector<std::optional<CommittedPartition>>& partitions,
                                 const std::vector<Offset>& begin, std::string_view layout);

}  // namespace meterstream
