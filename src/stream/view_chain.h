// Purpose: views over the same rows, groups and arguments that share one pass and one set of panes. The finest view's
//          windows take the readings; when one closes, its result is emitted and merged into the next coarser view.
// Rules: a reading is late for a view when its window is closed there. A reading whose fine window is closed but whose
//        coarse window is open is added to the coarse one directly, so each view answers as if it ran alone.
//        Closing depends on the watermark at each reading and not on batch borders, so results do not either.
//        A view of local days stands alone. Its windows are those of local_days.h.
//        A hopping view stands alone. Its table holds panes, and a reading is late when its last window is closed.
//        A view with sessions stands alone, too. Its table is empty, see session_windows.h.
// Order: results come by view (finest first), window start, group in order of first appearance.
// Thread-safety: none; one chain belongs to one task.
// Errors: only those of the page spill (disk full).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/result.h"
#include "state/key_value_store.h"
#include "stream/chain_samples.h"
#include "stream/decoded_batch.h"
#include "stream/hopping_windows.h"
#include "stream/key_interner.h"
#include "stream/lag_columns.h"
#include "stream/local_days.h"
#include "stream/lookup_join.h"
#include "stream/session_windows.h"
#include "stream/snapshot_stream.h"
#include "stream/view_accounting.h"
#include "stream/view_spec.h"
#include "stream/window_table.h"

namespace meterstream {

/// What came of the results that a chain emitted.
struct ResultCounts {
  int64_t written = 0;  ///< all of them, without those that HAVING left out
  int64_t faults = 0;
};

/// What a chain hands out while it works. `view` is the index in the order given to the chain.
class ViewOutput {
 public:
  virtual ~ViewOutput() = default;
  /// The group's key lives until take_counts().
  virtual Status emit(size_t view, std::string_view group_key, int64_t window_start_ms, const GroupState& state) = 0;
  /// The same with a window of any bounds.
  virtual void emit_window(size_t view, std::string_view group_key, const ResultWindow& window,
                           const GroupState& state) = 0;
  /// The window of the group that was emitted with this start is no more: others took what it had.
  virtual void retract(size_t view, std::string_view group_key, int64_t window_start_ms) = 0;
  /// Called when the view's results so far must be written, before a commit can follow. Gives the counts since the last call.
  virtual ResultCounts take_counts(size_t view) = 0;
  /// A row of a stream: the values are in row `row` of its columns.
  virtual void row(size_t view, const RecordView& record, const std::vector<const Column*>& columns, uint32_t row) = 0;
  virtual void late(size_t view, const RecordView& record, int64_t window_start_ms, int64_t closed_before_ms) = 0;
};

class ViewChain {
 public:
  /// An argument of the chain's slots: an expression and its result type. Those that sum squares stand behind all others.
  struct Argument {
    std::shared_ptr<const Expression> expression;
    ColumnType type = ColumnType::kDouble;
    std::optional<size_t> squares_of;  ///< which argument's
  };

  /// `views` sorted by window size, chainable (see chains_of); `keys_decoded` when ColumnBatch::group_keys are theirs; `tables`
  /// may be null when they look nothing up.
  ViewChain(std::vector<const ViewSpec*> views, bool keys_decoded, size_t partitions, MemoryBudget& budget,
            PageSpill* spill, uint32_t first_table_number, TableFeeds* tables = nullptr);

  /// Adds the batch. With `rebuilding`, restores state only: nothing is emitted, counted or closed.
  Status add(DecodedBatch& batch, bool rebuilding, ViewOutput& output);
  /// Emits and merges the windows that add() found closed, or that `watermark_ms` closes.
  Status close_windows(int64_t watermark_ms, ViewOutput& output);
  /// Closes every open window of every view; later readings for them are late. Windows up to the end of the coarsest window
  /// that holds `highest_ms` close as if their time had passed; those beyond close alone, and what is between stays open.
  Status close_all(int64_t highest_ms, ViewOutput& output);
  /// EMIT CHANGES: emits what changed since the last call.
  Status emit_changes(ViewOutput& output);

  [[nodiscard]] const std::vector<const ViewSpec*>& views() const { return views_; }
  [[nodiscard]] ViewAccounting& accounting(size_t view) { return levels_[view].accounting; }
  [[nodiscard]] int64_t closed_before_ms(size_t view) const { return levels_[view].closed_before_ms; }
  /// Starts of windows at or after closed_before_ms that were closed by force; of a hopping view from, to, from, to, ...
  [[nodiscard]] std::vector<int64_t> closed_beyond(size_t view) const;
  void restore_closed_beyond(size_t view, const std::vector<int64_t>& starts_ms);
  void restore_closed_before(size_t view, int64_t closed_before_ms) {
    levels_[view].closed_before_ms = closed_before_ms;
    levels_[view].emitted_before_ms = closed_before_ms;
  }
  /// Lowest offset of `partition` that an open window holds data of; -1 when none does.
  [[nodiscard]] int64_t first_open_offset(size_t partition) const;
  [[nodiscard]] int64_t open_windows() const;
  /// Start of the earliest open window; INT64_MAX when none is.
  [[nodiscard]] int64_t earliest_open_ms() const;
  [[nodiscard]] const std::vector<Argument>& arguments() const { return arguments_; }
  /// Of each aggregate of the view.
  [[nodiscard]] std::vector<SlotPlace> arguments_of(size_t view) const;
  /// Of each aggregate of the view: which of the sample sets.
  [[nodiscard]] const std::vector<size_t>& samples_of(size_t view) const { return samples_.sets_of(view); }
  [[nodiscard]] size_t key_bytes() const {
    return keys_.bytes() + (lags_ ? lags_->bytes() : 0) + (sessions_ ? sessions_->bytes() : 0);
  }
  [[nodiscard]] uint32_t groups() const { return keys_.size(); }

  Status enforce_budget();
  /// See PassProcessor::save_new_keys.
  void save_new_keys(std::string_view prefix, WriteBatch& batch);
  Status load_keys(std::string_view prefix, const KeyValueStore& store);
  /// See PassProcessor::save_lags.
  void save_lags(std::string_view prefix, WriteBatch& batch);
  Status load_lags(std::string_view prefix, const KeyValueStore& store);
  Status save(SnapshotWriter& writer) const;
  Status load(SnapshotReader& reader);
  /// See PassProcessor::save_changes.
  Status save_changes(std::string_view prefix, WriteBatch& batch);
  Status load_changes(std::string_view prefix, const KeyValueStore& store);

 private:
  struct Level {
    explicit Level(std::unique_ptr<WindowTable> windows) : table(std::move(windows)) {}
    std::unique_ptr<WindowTable> table;
    int64_t size_ms = 0;
    int64_t advance_ms = 0;  ///< the size, unless the view hops
    int64_t grace_ms = 0;
    std::unique_ptr<LocalDays> days;       ///< where windows are such days
    int64_t closed_before_ms = INT64_MIN;  ///< readings of windows before it are late
    /// Starts of windows at or after closed_before_ms that were closed by force: opened by fast meter clocks. Closing one
    /// of them must not close everything before it.
    std::set<int64_t> closed_beyond;
    int64_t emitted_before_ms = INT64_MIN;  ///< windows before it are gone from the table
    ViewAccounting accounting;
  };
  Status add_selected(DecodedBatch& batch, ViewOutput& output);
  void evaluate_arguments(DecodedBatch& batch);
  void select_rows(DecodedBatch& batch);
  void find_groups(DecodedBatch& batch);
  void make_group_keys(DecodedBatch& batch);
  static bool is_closed(const Level& level, int64_t start_ms) {  // of views that do not hop
    return start_ms < level.closed_before_ms || level.closed_beyond.contains(start_ms);
  }
  void advance(int64_t watermark_ms);
  /// Of views that do not hop.
  static LocalDays::Bounds window_at(const Level& level, int64_t time_ms) {
    if (level.days != nullptr) return level.days->window_of(time_ms);
    const int64_t start_ms = window_start_of(time_ms, level.size_ms);
    return {start_ms, start_ms + level.size_ms};
  }
  static int64_t closed_before(const Level& level, int64_t watermark_ms);
  void count_faults(int64_t faults);
  void count_results(size_t level, ViewOutput& output);
  void swap_plain_arguments(DecodedBatch& batch);
  void project(DecodedBatch& batch, ViewOutput& output);
  Status add_rows(DecodedBatch& batch, ViewOutput& output);
  WindowTable::Window& window_for(size_t level, int64_t start_ms, size_t partition, int64_t offset);
  WindowTable::Window* open_window(const DecodedBatch& batch, uint32_t row, int64_t start_ms);
  void add_row(uint32_t row, WindowSlot& slot);
  void add_squares(uint32_t row, WindowSlot& slot) const;
  void name_arguments();
  Status add_beyond_finest(DecodedBatch& batch, size_t row_index, uint32_t row, ViewOutput& output);
  Status close_level(size_t index, ViewOutput* output);
  // Of a hopping view, in view_chain_hopping.cc.
  WindowTable::Window* open_pane(const DecodedBatch& batch, uint32_t row, int64_t start_ms);
  Status add_beside_pane(DecodedBatch& batch, size_t row_index, uint32_t row, ViewOutput& output);
  Status close_hopping(ViewOutput& output);
  Status close_all_hopping(int64_t limit_ms, ViewOutput& output);
  Status refine_hopping(ViewOutput& output);
  HoppingWindows::Emit emit_to(ViewOutput& output);
  // Of a view with sessions, in view_chain_sessions.cc.
  Status add_to_sessions(DecodedBatch& batch, ViewOutput& output);
  Status close_sessions(int64_t watermark_ms, ViewOutput& output);
  Status close_all_sessions(int64_t highest_ms, ViewOutput& output);
  SessionWindows::Emit sessions_to(ViewOutput& output);
  WindowTable::Window& window_above(size_t level, const WindowTable::Window& from);
  void merge_slot(const WindowSlot& from, WindowSlot& into) const;
  Status save_samples(const WindowTable::PageContent& page, SnapshotWriter& writer) const;
  Status load_samples(WindowTable& table, WindowTable::Window& window, uint32_t page, SnapshotReader& reader) const;

  std::vector<const ViewSpec*> views_;
  bool keys_decoded_;
  bool emits_changes_;
  bool rebuilding_ = false;
  size_t partitions_;
  std::vector<Argument> arguments_;
  size_t plain_arguments_ = 0;  ///< those that sum no squares
  std::vector<std::vector<SlotPlace>> argument_of_;
  ChainSamples samples_;
  std::vector<Level> levels_;
  std::optional<LookupJoin> lookups_;  ///< of views with lookups or lags
  std::optional<LagColumns> lags_;
  std::unique_ptr<HoppingWindows> hopping_;  // over the table of the only level
  std::unique_ptr<SessionWindows> sessions_;
  KeyInterner keys_;
  uint32_t keys_saved_ = 0;
  int64_t close_trigger_ms_ = INT64_MIN;
  uint64_t touch_ = 0;
  uint64_t touch_saved_ = 0;
  std::vector<ChangedGroup> changed_;

  // Scratch of one batch.
  std::vector<uint32_t> rows_;
  std::vector<char> row_slot_;
  std::vector<uint32_t> ids_;
  std::vector<std::string_view> row_keys_;
  std::string key_bytes_;
  std::vector<size_t> key_ends_;
  std::vector<Column> argument_columns_;
  std::vector<std::vector<int64_t>> argument_units_;
};

/// Groups views of one stream into chains: same filter, groups and grace, EMIT FINAL, each size a multiple of the
/// one before. Every view is in exactly one chain; indexes into `views`, finest first.
std::vector<std::vector<size_t>> chains_of(const std::vector<ViewSpec>& views);

}  // namespace meterstream
