#include "state/view_checkpoint.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {
// Version 1 had no number of the state's commit.
constexpr uint8_t kVersion = 2;
}  // namespace

std::string encode_view_checkpoint(const ViewCheckpoint& checkpoint) {
  std::string out;
  append_little_endian(out, kVersion);
  append_little_endian(out, checkpoint.watermark_ms);
  append_little_endian(out, checkpoint.partition_watermark_ms);
  append_little_endian(out, checkpoint.closed_before_ms);
  for (const int64_t counter : checkpoint.counters) append_little_endian(out, counter);
  append_little_endian(out, checkpoint.snapshot_offset.value);
  append_varint(out, checkpoint.closed_beyond_ms.size());
  for (const int64_t start_ms : checkpoint.closed_beyond_ms) append_little_endian(out, start_ms);
  append_sized(out, checkpoint.snapshot);
  append_sized(out, checkpoint.layout);
  append_sized(out, checkpoint.definition);
  append_varint(out, static_cast<uint64_t>(checkpoint.state_commit));
  return out;
}

Result<ViewCheckpoint> decode_view_checkpoint(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.little_endian<uint8_t>();
  if (reader.ok() && version > kVersion) {
    return conflict(
        fmt::format("checkpoint: written by a newer version of Meterstream (format {}, this program knows {}); "
                    "run that version",
                    version, kVersion));
  }
  ViewCheckpoint checkpoint;
  checkpoint.watermark_ms = reader.little_endian<int64_t>();
  checkpoint.partition_watermark_ms = reader.little_endian<int64_t>();
  checkpoint.closed_before_ms = reader.little_endian<int64_t>();
  for (int64_t& counter : checkpoint.counters) counter = reader.little_endian<int64_t>();
  checkpoint.snapshot_offset = Offset(reader.little_endian<int64_t>());
  const uint64_t beyond = reader.varint();
  for (uint64_t i = 0; i < beyond && reader.ok(); ++i) {
    checkpoint.closed_beyond_ms.push_back(reader.little_endian<int64_t>());
  }
  checkpoint.snapshot = reader.sized_bytes();
  checkpoint.layout = reader.sized_bytes();
  checkpoint.definition = reader.sized_bytes();
  if (version >= 2) checkpoint.state_commit = static_cast<int64_t>(reader.varint());
  if (!reader.ok() || reader.remaining() != 0) return corrupt("checkpoint: its bytes do not decode");
  return checkpoint;
}

namespace {

/// The commit that all partitions' state is of; 0 when there is none that serves `layout`.
int64_t common_state_commit(const std::vector<std::optional<CommittedPartition>>& partitions, std::string_view layout) {
  int64_t commit = 0;
  for (const auto& partition : partitions) {
    if (!partition || partition->checkpoint.layout != layout) return 0;
    const int64_t own = partition->checkpoint.state_commit;
    if (own == 0 || (commit != 0 && own != commit)) return 0;
    commit = own;
  }
  return commit;
}

}  // namespace

RecoveryDecision decide_recovery(const std::vector<std::optional<CommittedPartition>>& partitions,
                                 const std::vector<Offset>& begin, std::string_view layout) {
  using Outcome = RecoveryDecision::Outcome;
  RecoveryDecision decision;
  const bool any = std::any_of(partitions.begin(), partitions.end(), [](const auto& p) { return p.has_value(); });
  decision.state_commit = common_state_commit(partitions, layout);
  if (decision.state_commit != 0) {
    decision.outcome = Outcome::kFromState;
  } else if (any) {
    decision.outcome = Outcome::kFromSnapshot;
    for (size_t i = 0; i < partitions.size(); ++i) {
      const auto& partition = partitions[i];
      // Retention may take what lies between an old snapshot and what the open windows need.
      const bool usable = partition && !partition->checkpoint.snapshot.empty() &&
                          partition->checkpoint.layout == layout && partition->checkpoint.snapshot_offset >= begin[i] &&
                          (decision.snapshot.empty() || decision.snapshot == partition->checkpoint.snapshot);
      if (!usable) {
        decision.outcome = Outcome::kFromLog;
        break;
      }
      decision.snapshot = partition->checkpoint.snapshot;
    }
    if (decision.outcome == Outcome::kFromLog) decision.snapshot.clear();
  }
  for (size_t i = 0; i < partitions.size(); ++i) {
    const auto& partition = partitions[i];
    if (!partition) {
      decision.ranges.push_back({begin[i], begin[i]});
    } else if (decision.outcome == Outcome::kFromState) {
      decision.ranges.push_back({partition->next, partition->next});
    } else if (decision.outcome == Outcome::kFromSnapshot) {
      decision.ranges.push_back({partition->checkpoint.snapshot_offset, partition->next});
    } else {
      decision.ranges.push_back({std::min(partition->recovery, partition->next), partition->next});
    }
  }
  return decision;
}

}  // namespace meterstream
