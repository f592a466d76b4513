// Purpose: finds readings that were seen before: same series, same event time, as far back as a horizon.
// Rules: an exact repeat is a duplicate; a repeat with another value is a conflict (the first one stays). A reading older
//        than the highest time seen - horizon is not checked any more: it counts as new.
// Cost: about 24 bytes for each reading inside the horizon.
// Thread-safety: none; one filter belongs to one partition of a task.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/key_value_store.h"
#include "stream/key_interner.h"
#include "stream/snapshot_stream.h"

namespace meterstream {

class DuplicateFilter {
 public:
  enum class Verdict : uint8_t { kNew, kDuplicate, kConflict };

  explicit DuplicateFilter(int64_t horizon_ms);
  ~DuplicateFilter();

  struct Observation {
    std::string_view series_key;
    int64_t event_time_ms = 0;
    /// The event time, capped so that a fast meter clock does not move the horizon.
    int64_t capped_time_ms = 0;
    /// Stands for all columns that are the reading's value.
    uint64_t value_hash = 0;
    int64_t offset = 0;
  };
  Verdict check(const Observation& observation);

  /// Lowest offset to read again so that the filter judges every reading of windows from `earliest_ms` on as it did: what
  /// it remembers, and what it has forgotten but may have compared with such readings. -1 when none.
  int64_t first_open_offset(int64_t earliest_ms);
  [[nodiscard]] size_t remembered() const;

  Status save(SnapshotWriter& writer) const;
  Status load(SnapshotReader& reader);

  /// Notes from now on what save_changes() has to write. Call before the first check().
  void keep_changes() { keeps_changes_ = true; }
  /// Adds to `batch` what changed since the last call, under keys that begin with `prefix` (docs/formats/data-directory.md).
  /// What was remembered is appended and never written again, and erased when it is forgotten.
  void save_changes(std::string_view prefix, WriteBatch& batch);
  /// Fills the new filter with what was saved. kCorrupt when something is missing or does not decode.
  Status load_changes(std::string_view prefix, const KeyValueStore& store);

 private:
  struct Bucket;
  void forget_before(int64_t limit_ms);
  void save_bucket(std::string_view prefix, int64_t start_ms, Bucket& bucket, WriteBatch& batch);
  void save_forgotten(std::string_view prefix, WriteBatch& batch);
  Status load_header(std::string_view prefix, const KeyValueStore& store);
  Status load_forgotten(std::string_view prefix, const KeyValueStore& store);
  Status load_buckets(std::string_view prefix, const KeyValueStore& store);
  bool count_chunk(int64_t start_ms, uint32_t chunk, std::string_view value);
  bool load_chunk(int64_t start_ms, std::string_view value);

  int64_t horizon_ms_;
  int64_t bucket_ms_;
  int64_t highest_ms_ = INT64_MIN;
  KeyInterner series_;
  std::map<int64_t, std::unique_ptr<Bucket>> buckets_;  // by start of the bucket
  std::map<int64_t, int64_t> forgotten_;                // first offsets of buckets that are gone, by their start

  // What save_changes() has to write.
  struct ErasedBucket {
    int64_t start_ms;
    uint32_t chunks;
  };
  bool keeps_changes_ = false;
  int64_t highest_saved_ms_ = INT64_MIN;
  uint32_t series_saved_ = 0;
  std::vector<ErasedBucket> erased_buckets_;
  std::vector<int64_t> forgotten_added_;
  std::vector<int64_t> forgotten_erased_;
};

}  // namespace meterstream
