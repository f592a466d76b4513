// Purpose: a hash join of a query: all rows of the right side in memory, found by the equality of keys, for each row of the left side.
// Guarantee: as RowStage; NULL equals nothing. Rows of the right side without a partner come last.
// Thread-safety and errors: as RowStage.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/row_stage.h"
#include "stream/key_interner.h"

namespace meterstream {

class JoinStage final : public RowStage {
 public:
  /// `schema`: the columns of the left side and, behind them, of the right one; those that are `needed` get values.
  JoinStage(std::unique_ptr<RowStage> left, std::unique_ptr<RowStage> right, QueryJoin join,
            std::vector<ColumnSchema> schema, std::vector<bool> needed, QueryMemory& memory);
  Result<bool> next(RowBatch& batch) override;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  Status take_right();
  Result<bool> pair(RowBatch& batch);
  void find_partners();
  void add_unmatched();
  void give(RowBatch& batch);
  void key_rows(ColumnBatch& rows, bool is_left);

  std::unique_ptr<RowStage> left_;
  std::unique_ptr<RowStage> right_;
  const QueryJoin join_;
  const std::vector<ColumnSchema> schema_;
  const std::vector<bool> needed_;
  const size_t left_columns_;
  QueryMemory& memory_;

  // The right side: rows of one key are a list.
  bool is_built_ = false;
  RowBatch taken_;
  ColumnBatch rows_;
  KeyInterner keys_;
  std::vector<uint32_t> first_of_key_;
  std::vector<uint32_t> last_of_key_;
  std::vector<uint32_t> next_of_row_;
  std::vector<uint8_t> is_matched_;

  // The left side: where pairing goes on.
  RowBatch from_;
  std::vector<uint32_t> partners_;  ///< first of each row; kNone
  size_t row_ = 0;
  uint32_t partner_ = kNone;  ///< next of row_, when is_within_row_
  bool is_within_row_ = false;
  bool is_left_done_ = false;
  size_t unmatched_ = 0;

  std::vector<uint32_t> pairs_left_;
  std::vector<uint32_t> pairs_right_;
  // Scratch.
  std::string key_bytes_;
  std::vector<size_t> key_ends_;
  std::vector<uint8_t> has_key_;
};

}  // namespace meterstream
