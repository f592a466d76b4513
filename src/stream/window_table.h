// Purpose: the open windows of one window size: for each start an array of slots indexed by group id.
// Shapes: slots live in pages of 128 ids, made when first touched. Beyond the memory budget the pages of the window
//         that was touched longest ago move to a PageSpill and come back when needed: slower, and correct.
//         Which blocks of 16 slots changed is noted for WindowChangelog, which writes them elsewhere and clears the notes.
//         Aggregates of variable size have a SamplePage beside each page of slots, which moves with it.
// Cost: WindowSlot::bytes_for(arguments) for each open window of a group while groups report regularly, and its samples.
// Thread-safety: none; a table belongs to one task.
// Errors: only those of the spill; a table without a spill never fails.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "stream/page_spill.h"
#include "stream/sample_page.h"
#include "stream/window_slot.h"

namespace meterstream {

/// Memory that several tables of a task share. Zero limit: no limit.
struct MemoryBudget {
  size_t limit_bytes = 0;
  size_t used_bytes = 0;
  [[nodiscard]] bool exceeded() const { return limit_bytes != 0 && used_bytes > limit_bytes; }
};

class WindowTable {
 public:
  static constexpr uint32_t kPageSlots = 128;
  static constexpr uint32_t kBlockSlots = 16;
  static constexpr uint32_t kPageBlocks = kPageSlots / kBlockSlots;

  using StoredSamples = std::vector<std::vector<uint64_t>>;
  enum class BlockChange : uint8_t { kNone, kChanged };
  struct Page {
    std::unique_ptr<char[]> bytes;        ///< null: never touched, or spilled
    uint64_t spilled_as = 0;              ///< page number in the spill, 0 for none
    std::unique_ptr<SamplePage> samples;  ///< null without bytes, and in tables without samples
  };
  /// Both null when the page was never touched.
  struct PageContent {
    const char* bytes = nullptr;
    const SamplePage* samples = nullptr;
  };
  struct Window {
    int64_t start_ms = 0;
    /// Levels of the chain, from the finest, that were open when the window was made (see ViewChain).
    size_t open_levels = 0;
    /// Lowest offset of each partition that this window holds data of; -1 for none.
    std::vector<int64_t> first_offsets;
    uint64_t last_touch = 0;
    std::vector<Page> pages;
    /// By block, as many as the pages have.
    std::vector<BlockChange> changed;
    /// What was written elsewhere.
    std::vector<bool> stored_blocks;
    std::string stored_header;
    /// By id, in tables with samples.
    std::vector<bool> changed_samples;
    /// What was written elsewhere: by id and set a hash of each part.
    StoredSamples stored_samples;
  };
  /// A window that is gone from here but was written elsewhere.
  struct ErasedWindow {
    int64_t start_ms = 0;
    std::vector<bool> stored_blocks;
    StoredSamples stored_samples;
  };

  /// `spill` may be null: then the budget is counted and not enforced. `table_number` tells tables of a spill apart.
  /// `samples` are the sets that each group has beside its slot.
  WindowTable(size_t arguments, MemoryBudget& budget, PageSpill* spill, uint32_t table_number,
              std::vector<SampleShape> samples = {});
  ~WindowTable();
  WindowTable(const WindowTable&) = delete;
  WindowTable& operator=(const WindowTable&) = delete;

  /// By start, ascending.
  [[nodiscard]] const std::map<int64_t, Window>& windows() const { return windows_; }
  [[nodiscard]] Window* find(int64_t start_ms);
  Window& find_or_add(int64_t start_ms, size_t partitions);
  Status erase(int64_t start_ms);
  /// Windows erased since the last call.
  [[nodiscard]] std::vector<ErasedWindow> take_erased() { return std::exchange(erased_, {}); }

  /// Call whenever a slot is written to.
  static void mark_changed(Window& window, uint32_t id) { window.changed[id / kBlockSlots] = BlockChange::kChanged; }

  /// Calls visit(Window&) -> Status by start; visit must not add or erase windows.
  template <class Visit>
  Status for_each_window(Visit&& visit) {
    for (auto& [start_ms, window] : windows_) RETURN_IF_ERROR(visit(window));
    return {};
  }

  /// The slot, or null when its page is not in memory: then load() brings it.
  [[nodiscard]] WindowSlot* slot_in_memory(Window& window, uint32_t id) const {
    const uint32_t page = id / kPageSlots;
    if (page >= window.pages.size()) return nullptr;
    char* bytes = window.pages[page].bytes.get();
    return bytes == nullptr ? nullptr : slot_at(bytes, id % kPageSlots);
  }
  Result<WindowSlot*> load(Window& window, uint32_t id);
  /// The sets of a group whose page is in memory; null in tables without samples.
  [[nodiscard]] const SampleSet* samples_in_memory(const Window& window, uint32_t id) const {
    const SamplePage* const samples = window.pages[id / kPageSlots].samples.get();
    return samples == nullptr ? nullptr : samples->sets(id % kPageSlots);
  }
  void add_sample(Window& window, uint32_t id, size_t set, const Sample& sample);
  /// Adds all that `from` holds; nothing in tables without samples.
  void merge_samples(Window& window, uint32_t id, const SampleSet* from);
  /// The same, and null when its page was never touched.
  Result<WindowSlot*> load_if_touched(Window& window, uint32_t id);

  /// Calls visit(id, const GroupState&) -> Status for every slot with rows, by id. Spilled pages are read one by one.
  template <class Visit>
  Status for_each(const Window& window, Visit&& visit) const {
    for (uint32_t page = 0; page < window.pages.size(); ++page) {
      ASSIGN_OR_RETURN(const PageContent content, page_content(window.pages[page]));
      if (content.bytes == nullptr) continue;
      for (uint32_t i = 0; i < kPageSlots; ++i) {
        const WindowSlot* slot = slot_at(const_cast<char*>(content.bytes), i);
        if (slot->rows == 0) continue;
        const GroupState state(*slot, content.samples == nullptr ? nullptr : content.samples->sets(i));
        RETURN_IF_ERROR(visit(page * kPageSlots + i, state));
      }
    }
    return {};
  }

  /// Moves pages out, longest untouched window first, until the budget holds. Invalidates slots: call between batches.
  Status enforce_budget();

  [[nodiscard]] uint32_t number() const { return number_; }
  [[nodiscard]] size_t arguments() const { return (slot_bytes_ - sizeof(WindowSlot)) / sizeof(ArgumentState); }
  [[nodiscard]] size_t slot_bytes() const { return slot_bytes_; }
  [[nodiscard]] size_t page_size() const { return slot_bytes_ * kPageSlots; }
  [[nodiscard]] const std::vector<SampleShape>& sample_shapes() const { return sample_shapes_; }
  /// A page read back from the spill when needed. Valid until the next call.
  [[nodiscard]] Result<PageContent> page_content(const Page& page) const;
  [[nodiscard]] Result<const char*> page_bytes(const Page& page) const;
  /// Puts bytes read from a snapshot in place; its samples must follow.
  void restore_page(Window& window, uint32_t page, const char* bytes);
  /// Adds a part of a set of a group whose page is in memory: see SampleSet::read.
  bool restore_samples(Window& window, uint32_t id, size_t set, ByteReader& reader);

 private:
  [[nodiscard]] std::unique_ptr<SamplePage> new_samples() const;
  Status take_spilled(Page& page, char* bytes);
  [[nodiscard]] Result<std::unique_ptr<SamplePage>> read_spilled(const Page& page, char* bytes) const;
  template <class Change>
  void change_samples(Window& window, uint32_t id, Change&& change);
  [[nodiscard]] WindowSlot* slot_at(char* page, uint32_t index) const {
    return reinterpret_cast<WindowSlot*>(page + index * slot_bytes_);
  }
  void drop_memory(Page& page);
  void resize_to_hold(Window& window, uint32_t page) const;

  uint32_t number_;
  size_t slot_bytes_;
  MemoryBudget& budget_;
  PageSpill* spill_;
  std::vector<SampleShape> sample_shapes_;
  uint64_t next_spill_number_;
  std::map<int64_t, Window> windows_;
  std::vector<ErasedWindow> erased_;
  mutable std::unique_ptr<char[]> scratch_;
  mutable std::unique_ptr<SamplePage> scratch_samples_;
};

}  // namespace meterstream
