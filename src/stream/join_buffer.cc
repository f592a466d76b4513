#include "stream/join_buffer.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"

namespace meterstream {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kMatchedFlag = 1;
constexpr uint8_t kKeyFlag = 2;
// A row, its place among those of its key and its turn.
constexpr size_t kBytesBesideCells = 48;

}  // namespace

JoinBuffer::JoinBuffer(const std::vector<ColumnSchema>& columns, const std::vector<bool>& needed, bool notes_matches)
    : cells_(columns, needed), notes_matches_(notes_matches) {}

uint32_t JoinBuffer::new_slot() {
  if (!free_.empty()) {
    const uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  rows_.emplace_back();
  return static_cast<uint32_t>(rows_.size() - 1);
}

size_t JoinBuffer::bytes_of(const Row& row) const {
  return sizeof(Row) + kBytesBesideCells + row.cells.capacity();
}

uint32_t JoinBuffer::add(const Origin& origin, std::optional<std::string_view> key, const ColumnBatch& batch,
                         uint32_t row) {
  const uint32_t slot = new_slot();
  Row& added = rows_[slot];
  added.origin = origin;
  added.sequence = next_sequence_++;
  added.is_matched = false;
  added.is_changed = false;
  added.is_stored = false;
  cells_.encode(batch, row, added.cells);
  enter(slot, key);
  note_change(slot);
  return slot;
}

void JoinBuffer::enter(uint32_t slot, std::optional<std::string_view> key) {
  Row& row = rows_[slot];
  row.is_live = true;
  row.key = nullptr;
  ++live_;
  bytes_ += bytes_of(row);
  if (key) {
    auto found = keys_.find(*key);
    if (found == keys_.end()) found = keys_.try_emplace(std::string(*key)).first;
    auto& entry = *found;
    row.key = &entry;
    // Mostly at the end.
    std::vector<Place>& all = entry.second.all;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(entry.second.first);
    const auto place = std::ranges::upper_bound(begin, all.end(), row.origin.time_ms, {}, &Place::time_ms);
    all.insert(place, {row.origin.time_ms, slot});
  }
  order_.push_back({row.origin.time_ms, row.sequence, slot});
  std::ranges::push_heap(order_, std::greater());
}

std::span<const JoinBuffer::Place> JoinBuffer::find(std::string_view key, int64_t from_ms, int64_t to_ms) const {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return {};
  const std::span<const Place> places = found->second.here();
  const auto begin = std::ranges::lower_bound(places, from_ms, {}, &Place::time_ms);
  const auto end = std::ranges::upper_bound(begin, places.end(), to_ms, {}, &Place::time_ms);
  return {begin, end};
}

void JoinBuffer::set_matched(uint32_t slot) {
  Row& row = rows_[slot];
  if (!notes_matches_ || row.is_matched) return;
  row.is_matched = true;
  note_change(slot);
}

void JoinBuffer::note_change(uint32_t slot) {
  if (rows_[slot].is_changed) return;
  rows_[slot].is_changed = true;
  changed_.push_back(slot);
}

std::string_view JoinBuffer::key(uint32_t slot) const {
  const Row& row = rows_[slot];
  return row.key == nullptr ? std::string_view() : std::string_view(row.key->first);
}

void JoinBuffer::drop_outdated_turns() {
  while (!order_.empty()) {
    const Row& row = rows_[order_.front().slot];
    if (row.is_live && row.sequence == order_.front().sequence) return;
    std::ranges::pop_heap(order_, std::greater());
    order_.pop_back();
  }
}

uint32_t JoinBuffer::pop_before(int64_t time_ms) {
  if (earliest_ms() >= time_ms) return kNone;
  const uint32_t slot = order_.front().slot;
  take_out(slot);
  drop_outdated_turns();
  return slot;
}

std::vector<uint32_t> JoinBuffer::pop_unmatched() {
  std::vector<Turn> turns = order_;
  std::ranges::sort(turns, [](const Turn& one, const Turn& other) { return other > one; });
  std::vector<uint32_t> slots;
  for (const Turn& turn : turns) {
    const Row& row = rows_[turn.slot];
    if (!row.is_live || row.sequence != turn.sequence || row.is_matched) continue;
    take_out(turn.slot);
    slots.push_back(turn.slot);
  }
  drop_outdated_turns();
  return slots;
}

void JoinBuffer::Places::erase(const Place& place) {
  const auto at = static_cast<size_t>(&place - all.data());
  if (at != first) {
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
    return;
  }
  ++first;
  if (first < all.size() && first < all.size() / 2) return;
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first));
  first = 0;
}

void JoinBuffer::take_out(uint32_t slot) {
  Row& row = rows_[slot];
  CHECK(row.is_live);
  row.is_live = false;
  --live_;
  bytes_ -= bytes_of(row);
  if (row.key != nullptr) {
    const std::span<const Place> places = row.key->second.here();
    auto place = std::ranges::lower_bound(places, row.origin.time_ms, {}, &Place::time_ms);
    while (place->slot != slot) ++place;
    row.key->second.erase(*place);
  }
  if (row.is_stored) erased_.push_back(row.sequence);
  popped_.push_back(slot);
}

void JoinBuffer::release() {
  std::vector<Keys::value_type*> emptied;
  for (const uint32_t slot : popped_) {
    Row& row = rows_[slot];
    if (row.key != nullptr && row.key->second.all.empty()) emptied.push_back(row.key);
    row.key = nullptr;
    free_.push_back(slot);
  }
  std::ranges::sort(emptied);
  const auto repeats = std::ranges::unique(emptied);
  emptied.erase(repeats.begin(), repeats.end());
  for (Keys::value_type* key : emptied) keys_.erase(keys_.find(key->first));
  popped_.clear();
}

void JoinBuffer::save_changes(std::string_view prefix, WriteBatch& batch) {
  const auto key_of = [&](uint64_t sequence) {
    std::string key(prefix);
    append_big_endian64(key, sequence);
    return key;
  };
  for (const uint64_t sequence : erased_) batch.erase(Space::kState, key_of(sequence));
  erased_.clear();
  for (const uint32_t slot : changed_) {
    Row& row = rows_[slot];
    // A slot that was used again is there once for each of its rows.
    if (!row.is_live || !row.is_changed) continue;
    row.is_changed = false;
    row.is_stored = true;
    std::string value;
    append_little_endian(value, kVersion);
    append_little_endian(
        value, static_cast<uint8_t>((row.is_matched ? kMatchedFlag : 0) | (row.key != nullptr ? kKeyFlag : 0)));
    append_varint(value, zigzag(row.origin.time_ms));
    append_varint(value, zigzag(row.origin.ingest_ms));
    append_varint(value, zigzag(row.origin.offset));
    append_varint(value, zigzag(row.origin.partition));
    append_sized(value, row.key == nullptr ? std::string_view() : std::string_view(row.key->first));
    append_sized(value, row.cells);
    batch.put(Space::kState, key_of(row.sequence), std::move(value));
  }
  changed_.clear();
}

Status JoinBuffer::load(std::string_view prefix, const KeyValueStore& store) {
  const auto cursor = store.cursor(Space::kState);
  for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
    ByteReader reader(cursor->value());
    const auto version = reader.little_endian<uint8_t>();
    const auto flags = reader.little_endian<uint8_t>();
    Row loaded;
    loaded.origin.time_ms = reader.zigzag_varint();
    loaded.origin.ingest_ms = reader.zigzag_varint();
    loaded.origin.offset = reader.zigzag_varint();
    loaded.origin.partition = static_cast<int32_t>(reader.zigzag_varint());
    const std::string_view key = reader.sized_bytes();
    loaded.cells = reader.sized_bytes();
    loaded.is_matched = (flags & kMatchedFlag) != 0;
    loaded.is_stored = true;
    if (!reader.ok() || version != kVersion || cursor->key().size() != prefix.size() + sizeof(uint64_t) ||
        !cells_.is_sound(loaded.cells)) {
      return corrupt(fmt::format(
          "state: a row of a join under {} does not read back; restore the data directory from a copy, or run with "
          "another --application-id to compute from the beginning",
          prefix));
    }
    loaded.sequence = load_big_endian64(cursor->key().data() + prefix.size());
    next_sequence_ = std::max(next_sequence_, loaded.sequence + 1);
    const uint32_t slot = new_slot();
    rows_[slot] = std::move(loaded);
    enter(slot, (flags & kKeyFlag) != 0 ? std::optional(key) : std::nullopt);
  }
  return cursor->status();
}

}  // namespace meterstream
