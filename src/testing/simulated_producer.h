// Purpose: random records as meters and broken clients send them: late, duplicate and conflicting readings, values that
//          are no numbers, clocks far ahead, malformed records. Deterministic by its random source.
// Thread-safety: none.
#pragma once

#include <vector>

#include "metering/random_source.h"
#include "testing/invariant_checker.h"

namespace meterstream {

class SimulatedProducer {
 public:
  SimulatedProducer(RandomSource random, SchemaId schema, int32_t partitions);

  struct Item {
    PartitionId partition;
    KnownRecord record;
  };
  /// `count` items or somewhat more, arriving at `now`.
  std::vector<Item> records(size_t count, IngestTime now);

 private:
  Reading reading(IngestTime now);
  Item item_of(const Reading& reading, IngestTime now);
  Item malformed(IngestTime now);

  RandomSource random_;
  SchemaId schema_;
  int32_t partitions_;
  int64_t households_;
  int64_t behind_ms_ = 0;
  std::vector<Reading> recent_;
};

}  // namespace meterstream
