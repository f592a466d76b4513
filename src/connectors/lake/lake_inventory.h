// Purpose: everything that is in a lake, by name: objects, records of ranges and of merged objects.
// Thread-safety: values. Errors: load gives the store's; what cannot be read of the lake is in `faults`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/lake/lake_range.h"
#include "connectors/lake/lake_store.h"

namespace meterstream {

struct LakeInventory {
  struct Object {
    LakeObjectName name;
    int64_t bytes = 0;
    int64_t modified_ms = 0;
  };
  /// Objects of one partition and date, ordered by their offsets.
  using PartitionDay = std::pair<TopicPartition, int64_t>;

  std::map<PartitionDay, std::vector<Object>> objects;
  /// Ordered by their first offset.
  std::map<TopicPartition, std::vector<LakeRange>> ranges;
  std::map<LakeObjectName, LakeMerge> merges;
  /// Of uploads that did not end.
  std::vector<LakeStore::Entry> uploads;
  std::vector<std::string> faults;

  static Result<LakeInventory> load(LakeStore& store);
  [[nodiscard]] bool has(const LakeObjectName& name) const;
  /// The record of a merged object that is there and has this one among its parts; null for none.
  [[nodiscard]] const LakeMerge* merge_of(const LakeObjectName& part) const;
};

}  // namespace meterstream
