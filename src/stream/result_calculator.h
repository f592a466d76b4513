// Purpose: HAVING and calculations over results: gathers closed (or refined) windows, takes out those that HAVING leaves
//          out, and computes the calculated columns of the others, a batch at a time.
// Semantics: those of stream/expression.h over ViewSpec::result_columns(). SUM and AVG of DOUBLE are the DOUBLE nearest to
//            the exact decimal; a SUM of BIGINT outside of BIGINT is NULL and counted as a fault.
// Ownership: copies slots; borrows group keys until clear().
// Thread-safety: none; one calculator belongs to one view of one task.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "metering/column_batch.h"
#include "stream/result_writer.h"
#include "stream/view_spec.h"
#include "stream/window_slot.h"

namespace meterstream {

class ResultCalculator {
 public:
  /// As ResultWriter's. The view must outlive the calculator.
  ResultCalculator(const ViewSpec& view, std::vector<SlotPlace> argument_of, std::vector<ColumnType> argument_types);

  /// Views without HAVING and calculations are written without one.
  static bool is_needed_for(const ViewSpec& view) { return view.having != nullptr || !view.calculations.empty(); }

  void add(std::string_view group_key, const ResultWindow& window, const WindowSlot& slot,
           const std::vector<ScalarValue>& sampled);
  /// Time to calculate().
  [[nodiscard]] bool is_full() const { return rows_.size() >= kMostRows; }

  /// Leaves the results that pass HAVING, with their calculated columns, and gives the number of faults.
  int64_t calculate();

  [[nodiscard]] size_t rows() const { return rows_.size(); }
  [[nodiscard]] std::string_view group_key(size_t row) const { return rows_[row].group_key; }
  [[nodiscard]] const ResultWindow& window(size_t row) const { return rows_[row].window; }
  [[nodiscard]] const WindowSlot& slot(size_t row) const;
  [[nodiscard]] const std::vector<ScalarValue>& sampled(size_t row) const { return rows_[row].sampled; }
  /// After calculate().
  [[nodiscard]] CalculatedRow calculated(size_t row) const { return {&calculated_, static_cast<uint32_t>(row)}; }
  void clear();

 private:
  static constexpr size_t kMostRows = 1024;
  struct Row {
    std::string_view group_key;
    ResultWindow window;
    size_t slot = 0;  // among the slots of slot_words_
    std::vector<ScalarValue> sampled = {};
  };

  int64_t apply_having();
  int64_t fill(const std::vector<bool>& needed);
  void fill_groups(const std::vector<bool>& needed);
  void fill_window_bound(Column& column, int64_t ResultWindow::* bound);
  int64_t fill_aggregate(size_t aggregate, Column& column);
  void fill_sampled(size_t aggregate, Column& column);

  const ViewSpec& view_;
  std::vector<SlotPlace> argument_of_;
  std::vector<ColumnType> argument_types_;
  std::vector<ColumnSchema> schema_;
  // By column of the schema.
  std::vector<bool> having_needs_;
  std::vector<bool> calculations_need_;
  bool any_sampled_ = false;

  std::vector<Row> rows_;
  std::vector<uint64_t> slot_words_;
  ColumnBatch batch_;
  std::vector<Column> calculated_;
};

}  // namespace meterstream
