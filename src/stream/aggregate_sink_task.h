// Purpose: reads a topic of aggregates and keeps them in the embedded serving table; the twin of the Cassandra sink.
// Guarantee: rows and position are one commit, and a row is an upsert, so a crash loses nothing and doubles nothing.
//            Of refinements of one window the last one in the log stays.
// Thread-safety, errors: see Task. A record that is no aggregate goes to `<topic>-rejected` with the reason.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "log/event_log.h"
#include "state/aggregate_table.h"
#include "stream/task.h"
#include "stream/transaction_builder.h"
#include "stream/view_spec.h"

namespace meterstream {

class AggregateSinkTask final : public Task {
 public:
  struct Options {
    std::string application = "meterstream";
    int64_t commit_interval_ms = 200;
    Durability durability = Durability::kSync;
    size_t read_bytes = size_t{1} << 20;
    /// Commit earlier when this many rows are waiting.
    int64_t commit_rows = 50'000;
    /// Rejected records get a header `id`.
    bool result_ids = false;
  };

  /// `bucket` is the spec's, parsed. All references must outlive the task.
  AggregateSinkTask(SinkSpec spec, AggregateBucket bucket, PartitionId partition, EventLog& log, const Clock& clock,
                    Options options);

  Status open() override;
  Result<Step> step() override;
  Status finish(bool close) override;
  [[nodiscard]] std::vector<std::string> inputs() const override { return {spec_.topic}; }
  [[nodiscard]] std::vector<std::string> outputs() const override { return {}; }

 private:
  void take(const RecordView& record);
  Status commit();
  void publish_status();
  [[nodiscard]] std::string group() const;
  [[nodiscard]] std::string definition() const;

  SinkSpec spec_;
  AggregateTableDefinition table_;
  TopicPartition source_;
  EventLog& log_;
  const Clock& clock_;
  Options options_;
  int32_t rejected_partitions_ = 1;
  Offset next_;
  Offset committed_;
  RecordSet records_;
  WriteBatch rows_;
  TransactionBuilder output_;
  int64_t rows_waiting_ = 0;
  int64_t last_commit_ns_ = 0;
  int64_t records_read_ = 0;
  int64_t commits_ = 0;
  ViewAccounting accounting_;
};

}  // namespace meterstream
