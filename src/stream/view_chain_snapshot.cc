#include "base/bytes.h"
#include "base/check.h"
#include "stream/key_changelog.h"
#include "stream/view_chain.h"
#include "stream/window_changelog.h"

namespace meterstream {
namespace {

/// Beside what WindowChangelog writes under the number of the table.
std::string sessions_prefix(std::string_view prefix, const WindowTable& table) {
  std::string key(prefix);
  append_big_endian32(key, table.number());
  return key + 's';
}

}  // namespace

void ViewChain::save_new_keys(std::string_view prefix, WriteBatch& batch) {
  save_keys(keys_, prefix, keys_saved_, batch);
}

Status ViewChain::load_keys(std::string_view prefix, const KeyValueStore& store) {
  RETURN_IF_ERROR(meterstream::load_keys(store, prefix, keys_));
  keys_saved_ = keys_.size();
  return {};
}

void ViewChain::save_lags(std::string_view prefix, WriteBatch& batch) {
  if (lags_) lags_->save_changes(prefix, batch);
}

Status ViewChain::load_lags(std::string_view prefix, const KeyValueStore& store) {
  return lags_ ? lags_->load(prefix, store) : Status{};
}

Status ViewChain::save_changes(std::string_view prefix, WriteBatch& batch) {
  for (Level& level : levels_) {
    RETURN_IF_ERROR(WindowChangelog(*level.table, partitions_, prefix).save(touch_saved_, batch));
  }
  if (sessions_ != nullptr) sessions_->save_changes(sessions_prefix(prefix, *levels_.front().table), batch);
  touch_saved_ = touch_;
  return {};
}

Status ViewChain::load_changes(std::string_view prefix, const KeyValueStore& store) {
  for (Level& level : levels_) {
    RETURN_IF_ERROR(WindowChangelog(*level.table, partitions_, prefix).load(store, keys_.size()));
  }
  if (sessions_ != nullptr) {
    RETURN_IF_ERROR(sessions_->load(sessions_prefix(prefix, *levels_.front().table), store, keys_.size()));
  }
  // All is stored as it is.
  touch_saved_ = ++touch_;
  return {};
}

Status ViewChain::save_samples(const WindowTable::PageContent& page, SnapshotWriter& writer) const {
  const std::vector<SampleShape>& shapes = samples_.shapes();
  for (size_t set = 0; set < WindowTable::kPageSlots * shapes.size(); ++set) {
    std::string bytes;
    page.samples->sets(0)[set].append_to(shapes[set % shapes.size()], bytes);
    RETURN_IF_ERROR(writer.bytes(bytes));
  }
  return {};
}

Status ViewChain::load_samples(WindowTable& table, WindowTable::Window& window, uint32_t page,
                               SnapshotReader& reader) const {
  for (uint32_t slot = 0; slot < WindowTable::kPageSlots; ++slot) {
    for (size_t set = 0; set < samples_.shapes().size(); ++set) {
      ASSIGN_OR_RETURN(const std::string bytes, reader.bytes());
      ByteReader samples(bytes);
      const bool is_read = table.restore_samples(window, page * WindowTable::kPageSlots + slot, set, samples);
      if (!is_read || samples.remaining() != 0) return corrupt("snapshot: a set of samples does not read back");
    }
  }
  return {};
}

Status ViewChain::save(SnapshotWriter& writer) const {
  CHECK_MESSAGE(sessions_ == nullptr, "sessions are kept with each commit");
  for (const Level& level : levels_) {
    RETURN_IF_ERROR(writer.number(static_cast<uint64_t>(level.table->windows().size())));
    for (const auto& [start_ms, window] : level.table->windows()) {
      RETURN_IF_ERROR(writer.number(start_ms));
      RETURN_IF_ERROR(writer.number(static_cast<uint64_t>(window.open_levels)));
      for (const int64_t offset : window.first_offsets) RETURN_IF_ERROR(writer.number(offset));
      RETURN_IF_ERROR(writer.number(static_cast<uint32_t>(window.pages.size())));
      for (const WindowTable::Page& page : window.pages) {
        ASSIGN_OR_RETURN(const WindowTable::PageContent content, level.table->page_content(page));
        RETURN_IF_ERROR(writer.bytes(
            content.bytes == nullptr ? std::string_view{} : std::string_view(content.bytes, level.table->page_size())));
        if (content.bytes != nullptr) RETURN_IF_ERROR(save_samples(content, writer));
      }
    }
  }
  return {};
}

Status ViewChain::load(SnapshotReader& reader) {
  for (Level& level : levels_) {
    ASSIGN_OR_RETURN(const uint64_t windows, reader.number<uint64_t>());
    for (uint64_t i = 0; i < windows; ++i) {
      ASSIGN_OR_RETURN(const int64_t start_ms, reader.number<int64_t>());
      WindowTable::Window& window = level.table->find_or_add(start_ms, partitions_);
      ASSIGN_OR_RETURN(const uint64_t open_levels, reader.number<uint64_t>());
      window.open_levels = open_levels;
      for (int64_t& offset : window.first_offsets) {
        ASSIGN_OR_RETURN(offset, reader.number<int64_t>());
      }
      ASSIGN_OR_RETURN(const uint32_t pages, reader.number<uint32_t>());
      for (uint32_t page = 0; page < pages; ++page) {
        ASSIGN_OR_RETURN(const std::string bytes, reader.bytes());
        if (bytes.empty()) continue;
        if (bytes.size() != level.table->page_size()) return corrupt("snapshot: a page has another size");
        level.table->restore_page(window, page, bytes.data());
        RETURN_IF_ERROR(load_samples(*level.table, window, page, reader));
      }
      RETURN_IF_ERROR(level.table->enforce_budget());
    }
  }
  if (hopping_ != nullptr) return hopping_->close(INT64_MIN, levels_.front().closed_before_ms, nullptr);
  // What closed between the snapshot and the commit was emitted then.
  for (size_t level = 0; level < levels_.size(); ++level) RETURN_IF_ERROR(close_level(level, nullptr));
  return {};
}

}  // namespace meterstream
