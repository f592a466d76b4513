#include "stream/lag_columns.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr uint64_t kNoRow = 5;

/// A value in the store: its kind, then its bytes. The kind is the index into ScalarValue, or that there was no row.
void append_value(std::string& out, const std::optional<ScalarValue>& kept) {
  if (!kept) return append_varint(out, kNoRow);
  const ScalarValue& value = *kept;
  append_varint(out, value.index());
  if (const auto* integer = std::get_if<int64_t>(&value)) append_varint(out, zigzag(*integer));
  if (const auto* flag = std::get_if<bool>(&value)) append_varint(out, *flag ? 1 : 0);
  if (const auto* number = std::get_if<double>(&value)) append_little_endian(out, *number);
  if (const auto* text = std::get_if<std::string>(&value)) append_sized(out, *text);
}

bool read_value(ByteReader& reader, std::optional<ScalarValue>& value) {
  switch (reader.varint()) {
    case kNoRow:
      value.reset();
      break;
    case 0:
      value = ScalarValue();
      break;
    case 1:
      value = ScalarValue(reader.varint() != 0);
      break;
    case 2:
      value = ScalarValue(reader.zigzag_varint());
      break;
    case 3:
      value = ScalarValue(reader.little_endian<double>());
      break;
    case 4:
      value = ScalarValue(std::string(reader.sized_bytes()));
      break;
    default:
      return false;
  }
  return reader.ok();
}

ScalarValue value_at(const Column& column, uint32_t row) {
  if (column.is_null(row)) return std::monostate();
  switch (column.type) {
    case ColumnType::kVarchar:
      return std::string(column.strings[row]);
    case ColumnType::kDouble:
      return column.doubles[row];
    default:
      return column.integers[row];
  }
}

void set_value(Column& column, uint32_t row, ScalarValue value, ColumnBatch& batch) {
  if (std::holds_alternative<std::monostate>(value)) return;
  column.validity[row] = 1;
  if (auto* text = std::get_if<std::string>(&value)) {
    column.strings[row] = batch.arena.emplace_back(std::move(*text));
  } else if (const auto* number = std::get_if<double>(&value)) {
    column.doubles[row] = *number;
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    column.integers[row] = *integer;
  }
}

}  // namespace

LagColumns::LagColumns(const ViewSpec& view) : lags_(view.lags) {
  for (const LagSpec& lag : lags_) values_ += lag.rows;
}

LagColumns::Entry& LagColumns::entry(std::string_view key) {
  const uint32_t id = keys_.intern(key);
  if (id < entries_.size()) return entries_[id];
  return entries_.emplace_back(Entry{false, std::vector<std::optional<ScalarValue>>(values_)});
}

void LagColumns::add(DecodedBatch& batch, const std::vector<uint32_t>& rows, int64_t& faults) {
  std::vector<Column> now;
  std::vector<Column> first;
  std::vector<Column> before;
  for (const LagSpec& lag : lags_) {
    now.push_back(evaluate(*lag.value, batch.columns, faults));
    first.push_back(lag.first == nullptr ? null_column(lag.value->type, batch.columns.rows)
                                         : evaluate(*lag.first, batch.columns, faults));
    before.push_back(null_column(lag.value->type, batch.columns.rows));
  }
  for (const uint32_t row : rows) {
    Entry& own = entry(batch.record_of(row).key);
    bool is_changed = false;
    auto earliest = own.values.begin();
    for (size_t lag = 0; lag < lags_.size(); ++lag) {
      const auto end = earliest + static_cast<std::ptrdiff_t>(lags_[lag].rows);
      std::optional<ScalarValue> value = value_at(now[lag], row);
      is_changed |= std::any_of(earliest, end, [&](const auto& kept) { return kept != value; });
      // The new one becomes the latest, and the earliest goes.
      std::rotate(earliest, earliest + 1, end);
      std::swap(value, *std::prev(end));
      set_value(before[lag], row, value ? *std::move(value) : value_at(first[lag], row), batch.columns);
      earliest = end;
    }
    if (!is_changed || own.changed) continue;
    own.changed = true;
    changed_.push_back(static_cast<uint32_t>(&own - entries_.data()));
  }
  for (Column& column : before) batch.columns.columns.push_back(std::move(column));
}

void LagColumns::save_changes(std::string_view prefix, WriteBatch& batch) {
  for (const uint32_t index : changed_) {
    Entry& changed = entries_[index];
    changed.changed = false;
    std::string value;
    for (const std::optional<ScalarValue>& one : changed.values) append_value(value, one);
    batch.put(Space::kState, fmt::format("{}{}", prefix, keys_.key(index)), std::move(value));
  }
  changed_.clear();
}

Status LagColumns::load(std::string_view prefix, const KeyValueStore& store) {
  const auto cursor = store.cursor(Space::kState);
  for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
    Entry& loaded = entry(cursor->key().substr(prefix.size()));
    ByteReader reader(cursor->value());
    for (std::optional<ScalarValue>& value : loaded.values) {
      if (read_value(reader, value)) continue;
      return corrupt(fmt::format(
          "state: what LAG remembers under {} does not read back; restore the data directory from a copy, or run "
          "with another --application-id to compute from the beginning",
          prefix));
    }
  }
  return cursor->status();
}

size_t LagColumns::bytes() const {
  return keys_.bytes() + entries_.capacity() * sizeof(Entry) +
         entries_.size() * values_ * sizeof(std::optional<ScalarValue>);
}

}  // namespace meterstream
