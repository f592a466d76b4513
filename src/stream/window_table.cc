#include "stream/window_table.h"

#include <algorithm>
#include <cstring>

namespace meterstream {

WindowTable::WindowTable(size_t arguments, MemoryBudget& budget, PageSpill* spill, uint32_t table_number,
                         std::vector<SampleShape> samples)
    : number_(table_number),
      slot_bytes_(WindowSlot::bytes_for(arguments)),
      budget_(budget),
      spill_(spill),
      sample_shapes_(std::move(samples)),
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
  if (page.samples == nullptr) return;
  budget_.used_bytes -= page.samples->memory_bytes();
  page.samples.reset();
}

std::unique_ptr<SamplePage> WindowTable::new_samples() const {
  return sample_shapes_.empty() ? nullptr : std::make_unique<SamplePage>(sample_shapes_, kPageSlots);
}

template <class Change>
void WindowTable::change_samples(Window& window, uint32_t id, Change&& change) {
  SamplePage& samples = *window.pages[id / kPageSlots].samples;
  budget_.used_bytes -= samples.memory_bytes();
  change(samples);
  budget_.used_bytes += samples.memory_bytes();
  window.changed_samples[id] = true;
}

void WindowTable::add_sample(Window& window, uint32_t id, size_t set, const Sample& sample) {
  change_samples(window, id, [&](SamplePage& samples) { samples.add(id % kPageSlots, set, sample); });
}

void WindowTable::merge_samples(Window& window, uint32_t id, const SampleSet* from) {
  if (sample_shapes_.empty()) return;
  change_samples(window, id, [&](SamplePage& samples) { samples.merge(id % kPageSlots, from); });
}

bool WindowTable::restore_samples(Window& window, uint32_t id, size_t set, ByteReader& reader) {
  bool is_read = false;
  change_samples(window, id, [&](SamplePage& samples) { is_read = samples.read_set(id % kPageSlots, set, reader); });
  return is_read;
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
  if (!found->second.stored_header.empty())
    erased_.push_back({start_ms, std::move(found->second.stored_blocks), std::move(found->second.stored_samples)});
  windows_.erase(found);
  return {};
}

void WindowTable::resize_to_hold(Window& window, uint32_t page) const {
  if (page < window.pages.size()) return;
  window.pages.resize(page + 1);
  window.changed.resize(window.pages.size() * kPageBlocks);
  if (!sample_shapes_.empty()) window.changed_samples.resize(window.pages.size() * kPageSlots);
}

Result<WindowSlot*> WindowTable::load(Window& window, uint32_t id) {
  const uint32_t number = id / kPageSlots;
  resize_to_hold(window, number);
  Page& page = window.pages[number];
  if (page.bytes == nullptr) {
    auto bytes = std::make_unique<char[]>(page_size());
    if (page.spilled_as != 0) {
      RETURN_IF_ERROR(take_spilled(page, bytes.get()));
    } else {
      page.samples = new_samples();
    }
    page.bytes = std::move(bytes);
    budget_.used_bytes += page_size() + (page.samples == nullptr ? 0 : page.samples->memory_bytes());
  }
  return slot_at(page.bytes.get(), id % kPageSlots);
}

// Leaves the samples in the page.
Status WindowTable::take_spilled(Page& page, char* bytes) {
  if (sample_shapes_.empty()) {
    RETURN_IF_ERROR(spill_->take(page.spilled_as, bytes, page_size()));
  } else {
    ASSIGN_OR_RETURN(page.samples, read_spilled(page, bytes));
    RETURN_IF_ERROR(spill_->erase(page.spilled_as));
  }
  page.spilled_as = 0;
  return {};
}

Result<std::unique_ptr<SamplePage>> WindowTable::read_spilled(const Page& page, char* bytes) const {
  ASSIGN_OR_RETURN(const std::string spilled, spill_->read(page.spilled_as, page_size()));
  std::memcpy(bytes, spilled.data(), page_size());
  auto samples = new_samples();
  ByteReader reader(std::string_view(spilled).substr(page_size()));
  if (!samples->read(reader) || reader.remaining() != 0) {
    return corrupt(
        "state: the samples of a spilled page do not read back; stop the run and start it again: state is rebuilt from "
        "the log");
  }
  return samples;
}

Result<WindowSlot*> WindowTable::load_if_touched(Window& window, uint32_t id) {
  const uint32_t number = id / kPageSlots;
  if (number >= window.pages.size()) return nullptr;
  if (window.pages[number].bytes == nullptr && window.pages[number].spilled_as == 0) return nullptr;
  return load(window, id);
}

Result<WindowTable::PageContent> WindowTable::page_content(const Page& page) const {
  if (page.bytes != nullptr || page.spilled_as == 0) return PageContent{page.bytes.get(), page.samples.get()};
  if (scratch_ == nullptr) scratch_ = std::make_unique<char[]>(page_size());
  if (sample_shapes_.empty()) {
    RETURN_IF_ERROR(spill_->peek(page.spilled_as, scratch_.get(), page_size()));
  } else {
    ASSIGN_OR_RETURN(scratch_samples_, read_spilled(page, scratch_.get()));
  }
  return PageContent{scratch_.get(), scratch_samples_.get()};
}

Result<const char*> WindowTable::page_bytes(const Page& page) const {
  ASSIGN_OR_RETURN(const PageContent content, page_content(page));
  return content.bytes;
}

void WindowTable::restore_page(Window& window, uint32_t page, const char* bytes) {
  resize_to_hold(window, page);
  std::fill_n(window.changed.begin() + page * kPageBlocks, kPageBlocks, BlockChange::kChanged);
  Page& restored = window.pages[page];
  restored.bytes = std::make_unique<char[]>(page_size());
  std::memcpy(restored.bytes.get(), bytes, page_size());
  restored.samples = new_samples();
  budget_.used_bytes += page_size() + (restored.samples == nullptr ? 0 : restored.samples->memory_bytes());
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
      if (page.samples == nullptr) {
        RETURN_IF_ERROR(spill_->put(number, {page.bytes.get(), page_size()}));
      } else {
        std::string both(page.bytes.get(), page_size());
        page.samples->append_to(both);
        RETURN_IF_ERROR(spill_->put(number, both));
      }
      page.spilled_as = number;
      drop_memory(page);
      if (!budget_.exceeded()) return {};
    }
  }
  return {};
}

}  // namespace meterstream
