#include "stream/window_changelog.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr uint8_t kVersion = 1;
constexpr char kHeader = 'h';
constexpr char kBlock = 'b';
constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr uint32_t kBlockSlots = WindowTable::kBlockSlots;
constexpr uint32_t kPageBlocks = WindowTable::kPageBlocks;
// Blocks after which the memory budget is looked at while loading.
constexpr uint32_t kBudgetBlocks = 1024;
static_assert(kBlockSlots == 16, "the mask of a block has 16 bits");

void append_wide_varint(std::string& out, Int128 number) {
  auto bits = (static_cast<unsigned __int128>(number) << 1) ^ static_cast<unsigned __int128>(number >> 127);
  while (bits >> 64 != 0) {
    out.push_back(static_cast<char>(static_cast<uint8_t>(bits) | 0x80));
    bits >>= 7;
  }
  append_varint(out, static_cast<uint64_t>(bits));
}

Int128 wide_varint(ByteReader& reader) {
  unsigned __int128 bits = 0;
  for (int shift = 0; shift < 128; shift += 7) {
    const auto byte = reader.little_endian<uint8_t>();
    bits |= static_cast<unsigned __int128>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return static_cast<Int128>((bits >> 1) ^ -(bits & 1));
}

}  // namespace

void append_slot(std::string& out, const WindowSlot& slot, size_t arguments) {
  append_varint(out, slot.rows);
  for (size_t i = 0; i < arguments; ++i) {
    const ArgumentState& state = slot.arguments()[i];
    append_varint(out, state.count);
    if (state.count == 0) continue;
    append_little_endian(out, state.min_bits);
    append_little_endian(out, state.max_bits);
    append_wide_varint(out, state.sum());
  }
}

void read_slot(ByteReader& reader, WindowSlot& slot, size_t arguments) {
  slot.rows = reader.varint();
  for (size_t i = 0; i < arguments; ++i) {
    ArgumentState& state = slot.arguments()[i];
    state.count = reader.varint();
    if (state.count == 0) continue;
    state.min_bits = reader.little_endian<uint64_t>();
    state.max_bits = reader.little_endian<uint64_t>();
    state.add_to_sum(wide_varint(reader));
  }
}

WindowChangelog::WindowChangelog(WindowTable& table, size_t partitions, std::string_view prefix)
    : table_(table), partitions_(partitions), prefix_(prefix) {
  append_big_endian32(prefix_, table.number());
}

std::string WindowChangelog::key_of(char kind, int64_t start_ms) const {
  std::string key;
  key.reserve(prefix_.size() + 1 + sizeof(int64_t) + sizeof(uint32_t));
  key += prefix_;
  key += kind;
  append_big_endian64(key, static_cast<uint64_t>(start_ms) ^ kSignBit);
  return key;
}

std::string WindowChangelog::block_key(int64_t start_ms, uint32_t block) const {
  std::string key = key_of(kBlock, start_ms);
  append_big_endian32(key, block);
  return key;
}

std::string WindowChangelog::header_of(const WindowTable::Window& window) const {
  std::string header;
  append_little_endian(header, kVersion);
  append_varint(header, window.open_levels);
  for (const int64_t offset : window.first_offsets) append_varint(header, zigzag(offset));
  return header;
}

std::string WindowChangelog::encode_block(const char* slots) const {
  std::string value;
  value.reserve(3 + kBlockSlots * table_.slot_bytes() * 3 / 4);
  append_little_endian(value, kVersion);
  append_little_endian(value, uint16_t{0});
  uint16_t mask = 0;
  for (uint32_t i = 0; i < kBlockSlots; ++i) {
    const auto& slot = *reinterpret_cast<const WindowSlot*>(slots + i * table_.slot_bytes());
    if (slot.rows == 0) continue;
    mask = static_cast<uint16_t>(mask | (1U << i));
    append_slot(value, slot, table_.arguments());
  }
  if (mask == 0) return {};
  value[1] = static_cast<char>(mask & 0xff);
  value[2] = static_cast<char>(mask >> 8);
  return value;
}

Status WindowChangelog::save(uint64_t since_touch, WriteBatch& batch) {
  for (const WindowTable::ErasedWindow& gone : table_.take_erased()) {
    batch.erase(Space::kState, key_of(kHeader, gone.start_ms));
    for (uint32_t block = 0; block < gone.stored_blocks.size(); ++block) {
      if (gone.stored_blocks[block]) batch.erase(Space::kState, block_key(gone.start_ms, block));
    }
    erase_samples(gone, batch);
  }
  return table_.for_each_window([&](WindowTable::Window& window) -> Status {
    if (window.last_touch < since_touch) return {};
    std::string header = header_of(window);
    if (header != window.stored_header) {
      batch.put(Space::kState, key_of(kHeader, window.start_ms), header);
      window.stored_header = std::move(header);
    }
    return save_blocks(window, batch);
  });
}

Status WindowChangelog::save_blocks(WindowTable::Window& window, WriteBatch& batch) {
  using Change = WindowTable::BlockChange;
  window.stored_blocks.resize(window.changed.size());
  const auto end = window.changed.end();
  for (auto next = std::find(window.changed.begin(), end, Change::kChanged); next != end;) {
    const auto page = static_cast<uint32_t>(next - window.changed.begin()) / kPageBlocks;
    ASSIGN_OR_RETURN(const WindowTable::PageContent content, table_.page_content(window.pages[page]));
    const auto page_end = window.changed.begin() + (page + 1) * kPageBlocks;
    for (; next != page_end; next = std::find(next, page_end, Change::kChanged)) {
      *next = Change::kNone;
      const auto block = static_cast<uint32_t>(next - window.changed.begin());
      const size_t place = block % kPageBlocks * kBlockSlots * table_.slot_bytes();
      if (content.samples != nullptr) save_samples(window, block, *content.samples, batch);
      std::string value = encode_block(content.bytes + place);
      if (value.empty()) continue;
      batch.put(Space::kState, block_key(window.start_ms, block), std::move(value));
      window.stored_blocks[block] = true;
    }
    next = std::find(next, end, Change::kChanged);
  }
  return {};
}

Error WindowChangelog::unreadable(std::string_view what, int64_t start_ms) const {
  return corrupt(
      fmt::format("state: {} of the window from {} ms in table {} does not read back; restore the data directory "
                  "from a copy, or run with another --application-id to compute from the beginning",
                  what, start_ms, table_.number()));
}

Status WindowChangelog::load(const KeyValueStore& store, uint32_t groups) {
  RETURN_IF_ERROR(load_headers(store));
  RETURN_IF_ERROR(load_blocks(store, groups));
  return table_.sample_shapes().empty() ? Status() : load_samples(store, groups);
}

Status WindowChangelog::load_headers(const KeyValueStore& store) {
  const std::string first = prefix_ + kHeader;
  const auto cursor = store.cursor(Space::kState);
  for (cursor->seek(first); cursor->valid() && cursor->key().starts_with(first); cursor->next()) {
    if (cursor->key().size() != first.size() + sizeof(int64_t)) return unreadable("the name", 0);
    const auto start_ms = static_cast<int64_t>(load_big_endian64(cursor->key().data() + first.size()) ^ kSignBit);
    WindowTable::Window& window = table_.find_or_add(start_ms, partitions_);
    ByteReader reader(cursor->value());
    const auto version = reader.little_endian<uint8_t>();
    window.open_levels = reader.varint();
    for (int64_t& offset : window.first_offsets) offset = reader.zigzag_varint();
    if (!reader.ok() || reader.remaining() != 0 || version != kVersion) return unreadable("the header", start_ms);
    window.stored_header = std::string(cursor->value());
  }
  return cursor->status();
}

Status WindowChangelog::load_blocks(const KeyValueStore& store, uint32_t groups) {
  const std::string first = prefix_ + kBlock;
  const auto cursor = store.cursor(Space::kState);
  WindowTable::Window* window = nullptr;
  uint32_t loaded = 0;
  for (cursor->seek(first); cursor->valid() && cursor->key().starts_with(first); cursor->next()) {
    if (cursor->key().size() != first.size() + sizeof(int64_t) + sizeof(uint32_t)) return unreadable("the name", 0);
    const char* const place = cursor->key().data() + first.size();
    const auto start_ms = static_cast<int64_t>(load_big_endian64(place) ^ kSignBit);
    if (window == nullptr || window->start_ms != start_ms) window = table_.find(start_ms);
    if (window == nullptr) return unreadable("the header", start_ms);
    RETURN_IF_ERROR(load_block(*window, load_big_endian32(place + sizeof(int64_t)), cursor->value(), groups));
    if (++loaded % kBudgetBlocks == 0) RETURN_IF_ERROR(table_.enforce_budget());
  }
  RETURN_IF_ERROR(cursor->status());
  return table_.enforce_budget();
}

Status WindowChangelog::load_block(WindowTable::Window& window, uint32_t block, std::string_view value,
                                   uint32_t groups) {
  if (block > groups / kBlockSlots) return unreadable("a block", window.start_ms);
  ByteReader reader(value);
  const auto version = reader.little_endian<uint8_t>();
  const auto mask = reader.little_endian<uint16_t>();
  const uint32_t first = block * kBlockSlots;
  ASSIGN_OR_RETURN(WindowSlot* const slots, table_.load(window, first));
  for (uint32_t i = 0; i < kBlockSlots; ++i) {
    if ((mask >> i & 1) == 0) continue;
    if (first + i >= groups) return unreadable("a block", window.start_ms);
    read_slot(reader, *reinterpret_cast<WindowSlot*>(reinterpret_cast<char*>(slots) + i * table_.slot_bytes()),
              table_.arguments());
  }
  if (!reader.ok() || reader.remaining() != 0 || version != kVersion) return unreadable("a block", window.start_ms);
  window.stored_blocks.resize(window.changed.size());
  window.stored_blocks[block] = true;
  return {};
}

}  // namespace meterstream
