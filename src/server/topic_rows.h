// Purpose: rows of queries that read a topic as it is or as it grows, and of PRINT. The log is their buffer: a reader that is slow
//          reads on where it is, and takes no more memory than one that is fast.
// Thread-safety: as QueryRows. Ownership: log and schemas must outlive them.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "log/event_log.h"
#include "metering/record_decoder.h"
#include "metering/schema_store.h"
#include "server/statement_service.h"
#include "sql/query_binder.h"

namespace meterstream {

/// Where a query's rows come from and how far.
struct TopicRange {
  bool from_beginning = false;
  /// False: ends where the topic ended when the query began.
  bool follows = true;
};

/// All partitions of a topic, one read after the other. One thread at a time.
class TopicCursor {
 public:
  static Result<TopicCursor> open(EventLog& log, const std::string& topic, TopicRange range);
  /// Fills `records` from some partition; false: nothing came in time. Waits no longer than about 10 ms at a time.
  Result<bool> read(RecordSet& records, PartitionId& partition);
  /// Whether a range that does not follow is read.
  [[nodiscard]] bool at_end() const;
  [[nodiscard]] size_t partitions() const { return next_.size(); }

 private:
  TopicCursor(EventLog& log, std::string topic, bool follows)
      : log_(&log), topic_(std::move(topic)), follows_(follows) {}
  EventLog* log_;
  std::string topic_;
  bool follows_;
  std::vector<Offset> next_;
  std::vector<Offset> end_;
  size_t turn_ = 0;
};

/// What other callers may do with a query that runs. Thread-safe.
struct RunningQuery {
  std::string id;
  std::string statement;
  std::atomic<bool> is_closed = false;
};

/// The frame of queries over topics: waiting, limits, closing.
class TopicRows : public QueryRows {
 public:
  [[nodiscard]] const std::string& id() const override { return running_->id; }
  [[nodiscard]] const std::vector<Column>& columns() const override { return columns_; }
  [[nodiscard]] bool is_push() const override { return is_push_; }
  Result<bool> next(std::vector<QueryRow>& rows, size_t most, std::chrono::milliseconds timeout) override;
  void close() override { running_->is_closed = true; }

 protected:
  TopicRows(std::shared_ptr<RunningQuery> running, TopicCursor cursor, std::vector<Column> columns, bool is_push,
            std::optional<int64_t> limit)
      : running_(std::move(running)),
        cursor_(std::move(cursor)),
        columns_(std::move(columns)),
        is_push_(is_push),
        limit_(limit) {}
  /// Appends the rows of these records.
  virtual Status convert(const RecordSet& records, PartitionId partition, std::vector<QueryRow>& rows) = 0;

 private:
  std::shared_ptr<RunningQuery> running_;
  TopicCursor cursor_;
  std::vector<Column> columns_;
  bool is_push_;
  std::optional<int64_t> limit_;
  int64_t given_ = 0;
  RecordSet records_;
  std::vector<QueryRow> waiting_;
  size_t taken_ = 0;
};

/// SELECT over a topic.
Result<std::unique_ptr<QueryRows>> select_rows(BoundQuery query, TopicRange range,
                                               std::shared_ptr<RunningQuery> running, EventLog& log,
                                               SchemaStore& schemas);
/// PRINT. `reading`: how values of the topic are read, if it is not JSON; may be null.
Result<std::unique_ptr<QueryRows>> print_rows(const ast::PrintTopic& print, std::shared_ptr<const QuerySource> reading,
                                              std::shared_ptr<RunningQuery> running, EventLog& log,
                                              SchemaStore& schemas);

}  // namespace meterstream
