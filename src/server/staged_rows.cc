#include "server/staged_rows.h"

#include <algorithm>
#include <utility>

#include "server/row_evaluation.h"
#include "server/row_groups.h"
#include "server/row_join.h"

namespace meterstream {
namespace {

class StagedRows final : public QueryRows {
 public:
  StagedRows(BoundQuery query, std::shared_ptr<RunningQuery> running, std::unique_ptr<QueryMemory> memory,
             std::unique_ptr<RowStage> rows)
      : query_(std::move(query)),
        running_(std::move(running)),
        columns_(columns_of(query_)),
        memory_(std::move(memory)),
        rows_(std::move(rows)) {
    if (query_.groups == nullptr) return;
    const auto time = query_.has_windows ? query_.source->timestamp_column : std::nullopt;
    groups_ = std::make_unique<RowGroups>(query_.groups, time, rows_->partitions(), *memory_);
  }

  [[nodiscard]] const std::string& id() const override { return running_->id; }
  [[nodiscard]] const std::vector<Column>& columns() const override { return columns_; }
  [[nodiscard]] bool is_push() const override { return false; }
  void close() override { running_->is_closed = true; }

  Result<bool> next(std::vector<QueryRow>& rows, size_t most, std::chrono::milliseconds timeout) override {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (true) {
      if (running_->is_closed) return false;
      size_t count = std::min(most, waiting_.size() - taken_);
      if (query_.limit) count = std::min<size_t>(count, static_cast<size_t>(*query_.limit - given_));
      for (size_t index = 0; index < count; ++index) rows.push_back(std::move(waiting_[taken_++]));
      given_ += static_cast<int64_t>(count);
      if (query_.limit && given_ >= *query_.limit) return false;
      if (count > 0 || most == 0) return true;
      if (is_done_) return false;
      waiting_.clear();
      taken_ = 0;
      RETURN_IF_ERROR(produce());
      if (waiting_.empty() && !is_done_ && std::chrono::steady_clock::now() >= deadline) return true;
    }
  }

 private:
  Status produce() {
    ASSIGN_OR_RETURN(const bool has_more, rows_->next(batch_));
    is_done_ = !has_more;
    if (groups_ == nullptr) {
      if (has_more) append_rows(query_, batch_.columns, waiting_);
      return {};
    }
    return has_more ? groups_->add(batch_) : groups_->finish(waiting_);
  }

  BoundQuery query_;
  std::shared_ptr<RunningQuery> running_;
  std::vector<Column> columns_;
  std::unique_ptr<QueryMemory> memory_;
  std::unique_ptr<RowStage> rows_;
  std::unique_ptr<RowGroups> groups_;
  RowBatch batch_;
  std::vector<QueryRow> waiting_;
  size_t taken_ = 0;
  int64_t given_ = 0;
  bool is_done_ = false;
};

}  // namespace

Result<std::unique_ptr<QueryRows>> staged_rows(BoundQuery query, const OpenScan& open_scan,
                                               std::shared_ptr<RunningQuery> running, size_t most_bytes) {
  auto memory = std::make_unique<QueryMemory>(most_bytes);
  ASSIGN_OR_RETURN(std::unique_ptr<RowStage> rows, open_scan(scan_of(query, 0)));
  std::vector<ColumnSchema> schema = query.source->columns;
  for (size_t join = 0; join < query.joins.size(); ++join) {
    ASSIGN_OR_RETURN(std::unique_ptr<RowStage> right, open_scan(scan_of(query, join + 1)));
    const std::vector<ColumnSchema>& own = query.joins[join].source->columns;
    schema.insert(schema.end(), own.begin(), own.end());
    const std::vector<bool> needed(query.needed.begin(),
                                   query.needed.begin() + static_cast<std::ptrdiff_t>(schema.size()));
    rows = std::make_unique<JoinStage>(std::move(rows), std::move(right), query.joins[join], schema, needed, *memory);
  }
  return std::unique_ptr<QueryRows>(
      std::make_unique<StagedRows>(std::move(query), std::move(running), std::move(memory), std::move(rows)));
}

}  // namespace meterstream
