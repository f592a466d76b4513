// Purpose: the rows of one side of a stream join that may still find partners.
// Shapes: a row has a slot, which stays its own until release(); its cells are the side's needed columns.
// Order: rows of one key by time, then arrival; rows leave in the order of time, then arrival.
// Memory: rows leave when they are popped, so it is bounded by what comes in the join's windows and grace.
// Thread-safety: none; one belongs to one task.
// Format of the state: docs/formats/data-directory.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "metering/column_batch.h"
#include "state/key_value_store.h"
#include "stream/row_cells.h"

namespace meterstream {

class JoinBuffer {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// Where a row came from.
  struct Origin {
    int64_t time_ms = 0;
    int64_t ingest_ms = 0;
    int64_t offset = 0;
    int32_t partition = 0;
  };
  /// A row of a key.
  struct Place {
    int64_t time_ms;
    uint32_t slot;
  };

  /// `needed` by column. `notes_matches`: whether a row found a partner is a part of its state.
  JoinBuffer(const std::vector<ColumnSchema>& columns, const std::vector<bool>& needed, bool notes_matches);

  /// Without a key a row has no partners.
  uint32_t add(const Origin& origin, std::optional<std::string_view> key, const ColumnBatch& batch, uint32_t row);
  /// Rows of the key with a time in [from, to], by time. Valid until the next add(), pop or load.
  [[nodiscard]] std::span<const Place> find(std::string_view key, int64_t from_ms, int64_t to_ms) const;
  void set_matched(uint32_t slot);

  /// Takes the earliest row out if its time is before `time_ms`; else kNone. What its slot holds stays until release().
  uint32_t pop_before(int64_t time_ms);
  /// Takes the rows without a partner out, in their order.
  std::vector<uint32_t> pop_unmatched();
  /// Slots of rows that were taken out are free again.
  void release();
  /// Time of the earliest row; INT64_MAX when there is none.
  [[nodiscard]] int64_t earliest_ms() const { return order_.empty() ? INT64_MAX : order_.front().time_ms; }

  [[nodiscard]] bool is_matched(uint32_t slot) const { return rows_[slot].is_matched; }
  [[nodiscard]] const Origin& origin(uint32_t slot) const { return rows_[slot].origin; }
  /// Null data when the row has no key.
  [[nodiscard]] std::string_view key(uint32_t slot) const;
  /// Writes a needed column of the row into entry `at` of `out`. False: it is NULL.
  [[nodiscard]] bool copy(uint32_t slot, size_t column, Column& out, size_t at) const {
    return cells_.copy(rows_[slot].cells, column, out, at);
  }

  [[nodiscard]] size_t rows() const { return live_; }
  [[nodiscard]] size_t bytes() const { return bytes_; }

  /// What changed since the last call, under keys that begin with `prefix`.
  void save_changes(std::string_view prefix, WriteBatch& batch);
  /// kCorrupt for what save_changes() did not write.
  Status load(std::string_view prefix, const KeyValueStore& store);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  /// Rows of a key by time. Those before `first` are gone: rows mostly go from the front.
  struct Places {
    std::vector<Place> all;
    size_t first = 0;
    [[nodiscard]] std::span<const Place> here() const { return std::span(all).subspan(first); }
    void erase(const Place& place);
  };
  using Keys = std::unordered_map<std::string, Places, Hash, std::equal_to<>>;
  struct Row {
    Origin origin;
    uint64_t sequence = 0;
    Keys::value_type* key = nullptr;
    std::string cells;
    bool is_live = false;
    bool is_matched = false;
    bool is_changed = false;
    bool is_stored = false;
  };
  struct Turn {
    int64_t time_ms;
    uint64_t sequence;
    uint32_t slot;
    [[nodiscard]] bool operator>(const Turn& other) const {
      return time_ms != other.time_ms ? time_ms > other.time_ms : sequence > other.sequence;
    }
  };

  uint32_t new_slot();
  void enter(uint32_t slot, std::optional<std::string_view> key);
  void take_out(uint32_t slot);
  void drop_outdated_turns();
  void note_change(uint32_t slot);
  [[nodiscard]] size_t bytes_of(const Row& row) const;

  RowCells cells_;
  bool notes_matches_;
  std::deque<Row> rows_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> popped_;
  Keys keys_;
  std::vector<Turn> order_;  ///< a heap, earliest first; may hold rows that are gone
  uint64_t next_sequence_ = 0;
  std::vector<uint32_t> changed_;
  std::vector<uint64_t> erased_;
  size_t live_ = 0;
  size_t bytes_ = 0;
};

}  // namespace meterstream
