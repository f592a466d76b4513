// Purpose: the steps of a query with joins or groups: each takes rows of the one before and gives its own, a batch at a time.
// Ownership: a batch lives until the next call of the stage that gave it. Logs, tables and schemas must outlive the stages.
// Thread-safety: one thread at a time.
// Errors: those of the log; kUnavailable when a query needs more memory than it may have.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "metering/column_batch.h"
#include "metering/record_decoder.h"
#include "server/materialized_table.h"
#include "server/topic_rows.h"
#include "sql/query_binder.h"

namespace meterstream {

/// What one query holds in memory.
class QueryMemory {
 public:
  explicit QueryMemory(size_t most_bytes) : most_bytes_(most_bytes) {}

  void add(size_t bytes) { used_bytes_ += bytes; }
  /// Of what tells its size itself.
  void set_groups(size_t bytes) { group_bytes_ = bytes; }
  /// kUnavailable with `what` that needs it, when it is too much.
  [[nodiscard]] Status check(std::string_view what) const;

 private:
  size_t most_bytes_;
  size_t used_bytes_ = 0;
  size_t group_bytes_ = 0;
};

struct RowBatch {
  ColumnBatch columns;
  /// Of a topic: where the rows come from.
  std::span<const RecordView> records;
  size_t partition = 0;
};

class RowStage {
 public:
  virtual ~RowStage() = default;
  /// False: there are no more. A batch may be empty.
  virtual Result<bool> next(RowBatch& batch) = 0;
  /// RowBatch::partition is below it.
  [[nodiscard]] virtual size_t partitions() const { return 1; }
};

/// Rows of a table as it is.
class TableStage final : public RowStage {
 public:
  TableStage(BoundQuery scan, std::shared_ptr<MaterializedTable> table)
      : scan_(std::move(scan)), table_(std::move(table)) {}
  Result<bool> next(RowBatch& batch) override;

 private:
  BoundQuery scan_;
  std::shared_ptr<MaterializedTable> table_;
  MaterializedTable::Cursor cursor_;
  bool has_more_ = true;
};

/// Rows of a stream up to where it ended when the query began.
class TopicStage final : public RowStage {
 public:
  TopicStage(const BoundQuery& scan, TopicCursor cursor, SchemaStore& schemas);
  Result<bool> next(RowBatch& batch) override;
  [[nodiscard]] size_t partitions() const override { return cursor_.partitions(); }

 private:
  std::shared_ptr<const QuerySource> source_;
  TopicCursor cursor_;
  std::unique_ptr<RecordDecoder> decoder_;
  RecordSet records_;
};

}  // namespace meterstream
