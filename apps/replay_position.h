// Purpose: how far a replay came; stored in the same commit as the readings, so that going on repeats and loses none.
// Format: Space::kState, key "replay/<name>": version byte 1, then varints line, done_in_line, readings.
// Thread-safety: values and pure functions; loading reads the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "state/key_value_store.h"

namespace meterstream {

struct ReplayPosition {
  /// Line of the file, or step of the simulation, that is being replayed.
  int64_t line = 0;
  /// Readings of that line that are committed.
  int64_t done_in_line = 0;
  /// Readings committed since the replay began.
  int64_t readings = 0;

  bool operator==(const ReplayPosition&) const = default;
};

std::string encode_replay_position(const ReplayPosition& position);
/// kCorrupt for other bytes.
Result<ReplayPosition> decode_replay_position(std::string_view bytes);

/// Adds the position of replay `name` to what a transaction writes.
void put_replay_position(WriteBatch& batch, std::string_view name, const ReplayPosition& position);
/// Nothing when no such replay was ever committed.
Result<std::optional<ReplayPosition>> load_replay_position(const KeyValueStore& store, std::string_view name);

}  // namespace meterstream
