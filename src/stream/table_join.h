// Purpose: joins two tables, change by change: see TableJoinSpec. Base of the joins by primary and by foreign keys.
// Guarantee: after give_changes() what was given and dropped is the join of the rows that were put and erased. How many steps led
//            there depends on how changes are batched.
// Memory: the columns that are read, of all rows of both tables.
// Thread-safety: none; one belongs to one task.
// Format of the state: docs/formats/data-directory.md.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/key_value_store.h"
#include "stream/decoded_batch.h"
#include "stream/row_cells.h"
#include "stream/view_spec.h"

namespace meterstream {

class TableJoin {
 public:
  enum Side : size_t { kLeft, kRight };
  /// Takes rows that are there now, with the columns of both sides, and marks those that the view lets through.
  using Give = std::function<Status(DecodedBatch&, std::vector<char>& passed)>;
  /// The key's row was given before and is gone.
  using Drop = std::function<void(const RecordView&)>;

  /// `view` has a join of tables and must outlive it.
  static std::unique_ptr<TableJoin> make(const ViewSpec& view);
  virtual ~TableJoin() = default;
  TableJoin(const TableJoin&) = delete;
  TableJoin& operator=(const TableJoin&) = delete;

  /// Comes before the rows of a batch are put; it must have columns_decoded().
  virtual void prepare(Side side, ColumnBatch& batch, int64_t& faults) = 0;
  /// `record` has the key; its place is that of the result.
  virtual void put(Side side, const RecordView& record, const ColumnBatch& batch, uint32_t row) = 0;
  virtual void erase(Side side, const RecordView& record) = 0;
  /// Of all rows that changed since the last call, in that order.
  virtual Status give_changes(const Give& give, const Drop& drop) = 0;

  /// Columns of a side that are kept or that prepare() reads.
  [[nodiscard]] static std::vector<bool> columns_decoded(const ViewSpec& view, Side side);
  [[nodiscard]] virtual size_t bytes() const = 0;

  /// See PassProcessor::save_changes.
  virtual void save_changes(std::string_view prefix, WriteBatch& batch) = 0;
  virtual Status load_changes(std::string_view prefix, const KeyValueStore& store) = 0;

 protected:
  /// A row of the result.
  struct Joined {
    RecordView record;
    std::array<const std::string*, 2> cells{};  ///< of each side; null: it has no row
  };

  explicit TableJoin(const ViewSpec& view);

  [[nodiscard]] const TableJoinSpec& spec() const { return spec_; }
  [[nodiscard]] const RowCells& cells(Side side) const { return cells_[side]; }
  /// Of what is kept as `record_of` of a key and its latest change.
  [[nodiscard]] static RecordView record_of(std::string_view key, Offset offset, IngestTime ingest_time);
  /// What `give` says of the rows. Nothing is asked for none.
  Status give_rows(const std::vector<Joined>& rows, const Give& give, std::vector<char>& passed);
  [[nodiscard]] static Error unreadable(std::string_view prefix);

 private:
  void fill(const std::vector<Joined>& rows);

  const TableJoinSpec& spec_;
  std::array<std::vector<bool>, 2> kept_;
  std::array<RowCells, 2> cells_;
  DecodedBatch joined_;
  std::vector<RecordView> records_;
};

}  // namespace meterstream
