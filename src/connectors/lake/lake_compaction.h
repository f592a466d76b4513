// Purpose: merges small objects of one date, topic and partition: `lake compact`.
// Guarantee: at each moment every reading is in the lake; after a crash at any step the next run ends what was begun, and
//            verify() counts nothing double meanwhile. From the moment a merged object is there until its parts are removed,
//            a few requests later, a reader that lists the lake sees their readings twice (docs/formats/lake.md).
// Rule: only objects that are older than min_age_ms, so that no writer may write them again; adjacent ones; and only while
//       no reading of that date is missing between them.
// Thread-safety: one compaction of a lake at a time; writers and readers may run. Blocking: as long as it takes.
// Errors: the store's; kCorrupt when an object to be merged is damaged (it stays as it is).
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "connectors/lake/lake_inventory.h"
#include "connectors/lake/lake_store.h"

namespace meterstream {

class LakeCompaction {
 public:
  struct Options {
    /// Objects are merged up to so many bytes.
    int64_t target_bytes = int64_t{64} << 20;
    /// And up to so many readings, which are sorted in memory.
    int64_t target_readings = 2'000'000;
    int64_t min_age_ms = 3'600'000;
    int zstd_level = 3;
  };
  /// Objects that are left as they are, by why.
  struct Left {
    int64_t alone = 0;  ///< no other of its date, topic and partition is next to it, or only younger ones
    int64_t young = 0;  ///< younger than min_age_ms
    int64_t large = 0;  ///< larger than the target, together with the next one
    int64_t apart = 0;  ///< something is missing between it and the next one
    bool operator==(const Left&) const = default;
  };
  struct Summary {
    int64_t merged_objects = 0;
    int64_t removed_objects = 0;
    int64_t bytes_before = 0;
    int64_t bytes_after = 0;
    int64_t readings = 0;
    /// Parts of an earlier run, and uploads that did not end.
    int64_t cleaned_objects = 0;
    Left left;
  };

  /// `store` and `clock` must outlive this.
  LakeCompaction(LakeStore& store, const Clock& clock, const Options& options)
      : store_(store), clock_(clock), options_(options) {}

  Result<Summary> run();

 private:
  using Objects = std::vector<LakeInventory::Object>;
  /// Why an object does not go together with the one before it.
  enum class Border : uint8_t { kNone, kEnd, kYoung, kLarge, kApart };
  Status finish_begun(const LakeInventory& inventory);
  Status remove_parts(const LakeMerge& merge, const LakeInventory& inventory, int64_t& removed);
  Status compact_day(const Objects& objects, const LakeInventory& inventory);
  Status merge(const Objects& parts, const LakeInventory& inventory);
  /// A settled object between two borders.
  void leave(Border before, Border behind);
  [[nodiscard]] static int64_t readings_of(const LakeObjectName& object, const LakeInventory& inventory);
  [[nodiscard]] bool is_settled(const LakeInventory::Object& object) const;
  [[nodiscard]] static bool are_adjacent(const LakeObjectName& left, const LakeObjectName& right,
                                         const LakeInventory& inventory);

  LakeStore& store_;
  const Clock& clock_;
  Options options_;
  Summary summary_;
};

}  // namespace meterstream
