// Purpose: joins two tables by their primary key, change by change: see TableJoinSpec.
// Guarantee: after give_changes() what was given and dropped is the join of the rows that were put and erased. How many steps led
//            there depends on how changes are batched.
// Memory: the columns that are read, of all rows of both tables.
// Thread-safety: none; one belongs to one task.
// Format of the state: docs/formats/data-directory.md.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
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
  explicit TableJoin(const ViewSpec& view);

  /// `record` has the key; its place is that of the result.
  void put(Side side, const RecordView& record, const ColumnBatch& batch, uint32_t row);
  void erase(Side side, const RecordView& record);
  /// Of all keys that were put or erased since the last call, in that order.
  Status give_changes(const Give& give, const Drop& drop);

  /// Columns of a side that the view reads.
  [[nodiscard]] static std::vector<bool> needed_columns(const ViewSpec& view, Side side);
  [[nodiscard]] size_t bytes() const { return bytes_; }

  /// See PassProcessor::save_changes.
  void save_changes(std::string_view prefix, WriteBatch& batch);
  Status load_changes(std::string_view prefix, const KeyValueStore& store);

 private:
  struct Entry {
    std::array<std::string, 2> cells;
    std::array<bool, 2> is_there{};
    bool is_written = false;  ///< a row of the result
    bool is_changed = false;
    bool is_unsaved = false;
    bool is_stored = false;
    Offset offset;  ///< of the latest change
    IngestTime ingest_time;

    [[nodiscard]] size_t bytes() const { return sizeof(Entry) + cells[kLeft].capacity() + cells[kRight].capacity(); }
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  Entries::value_type& entry(std::string_view key);
  void note_change(Entries::value_type& changed, const RecordView& record);
  [[nodiscard]] bool is_joined(const Entry& entry) const;
  void fill(const std::vector<Entries::value_type*>& rows);
  [[nodiscard]] static RecordView record_of(const Entries::value_type& row);

  const TableJoinSpec& spec_;
  std::array<std::vector<bool>, 2> needed_;
  std::array<RowCells, 2> cells_;
  Entries entries_;
  std::vector<Entries::value_type*> changed_;
  std::vector<Entries::value_type*> unsaved_;
  size_t bytes_ = 0;
  DecodedBatch joined_;
  std::vector<RecordView> records_;
};

}  // namespace meterstream
