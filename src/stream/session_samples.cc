#include "stream/session_samples.h"

#include <algorithm>
#include <string>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr uint64_t kSignBit = uint64_t{1} << 63;

std::string key_of(std::string_view group, int64_t start_ms, size_t set, size_t part) {
  std::string key(group);
  append_big_endian64(key, static_cast<uint64_t>(start_ms) ^ kSignBit);
  append_big_endian32(key, static_cast<uint32_t>(set));
  append_big_endian32(key, static_cast<uint32_t>(part));
  return key;
}

}  // namespace

bool SessionSamples::is_stored() const {
  return std::ranges::any_of(stored_, [](const auto& parts) { return !parts.empty(); });
}

void SessionSamples::erase(std::string_view group, WriteBatch& batch) {
  for (size_t set = 0; set < stored_.size(); ++set) {
    for (size_t part = 0; part < stored_[set].size(); ++part)
      batch.erase(Space::kState, key_of(group, stored_start_ms_, set, part));
    stored_[set].clear();
  }
}

void SessionSamples::save(std::string_view group, int64_t start_ms, WriteBatch& batch) {
  if (start_ms != stored_start_ms_) {
    erase(group, batch);
    stored_start_ms_ = start_ms;
  } else if (!is_changed_) {
    return;
  }
  is_changed_ = false;
  for (size_t set = 0; set < stored_.size(); ++set) {
    const auto key = [&](size_t part) { return key_of(group, stored_start_ms_, set, part); };
    save_sample_parts(sets()[set], page_.shapes()[set], key, stored_[set], batch);
  }
}

bool SessionSamples::read(int64_t start_ms, std::string_view part, std::string_view value) {
  if (part.size() != 2 * sizeof(uint32_t)) return false;
  const size_t set = load_big_endian32(part.data());
  const size_t number = load_big_endian32(part.data() + sizeof(uint32_t));
  if (set >= stored_.size()) return false;
  stored_start_ms_ = start_ms;
  const auto restore = [&](ByteReader& reader) { return page_.read_set(0, set, reader); };
  return read_sample_part(number, value, restore, stored_[set]);
}

bool read_session_start(std::string_view& key, int64_t& start_ms) {
  if (key.size() < sizeof(int64_t)) return false;
  start_ms = static_cast<int64_t>(load_big_endian64(key.data()) ^ kSignBit);
  key.remove_prefix(sizeof(int64_t));
  return true;
}

}  // namespace meterstream
