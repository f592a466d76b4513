#include "stream/primary_key_join.h"

#include <utility>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kLeftFlag = 1;
constexpr uint8_t kRightFlag = 2;
constexpr uint8_t kWrittenFlag = 4;

}  // namespace

PrimaryKeyJoin::Entries::value_type& PrimaryKeyJoin::entry(std::string_view key) {
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    found = entries_.try_emplace(std::string(key)).first;
    bytes_ += found->second.bytes();
  }
  return *found;
}

void PrimaryKeyJoin::put(Side side, const RecordView& record, const ColumnBatch& batch, uint32_t row) {
  auto& changed = entry(record.key);
  bytes_ -= changed.second.bytes();
  cells(side).encode(batch, row, changed.second.cells[side]);
  changed.second.is_there[side] = true;
  bytes_ += changed.second.bytes();
  note_change(changed, record);
}

void PrimaryKeyJoin::erase(Side side, const RecordView& record) {
  auto& changed = entry(record.key);
  bytes_ -= changed.second.bytes();
  changed.second.cells[side] = std::string();
  changed.second.is_there[side] = false;
  bytes_ += changed.second.bytes();
  note_change(changed, record);
}

void PrimaryKeyJoin::note_change(Entries::value_type& changed, const RecordView& record) {
  changed.second.offset = record.offset;
  changed.second.ingest_time = record.ingest_time;
  if (!std::exchange(changed.second.is_changed, true)) changed_.push_back(&changed);
  if (!std::exchange(changed.second.is_unsaved, true)) unsaved_.push_back(&changed);
}

bool PrimaryKeyJoin::is_joined(const Entry& entry) const {
  if (entry.is_there[kLeft] && entry.is_there[kRight]) return true;
  return (entry.is_there[kLeft] && spec().left.keeps_unmatched) ||
         (entry.is_there[kRight] && spec().right.keeps_unmatched);
}

Status PrimaryKeyJoin::give_changes(const Give& give, const Drop& drop) {
  std::vector<Joined> rows;
  for (const Entries::value_type* changed : changed_) {
    const Entry& entry = changed->second;
    if (!is_joined(entry)) continue;
    Joined& row = rows.emplace_back();
    row.record = record_of(changed->first, entry.offset, entry.ingest_time);
    for (const Side side : {kLeft, kRight}) row.cells[side] = entry.is_there[side] ? &entry.cells[side] : nullptr;
  }
  std::vector<char> passed;
  RETURN_IF_ERROR(give_rows(rows, give, passed));
  size_t row = 0;
  for (Entries::value_type* changed : changed_) {
    Entry& entry = changed->second;
    entry.is_changed = false;
    const bool is_there = is_joined(entry) && passed[row++] != 0;
    if (!is_there && entry.is_written) drop(record_of(changed->first, entry.offset, entry.ingest_time));
    entry.is_written = is_there;
  }
  changed_.clear();
  return {};
}

void PrimaryKeyJoin::save_changes(std::string_view prefix, WriteBatch& batch) {
  for (Entries::value_type* unsaved : unsaved_) {
    Entry& entry = unsaved->second;
    entry.is_unsaved = false;
    std::string key(prefix);
    key += unsaved->first;
    if (!entry.is_there[kLeft] && !entry.is_there[kRight]) {
      if (entry.is_stored) batch.erase(Space::kState, std::move(key));
      bytes_ -= entry.bytes();
      entries_.erase(entries_.find(unsaved->first));
      continue;
    }
    std::string value;
    append_little_endian(value, kVersion);
    append_little_endian(
        value, static_cast<uint8_t>((entry.is_there[kLeft] ? kLeftFlag : 0) |
                                    (entry.is_there[kRight] ? kRightFlag : 0) | (entry.is_written ? kWrittenFlag : 0)));
    for (const std::string& cells : entry.cells) append_sized(value, cells);
    batch.put(Space::kState, std::move(key), std::move(value));
    entry.is_stored = true;
  }
  unsaved_.clear();
}

Status PrimaryKeyJoin::load_changes(std::string_view prefix, const KeyValueStore& store) {
  const auto cursor = store.cursor(Space::kState);
  for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
    ByteReader reader(cursor->value());
    const auto version = reader.little_endian<uint8_t>();
    const auto flags = reader.little_endian<uint8_t>();
    Entry loaded;
    loaded.is_there = {(flags & kLeftFlag) != 0, (flags & kRightFlag) != 0};
    loaded.is_written = (flags & kWrittenFlag) != 0;
    loaded.is_stored = true;
    bool is_sound = version == kVersion;
    for (const Side side : {kLeft, kRight}) {
      loaded.cells[side] = reader.sized_bytes();
      is_sound = is_sound && (!loaded.is_there[side] || cells(side).is_sound(loaded.cells[side]));
    }
    if (!reader.ok() || !is_sound) return unreadable(prefix);
    bytes_ += loaded.bytes();
    entries_.emplace(cursor->key().substr(prefix.size()), std::move(loaded));
  }
  return cursor->status();
}

}  // namespace meterstream
