#include "stream/hopping_windows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "stream/square_sum.h"

namespace meterstream {
namespace {

constexpr uint32_t kPageSlots = WindowTable::kPageSlots;
// The one window of the merge's table.
constexpr int64_t kMerged = 0;

size_t pages_of(const std::vector<const WindowTable::Window*>& panes) {
  size_t pages = 0;
  for (const WindowTable::Window* pane : panes) pages = std::max(pages, pane->pages.size());
  return pages;
}

}  // namespace

HoppingWindows::HoppingWindows(HoppingShape shape, WindowTable& panes, std::vector<bool> is_integer,
                               MemoryBudget& budget, PageSpill* spill, uint32_t table_number)
    : shape_(shape),
      panes_(panes),
      is_integer_(std::move(is_integer)),
      slot_bytes_(panes.slot_bytes()),
      budget_(budget),
      merged_(panes.arguments(), budget, spill, table_number) {}

bool HoppingWindows::is_closed(int64_t pane_start_ms, int64_t closed_before_ms) const {
  const int64_t first_ms = std::max(shape_.first_window_of(pane_start_ms), closed_before_ms);
  return closed_alone_.first_outside(first_ms) > shape_.last_window_of(pane_start_ms);
}

void HoppingWindows::restore_closed_alone(const std::vector<int64_t>& ranges) {
  for (size_t i = 0; i + 1 < ranges.size(); i += 2) closed_alone_.add(ranges[i], ranges[i + 1]);
}

void HoppingWindows::merge(const WindowSlot& from, WindowSlot& into) const {
  merge_slots(from, into, is_integer_.size(), [this](size_t argument) { return is_integer_[argument]; });
  for (size_t i = is_integer_.size(); i < panes_.arguments(); ++i)
    merge_squares(into.arguments()[i], from.arguments()[i]);
}

// False: the least or greatest value of an argument may have left.
bool HoppingWindows::subtract(const WindowSlot& from, WindowSlot& into) const {
  bool certain = true;
  into.rows -= from.rows;
  for (size_t i = 0; i < is_integer_.size(); ++i) {
    const ArgumentState& leaving = from.arguments()[i];
    ArgumentState& state = into.arguments()[i];
    if (leaving.count == 0) continue;
    certain &= leaving.min_bits != state.min_bits && leaving.max_bits != state.max_bits;
    state.subtract(leaving);
  }
  for (size_t i = is_integer_.size(); i < panes_.arguments(); ++i)
    subtract_squares(into.arguments()[i], from.arguments()[i]);
  return certain;
}

// The first window from `from_ms` on that has readings and was not closed alone.
std::optional<int64_t> HoppingWindows::next_window(int64_t from_ms) const {
  const auto& panes = panes_.windows();
  for (auto pane = panes.lower_bound(from_ms); pane != panes.end(); ++pane) {
    const int64_t first_ms = std::max(from_ms, shape_.first_window_of(pane->first));
    const int64_t start_ms = closed_alone_.first_outside(first_ms);
    if (start_ms <= shape_.last_window_of(pane->first)) return start_ms;
  }
  return std::nullopt;
}

HoppingWindows::Panes HoppingWindows::panes_between(int64_t from_ms, int64_t to_ms) const {
  Panes found;
  const auto& panes = panes_.windows();
  for (auto pane = panes.lower_bound(from_ms); pane != panes.end() && pane->first < to_ms; ++pane)
    found.push_back(&pane->second);
  return found;
}

Status HoppingWindows::drop_closed(int64_t closed_before_ms) {
  std::vector<int64_t> closed;
  for (const auto& [start_ms, pane] : panes_.windows()) {
    if (is_closed(start_ms, closed_before_ms)) closed.push_back(start_ms);
  }
  for (const int64_t start_ms : closed) RETURN_IF_ERROR(panes_.erase(start_ms));
  closed_alone_.erase_before(closed_before_ms);
  return {};
}

Status HoppingWindows::close(int64_t from_ms, int64_t closed_before_ms, const Emit& emit) {
  if (emit) {
    for (auto start = next_window(from_ms); start && *start < closed_before_ms;) {
      const auto next = next_window(*start + shape_.advance_ms);
      RETURN_IF_ERROR(emit_window(*start, std::min(next.value_or(closed_before_ms), closed_before_ms), emit));
      start = next;
    }
    RETURN_IF_ERROR(retire_until(closed_before_ms));
  }
  return drop_closed(closed_before_ms);
}

Result<int64_t> HoppingWindows::close_all(int64_t from_ms, int64_t limit_ms, const Emit& emit) {
  int64_t closed_before_ms = from_ms;
  for (auto start = next_window(from_ms); start;) {
    const auto next = next_window(*start + shape_.advance_ms);
    if (emit) RETURN_IF_ERROR(emit_window(*start, next.value_or(*start + shape_.size_ms), emit));
    if (*start < limit_ms) {
      closed_before_ms = *start + shape_.advance_ms;
    } else {
      closed_alone_.add(*start, *start + shape_.advance_ms);
    }
    start = next;
  }
  RETURN_IF_ERROR(forget_merged());
  RETURN_IF_ERROR(drop_closed(closed_before_ms));
  return closed_before_ms;
}

// Merges and emits a window. Afterwards the merge holds its panes from `keep_from_ms` on.
Status HoppingWindows::emit_window(int64_t start_ms, int64_t keep_from_ms, const Emit& emit) {
  RETURN_IF_ERROR(retire_until(start_ms));
  const int64_t end_ms = start_ms + shape_.size_ms;
  const int64_t kept_ms = std::min(keep_from_ms, end_ms);
  if (merged_from_ms_ == merged_to_ms_) merged_from_ms_ = merged_to_ms_ = start_ms;
  CHECK(merged_from_ms_ == start_ms && merged_to_ms_ <= end_ms);
  const Panes entering = panes_between(merged_to_ms_, end_ms);
  const Panes leaving = panes_between(start_ms, kept_ms);
  const Panes staying = panes_between(kept_ms, end_ms);
  const size_t pages = std::max({pages_of(entering), pages_of(leaving), pages_of(staying)});
  for (uint32_t page = 0; page < pages; ++page) {
    RETURN_IF_ERROR(add_page(page, entering));
    RETURN_IF_ERROR(emit_page(start_ms, page, emit));
    if (kept_ms < end_ms) RETURN_IF_ERROR(retire_page(page, leaving, staying));
    if (budget_.exceeded()) RETURN_IF_ERROR(merged_.enforce_budget());
  }
  merged_from_ms_ = kept_ms;
  merged_to_ms_ = end_ms;
  return kept_ms < end_ms ? Status() : forget_merged();
}

Status HoppingWindows::emit_page(int64_t start_ms, uint32_t page, const Emit& emit) {
  ASSIGN_OR_RETURN(const char* const merged, merged_page(page));
  if (merged == nullptr) return {};
  ASSIGN_OR_RETURN(const auto samples, samples_of_page(start_ms, page));
  for (uint32_t i = 0; i < kPageSlots; ++i) {
    const auto& slot = *reinterpret_cast<const WindowSlot*>(merged + i * slot_bytes_);
    if (slot.rows == 0) continue;
    const GroupState state(slot, samples == nullptr ? nullptr : samples->sets(i));
    RETURN_IF_ERROR(emit(start_ms, page * kPageSlots + i, state));
  }
  return {};
}

std::unique_ptr<SamplePage> HoppingWindows::new_samples(uint32_t slots) const {
  return panes_.sample_shapes().empty() ? nullptr : std::make_unique<SamplePage>(panes_.sample_shapes(), slots);
}

Result<std::unique_ptr<SamplePage>> HoppingWindows::samples_of_page(int64_t start_ms, uint32_t page) const {
  auto samples = new_samples(kPageSlots);
  if (samples == nullptr) return samples;
  for (const WindowTable::Window* pane : panes_between(start_ms, start_ms + shape_.size_ms)) {
    if (page >= pane->pages.size()) continue;
    ASSIGN_OR_RETURN(const WindowTable::PageContent content, panes_.page_content(pane->pages[page]));
    if (content.samples == nullptr) continue;
    for (uint32_t i = 0; i < kPageSlots; ++i) samples->merge(i, content.samples->sets(i));
  }
  return samples;
}

Status HoppingWindows::forget_merged() {
  merged_from_ms_ = merged_to_ms_ = INT64_MIN;
  return merged_.erase(kMerged);
}

// Takes the panes before `start_ms` out of the merge.
Status HoppingWindows::retire_until(int64_t start_ms) {
  if (merged_from_ms_ == merged_to_ms_ || merged_from_ms_ >= start_ms) return {};
  if (merged_to_ms_ <= start_ms) return forget_merged();
  const Panes leaving = panes_between(merged_from_ms_, start_ms);
  const Panes staying = panes_between(start_ms, merged_to_ms_);
  const size_t pages = pages_of(leaving);
  for (uint32_t page = 0; page < pages; ++page) {
    RETURN_IF_ERROR(retire_page(page, leaving, staying));
    if (budget_.exceeded()) RETURN_IF_ERROR(merged_.enforce_budget());
  }
  merged_from_ms_ = start_ms;
  return {};
}

// Null when nothing was merged there.
Result<char*> HoppingWindows::merged_page(uint32_t page) {
  WindowTable::Window* merged = merged_.find(kMerged);
  if (merged == nullptr) return nullptr;
  ASSIGN_OR_RETURN(WindowSlot* const first, merged_.load_if_touched(*merged, page * kPageSlots));
  return reinterpret_cast<char*>(first);
}

Status HoppingWindows::add(uint32_t id, const WindowSlot& rows) {
  ASSIGN_OR_RETURN(WindowSlot* const slot, merged_.load(merged_.find_or_add(kMerged, 0), id));
  merge(rows, *slot);
  return {};
}

Status HoppingWindows::add_page(uint32_t page, const Panes& entering) {
  for (const WindowTable::Window* pane : entering) {
    if (page >= pane->pages.size()) continue;
    ASSIGN_OR_RETURN(const char* const bytes, panes_.page_bytes(pane->pages[page]));
    if (bytes == nullptr) continue;
    ASSIGN_OR_RETURN(WindowSlot* const first, merged_.load(merged_.find_or_add(kMerged, 0), page * kPageSlots));
    char* const merged = reinterpret_cast<char*>(first);
    for (uint32_t i = 0; i < kPageSlots; ++i) {
      const auto& from = *reinterpret_cast<const WindowSlot*>(bytes + i * slot_bytes_);
      if (from.rows != 0) merge(from, *reinterpret_cast<WindowSlot*>(merged + i * slot_bytes_));
    }
  }
  return {};
}

Status HoppingWindows::retire_page(uint32_t page, const Panes& leaving, const Panes& staying) {
  ASSIGN_OR_RETURN(char* const merged, merged_page(page));
  if (merged == nullptr) return {};
  for (const WindowTable::Window* pane : leaving) {
    if (page >= pane->pages.size()) continue;
    ASSIGN_OR_RETURN(const char* const bytes, panes_.page_bytes(pane->pages[page]));
    if (bytes == nullptr) continue;
    for (uint32_t i = 0; i < kPageSlots; ++i) {
      const auto& from = *reinterpret_cast<const WindowSlot*>(bytes + i * slot_bytes_);
      if (from.rows == 0) continue;
      if (!subtract(from, *reinterpret_cast<WindowSlot*>(merged + i * slot_bytes_))) uncertain_.push_back(i);
    }
  }
  if (uncertain_.empty()) return {};
  if (leaving.size() > 1) {
    std::ranges::sort(uncertain_);
    const auto repeated = std::ranges::unique(uncertain_);
    uncertain_.erase(repeated.begin(), repeated.end());
  }
  return look_up_extremes(page, staying, merged);
}

Status HoppingWindows::look_up_extremes(uint32_t page, const Panes& staying, char* merged) {
  for (size_t argument = 0; argument < is_integer_.size(); ++argument) {
    RETURN_IF_ERROR(is_integer_[argument] ? look_up_argument<int64_t>(argument, page, staying, merged)
                                          : look_up_argument<double>(argument, page, staying, merged));
  }
  uncertain_.clear();
  return {};
}

// Looks through the panes that stay until each slot has the extremes that it had, which equal values often give at once;
// else it takes what was found in all of them.
template <class Number>
Status HoppingWindows::look_up_argument(size_t argument, uint32_t page, const Panes& staying, char* merged) {
  struct Extremes {
    Number least = std::numeric_limits<Number>::max();
    Number greatest = std::numeric_limits<Number>::lowest();
  };
  std::array<Extremes, kPageSlots> found;
  const auto state_of = [&](uint32_t i) -> ArgumentState& {
    return reinterpret_cast<WindowSlot*>(merged + i * slot_bytes_)->arguments()[argument];
  };
  wanted_.clear();
  for (const uint32_t i : uncertain_) {
    if (state_of(i).count != 0) wanted_.push_back(i);
  }
  uint32_t visited = 0;
  for (const WindowTable::Window* pane : staying) {
    if (wanted_.empty()) return {};
    if (page >= pane->pages.size()) continue;
    ASSIGN_OR_RETURN(const char* const bytes, panes_.page_bytes(pane->pages[page]));
    if (bytes == nullptr) continue;
    for (const uint32_t i : wanted_) {
      const ArgumentState& from = reinterpret_cast<const WindowSlot*>(bytes + i * slot_bytes_)->arguments()[argument];
      if (from.count == 0) continue;
      found[i].least = std::min(found[i].least, from.min<Number>());
      found[i].greatest = std::max(found[i].greatest, from.max<Number>());
    }
    // Ever more seldom: what the first panes do not have, the others hardly have.
    if (!std::has_single_bit(++visited)) continue;
    std::erase_if(wanted_, [&](uint32_t i) {
      const ArgumentState& state = state_of(i);
      return found[i].least == state.min<Number>() && found[i].greatest == state.max<Number>();
    });
  }
  for (const uint32_t i : wanted_) {
    state_of(i).min_bits = std::bit_cast<uint64_t>(found[i].least);
    state_of(i).max_bits = std::bit_cast<uint64_t>(found[i].greatest);
  }
  return {};
}

Status HoppingWindows::refine(std::vector<ChangedGroup>& changed, int64_t from_ms, const Emit& emit) {
  const auto by_group = [](const ChangedGroup& group) { return std::pair(group.id, group.start_ms); };
  std::ranges::sort(changed, {}, by_group);
  for (auto next = changed.begin(); next != changed.end();) {
    const uint32_t id = next->id;
    starts_.clear();
    for (; next != changed.end() && next->id == id; ++next) {
      int64_t start_ms = std::max(from_ms, shape_.first_window_of(next->start_ms));
      if (!starts_.empty()) start_ms = std::max(start_ms, starts_.back() + shape_.advance_ms);
      const int64_t last_ms = shape_.last_window_of(next->start_ms);
      while ((start_ms = closed_alone_.first_outside(start_ms)) <= last_ms) {
        starts_.push_back(start_ms);
        start_ms += shape_.advance_ms;
      }
    }
    if (!starts_.empty()) RETURN_IF_ERROR(refine_group(id, emit));
  }
  changed.clear();
  return {};
}

Status HoppingWindows::find_group_panes(uint32_t id) {
  group_panes_.clear();
  const int64_t end_ms = starts_.back() + shape_.size_ms;
  const auto& panes = panes_.windows();
  for (auto pane = panes.lower_bound(starts_.front()); pane != panes.end() && pane->first < end_ms; ++pane) {
    ASSIGN_OR_RETURN(const WindowSlot* const slot, panes_.load_if_touched(*panes_.find(pane->first), id));
    if (slot == nullptr || slot->rows == 0) continue;
    group_panes_.push_back({pane->first, slot, panes_.samples_in_memory(pane->second, id)});
  }
  return {};
}

// Merges the group's panes from each one on to `border_ms`. Gives the number of panes before it.
size_t HoppingWindows::merge_suffixes(size_t first, int64_t border_ms) {
  size_t border = first;
  while (border < group_panes_.size() && group_panes_[border].start_ms < border_ms) ++border;
  suffixes_.assign((border - first) * slot_bytes_, 0);
  for (size_t at = border; at-- > first;) {
    char* const suffix = suffixes_.data() + (at - first) * slot_bytes_;
    if (at + 1 < border) std::memcpy(suffix, suffix + slot_bytes_, slot_bytes_);
    merge(*group_panes_[at].slot, *reinterpret_cast<WindowSlot*>(suffix));
  }
  return border;
}

// Each window is the merge of panes up to a border, made backwards once, and of panes behind it, added one by one.
Status HoppingWindows::refine_group(uint32_t id, const Emit& emit) {
  RETURN_IF_ERROR(find_group_panes(id));
  size_t first = 0;
  for (size_t i = 0; i < starts_.size();) {
    const int64_t border_ms = starts_[i] + shape_.size_ms;
    while (first < group_panes_.size() && group_panes_[first].start_ms < starts_[i]) ++first;
    const size_t suffixes_from = first;
    const size_t border = merge_suffixes(first, border_ms);
    size_t entering = border;
    prefix_.assign(slot_bytes_, 0);
    for (; i < starts_.size() && starts_[i] < border_ms; ++i) {
      while (first < border && group_panes_[first].start_ms < starts_[i]) ++first;
      const int64_t end_ms = starts_[i] + shape_.size_ms;
      for (; entering < group_panes_.size() && group_panes_[entering].start_ms < end_ms; ++entering)
        merge(*group_panes_[entering].slot, *reinterpret_cast<WindowSlot*>(prefix_.data()));
      result_ = prefix_;
      auto& result = *reinterpret_cast<WindowSlot*>(result_.data());
      if (first < border) {
        const char* const suffix = suffixes_.data() + (first - suffixes_from) * slot_bytes_;
        merge(*reinterpret_cast<const WindowSlot*>(suffix), result);
      }
      const auto samples = new_samples(1);
      for (size_t pane = first; pane < entering && samples != nullptr; ++pane)
        samples->merge(0, group_panes_[pane].samples);
      RETURN_IF_ERROR(emit(starts_[i], id, GroupState(result, samples == nullptr ? nullptr : samples->sets(0))));
    }
  }
  return {};
}

}  // namespace meterstream
