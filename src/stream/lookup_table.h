// Purpose: rows by key and the time from which they are valid, for lookups by views (see TableSpec).
// Shapes: a row has a cell for each column of the table, VARCHARs as bytes of the table's own.
// Cost: lookups of a batch are made together, so that their cache misses overlap. Keys stay in memory after they are erased.
// Thread-safety: one writer or many readers. Hold lock_shared() from find() until the last use of what it gave, and lock() around
//         put() and erase(). Who waits for lock() goes before those that ask later. Several tables are locked in the order of
//         their addresses.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stream/key_interner.h"
#include "stream/lookup_spec.h"

namespace meterstream {

class LookupTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  explicit LookupTable(const TableSpec& spec);

  /// Takes row `row` of `columns`, which are those of the table, as the row of `key` from `valid_from_ms` on. It replaces
  /// one of the same time; a table without times has one row a key.
  void put(std::string_view key, int64_t valid_from_ms, const std::vector<Column>& columns, uint32_t row);
  /// Of all times.
  void erase(std::string_view key);

  /// For each key the row that is valid at its time; kNone when there is none. All of one length.
  void find(std::span<const std::string_view> keys, std::span<const int64_t> times_ms, uint32_t* rows) const;
  [[nodiscard]] uint32_t find(std::string_view key, int64_t time_ms) const;
  /// Writes cell `column` of row `row` into entry `at` of `out`, whose vectors are long enough. False: it is NULL.
  [[nodiscard]] bool copy(uint32_t row, size_t column, Column& out, size_t at) const;

  [[nodiscard]] std::shared_lock<std::shared_mutex> lock_shared() const {
    const std::scoped_lock turn(turn_);
    return std::shared_lock(mutex_);
  }
  [[nodiscard]] std::unique_lock<std::shared_mutex> lock() const {
    const std::scoped_lock turn(turn_);
    return std::unique_lock(mutex_);
  }
  [[nodiscard]] size_t rows() const;

 private:
  struct Version {
    int64_t valid_from_ms;
    uint32_t row;
  };

  [[nodiscard]] const uint64_t* cells(uint32_t row) const { return &cells_[row * width_]; }
  uint32_t new_row();
  void fill(uint32_t row, const std::vector<Column>& columns, uint32_t from);
  [[nodiscard]] uint32_t row_for(uint32_t key, int64_t valid_from_ms);
  [[nodiscard]] uint32_t valid_at(const std::vector<Version>& versions, int64_t time_ms) const;

  std::vector<ColumnType> types_;
  size_t width_;  ///< cells of a row; the first holds a bit for each column that is NULL
  bool has_times_;
  KeyInterner keys_;
  std::vector<uint32_t> only_;                  ///< without times: row of each key
  std::vector<std::vector<Version>> versions_;  ///< with times: rows of each key, ascending
  std::vector<uint64_t> cells_;
  std::vector<uint32_t> free_rows_;
  std::deque<std::string> texts_;  ///< what a VARCHAR's cell counts into
  mutable std::mutex turn_;
  mutable std::shared_mutex mutex_;
};

}  // namespace meterstream
