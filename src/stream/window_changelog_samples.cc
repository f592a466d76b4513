// Sample sets, which grow with their readings.
#include "base/bytes.h"
#include "stream/sample_parts.h"
#include "stream/window_changelog.h"

namespace meterstream {
namespace {

constexpr char kSamples = 's';
constexpr uint64_t kSignBit = uint64_t{1} << 63;
// Parts after which the memory budget is looked at while loading.
constexpr uint32_t kBudgetParts = 64;

}  // namespace

std::string WindowChangelog::samples_key(int64_t start_ms, uint32_t id, size_t set, size_t part) const {
  std::string key = key_of(kSamples, start_ms);
  append_big_endian32(key, id);
  append_big_endian32(key, static_cast<uint32_t>(set));
  append_big_endian32(key, static_cast<uint32_t>(part));
  return key;
}

void WindowChangelog::save_samples(WindowTable::Window& window, uint32_t block, const SamplePage& samples,
                                   WriteBatch& batch) const {
  const size_t sets = samples.shapes().size();
  window.stored_samples.resize(window.changed_samples.size() * sets);
  const uint32_t first = block * WindowTable::kBlockSlots;
  for (uint32_t id = first; id < first + WindowTable::kBlockSlots; ++id) {
    if (!window.changed_samples[id]) continue;
    window.changed_samples[id] = false;
    const SampleSet* const written = samples.sets(id % WindowTable::kPageSlots);
    for (size_t set = 0; set < sets; ++set) {
      const auto key = [&](size_t part) { return samples_key(window.start_ms, id, set, part); };
      save_sample_parts(written[set], samples.shapes()[set], key, window.stored_samples[id * sets + set], batch);
    }
  }
}

void WindowChangelog::erase_samples(const WindowTable::ErasedWindow& gone, WriteBatch& batch) const {
  const size_t sets = table_.sample_shapes().size();
  for (size_t i = 0; i < gone.stored_samples.size(); ++i) {
    for (size_t part = 0; part < gone.stored_samples[i].size(); ++part)
      batch.erase(Space::kState, samples_key(gone.start_ms, static_cast<uint32_t>(i / sets), i % sets, part));
  }
}

Status WindowChangelog::load_samples(const KeyValueStore& store, uint32_t groups) {
  const std::string first = prefix_ + kSamples;
  const auto cursor = store.cursor(Space::kState);
  uint32_t loaded = 0;
  for (cursor->seek(first); cursor->valid() && cursor->key().starts_with(first); cursor->next()) {
    RETURN_IF_ERROR(load_part(cursor->key().substr(first.size()), cursor->value(), groups));
    if (++loaded % kBudgetParts == 0) RETURN_IF_ERROR(table_.enforce_budget());
  }
  RETURN_IF_ERROR(cursor->status());
  return table_.enforce_budget();
}

Status WindowChangelog::load_part(std::string_view key, std::string_view value, uint32_t groups) {
  if (key.size() != sizeof(int64_t) + 3 * sizeof(uint32_t)) return unreadable("the name of samples", 0);
  const auto start_ms = static_cast<int64_t>(load_big_endian64(key.data()) ^ kSignBit);
  const uint32_t id = load_big_endian32(key.data() + sizeof(int64_t));
  const size_t set = load_big_endian32(key.data() + sizeof(int64_t) + sizeof(uint32_t));
  const size_t part = load_big_endian32(key.data() + sizeof(int64_t) + 2 * sizeof(uint32_t));
  const size_t sets = table_.sample_shapes().size();
  WindowTable::Window* const window = table_.find(start_ms);
  if (window == nullptr || id >= groups || set >= sets) return unreadable("the header or group of samples", start_ms);
  RETURN_IF_ERROR(table_.load(*window, id));
  window->stored_samples.resize(window->changed_samples.size() * sets);
  const auto restore = [&](ByteReader& reader) { return table_.restore_samples(*window, id, set, reader); };
  if (!read_sample_part(part, value, restore, window->stored_samples[id * sets + set]))
    return unreadable("a part of samples", start_ms);
  window->changed_samples[id] = false;
  return {};
}

}  // namespace meterstream
