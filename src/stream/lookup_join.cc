#include "stream/lookup_join.h"

#include <algorithm>
#include <set>

#include "base/check.h"

namespace meterstream {
namespace {

/// Every column that the views and their lookups read.
std::set<size_t> columns_read(const std::vector<const ViewSpec*>& views) {
  std::set<size_t> read;
  for (const ViewSpec* view : views) {
    for (const size_t column : view->columns_read()) read.insert(column);
    read.insert(view->group_by.begin(), view->group_by.end());
  }
  return read;
}

}  // namespace

LookupJoin::LookupJoin(const std::vector<const ViewSpec*>& views, TableFeeds* feeds) {
  const std::set<size_t> read = columns_read(views);
  size_t first = views.front()->source->columns.size();
  for (const LookupSpec& spec : views.front()->lookups) {
    CHECK(feeds != nullptr);
    Lookup lookup{&spec, feeds->feed(*spec.table), {}};
    for (size_t column = 0; column < spec.table->columns.size(); ++column)
      lookup.needed.push_back(read.contains(first + column));
    first += spec.table->columns.size();
    tables_.push_back(&lookup.feed->table());
    lookups_.push_back(std::move(lookup));
  }
  // A table that is looked into twice is locked once.
  std::ranges::sort(tables_);
  const auto repeats = std::ranges::unique(tables_);
  tables_.erase(repeats.begin(), repeats.end());
}

LookupJoin::Added::Added(LookupJoin& join, ColumnBatch& batch)
    : join_(join), batch_(batch), columns_(batch.columns.size()) {
  for (const LookupTable* table : join.tables_) join.locks_.push_back(table->lock_shared());
}

LookupJoin::Added::~Added() {
  batch_.columns.resize(columns_);
  join_.locks_.clear();
}

void LookupJoin::look_up(DecodedBatch& batch, std::vector<uint32_t>& rows, int64_t& faults) {
  for (const Lookup& lookup : lookups_) look_up(lookup, batch, rows, faults);
}

void LookupJoin::look_up(const Lookup& lookup, DecodedBatch& batch, std::vector<uint32_t>& rows, int64_t& faults) {
  const Column keys = evaluate(*lookup.spec->key, batch.columns, faults);
  probed_.clear();
  keys_.clear();
  times_ms_.clear();
  for (const uint32_t row : rows) {
    if (keys.is_null(row)) continue;
    probed_.push_back(row);
    keys_.push_back(keys.strings[row]);
    times_ms_.push_back(batch.event_times_ms[row]);
  }
  found_.resize(probed_.size());
  lookup.feed->table().find(keys_, times_ms_, found_.data());
  fill(lookup, batch.columns);
  if (lookup.spec->keeps_unmatched) return;
  rows.clear();
  for (size_t i = 0; i < probed_.size(); ++i) {
    if (found_[i] != LookupTable::kNone) rows.push_back(probed_[i]);
  }
}

void LookupJoin::fill(const Lookup& lookup, ColumnBatch& batch) const {
  const LookupTable& table = lookup.feed->table();
  for (size_t index = 0; index < lookup.needed.size(); ++index) {
    Column column;
    column.type = lookup.spec->table->columns[index].type;
    if (lookup.needed[index]) {
      column = null_column(column.type, batch.rows);
      size_t found = 0;
      for (size_t i = 0; i < probed_.size(); ++i) {
        if (found_[i] == LookupTable::kNone || !table.copy(found_[i], index, column, probed_[i])) continue;
        column.validity[probed_[i]] = 1;
        ++found;
      }
      // Columns without any NULL are evaluated faster.
      if (found == batch.rows) column.validity.clear();
    }
    batch.columns.push_back(std::move(column));
  }
}

}  // namespace meterstream
