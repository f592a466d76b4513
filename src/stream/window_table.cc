#include "stream/window_table.h"

#include <algorithm>
#include <cstring>

namespace meterstream {

WindowTable::WindowTable(size_t arguments, MemoryBudget& budget, PageSpill* spill, uint32_t table_number)
    : number_(table_number),
      slot_bytes_(WindowSlot::bytes_for(arguments)),
      budget_(budget),
      spill_(spill),
      next_spill_number_((static_cast<uint64_t>(table_number) << 48) + 1) {}

WindowTable::~WindowTable() {
  for (auto& [start_ms, window] : windows_) {
    for (Page& page : window.pages) drop_memory(page);
  }
}

void WindowTable::drop_memory(Page& page) {
  if (page.bytes == nullptr) return;
  page.bytes.reset();
  budget_.used_bytes -= page_size();
}

WindowTable::Window* WindowTable::find(int64_t start_ms) {
  const auto found = windows_.find(start_ms);
  return found == windows_.end() ? nullptr : &found->second;
}

WindowTable::Window& WindowTable::find_or_add(int64_t start_ms, size_t partitions) {
  Window& window = windows_[start_ms];
  if (window.first_offsets.empty()) {
    window.start_ms = start_ms;
    window.first_offsets.assign(partitions, -1);
  }
  return window;
}

Status WindowTable::erase(int64_t start_ms) {
  const auto found = windows_.find(start_ms);
  if (found == windows_.end()) return {};
  for (Page& page : found->second.pages) {
    drop_memory(page);
    if (page.spilled_as != 0) RETURN_IF_ERROR(spill_->erase(page.spilled_as));
  }
  if (!found->second.stored_header.empty()) erased_.push_back({start_ms, std::move(found->second.stored_blocks)});
  windows_.erase(found);
  return {};
}

void WindowTable::resize_to_hold(Window& window, uint32_t page) {
  if (page < window.pages.size()) return;
  window.pages.resize(page + 1);
  window.changed.resize(window.pages.size() * kPageBlocks);
}

Result<WindowSlot*> WindowTable::load(Window& window, uint32_t id) {
  const uint32_t number = id / kPageSlots;
  resize_to_hold(window, number);
  Page& page = window.pages[number];
  if (page.bytes == nullptr) {
    auto bytes = std::make_unique<char[]>(page_size());
    if (page.spilled_as != 0) {
      RETURN_IF_ERROR(spill_->take(page.spilled_as, bytes.get(), page_size()));
      page.spilled_as = 0;
    }
    page.bytes = std::move(bytes);
    budget_.used_bytes += page_size();
  }
  return slot_at(page.bytes.get(), id % kPageSlots);
}

Result<WindowSlot*> WindowTable::load_if_touched(Window& window, uint32_t id) {
  const uint32_t number = id / kPageSlots;
  if (number >= window.pages.size()) return nullptr;
  if (window.pages[number].bytes == nullptr && window.pages[number].spilled_as == 0) return nullptr;
  return load(window, id);
}

Result<const char*> WindowTable::page_bytes(const Page& page) const {
  if (page.bytes != nullptr || page.spilled_as == 0) return static_cast<const char*>(page.bytes.get());
  if (scratch_ == nullptr) scratch_ = std::make_unique<char[]>(page_size());
  RETURN_IF_ERROR(spill_->peek(page.spilled_as, scratch_.get(), page_size()));
  return static_cast<const char*>(scratch_.get());
}

void WindowTable::restore_page(Window& window, uint32_t page, const char* bytes) {
  resize_to_hold(window, page);
  std::fill_n(window.changed.begin() + page * kPageBlocks, kPageBlocks, BlockChange::kChanged);
  window.pages[page].bytes = std::make_unique<char[]>(page_size());
  std::memcpy(window.pages[page].bytes.get(), bytes, page_size());
  budget_.used_bytes += page_size();
}

Status WindowTable::enforce_budget() {
  while (spill_ != nullptr && budget_.exceeded()) {
    Window* coldest = nullptr;
    for (auto& [start_ms, window] : windows_) {
      const bool has_memory =
          std::any_of(window.pages.begin(), window.pages.end(), [](const Page& page) { return page.bytes != nullptr; });
      if (!has_memory) continue;
      if (coldest == nullptr || window.last_touch < coldest->last_touch) coldest = &window;
    }
    if (coldest == nullptr) return {};
    for (Page& page : coldest->pages) {
      if (page.bytes == nullptr) continue;
      const uint64_t number = next_spill_number_++;
      RETURN_IF_ERROR(spill_->put(number, {page.bytes.get(), page_size()}));
      page.spilled_as = number;
      drop_memory(page);
      if (!budget_.exceeded()) return {};
    }
  }
  return {};
}

}  // namespace meterstream
