#include <fmt/format.h>

#include "stream/view_chain.h"

namespace meterstream {

Status ViewChain::save(SnapshotWriter& writer) const {
  RETURN_IF_ERROR(writer.number(keys_.size()));
  for (uint32_t id = 0; id < keys_.size(); ++id) RETURN_IF_ERROR(writer.bytes(keys_.key(id)));
  for (const Level& level : levels_) {
    RETURN_IF_ERROR(writer.number(static_cast<uint64_t>(level.table->windows().size())));
    for (const auto& [start_ms, window] : level.table->windows()) {
      RETURN_IF_ERROR(writer.number(start_ms));
      RETURN_IF_ERROR(writer.number(static_cast<uint64_t>(window.open_levels)));
      for (const int64_t offset : window.first_offsets) RETURN_IF_ERROR(writer.number(offset));
      RETURN_IF_ERROR(writer.number(static_cast<uint32_t>(window.pages.size())));
      for (const WindowTable::Page& page : window.pages) {
        ASSIGN_OR_RETURN(const char* bytes, level.table->page_bytes(page));
        RETURN_IF_ERROR(
            writer.bytes(bytes == nullptr ? std::string_view{} : std::string_view(bytes, level.table->page_size())));
      }
    }
  }
  return {};
}

Status ViewChain::load(SnapshotReader& reader) {
  ASSIGN_OR_RETURN(const uint32_t keys, reader.number<uint32_t>());
  for (uint32_t id = 0; id < keys; ++id) {
    ASSIGN_OR_RETURN(const std::string key, reader.bytes());
    if (keys_.intern(key) != id) return corrupt("snapshot: a group key appears twice");
  }
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
      }
      RETURN_IF_ERROR(level.table->enforce_budget());
    }
  }
  return {};
}

}  // namespace meterstream
