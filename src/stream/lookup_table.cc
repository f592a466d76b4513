#include "stream/lookup_table.h"

#include <bit>
#include <mutex>

#include "base/check.h"

namespace meterstream {

LookupTable::LookupTable(const TableSpec& spec)
    : width_(spec.columns.size() + kOwnCells), has_times_(spec.valid_from_column.has_value()) {
  static_assert(kNone == KeyInterner::kUnknown);
  CHECK(spec.columns.size() <= 64);
  for (const ColumnSchema& column : spec.columns) types_.push_back(column.type);
}

uint32_t LookupTable::new_row() {
  if (!free_rows_.empty()) {
    const uint32_t row = free_rows_.back();
    free_rows_.pop_back();
    return row;
  }
  const auto row = static_cast<uint32_t>(cells_.size() / width_);
  cells_.resize(cells_.size() + width_);
  for (size_t column = 0; column < types_.size(); ++column) {
    if (types_[column] != ColumnType::kVarchar) continue;
    // A row's texts stay its own when it is used again.
    cells_[row * width_ + kOwnCells + column] = texts_.size();
    texts_.emplace_back();
  }
  return row;
}

void LookupTable::fill(uint32_t row, const std::vector<Column>& columns, uint32_t from) {
  uint64_t* cells = &cells_[row * width_];
  cells[kNulls] = 0;
  for (size_t column = 0; column < types_.size(); ++column) {
    const Column& source = columns[column];
    uint64_t& cell = cells[kOwnCells + column];
    if (source.is_null(from)) {
      cells[kNulls] |= uint64_t{1} << column;
    } else if (types_[column] == ColumnType::kVarchar) {
      texts_[cell].assign(source.strings[from]);
    } else {
      cell = types_[column] == ColumnType::kDouble ? std::bit_cast<uint64_t>(source.doubles[from])
                                                   : static_cast<uint64_t>(source.integers[from]);
    }
  }
}

void LookupTable::put(std::string_view key, int64_t valid_from_ms, const std::vector<Column>& columns, uint32_t row) {
  const std::unique_lock lock(mutex_);
  const uint32_t id = keys_.intern(key);
  if (id == newest_.size()) newest_.push_back(kNone);
  for (uint32_t own = newest_[id]; own != kNone; own = older(own)) {
    if (has_times_ && this->valid_from_ms(own) != valid_from_ms) continue;
    fill(own, columns, row);
    return;
  }
  const uint32_t own = new_row();
  fill(own, columns, row);
  link(id, valid_from_ms, own);
}

// Into the rows of its key, newest first.
void LookupTable::link(uint32_t key, int64_t valid_from_ms, uint32_t row) {
  uint32_t newer = kNone;
  uint32_t next = newest_[key];
  for (; next != kNone && this->valid_from_ms(next) > valid_from_ms; next = older(next)) newer = next;
  uint64_t* own = &cells_[row * width_];
  own[kValidFrom] = static_cast<uint64_t>(valid_from_ms);
  own[kOlder] = next;
  if (newer == kNone) {
    newest_[key] = row;
  } else {
    cells_[newer * width_ + kOlder] = row;
  }
}

void LookupTable::erase(std::string_view key) {
  const std::unique_lock lock(mutex_);
  uint32_t id = KeyInterner::kUnknown;
  keys_.find({&key, 1}, &id);
  if (id == KeyInterner::kUnknown) return;
  for (uint32_t row = newest_[id]; row != kNone; row = older(row)) free_rows_.push_back(row);
  newest_[id] = kNone;
}

uint32_t LookupTable::valid_at(uint32_t newest, int64_t time_ms) const {
  if (!has_times_) return newest;
  uint32_t row = newest;
  while (row != kNone && valid_from_ms(row) > time_ms) row = older(row);
  return row;
}

void LookupTable::find(std::span<const std::string_view> keys, std::span<const int64_t> times_ms,
                       uint32_t* rows) const {
  keys_.find(keys, rows);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (rows[i] == KeyInterner::kUnknown) continue;
    rows[i] = newest_[rows[i]];
    if (rows[i] != kNone) __builtin_prefetch(cells(rows[i]));
  }
  if (!has_times_) return;
  for (size_t i = 0; i < keys.size(); ++i) rows[i] = valid_at(rows[i], times_ms[i]);
}

uint32_t LookupTable::find(std::string_view key, int64_t time_ms) const {
  uint32_t row = kNone;
  find({&key, 1}, {&time_ms, 1}, &row);
  return row;
}

bool LookupTable::copy(uint32_t row, size_t column, Column& out, size_t at) const {
  if ((cells(row)[kNulls] >> column & 1) != 0) return false;
  const uint64_t cell = cells(row)[kOwnCells + column];
  switch (types_[column]) {
    case ColumnType::kVarchar:
      out.strings[at] = texts_[cell];
      break;
    case ColumnType::kDouble:
      out.doubles[at] = std::bit_cast<double>(cell);
      break;
    default:
      out.integers[at] = static_cast<int64_t>(cell);
  }
  return true;
}

size_t LookupTable::rows() const {
  const std::shared_lock lock(mutex_);
  return cells_.size() / width_ - free_rows_.size();
}

}  // namespace meterstream
