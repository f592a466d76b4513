#include "stream/lookup_table.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace meterstream {

LookupTable::LookupTable(const TableSpec& spec)
    : width_(spec.columns.size() + 1), has_times_(spec.valid_from_column.has_value()) {
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
    cells_[row * width_ + 1 + column] = texts_.size();
    texts_.emplace_back();
  }
  return row;
}

void LookupTable::fill(uint32_t row, const std::vector<Column>& columns, uint32_t from) {
  uint64_t* cells = &cells_[row * width_];
  cells[0] = 0;
  for (size_t column = 0; column < types_.size(); ++column) {
    const Column& source = columns[column];
    uint64_t& cell = cells[1 + column];
    if (source.is_null(from)) {
      cells[0] |= uint64_t{1} << column;
    } else if (types_[column] == ColumnType::kVarchar) {
      texts_[cell].assign(source.strings[from]);
    } else {
      cell = types_[column] == ColumnType::kDouble ? std::bit_cast<uint64_t>(source.doubles[from])
                                                   : static_cast<uint64_t>(source.integers[from]);
    }
  }
}

void LookupTable::put(std::string_view key, int64_t valid_from_ms, const std::vector<Column>& columns, uint32_t row) {
  fill(row_for(keys_.intern(key), valid_from_ms), columns, row);
}

// The row of a key, made when there is none.
uint32_t LookupTable::row_for(uint32_t key, int64_t valid_from_ms) {
  if (!has_times_) {
    if (key == only_.size()) only_.push_back(kNone);
    if (only_[key] == kNone) only_[key] = new_row();
    return only_[key];
  }
  if (key == versions_.size()) versions_.emplace_back();
  std::vector<Version>& versions = versions_[key];
  const auto place = std::ranges::lower_bound(versions, valid_from_ms, {}, &Version::valid_from_ms);
  if (place != versions.end() && place->valid_from_ms == valid_from_ms) return place->row;
  return versions.insert(place, {valid_from_ms, new_row()})->row;
}

void LookupTable::erase(std::string_view key) {
  uint32_t id = KeyInterner::kUnknown;
  keys_.find({&key, 1}, &id);
  if (id == KeyInterner::kUnknown) return;
  if (!has_times_) {
    if (only_[id] != kNone) free_rows_.push_back(std::exchange(only_[id], kNone));
    return;
  }
  for (const Version& version : versions_[id]) free_rows_.push_back(version.row);
  versions_[id].clear();
}

uint32_t LookupTable::valid_at(const std::vector<Version>& versions, int64_t time_ms) const {
  const auto next = std::ranges::upper_bound(versions, time_ms, {}, &Version::valid_from_ms);
  return next == versions.begin() ? kNone : std::prev(next)->row;
}

void LookupTable::find(std::span<const std::string_view> keys, std::span<const int64_t> times_ms,
                       uint32_t* rows) const {
  keys_.find(keys, rows);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (rows[i] == KeyInterner::kUnknown) continue;
    rows[i] = has_times_ ? valid_at(versions_[rows[i]], times_ms[i]) : only_[rows[i]];
    if (rows[i] != kNone) __builtin_prefetch(cells(rows[i]));
  }
}

uint32_t LookupTable::find(std::string_view key, int64_t time_ms) const {
  uint32_t row = kNone;
  find({&key, 1}, {&time_ms, 1}, &row);
  return row;
}

bool LookupTable::copy(uint32_t row, size_t column, Column& out, size_t at) const {
  if ((cells(row)[0] >> column & 1) != 0) return false;
  const uint64_t cell = cells(row)[1 + column];
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
  const auto lock = lock_shared();
  return cells_.size() / width_ - free_rows_.size();
}

}  // namespace meterstream
