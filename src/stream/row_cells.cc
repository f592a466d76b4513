#include "stream/row_cells.h"

#include <bit>
#include <cstring>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr size_t kCellBytes = 8;

}  // namespace

RowCells::RowCells(const std::vector<ColumnSchema>& columns, const std::vector<bool>& needed)
    : cell_of_column_(columns.size()) {
  types_.reserve(columns.size());
  for (size_t column = 0; column < columns.size(); ++column) {
    types_.push_back(columns[column].type);
    if (!needed[column]) continue;
    cell_of_column_[column] = needed_.size();
    needed_.push_back(column);
  }
  flag_bytes_ = (needed_.size() + 7) / 8;
}

void RowCells::encode(const ColumnBatch& batch, uint32_t row, std::string& cells) const {
  cells.assign(flag_bytes_ + needed_.size() * kCellBytes, '\0');
  for (size_t cell = 0; cell < needed_.size(); ++cell) {
    const Column& column = batch.columns[needed_[cell]];
    if (column.is_null(row)) {
      cells[cell / 8] = static_cast<char>(cells[cell / 8] | 1 << cell % 8);
      continue;
    }
    uint64_t bits = 0;
    if (column.type == ColumnType::kVarchar) {
      const std::string_view text = column.strings[row];
      bits = uint64_t{cells.size()} << 32 | text.size();
      cells.append(text);
    } else if (column.type == ColumnType::kDouble) {
      bits = std::bit_cast<uint64_t>(column.doubles[row]);
    } else {
      bits = static_cast<uint64_t>(column.integers[row]);
    }
    std::memcpy(cells.data() + flag_bytes_ + cell * kCellBytes, &bits, sizeof(bits));
  }
}

bool RowCells::copy(std::string_view cells, size_t column, Column& out, size_t at) const {
  const size_t cell = cell_of_column_[column];
  if (is_null(cells, cell)) return false;
  const auto bits = load_little_endian<uint64_t>(cells.data() + flag_bytes_ + cell * kCellBytes);
  if (out.type == ColumnType::kVarchar) {
    out.strings[at] = cells.substr(bits >> 32, bits & UINT32_MAX);
  } else if (out.type == ColumnType::kDouble) {
    out.doubles[at] = std::bit_cast<double>(bits);
  } else {
    out.integers[at] = static_cast<int64_t>(bits);
  }
  return true;
}

bool RowCells::is_sound(std::string_view cells) const {
  if (cells.size() < flag_bytes_ + needed_.size() * kCellBytes) return false;
  for (size_t cell = 0; cell < needed_.size(); ++cell) {
    if (types_[needed_[cell]] != ColumnType::kVarchar || is_null(cells, cell)) continue;
    const auto bits = load_little_endian<uint64_t>(cells.data() + flag_bytes_ + cell * kCellBytes);
    if ((bits >> 32) + (bits & UINT32_MAX) > cells.size()) return false;
  }
  return true;
}

}  // namespace meterstream
