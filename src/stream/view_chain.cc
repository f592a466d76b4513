#include "stream/view_chain.h"

#include <algorithm>

#include "base/check.h"
#include "stream/square_sum.h"
#include "stream/watermark.h"
#include "stream/window_math.h"

namespace meterstream {
namespace {

// Marks a value whose exact units need the slow conversion.
constexpr int64_t kSlowUnits = INT64_MIN;
constexpr size_t kPrefetchDistance = 12;
// Added to the number of a table of panes: the number of the table of their merge.
constexpr uint32_t kMergeTables = 0x8000;

bool is_integer(ColumnType type) {
  return type != ColumnType::kDouble;
}

}  // namespace

ViewChain::ViewChain(std::vector<const ViewSpec*> views, bool keys_decoded, size_t partitions, MemoryBudget& budget,
                     PageSpill* spill, uint32_t first_table_number, TableFeeds* tables)
    : views_(std::move(views)),
      keys_decoded_(keys_decoded),
      emits_changes_(views_.front()->emit == EmitMode::kChanges),
      partitions_(partitions),
      samples_(views_) {
  if (!views_.front()->lookups.empty() || !views_.front()->lags.empty()) lookups_.emplace(views_, tables);
  if (!views_.front()->lags.empty()) lags_.emplace(*views_.front());
  name_arguments();
  for (const ViewSpec* view : views_) {
    Level level(std::make_unique<WindowTable>(arguments_.size(), budget, spill,
                                              first_table_number + static_cast<uint32_t>(levels_.size()),
                                              view->is_session() ? std::vector<SampleShape>() : samples_.shapes()));
    level.size_ms = view->window_size_ms;
    level.advance_ms = view->is_hopping() ? view->advance_ms : view->window_size_ms;
    level.grace_ms = view->grace_ms;
    if (view->has_local_days()) level.days = std::make_unique<LocalDays>(view->time_zone, view->window_size_ms);
    levels_.push_back(std::move(level));
  }
  if (views_.front()->is_hopping()) {
    CHECK(views_.size() == 1);
    std::vector<bool> integers(plain_arguments_);
    for (size_t i = 0; i < integers.size(); ++i) integers[i] = is_integer(arguments_[i].type);
    const HoppingShape shape{levels_.front().size_ms, levels_.front().advance_ms};
    hopping_ = std::make_unique<HoppingWindows>(shape, *levels_.front().table, std::move(integers), budget, spill,
                                                first_table_number + kMergeTables);
  }
  if (views_.front()->is_session()) {
    CHECK(views_.size() == 1);
    sessions_ = std::make_unique<SessionWindows>(
        SessionShape{views_.front()->session_gap_ms, views_.front()->grace_ms, views_.front()->emit}, arguments_.size(),
        samples_.shapes(), [this](const WindowSlot& from, WindowSlot& into) { merge_slot(from, into); });
  }
  argument_columns_.resize(plain_arguments_);
  argument_units_.resize(plain_arguments_);
}

void ViewChain::count_faults(int64_t faults) {
  if (rebuilding_) return;
  for (Level& level : levels_) level.accounting.faults += faults;
}

void ViewChain::count_results(size_t level, ViewOutput& output) {
  const ResultCounts counts = output.take_counts(level);
  levels_[level].accounting.results += counts.written;
  levels_[level].accounting.faults += counts.faults;
}

std::vector<int64_t> ViewChain::closed_beyond(size_t view) const {
  if (hopping_ != nullptr) return hopping_->closed_alone();
  const std::set<int64_t>& starts = levels_[view].closed_beyond;
  return {starts.begin(), starts.end()};
}

void ViewChain::restore_closed_beyond(size_t view, const std::vector<int64_t>& starts_ms) {
  if (hopping_ != nullptr) return hopping_->restore_closed_alone(starts_ms);
  levels_[view].closed_beyond.insert(starts_ms.begin(), starts_ms.end());
}

std::vector<SlotPlace> ViewChain::arguments_of(size_t view) const {
  return argument_of_[view];
}

void ViewChain::select_rows(DecodedBatch& batch) {
  const Expression* filter = views_.front()->filter.get();
  rows_.assign(batch.selection.begin(), batch.selection.end());
  int64_t faults = 0;
  if (lookups_) lookups_->look_up(batch, rows_, faults);
  if (lags_) lags_->add(batch, rows_, faults);
  if (filter != nullptr) {
    const Column keep = evaluate(*filter, batch.columns, faults);
    std::erase_if(rows_, [&](uint32_t row) { return keep.is_null(row) || keep.integers[row] == 0; });
  }
  count_faults(faults);
  if (rebuilding_) return;
  for (Level& level : levels_) {
    level.accounting.filtered += static_cast<int64_t>(batch.selection.size() - rows_.size());
  }
}

void ViewChain::evaluate_arguments(DecodedBatch& batch) {
  for (size_t i = 0; i < plain_arguments_; ++i) {
    const Expression& expression = *arguments_[i].expression;
    int64_t faults = 0;
    Column* column = &batch.columns.columns[expression.column];
    if (expression.kind != Expression::Kind::kColumn) {
      argument_columns_[i] = evaluate(expression, batch.columns, faults);
      column = &argument_columns_[i];
    }
    count_faults(faults);
    if (is_integer(arguments_[i].type)) continue;
    std::vector<int64_t>& units = argument_units_[i];
    const std::vector<double>& values = column->doubles;
    units.resize(values.size());
    for (size_t row = 0; row < values.size(); ++row) {
      if (!to_decimal_units(values[row], units[row])) units[row] = kSlowUnits;
    }
  }
}

int64_t ViewChain::closed_before(const Level& level, int64_t watermark_ms) {
  if (level.days == nullptr) return closed_before_of(watermark_ms, level.size_ms, level.advance_ms, level.grace_ms);
  // Those before the one that this time is in.
  return watermark_ms == kNoWatermark ? INT64_MIN : level.days->window_of(watermark_ms - level.grace_ms).start_ms;
}

void ViewChain::advance(int64_t watermark_ms) {
  for (Level& level : levels_)
    level.closed_before_ms = std::max(level.closed_before_ms, closed_before(level, watermark_ms));
  const Level& finest = levels_.front();
  close_trigger_ms_ = INT64_MIN;
  if (finest.closed_before_ms == INT64_MIN) return;
  const int64_t next_end_ms = finest.days != nullptr ? finest.days->window_of(finest.closed_before_ms).end_ms
                                                     : finest.closed_before_ms + finest.size_ms;
  close_trigger_ms_ = next_end_ms + finest.grace_ms;
}

WindowTable::Window& ViewChain::window_for(size_t level, int64_t start_ms, size_t partition, int64_t offset) {
  WindowTable::Window& window = levels_[level].table->find_or_add(start_ms, partitions_);
  if (window.open_levels == 0) {
    // Coarser windows that are due but not yet emitted still take what this one holds. A view that is closed further,
    // because a run closed it at its end, takes nothing, and passes nothing on to those above it.
    window.open_levels = 1;
    for (size_t coarser = level + 1; coarser < levels_.size(); ++coarser) {
      const int64_t coarse_start_ms = window_start_of(start_ms, levels_[coarser].size_ms);
      const Level& above = levels_[coarser];
      if (coarse_start_ms < above.emitted_before_ms || above.closed_beyond.contains(coarse_start_ms)) break;
      ++window.open_levels;
    }
  }
  int64_t& first = window.first_offsets[partition];
  first = first < 0 ? offset : std::min(first, offset);
  window.last_touch = touch_;
  return window;
}

// The finest window of a row when all views above it are open too; null otherwise.
WindowTable::Window* ViewChain::open_window(const DecodedBatch& batch, uint32_t row, int64_t start_ms) {
  if (is_closed(levels_.front(), start_ms)) return nullptr;
  WindowTable::Window& window = window_for(0, start_ms, batch.partition, batch.record_of(row).offset.value);
  return window.open_levels == levels_.size() ? &window : nullptr;
}

// Adds a row to a slot: the general case of any number and type of arguments, NULLs included.
void ViewChain::add_row(uint32_t row, WindowSlot& slot) {
  ++slot.rows;
  for (size_t i = 0; i < plain_arguments_; ++i) {
    const Column& column = argument_columns_[i];
    if (column.is_null(row)) continue;
    ArgumentState& state = slot.arguments()[i];
    if (is_integer(arguments_[i].type)) {
      state.add<int64_t>(column.integers[row], column.integers[row]);
      continue;
    }
    const double value = column.doubles[row];
    const int64_t units = argument_units_[i][row];
    if (units != kSlowUnits) {
      state.add<double>(value, units);
    } else if (const auto decimal = Decimal::from_double(value)) {
      state.add<double>(value, decimal->units());
    } else {
      count_faults(1);
    }
  }
  if (plain_arguments_ != arguments_.size()) [[unlikely]]
    add_squares(row, slot);
}

void ViewChain::add_squares(uint32_t row, WindowSlot& slot) const {
  for (size_t i = plain_arguments_; i < arguments_.size(); ++i) {
    const size_t squared = *arguments_[i].squares_of;
    const Column& column = argument_columns_[squared];
    if (column.is_null(row)) continue;
    if (is_integer(arguments_[i].type)) {
      add_square(slot.arguments()[i], column.integers[row]);
      continue;
    }
    const int64_t units = argument_units_[squared][row];
    if (units != kSlowUnits) {
      add_square(slot.arguments()[i], units);
    } else if (const auto decimal = Decimal::from_double(column.doubles[row])) {
      add_square(slot.arguments()[i], decimal->units());
    }
  }
}

// A row whose finest window is closed, or lies under a coarse window that is closed already.
Status ViewChain::add_beyond_finest(DecodedBatch& batch, size_t row_index, uint32_t row, ViewOutput& output) {
  const int64_t time_ms = batch.event_times_ms[row];
  const RecordView& record = batch.record_of(row);
  size_t reached = 0;  // levels below it get the row when the windows under them close
  for (size_t i = 0; i < levels_.size(); ++i) {
    Level& level = levels_[i];
    const int64_t start_ms = window_at(level, time_ms).start_ms;
    if (is_closed(level, start_ms)) {
      if (rebuilding_) continue;
      ++level.accounting.late;
      output.late(i, record, start_ms, level.closed_before_ms);
      continue;
    }
    if (!rebuilding_) ++level.accounting.aggregated;
    if (i < reached) continue;
    WindowTable::Window& window = window_for(i, start_ms, batch.partition, record.offset.value);
    ASSIGN_OR_RETURN(WindowSlot * slot, level.table->load(window, ids_[row_index]));
    add_row(row, *slot);
    samples_.add(batch, row, *level.table, window, ids_[row_index]);
    WindowTable::mark_changed(window, ids_[row_index]);
    reached = i + window.open_levels;
  }
  return {};
}

// Arguments that are plain columns are lent to argument_columns_ for one batch, and back.
void ViewChain::swap_plain_arguments(DecodedBatch& batch) {
  for (size_t i = 0; i < plain_arguments_; ++i) {
    const Expression& expression = *arguments_[i].expression;
    if (expression.kind != Expression::Kind::kColumn) continue;
    std::swap(argument_columns_[i], batch.columns.columns[expression.column]);
  }
}

Status ViewChain::add(DecodedBatch& batch, bool rebuilding, ViewOutput& output) {
  ++touch_;
  rebuilding_ = rebuilding;
  // A stream has no state that is rebuilt from records.
  if (rebuilding && views_.front()->is_stream()) return {};
  if (!lookups_) return add_selected(batch, output);
  const LookupJoin::Added added(*lookups_, batch.columns);
  return add_selected(batch, output);
}

Status ViewChain::add_selected(DecodedBatch& batch, ViewOutput& output) {
  select_rows(batch);
  if (views_.front()->is_stream()) {
    project(batch, output);
    return {};
  }
  find_groups(batch);
  evaluate_arguments(batch);
  if (!samples_.empty()) count_faults(samples_.evaluate(batch, rows_));
  swap_plain_arguments(batch);
  Status status = sessions_ != nullptr ? add_to_sessions(batch, output) : add_rows(batch, output);
  swap_plain_arguments(batch);
  return status;
}

Status ViewChain::add_rows(DecodedBatch& batch, ViewOutput& output) {
  const bool simple = arguments_.size() == 1 && !is_integer(arguments_[0].type) && !emits_changes_ &&
                      samples_.empty() && argument_columns_[0].validity.empty();
  const double* values = simple ? argument_columns_[0].doubles.data() : nullptr;
  const int64_t* units = simple ? argument_units_[0].data() : nullptr;
  WindowTable& table = *levels_.front().table;
  int64_t window_end_ms = INT64_MIN;
  const size_t count = rows_.size();
  int64_t trigger_ms = rebuilding_ ? INT64_MAX : close_trigger_ms_;
  WindowTable::Window* window = nullptr;
  int64_t aggregated = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t row = rows_[i];
    if (batch.watermark_after_ms[row] >= trigger_ms) [[unlikely]] {
      advance(batch.watermark_after_ms[row]);
      trigger_ms = std::max(close_trigger_ms_, batch.watermark_after_ms[row] + 1);
      window = nullptr;
      // Before the next reading is in a pane of windows that are closed for it.
      if (hopping_ != nullptr) RETURN_IF_ERROR(close_hopping(output));
    }
    const int64_t time_ms = batch.event_times_ms[row];
    if (window == nullptr || time_ms < window->start_ms || time_ms >= window_end_ms) {
      if (hopping_ != nullptr) {
        const int64_t start_ms = hopping_->shape().pane_start_of(time_ms);
        window = open_pane(batch, row, start_ms);
        window_end_ms = hopping_->shape().pane_end_of(start_ms);
      } else {
        const LocalDays::Bounds bounds = window_at(levels_.front(), time_ms);
        window = open_window(batch, row, bounds.start_ms);
        window_end_ms = bounds.end_ms;
      }
      if (window == nullptr) {
        RETURN_IF_ERROR(hopping_ != nullptr ? add_beside_pane(batch, i, row, output)
                                            : add_beyond_finest(batch, i, row, output));
        continue;
      }
    }
    if (i + kPrefetchDistance < count) {
      __builtin_prefetch(table.slot_in_memory(*window, ids_[i + kPrefetchDistance]), 1);
    }
    WindowSlot* slot = table.slot_in_memory(*window, ids_[i]);
    if (slot == nullptr) [[unlikely]] {
      ASSIGN_OR_RETURN(slot, table.load(*window, ids_[i]));
    }
    WindowTable::mark_changed(*window, ids_[i]);
    ++aggregated;
    if (simple && units[row] != kSlowUnits) [[likely]] {
      ++slot->rows;
      slot->arguments()->add<double>(values[row], units[row]);
    } else {
      add_row(row, *slot);
      samples_.add(batch, row, table, *window, ids_[i]);
      if (emits_changes_ && !rebuilding_) changed_.push_back({window->start_ms, ids_[i]});
    }
  }
  if (!rebuilding_) {
    for (Level& level : levels_) level.accounting.aggregated += aggregated;
  }
  return {};
}

Status ViewChain::close_windows(int64_t watermark_ms, ViewOutput& output) {
  if (sessions_ != nullptr) return close_sessions(watermark_ms, output);
  if (watermark_ms >= close_trigger_ms_) advance(watermark_ms);
  if (hopping_ != nullptr) return close_hopping(output);
  // Its results are refined with each commit, which is often enough.
  if (views_.front()->is_unbounded()) return {};
  if (emits_changes_) RETURN_IF_ERROR(emit_changes(output));
  for (size_t level = 0; level < levels_.size(); ++level) {
    RETURN_IF_ERROR(close_level(level, &output));
  }
  return {};
}

Status ViewChain::close_all(int64_t highest_ms, ViewOutput& output) {
  if (sessions_ != nullptr) return close_all_sessions(highest_ms, output);
  const Level& coarsest = levels_.back();
  const int64_t limit_ms = highest_ms == kNoWatermark ? kNoWatermark
                           : coarsest.days != nullptr
                               ? coarsest.days->window_of(highest_ms).end_ms
                               : window_start_of(highest_ms, coarsest.advance_ms) + coarsest.advance_ms;
  if (emits_changes_) RETURN_IF_ERROR(emit_changes(output));
  if (views_.front()->is_unbounded()) return {};
  if (hopping_ != nullptr) return close_all_hopping(limit_ms, output);
  for (size_t i = 0; i < levels_.size(); ++i) {
    Level& level = levels_[i];
    const auto& windows = level.table->windows();
    if (windows.empty()) continue;
    const auto beyond = windows.lower_bound(limit_ms);
    if (beyond != windows.begin()) {
      level.closed_before_ms = std::max(level.closed_before_ms, window_at(level, std::prev(beyond)->first).end_ms);
    }
    for (auto window = beyond; window != windows.end(); ++window) level.closed_beyond.insert(window->first);
    RETURN_IF_ERROR(close_level(i, &output));
  }
  // The finest level's next trigger may lie behind what was closed by force.
  close_trigger_ms_ = INT64_MIN;
  return {};
}

// Without an output, windows that were emitted before a restart only pass on what they hold.
Status ViewChain::close_level(size_t index, ViewOutput* output) {
  Level& level = levels_[index];
  while (!level.table->windows().empty()) {
    const WindowTable::Window& window = level.table->windows().begin()->second;
    if (!is_closed(level, window.start_ms)) break;
    WindowTable::Window* above = window.open_levels > 1 ? &window_above(index + 1, window) : nullptr;
    WindowTable* table_above = above == nullptr ? nullptr : levels_[index + 1].table.get();
    const Status passed_on = level.table->for_each(window, [&](uint32_t id, const GroupState& state) -> Status {
      if (!emits_changes_ && output != nullptr) {
        RETURN_IF_ERROR(output->emit(index, keys_.key(id), window.start_ms, state));
      }
      if (above == nullptr) return {};
      WindowSlot* into = table_above->slot_in_memory(*above, id);
      if (into == nullptr) {
        ASSIGN_OR_RETURN(into, table_above->load(*above, id));
      }
      merge_slot(state.slot, *into);
      table_above->merge_samples(*above, id, state.samples);
      WindowTable::mark_changed(*above, id);
      return {};
    });
    RETURN_IF_ERROR(passed_on);
    RETURN_IF_ERROR(level.table->erase(window.start_ms));
  }
  if (output != nullptr) count_results(index, *output);
  level.emitted_before_ms = level.closed_before_ms;
  level.closed_beyond.erase(level.closed_beyond.begin(), level.closed_beyond.lower_bound(level.closed_before_ms));
  return {};
}

WindowTable::Window& ViewChain::window_above(size_t level, const WindowTable::Window& from) {
  const int64_t start_ms = window_start_of(from.start_ms, levels_[level].size_ms);
  WindowTable::Window& above = levels_[level].table->find_or_add(start_ms, partitions_);
  for (size_t partition = 0; partition < partitions_; ++partition) {
    if (from.first_offsets[partition] >= 0) window_for(level, start_ms, partition, from.first_offsets[partition]);
  }
  return above;
}

void ViewChain::merge_slot(const WindowSlot& from, WindowSlot& into) const {
  merge_slots(from, into, plain_arguments_, [this](size_t argument) { return is_integer(arguments_[argument].type); });
  for (size_t i = plain_arguments_; i < arguments_.size(); ++i) merge_squares(into.arguments()[i], from.arguments()[i]);
}

Status ViewChain::emit_changes(ViewOutput& output) {
  if (sessions_ != nullptr) {
    RETURN_IF_ERROR(sessions_->refine(sessions_to(output)));
    count_results(0, output);
    return {};
  }
  if (hopping_ != nullptr) return refine_hopping(output);
  std::sort(changed_.begin(), changed_.end());
  changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  Level& level = levels_.front();
  for (const ChangedGroup& changed : changed_) {
    WindowTable::Window* window = level.table->find(changed.start_ms);
    if (window == nullptr) continue;
    ASSIGN_OR_RETURN(const WindowSlot* slot, level.table->load(*window, changed.id));
    const GroupState state(*slot, level.table->samples_in_memory(*window, changed.id));
    RETURN_IF_ERROR(output.emit(0, keys_.key(changed.id), changed.start_ms, state));
  }
  changed_.clear();
  count_results(0, output);
  return {};
}

int64_t ViewChain::first_open_offset(size_t partition) const {
  int64_t lowest = -1;
  // What never closes is saved with each commit; it must not hold back retention for ever.
  if (views_.front()->is_unbounded() || sessions_ != nullptr) return lowest;
  for (const Level& level : levels_) {
    for (const auto& [start_ms, window] : level.table->windows()) {
      const int64_t offset = window.first_offsets[partition];
      if (offset >= 0 && (lowest < 0 || offset < lowest)) lowest = offset;
    }
  }
  return lowest;
}

int64_t ViewChain::earliest_open_ms() const {
  int64_t earliest_ms = INT64_MAX;
  if (views_.front()->is_unbounded() || sessions_ != nullptr) return earliest_ms;
  for (const Level& level : levels_) {
    if (!level.table->windows().empty()) earliest_ms = std::min(earliest_ms, level.table->windows().begin()->first);
  }
  return earliest_ms;
}

int64_t ViewChain::open_windows() const {
  int64_t count = sessions_ != nullptr ? sessions_->open() : 0;
  for (const Level& level : levels_) count += static_cast<int64_t>(level.table->windows().size());
  return count;
}

Status ViewChain::enforce_budget() {
  if (hopping_ != nullptr) RETURN_IF_ERROR(hopping_->enforce_budget());
  // Coarse windows first: they are touched only when finer ones close.
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) RETURN_IF_ERROR(level->table->enforce_budget());
  return {};
}

}  // namespace meterstream
