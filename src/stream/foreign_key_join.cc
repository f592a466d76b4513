#include "stream/foreign_key_join.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr uint8_t kVersion = 1;
constexpr char kLeftRows = 'l';
constexpr char kRightRows = 'r';
constexpr uint8_t kRefersFlag = 1;
constexpr uint8_t kWrittenFlag = 4;
/// So many results are computed at a time, since one row may have any number of others that refer to it.
constexpr size_t kRowsAtATime = 1024;
/// Of a key in the set of those that refer to a row.
constexpr size_t kReferenceBytes = 64;

std::string state_key(std::string_view prefix, char side, std::string_view key) {
  std::string text(prefix);
  text += side;
  return text.append(key);
}

}  // namespace

size_t ForeignKeyJoin::bytes_of(const Row& row, std::string_view key) {
  return sizeof(Left) + kReferenceBytes + key.size() + row.cells.capacity();
}

void ForeignKeyJoin::prepare(Side side, ColumnBatch& batch, int64_t& faults) {
  if (side == kLeft) foreign_keys_ = evaluate(*spec().foreign_key, batch, faults);
}

/// `foreign_key` null: NULL.
void ForeignKeyJoin::refer(Lefts::value_type& left, const std::string_view* foreign_key) {
  Rights::value_type* const before = left.second.refers_to;
  if (before != nullptr && foreign_key != nullptr && before->first == *foreign_key) return;
  if (before != nullptr) {
    before->second.referring.erase(left.first);
    left.second.refers_to = nullptr;
    forget_unless_needed(*before);
  }
  if (foreign_key == nullptr) return;
  auto right = rights_.find(*foreign_key);
  if (right == rights_.end()) {
    right = rights_.try_emplace(std::string(*foreign_key)).first;
    bytes_ += bytes_of(right->second, right->first);
  }
  right->second.referring.insert(left.first);
  left.second.refers_to = &*right;
}

/// It stays while something names it.
void ForeignKeyJoin::forget_unless_needed(Rights::value_type& right) {
  const Right& row = right.second;
  if (row.is_there || row.is_changed || row.is_unsaved || !row.referring.empty()) return;
  bytes_ -= bytes_of(row, right.first);
  rights_.erase(rights_.find(right.first));
}

/// `batch` null: the row is gone.
template <class Entry>
void ForeignKeyJoin::set_row(Entry& entry, Side side, const RecordView& record, const ColumnBatch* batch,
                             uint32_t row) {
  Row& kept = entry.second;
  bytes_ -= bytes_of(kept, entry.first);
  kept.is_there = batch != nullptr;
  if (batch != nullptr) {
    cells(side).encode(*batch, row, kept.cells);
  } else {
    kept.cells = std::string();
  }
  bytes_ += bytes_of(kept, entry.first);
  kept.offset = record.offset;
  kept.ingest_time = record.ingest_time;
}

void ForeignKeyJoin::put(Side side, const RecordView& record, const ColumnBatch& batch, uint32_t row) {
  if (side == kRight) {
    const auto [right, is_new] = rights_.try_emplace(std::string(record.key));
    if (is_new) bytes_ += bytes_of(right->second, right->first);
    set_row(*right, side, record, &batch, row);
    if (!std::exchange(right->second.is_changed, true)) changed_rights_.push_back(&*right);
    if (!std::exchange(right->second.is_unsaved, true)) unsaved_rights_.push_back(&*right);
    return;
  }
  const auto [left, is_new] = lefts_.try_emplace(std::string(record.key));
  if (is_new) bytes_ += bytes_of(left->second, left->first);
  set_row(*left, side, record, &batch, row);
  const std::string_view foreign_key = foreign_keys_.is_null(row) ? std::string_view() : foreign_keys_.strings[row];
  refer(*left, foreign_keys_.is_null(row) ? nullptr : &foreign_key);
  note_change(*left, record.offset, record.ingest_time);
}

void ForeignKeyJoin::erase(Side side, const RecordView& record) {
  if (side == kRight) {
    const auto right = rights_.find(record.key);
    if (right == rights_.end() || !right->second.is_there) return;
    set_row(*right, side, record, nullptr, 0);
    if (!std::exchange(right->second.is_changed, true)) changed_rights_.push_back(&*right);
    if (!std::exchange(right->second.is_unsaved, true)) unsaved_rights_.push_back(&*right);
    return;
  }
  const auto left = lefts_.find(record.key);
  if (left == lefts_.end() || !left->second.is_there) return;
  set_row(*left, side, record, nullptr, 0);
  refer(*left, nullptr);
  note_change(*left, record.offset, record.ingest_time);
}

void ForeignKeyJoin::note_change(Lefts::value_type& changed, Offset offset, IngestTime ingest_time) {
  changed.second.offset = offset;
  changed.second.ingest_time = ingest_time;
  if (!std::exchange(changed.second.is_changed, true)) changed_lefts_.push_back(&changed);
  if (!std::exchange(changed.second.is_unsaved, true)) unsaved_lefts_.push_back(&changed);
}

bool ForeignKeyJoin::is_joined(const Left& left) const {
  if (!left.is_there) return false;
  return spec().left.keeps_unmatched || (left.refers_to != nullptr && left.refers_to->second.is_there);
}

Status ForeignKeyJoin::give_changes(const Give& give, const Drop& drop) {
  for (Rights::value_type* right : changed_rights_) {
    right->second.is_changed = false;
    for (const std::string_view key : right->second.referring)
      note_change(*lefts_.find(key), right->second.offset, right->second.ingest_time);
  }
  changed_rights_.clear();
  const std::span<Lefts::value_type* const> all = changed_lefts_;
  for (size_t begin = 0; begin < all.size(); begin += kRowsAtATime)
    RETURN_IF_ERROR(give_lefts(all.subspan(begin, std::min(kRowsAtATime, all.size() - begin)), give, drop));
  changed_lefts_.clear();
  return {};
}

Status ForeignKeyJoin::give_lefts(std::span<Lefts::value_type* const> lefts, const Give& give, const Drop& drop) {
  std::vector<Joined> rows;
  for (const Lefts::value_type* changed : lefts) {
    const Left& left = changed->second;
    if (!is_joined(left)) continue;
    Joined& row = rows.emplace_back();
    row.record = record_of(changed->first, left.offset, left.ingest_time);
    row.cells[kLeft] = &left.cells;
    if (left.refers_to != nullptr && left.refers_to->second.is_there) row.cells[kRight] = &left.refers_to->second.cells;
  }
  std::vector<char> passed;
  RETURN_IF_ERROR(give_rows(rows, give, passed));
  size_t row = 0;
  for (Lefts::value_type* changed : lefts) {
    Left& left = changed->second;
    left.is_changed = false;
    const bool is_there = is_joined(left) && passed[row++] != 0;
    if (!is_there && left.is_written) drop(record_of(changed->first, left.offset, left.ingest_time));
    left.is_written = is_there;
  }
  return {};
}

void ForeignKeyJoin::save_changes(std::string_view prefix, WriteBatch& batch) {
  for (Lefts::value_type* left : unsaved_lefts_) save(*left, prefix, batch);
  unsaved_lefts_.clear();
  for (Rights::value_type* right : unsaved_rights_) save(*right, prefix, batch);
  unsaved_rights_.clear();
}

void ForeignKeyJoin::save(Lefts::value_type& left, std::string_view prefix, WriteBatch& batch) {
  Left& row = left.second;
  row.is_unsaved = false;
  std::string key = state_key(prefix, kLeftRows, left.first);
  if (!row.is_there) {
    if (row.is_stored) batch.erase(Space::kState, std::move(key));
    bytes_ -= bytes_of(row, left.first);
    lefts_.erase(lefts_.find(left.first));
    return;
  }
  std::string value;
  append_little_endian(value, kVersion);
  append_little_endian(
      value, static_cast<uint8_t>((row.refers_to != nullptr ? kRefersFlag : 0) | (row.is_written ? kWrittenFlag : 0)));
  append_sized(value, row.refers_to != nullptr ? std::string_view(row.refers_to->first) : std::string_view());
  append_sized(value, row.cells);
  batch.put(Space::kState, std::move(key), std::move(value));
  row.is_stored = true;
}

void ForeignKeyJoin::save(Rights::value_type& right, std::string_view prefix, WriteBatch& batch) {
  Right& row = right.second;
  row.is_unsaved = false;
  std::string key = state_key(prefix, kRightRows, right.first);
  if (!row.is_there) {
    if (std::exchange(row.is_stored, false)) batch.erase(Space::kState, std::move(key));
    forget_unless_needed(right);
    return;
  }
  std::string value;
  append_little_endian(value, kVersion);
  append_sized(value, row.cells);
  batch.put(Space::kState, std::move(key), std::move(value));
  row.is_stored = true;
}

bool ForeignKeyJoin::load_left(std::string_view key, std::string_view value) {
  ByteReader reader(value);
  if (reader.little_endian<uint8_t>() != kVersion) return false;
  const auto flags = reader.little_endian<uint8_t>();
  const std::string_view foreign_key = reader.sized_bytes();
  Left loaded;
  loaded.cells = reader.sized_bytes();
  loaded.is_there = true;
  loaded.is_stored = true;
  loaded.is_written = (flags & kWrittenFlag) != 0;
  if (!reader.ok() || !cells(kLeft).is_sound(loaded.cells)) return false;
  const auto [left, is_new] = lefts_.emplace(key, std::move(loaded));
  bytes_ += bytes_of(left->second, left->first);
  refer(*left, (flags & kRefersFlag) != 0 ? &foreign_key : nullptr);
  return is_new;
}

bool ForeignKeyJoin::load_right(std::string_view key, std::string_view value) {
  ByteReader reader(value);
  if (reader.little_endian<uint8_t>() != kVersion) return false;
  const std::string_view loaded = reader.sized_bytes();
  if (!reader.ok() || !cells(kRight).is_sound(loaded)) return false;
  // Left rows that were read may refer to it.
  const auto [right, is_new] = rights_.try_emplace(std::string(key));
  if (!is_new) bytes_ -= bytes_of(right->second, right->first);
  right->second.cells = loaded;
  right->second.is_there = true;
  right->second.is_stored = true;
  bytes_ += bytes_of(right->second, right->first);
  return true;
}

Status ForeignKeyJoin::load_changes(std::string_view prefix, const KeyValueStore& store) {
  const auto cursor = store.cursor(Space::kState);
  for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
    const std::string_view key = cursor->key().substr(prefix.size());
    const bool is_sound = key.starts_with(kLeftRows)    ? load_left(key.substr(1), cursor->value())
                          : key.starts_with(kRightRows) ? load_right(key.substr(1), cursor->value())
                                                        : false;
    if (!is_sound) return unreadable(prefix);
  }
  return cursor->status();
}

}  // namespace meterstream
