#include "stream/table_join.h"

#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kLeftFlag = 1;
constexpr uint8_t kRightFlag = 2;
constexpr uint8_t kWrittenFlag = 4;

const TableJoinSpec::Side& side_of(const TableJoinSpec& spec, size_t side) {
  return side == TableJoin::kLeft ? spec.left : spec.right;
}

}  // namespace

std::vector<bool> TableJoin::needed_columns(const ViewSpec& view, Side side) {
  const size_t first = side == kLeft ? 0 : view.table_join->left.table->columns.size();
  std::vector<bool> needed(side_of(*view.table_join, side).table->columns.size());
  for (const size_t column : view.columns_read()) {
    if (column >= first && column - first < needed.size()) needed[column - first] = true;
  }
  return needed;
}

TableJoin::TableJoin(const ViewSpec& view)
    : spec_(*view.table_join),
      needed_{needed_columns(view, kLeft), needed_columns(view, kRight)},
      cells_{RowCells(spec_.left.table->columns, needed_[kLeft]),
             RowCells(spec_.right.table->columns, needed_[kRight])} {}

TableJoin::Entries::value_type& TableJoin::entry(std::string_view key) {
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    found = entries_.try_emplace(std::string(key)).first;
    bytes_ += found->second.bytes();
  }
  return *found;
}

void TableJoin::put(Side side, const RecordView& record, const ColumnBatch& batch, uint32_t row) {
  auto& changed = entry(record.key);
  bytes_ -= changed.second.bytes();
  cells_[side].encode(batch, row, changed.second.cells[side]);
  changed.second.is_there[side] = true;
  bytes_ += changed.second.bytes();
  note_change(changed, record);
}

void TableJoin::erase(Side side, const RecordView& record) {
  auto& changed = entry(record.key);
  bytes_ -= changed.second.bytes();
  changed.second.cells[side] = std::string();
  changed.second.is_there[side] = false;
  bytes_ += changed.second.bytes();
  note_change(changed, record);
}

void TableJoin::note_change(Entries::value_type& changed, const RecordView& record) {
  changed.second.offset = record.offset;
  changed.second.ingest_time = record.ingest_time;
  if (!std::exchange(changed.second.is_changed, true)) changed_.push_back(&changed);
  if (!std::exchange(changed.second.is_unsaved, true)) unsaved_.push_back(&changed);
}

bool TableJoin::is_joined(const Entry& entry) const {
  if (entry.is_there[kLeft] && entry.is_there[kRight]) return true;
  return (entry.is_there[kLeft] && spec_.left.keeps_unmatched) ||
         (entry.is_there[kRight] && spec_.right.keeps_unmatched);
}

RecordView TableJoin::record_of(const Entries::value_type& row) {
  RecordView record;
  record.key = row.first;
  record.value = "";
  record.offset = row.second.offset;
  record.ingest_time = row.second.ingest_time;
  return record;
}

Status TableJoin::give_changes(const Give& give, const Drop& drop) {
  std::vector<Entries::value_type*> rows;
  for (Entries::value_type* changed : changed_) {
    if (is_joined(changed->second)) rows.push_back(changed);
  }
  std::vector<char> passed(rows.size(), 0);
  if (!rows.empty()) {
    fill(rows);
    RETURN_IF_ERROR(give(joined_, passed));
    joined_.columns.arena.clear();
  }
  size_t row = 0;
  for (Entries::value_type* changed : changed_) {
    Entry& entry = changed->second;
    entry.is_changed = false;
    const bool is_there = row < rows.size() && rows[row] == changed && passed[row] != 0;
    if (row < rows.size() && rows[row] == changed) ++row;
    if (!is_there && entry.is_written) drop(record_of(*changed));
    entry.is_written = is_there;
  }
  changed_.clear();
  return {};
}

void TableJoin::fill(const std::vector<Entries::value_type*>& rows) {
  joined_.columns.rows = rows.size();
  joined_.columns.columns.clear();
  for (const Side side : {kLeft, kRight}) {
    const std::vector<ColumnSchema>& columns = side_of(spec_, side).table->columns;
    for (size_t index = 0; index < columns.size(); ++index) {
      Column column;
      column.type = columns[index].type;
      if (needed_[side][index]) {
        column = null_column(column.type, rows.size());
        for (size_t row = 0; row < rows.size(); ++row) {
          const Entry& entry = rows[row]->second;
          if (entry.is_there[side] && cells_[side].copy(entry.cells[side], index, column, row))
            column.validity[row] = 1;
        }
      }
      joined_.columns.columns.push_back(std::move(column));
    }
  }
  records_.clear();
  for (const Entries::value_type* row : rows) records_.push_back(record_of(*row));
  joined_.records = records_;
  joined_.columns.record_index.resize(rows.size());
  std::iota(joined_.columns.record_index.begin(), joined_.columns.record_index.end(), 0U);
  joined_.selection = joined_.columns.record_index;
  joined_.event_times_ms.assign(rows.size(), 0);
  joined_.ingest_times_ms.assign(rows.size(), 0);
  joined_.watermark_after_ms.assign(rows.size(), INT64_MIN);
}

void TableJoin::save_changes(std::string_view prefix, WriteBatch& batch) {
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

Status TableJoin::load_changes(std::string_view prefix, const KeyValueStore& store) {
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
      is_sound = is_sound && (!loaded.is_there[side] || cells_[side].is_sound(loaded.cells[side]));
    }
    if (!reader.ok() || !is_sound) {
      return corrupt(fmt::format(
          "state: a row of a join under {} does not read back; restore the data directory from a copy, or run with "
          "another --application-id to compute from the beginning",
          prefix));
    }
    bytes_ += loaded.bytes();
    entries_.emplace(cursor->key().substr(prefix.size()), std::move(loaded));
  }
  return cursor->status();
}

}  // namespace meterstream
