// Purpose: what a DuplicateFilter remembers of one stretch of event time. Its own; kept apart for the files that implement it.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "stream/duplicate_filter.h"

namespace meterstream {

struct DuplicateFilter::Bucket {
  struct Key {
    int64_t event_time_ms;
    uint32_t series;
    bool operator==(const Key&) const = default;
    template <class H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.event_time_ms, key.series);
    }
  };
  int64_t first_offset = INT64_MAX;
  absl::flat_hash_map<Key, uint64_t> seen;
  /// Of `seen`, what was not written yet; only when changes are kept.
  std::vector<std::pair<Key, uint64_t>> unsaved;
  /// Values that were written.
  uint32_t chunks = 0;
  /// Readings in those that were found at a start.
  uint64_t stored = 0;
};

}  // namespace meterstream
