// Purpose: reads one partition of a topic into a SinkWriter, and keeps the position behind what the writer has made durable.
// Guarantee: no record is lost; what a crash, or an error of the store, makes it write again, the writer takes as the same
//            (SinkWriter). Rejected records go to `<topic>-rejected` in the commit that passes over them.
// While the store is away (kUnavailable) step() gives kWaiting, tells it once through Options::on_store and once more when
// the store is back, and goes on from the last commit. In a bounded run the end is reached when everything is settled.
// Thread-safety, errors: see Task. After a commit that the log refused every call is kConflict: open a new task.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "log/event_log.h"
#include "stream/offset_runs.h"
#include "stream/sink_writer.h"
#include "stream/task.h"
#include "stream/transaction_builder.h"

namespace meterstream {

/// Group of a sink: its positions, and how its task is called.
std::string sink_group(std::string_view application, std::string_view sink);

class SinkTask final : public Task {
 public:
  /// Of the store, as this task sees it.
  enum class StoreChange : uint8_t {
    kAway,  ///< the message says why
    kBack,
    kGivenUp,  ///< the task ends while the store is away
  };
  struct Options {
    std::string application = "meterstream";
    int64_t commit_interval_ms = 200;
    Durability durability = Durability::kSync;
    size_t read_bytes = size_t{1} << 20;
    /// Commit earlier when so many records were read.
    int64_t commit_records = 50'000;
    bool bounded = false;
    /// Whoever drives the task takes kConflict for its own and makes the task anew: a store's is told as kInvalid then.
    bool conflicts_are_retried = false;
    /// A store that is unavailable may come back. False: it is this process's own, and its failure ends the task.
    bool waits_for_store = true;
    int64_t retry_first_ms = 100;
    int64_t retry_longest_ms = 5'000;
    std::function<void(StoreChange change, const std::string& message)> on_store;
  };

  /// `log` and `clock` must outlive the task.
  SinkTask(std::string sink, TopicPartition source, std::unique_ptr<SinkWriter> writer, EventLog& log,
           const Clock& clock, Options options);
  ~SinkTask() override;
  SinkTask(const SinkTask&) = delete;
  SinkTask& operator=(const SinkTask&) = delete;

  Status open() override;
  Result<Step> step() override;
  Status finish(bool close) override;
  [[nodiscard]] std::vector<std::string> inputs() const override { return {source_.topic}; }
  [[nodiscard]] std::vector<std::string> outputs() const override { return {}; }
  [[nodiscard]] std::string waits_for() const override { return options_.waits_for_store ? group_ : std::string(); }

 private:
  struct RejectedRecord {
    Offset offset;
    std::string key;
    bool has_key = false;
    std::string value;
    bool has_value = false;
    std::string headers;
    IngestTime ingest_time;
  };

  Status restore_position();
  Status start_writer();
  Result<Step> read_on();
  Status take(const RecordSet& records);
  void reject(const RecordView& record, const std::string& reason);
  Status commit(SinkWriter::Settle how);
  Status commit_up_to(Offset durable);
  void add_rejected_below(Offset durable);
  Result<Step> wait_for_store(Error error);
  void end_trouble();
  void forget_uncommitted();
  void publish_status();
  [[nodiscard]] std::string position_metadata() const;

  std::string sink_;
  TopicPartition source_;
  std::unique_ptr<SinkWriter> writer_;
  EventLog& log_;
  const Clock& clock_;
  Options options_;
  std::string group_;
  int32_t rejected_partitions_ = 1;
  Offset next_;
  Offset committed_;
  RecordSet records_;
  std::vector<SinkWriter::Rejected> rejected_now_;
  OffsetRuns unsettled_;
  std::vector<RejectedRecord> rejected_;
  TransactionBuilder output_;
  bool writer_is_open_ = false;
  int64_t retry_at_ns_ = 0;
  int64_t pause_ms_ = 0;
  std::string trouble_;  // told, and not over until the store has taken something
  Status failure_;
  int64_t last_commit_ns_ = 0;
  int64_t waiting_records_ = 0;
  int64_t records_read_ = 0;
  int64_t commits_ = 0;
  ViewAccounting accounting_;
};

}  // namespace meterstream
