// Purpose: what the lake holds, and whether it is whole: `lake ls` and `lake verify`.
// Guarantee of verify(): without a fault, for each topic and partition the recorded ranges cover begin..end without gap or
//            overlap, each object of each range is there, alone or inside of one merged object, reads back completely, has
//            the checksum that was recorded, and holds as many readings of its date and offsets as were recorded.
// Thread-safety: safe for concurrent use; writers may write meanwhile, and then the youngest range may seem incomplete.
// Blocking: reads every byte of the lake, one object in memory at a time.
// Errors: the store's. What is wrong with the lake is a fault of the report.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/lake/lake_object_name.h"
#include "connectors/lake/lake_store.h"

namespace meterstream {

/// One date of one topic.
struct LakeDate {
  int64_t day = 0;
  std::string topic;
  int64_t objects = 0;
  int64_t bytes = 0;
  int64_t readings = 0;
};

/// One partition, by the records of its ranges.
struct LakePartition {
  TopicPartition source;
  Offset begin;
  /// Behind the last offset.
  Offset end;
  int64_t ranges = 0;
  int64_t records = 0;
  int64_t readings = 0;
  int64_t rejected = 0;
};

struct LakeListing {
  std::vector<LakeDate> dates;
  std::vector<LakePartition> partitions;
};

struct LakeReport {
  std::vector<LakePartition> partitions;
  int64_t objects = 0;
  int64_t bytes = 0;
  int64_t readings = 0;
  /// Parts of merged objects that the next compaction removes; readers see their readings twice.
  std::vector<std::string> leftovers;
  /// One line each, with the object's name.
  std::vector<std::string> faults;
};

class LakeInspector {
 public:
  /// `store` must outlive the inspector.
  explicit LakeInspector(LakeStore& store) : store_(store) {}

  /// By the names and records; opens no object.
  Result<LakeListing> list();
  Result<LakeReport> verify();

 private:
  LakeStore& store_;
};

}  // namespace meterstream
