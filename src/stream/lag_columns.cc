#include "stream/lag_columns.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

/// A value in the store: its kind, then its bytes. The kind is the index into ScalarValue.
void append_value(std::string& out, const ScalarValue& value) {
  append_varint(out, value.index());
  if (const auto* integer = std::get_if<int64_t>(&value)) append_varint(out, zigzag(*integer));
  if (const auto* flag = std::get_if<bool>(&value)) append_varint(out, *flag ? 1 : 0);
  if (const auto* number = std::get_if<double>(&value)) append_little_endian(out, *number);
  if (const auto* text = std::get_if<std::string>(&value)) append_sized(out, *text);
}

bool read_value(ByteReader& reader, ScalarValue& value) {
  switch (reader.varint()) {
    case 0:
      value = std::monostate();
      break;
    case 1:
      value = reader.varint() != 0;
      break;
    case 2:
      value = reader.zigzag_varint();
      break;
    case 3:
      value = reader.little_endian<double>();
      break;
    case 4:
      value = std::string(reader.sized_bytes());
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

LagColumns::LagColumns(const ViewSpec& view) : lags_(view.lags) {}

LagColumns::Entry& LagColumns::entry(std::string_view key, bool& is_new) {
  const uint32_t id = keys_.intern(key);
  is_new = id == entries_.size();
  return is_new ? entries_.emplace_back(Entry{false, std::vector<ScalarValue>(lags_.size())}) : entries_[id];
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
    bool is_new = false;
    Entry& own = entry(batch.record_of(row).key, is_new);
    bool is_changed = is_new;
    for (size_t lag = 0; lag < lags_.size(); ++lag) {
      ScalarValue value = value_at(now[lag], row);
      is_changed |= value != own.values[lag];
      std::swap(value, own.values[lag]);
      set_value(before[lag], row, is_new ? value_at(first[lag], row) : std::move(value), batch.columns);
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
    for (const ScalarValue& one : changed.values) append_value(value, one);
    batch.put(Space::kState, fmt::format("{}{}", prefix, keys_.key(index)), std::move(value));
  }
  changed_.clear();
}

Status LagColumns::load(std::string_view prefix, const KeyValueStore& store) {
  const auto cursor = store.cursor(Space::kState);
  for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
    bool is_new = false;
    Entry& loaded = entry(cursor->key().substr(prefix.size()), is_new);
    ByteReader reader(cursor->value());
    for (ScalarValue& value : loaded.values) {
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
  return keys_.bytes() + entries_.capacity() * sizeof(Entry) + entries_.size() * lags_.size() * sizeof(ScalarValue);
}

}  // namespace meterstream
