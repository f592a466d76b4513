// Purpose: some columns of a row as bytes, for rows that wait for others in memory and in the state.
// Format: docs/formats/data-directory.md (cells).
// Thread-safety: immutable after construction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "metering/column_batch.h"

namespace meterstream {

class RowCells {
 public:
  /// Columns that are `needed` have a cell.
  RowCells(const std::vector<ColumnSchema>& columns, const std::vector<bool>& needed);

  /// Replaces `cells` by those of row `row`.
  void encode(const ColumnBatch& batch, uint32_t row, std::string& cells) const;
  /// Writes a needed column into entry `at` of `out`; texts point into `cells`. False: it is NULL.
  [[nodiscard]] bool copy(std::string_view cells, size_t column, Column& out, size_t at) const;
  /// Whether bytes that were read back can be copied from.
  [[nodiscard]] bool is_sound(std::string_view cells) const;

 private:
  [[nodiscard]] static bool is_null(std::string_view cells, size_t cell) {
    return (cells[cell / 8] >> cell % 8 & 1) != 0;
  }

  std::vector<ColumnType> types_;
  std::vector<size_t> needed_;          ///< columns that have cells
  std::vector<size_t> cell_of_column_;  ///< index into needed_
  size_t flag_bytes_ = 0;
};

}  // namespace meterstream
