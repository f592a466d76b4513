#include "stream/table_join.h"

#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "stream/foreign_key_join.h"
#include "stream/primary_key_join.h"

namespace meterstream {
namespace {

const TableJoinSpec::Side& side_of(const TableJoinSpec& spec, size_t side) {
  return side == TableJoin::kLeft ? spec.left : spec.right;
}

std::vector<bool> columns_kept(const ViewSpec& view, TableJoin::Side side) {
  const size_t first = side == TableJoin::kLeft ? 0 : view.table_join->left.table->columns.size();
  std::vector<bool> kept(side_of(*view.table_join, side).table->columns.size());
  for (const size_t column : view.columns_read()) {
    if (column >= first && column - first < kept.size()) kept[column - first] = true;
  }
  return kept;
}

}  // namespace

std::unique_ptr<TableJoin> TableJoin::make(const ViewSpec& view) {
  if (view.table_join->foreign_key != nullptr) return std::make_unique<ForeignKeyJoin>(view);
  return std::make_unique<PrimaryKeyJoin>(view);
}

std::vector<bool> TableJoin::columns_decoded(const ViewSpec& view, Side side) {
  std::vector<bool> decoded = columns_kept(view, side);
  if (side == kRight || view.table_join->foreign_key == nullptr) return decoded;
  for (const size_t column : columns_of(*view.table_join->foreign_key)) decoded[column] = true;
  return decoded;
}

TableJoin::TableJoin(const ViewSpec& view)
    : spec_(*view.table_join),
      kept_{columns_kept(view, kLeft), columns_kept(view, kRight)},
      cells_{RowCells(spec_.left.table->columns, kept_[kLeft]), RowCells(spec_.right.table->columns, kept_[kRight])} {}

RecordView TableJoin::record_of(std::string_view key, Offset offset, IngestTime ingest_time) {
  RecordView record;
  record.key = key;
  record.value = "";
  record.offset = offset;
  record.ingest_time = ingest_time;
  return record;
}

Status TableJoin::give_rows(const std::vector<Joined>& rows, const Give& give, std::vector<char>& passed) {
  passed.assign(rows.size(), 0);
  if (rows.empty()) return {};
  fill(rows);
  RETURN_IF_ERROR(give(joined_, passed));
  joined_.columns.arena.clear();
  return {};
}

Error TableJoin::unreadable(std::string_view prefix) {
  return corrupt(fmt::format(
      "state: a row of a join under {} does not read back; restore the data directory from a copy, or run with "
      "another --application-id to compute from the beginning",
      prefix));
}

void TableJoin::fill(const std::vector<Joined>& rows) {
  joined_.columns.rows = rows.size();
  joined_.columns.columns.clear();
  for (const Side side : {kLeft, kRight}) {
    const std::vector<ColumnSchema>& columns = side_of(spec_, side).table->columns;
    for (size_t index = 0; index < columns.size(); ++index) {
      Column column;
      column.type = columns[index].type;
      if (kept_[side][index]) {
        column = null_column(column.type, rows.size());
        for (size_t row = 0; row < rows.size(); ++row) {
          const std::string* cells = rows[row].cells[side];
          if (cells != nullptr && cells_[side].copy(*cells, index, column, row)) column.validity[row] = 1;
        }
      }
      joined_.columns.columns.push_back(std::move(column));
    }
  }
  records_.clear();
  for (const Joined& row : rows) records_.push_back(row.record);
  joined_.records = records_;
  joined_.columns.record_index.resize(rows.size());
  std::iota(joined_.columns.record_index.begin(), joined_.columns.record_index.end(), 0U);
  joined_.selection = joined_.columns.record_index;
  joined_.event_times_ms.assign(rows.size(), 0);
  joined_.ingest_times_ms.assign(rows.size(), 0);
  joined_.watermark_after_ms.assign(rows.size(), INT64_MIN);
}

}  // namespace meterstream
