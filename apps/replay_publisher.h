// Purpose: writes readings to a topic as keyed Avro records, in large commits that also hold the replay's position.
// Guarantee: records of a series stay in order; readings and position are durable together or not at all.
// Thread-safety: one thread publishes; commits run on a thread of the publisher, at most one ahead of the next.
// Errors: a failed commit is told by the next publish(), commit_soon() or finish(); nothing is written after it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "apps/replay_position.h"
#include "log/event_log.h"
#include "metering/avro_encoder.h"
#include "metering/indexed_reading.h"
#include "metering/reading.h"

namespace meterstream {

struct ReplayPublisherOptions {
  std::string topic;
  int32_t partitions = 4;
  /// Name of the stored position; empty stores none.
  std::string position_name;
  int64_t batch_records = 65'536;
};

class ReplayPublisher {
 public:
  /// `log` must outlive it. The topic exists and has `partitions` partitions.
  ReplayPublisher(EventLog& log, SchemaId schema, const std::vector<SeriesKey>& series, ReplayPublisherOptions options);
  ~ReplayPublisher();
  ReplayPublisher(const ReplayPublisher&) = delete;
  ReplayPublisher& operator=(const ReplayPublisher&) = delete;

  /// Adds readings; `position` is the one after them. Commits when the batch is full.
  Status publish(std::span<const IndexedReading> readings, const ReplayPosition& position);
  /// Starts a commit of what is there, unless one is waiting for its turn: then it goes with the next. Does not wait, so
  /// that slow commits become larger instead of slowing the replay down.
  Status commit_soon();
  /// Commits the rest and waits until it is durable.
  Status finish();
  /// The position that is durable now.
  [[nodiscard]] std::optional<ReplayPosition> committed() const;
  [[nodiscard]] bool has_uncommitted() const { return records_ > 0; }

 private:
  struct Series {
    EncodedSeries encoded;
    int32_t partition;
  };
  struct Batch {
    Transaction transaction;
    ReplayPosition position;
  };
  /// Waits until the commit before has begun.
  Status commit_now();
  void commit_loop();

  EventLog& log_;
  ReplayPublisherOptions options_;
  std::vector<Series> series_;
  std::vector<RecordBatchBuilder> builders_;
  std::string value_;
  int64_t records_ = 0;
  ReplayPosition position_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Batch> waiting_;
  bool busy_ = false;
  bool ended_ = false;
  std::optional<Error> error_;
  std::optional<ReplayPosition> committed_;
  std::thread committer_;
};

}  // namespace meterstream
