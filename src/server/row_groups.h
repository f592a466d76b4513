// Purpose: the aggregates of a query, by the stream engine's own code over the rows that are found.
// Guarantee: what CREATE TABLE ... AS SELECT would compute of the same rows, exact sums and all; windows are told whole, and no row is late.
// Thread-safety: one thread. Errors: kUnavailable when the groups take more memory than the query may have.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "server/row_stage.h"
#include "server/statement_service.h"
#include "stream/local_days.h"
#include "stream/result_calculator.h"
#include "stream/view_chain.h"

namespace meterstream {

class RowGroups final : private ViewOutput {
 public:
  /// Of BoundQuery::groups; `time_column` of the rows when they are put into windows.
  RowGroups(std::shared_ptr<const ViewSpec> view, std::optional<size_t> time_column, size_t partitions,
            QueryMemory& memory);
  ~RowGroups() override;

  Status add(RowBatch& batch);
  /// Appends the results.
  Status finish(std::vector<QueryRow>& rows);

 private:
  Status emit(size_t view, std::string_view group_key, int64_t window_start_ms, const GroupState& state) override;
  void emit_window(size_t view, std::string_view group_key, const ResultWindow& window,
                   const GroupState& state) override;
  void retract(size_t, std::string_view, int64_t) override {}
  ResultCounts take_counts(size_t view) override;
  void row(size_t, const RecordView&, const std::vector<const Column*>&, uint32_t) override {}
  void late(size_t, const RecordView&, int64_t, int64_t) override {}
  void emit_nothing();
  void write();

  const std::shared_ptr<const ViewSpec> view_;
  const std::optional<size_t> time_column_;
  QueryMemory& memory_;
  MemoryBudget budget_;
  ViewChain chain_;
  std::unique_ptr<LocalDays> days_;
  SampleResults samples_;
  ResultCalculator calculator_;
  DecodedBatch batch_;
  const std::vector<RecordView> no_records_ = std::vector<RecordView>(1);
  int64_t highest_ms_ = INT64_MIN;
  bool has_results_ = false;
  std::vector<QueryRow>* rows_ = nullptr;
};

}  // namespace meterstream
