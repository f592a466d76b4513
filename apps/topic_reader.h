// Purpose: all partitions of a topic as one sequence, in the order of arrival as far as it is known.
// Guarantee: offset order inside a partition; across partitions by ingest time among what is there to read now.
// Thread-safety: none. poll() waits for data as long as it is told.
// Ownership: a record's bytes live until the next poll().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/event_log.h"

namespace meterstream {

/// Where to begin in every partition.
struct TopicStart {
  enum class Kind : unsigned char { kBeginning, kEnd, kOffset, kTime } kind = Kind::kBeginning;
  Offset offset;
  /// First record that arrived at or after this.
  IngestTime time;
};

/// "beginning", "end", an offset ("1200"), an ISO-8601 instant, or a duration before now ("10m"). kInvalid otherwise.
Result<TopicStart> parse_topic_start(std::string_view text, IngestTime now);

class TopicReader {
 public:
  struct Item {
    PartitionId partition;
    RecordView record;
  };

  /// First offset whose record arrived at or after a time; the end when there is none.
  using OffsetAtTime = std::function<Result<Offset>(const TopicPartition& source, IngestTime time)>;
  /// `log` must outlive it. `offset_at`: a log's own way to find a time, where it has one. kNotFound for an unknown topic.
  static Result<TopicReader> open(EventLog& log, const std::string& topic, const TopicStart& start,
                                  const OffsetAtTime& offset_at = {});

  /// The next record; nothing when none came within `timeout_ms` (0: looks once).
  Result<std::optional<Item>> poll(int64_t timeout_ms);
  /// Records between here and the ends as they are now.
  Result<int64_t> remaining();

 private:
  struct Partition {
    TopicPartition source;
    Offset next;
    RecordSet records;
    size_t taken = 0;
    /// The last read gave nothing; looked at again when the others have nothing either, or after a while.
    bool at_end = false;
    [[nodiscard]] bool empty() const { return taken == records.records.size(); }
  };
  TopicReader(EventLog& log, std::vector<Partition> partitions) : log_(&log), partitions_(std::move(partitions)) {}
  Status refill(bool look_at_ends);

  EventLog* log_;
  std::vector<Partition> partitions_;
  size_t awaited_ = 0;
  size_t given_ = 0;
};

/// First offset whose record arrived at or after `time`; the end when there is none.
Result<Offset> offset_at_time(EventLog& log, const TopicPartition& source, IngestTime time);

}  // namespace meterstream
