// Purpose: the windows of a hopping view. Readings are in the panes of a WindowTable; a window's result is the merge of its
//          panes. The merge moves on with the windows that close: panes that enter are added, panes that leave are
//          subtracted, and where a minimum or maximum left with them it is looked up in the panes that stay. Sample sets cannot
//          be taken back: they are merged from all panes of a window.
// Rules: a pane is needed until its last window is closed. A window that closes has all readings that came while it was
//        open, also those that are late for earlier windows.
// State: the panes are all of it. The merge is made again when there is none.
// Order: results come by window start, then group id. Refinements come by group id, then window start.
// Thread-safety: none; it belongs to one ViewChain, whose pane table must outlive it.
// Errors: those of the page spill.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "stream/window_math.h"
#include "stream/window_ranges.h"
#include "stream/window_table.h"

namespace meterstream {

/// A group that changed in the window, or pane, from `start_ms`.
struct ChangedGroup {
  int64_t start_ms;
  uint32_t id;
  auto operator<=>(const ChangedGroup&) const = default;
};

class HoppingWindows {
 public:
  using Emit = std::function<Status(int64_t window_start_ms, uint32_t id, const GroupState& state)>;

  /// `is_integer` by argument of the slots, but for those behind them, which are sums of squares. `table_number` must be
  /// free in the spill.
  HoppingWindows(HoppingShape shape, WindowTable& panes, std::vector<bool> is_integer, MemoryBudget& budget,
                 PageSpill* spill, uint32_t table_number);

  [[nodiscard]] const HoppingShape& shape() const { return shape_; }
  /// Whether no window of the pane is open; windows before `closed_before_ms` are not.
  [[nodiscard]] bool is_closed(int64_t pane_start_ms, int64_t closed_before_ms) const;

  /// Whether the merge holds the pane. What is added to the pane must then be added here, too.
  [[nodiscard]] bool merges(int64_t pane_start_ms) const {
    return pane_start_ms >= merged_from_ms_ && pane_start_ms < merged_to_ms_;
  }
  Status add(uint32_t id, const WindowSlot& rows);
  void merge(const WindowSlot& from, WindowSlot& into) const;

  /// Emits the windows from `from_ms` on that start before `closed_before_ms`, and drops what no open window needs.
  /// Without `emit` it only drops.
  Status close(int64_t from_ms, int64_t closed_before_ms, const Emit& emit);
  /// Closes every window with readings from `from_ms` on: those that start before `limit_ms` as if their time had passed,
  /// the others alone. Gives the new time before which all are closed.
  Result<int64_t> close_all(int64_t from_ms, int64_t limit_ms, const Emit& emit);
  /// Emits every open window from `from_ms` on of the groups in the panes `changed`.
  Status refine(std::vector<ChangedGroup>& changed, int64_t from_ms, const Emit& emit);

  /// The windows that were closed alone, as ranges of starts: from, to, from, to, ...
  [[nodiscard]] std::vector<int64_t> closed_alone() const { return closed_alone_.list(); }
  void restore_closed_alone(const std::vector<int64_t>& ranges);

  Status enforce_budget() { return merged_.enforce_budget(); }

 private:
  using Panes = std::vector<const WindowTable::Window*>;
  struct GroupPane {
    int64_t start_ms;
    const WindowSlot* slot;
    const SampleSet* samples;
  };

  [[nodiscard]] std::optional<int64_t> next_window(int64_t from_ms) const;
  [[nodiscard]] Panes panes_between(int64_t from_ms, int64_t to_ms) const;
  Status drop_closed(int64_t closed_before_ms);
  Status emit_window(int64_t start_ms, int64_t keep_from_ms, const Emit& emit);
  Status emit_page(int64_t start_ms, uint32_t page, const Emit& emit);
  [[nodiscard]] std::unique_ptr<SamplePage> new_samples(uint32_t slots) const;
  Result<std::unique_ptr<SamplePage>> samples_of_page(int64_t start_ms, uint32_t page) const;
  Status forget_merged();
  Status retire_until(int64_t start_ms);
  Status add_page(uint32_t page, const Panes& entering);
  Status retire_page(uint32_t page, const Panes& leaving, const Panes& staying);
  Status look_up_extremes(uint32_t page, const Panes& staying, char* merged);
  template <class Number>
  Status look_up_argument(size_t argument, uint32_t page, const Panes& staying, char* merged);
  Result<char*> merged_page(uint32_t page);
  bool subtract(const WindowSlot& from, WindowSlot& into) const;
  Status refine_group(uint32_t id, const Emit& emit);
  Status find_group_panes(uint32_t id);
  size_t merge_suffixes(size_t first, int64_t border_ms);

  HoppingShape shape_;
  WindowTable& panes_;
  std::vector<bool> is_integer_;
  size_t slot_bytes_;
  MemoryBudget& budget_;
  WindowRanges closed_alone_;

  // The merge of the panes in [from, to), in one window of a table of its own; from = to when there is none.
  WindowTable merged_;
  int64_t merged_from_ms_ = INT64_MIN;
  int64_t merged_to_ms_ = INT64_MIN;

  // Scratch.
  std::vector<uint32_t> uncertain_;
  std::vector<uint32_t> wanted_;
  std::vector<int64_t> starts_;
  std::vector<GroupPane> group_panes_;
  std::vector<char> suffixes_;
  std::vector<char> prefix_;
  std::vector<char> result_;
};

}  // namespace meterstream
