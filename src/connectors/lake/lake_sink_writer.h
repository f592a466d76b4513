// Purpose: keeps every reading of a topic's partition in the lake, as objects of one date and offset range each.
// Guarantee: see SinkWriter, and docs/decisions/0014-lake-objects.md. A range's end is recorded in the lake before its first
//            object; whoever writes from the same offset again, after a crash or beside it, writes the very same objects.
//            Where an object ends depends on the records alone, except for a flush of what is idle, too old, or left at the
//            end.
// Thread-safety: see SinkWriter. Blocking: add() and settle() wait for the store when a range ends.
// Errors: kUnavailable (the store; a schema; another writer was faster: open again), kConflict (the lake holds records of
//         another log under these offsets, or merged objects with fewer or more of their readings; or `next` lies
//         inside of an object), the store's others. Bad records are
//         Rejected.
// Ownership: store, schemas and clock must outlive the writer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/lake/lake_collector.h"
#include "connectors/lake/lake_range.h"
#include "connectors/lake/lake_settings.h"
#include "connectors/lake/lake_store.h"
#include "stream/sink_writer.h"

namespace meterstream {

class LakeSinkWriter final : public SinkWriter {
 public:
  LakeSinkWriter(LakeStore& store, TopicPartition source, ValueFormat format, SchemaStore& schemas,
                 LakeSettings settings, const Clock& clock);

  Status open(Offset next) override;
  Status add(const RecordSet& records, std::vector<Rejected>& rejected) override;
  Result<Offset> settle(Offset next, Settle how) override;
  [[nodiscard]] std::string definition() const override;

 private:
  Status check_start(Offset next);
  Status start_range();
  Status end_ranges_before(const RecordView& record);
  Status end_range(Offset last);
  Result<LakeRange> encode_range(Offset last, std::vector<std::string>& bodies);
  Status record_range(const LakeRange& range);
  Status write_objects(const LakeRange& range, const std::vector<std::string>& bodies);
  Status check_merged(const LakeRange& range);
  Result<bool> is_merged(const LakeObjectName& object);
  [[nodiscard]] bool is_full() const;

  LakeStore& store_;
  TopicPartition source_;
  LakeSettings settings_;
  const Clock& clock_;
  LakeCollector collector_;
  /// The range that is collected begins here; all before is durable.
  Offset first_;
  bool is_started_ = false;
  bool is_beginning_ = false;  ///< no range was there before the next one
  /// What the lake has recorded for a range that begins at first_: it ends there again.
  std::optional<LakeRange> recorded_;
  int64_t last_add_ns_ = 0;
  /// When the range got its first record.
  int64_t began_ns_ = 0;
};

}  // namespace meterstream
