// Purpose: the join of each row of the left table with the row of the right one whose primary key an expression of the left one is. See
//          table_join.h.
// Order: a change of a right row gives the left rows that refer to it, by their keys.
// Memory: besides the rows, the foreign key of each left row and about 100 bytes for the way back from the right row to it.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "stream/table_join.h"
#include "stream/text_hash.h"

namespace meterstream {

class ForeignKeyJoin final : public TableJoin {
 public:
  explicit ForeignKeyJoin(const ViewSpec& view) : TableJoin(view) {}

  void prepare(Side side, ColumnBatch& batch, int64_t& faults) override;
  void put(Side side, const RecordView& record, const ColumnBatch& batch, uint32_t row) override;
  void erase(Side side, const RecordView& record) override;
  Status give_changes(const Give& give, const Drop& drop) override;
  [[nodiscard]] size_t bytes() const override { return bytes_; }
  void save_changes(std::string_view prefix, WriteBatch& batch) override;
  Status load_changes(std::string_view prefix, const KeyValueStore& store) override;

 private:
  struct Row {
    std::string cells;
    bool is_there = false;
    bool is_changed = false;
    bool is_unsaved = false;
    bool is_stored = false;
    Offset offset;  ///< of the latest change
    IngestTime ingest_time;
  };
  struct Right : Row {
    /// Keys of left rows.
    std::set<std::string_view> referring;
  };
  using Rights = std::unordered_map<std::string, Right, TextHash, std::equal_to<>>;
  struct Left : Row {
    Rights::value_type* refers_to = nullptr;  ///< null: the foreign key is NULL
    bool is_written = false;                  ///< a row of the result
  };
  using Lefts = std::unordered_map<std::string, Left, TextHash, std::equal_to<>>;

  static size_t bytes_of(const Row& row, std::string_view key);
  void refer(Lefts::value_type& left, const std::string_view* foreign_key);
  void forget_unless_needed(Rights::value_type& right);
  template <class Entry>
  void set_row(Entry& entry, Side side, const RecordView& record, const ColumnBatch* batch, uint32_t row);
  void note_change(Lefts::value_type& changed, Offset offset, IngestTime ingest_time);
  [[nodiscard]] bool is_joined(const Left& left) const;
  Status give_lefts(std::span<Lefts::value_type* const> lefts, const Give& give, const Drop& drop);
  void save(Lefts::value_type& left, std::string_view prefix, WriteBatch& batch);
  void save(Rights::value_type& right, std::string_view prefix, WriteBatch& batch);
  bool load_left(std::string_view key, std::string_view value);
  bool load_right(std::string_view key, std::string_view value);

  Lefts lefts_;
  Rights rights_;
  std::vector<Lefts::value_type*> changed_lefts_;
  std::vector<Rights::value_type*> changed_rights_;
  std::vector<Lefts::value_type*> unsaved_lefts_;
  std::vector<Rights::value_type*> unsaved_rights_;
  Column foreign_keys_;  ///< of the batch whose rows are put
  size_t bytes_ = 0;
};

}  // namespace meterstream
