#include "state/aggregate_table.h"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

constexpr char kDefinitionKind = 'D';
constexpr char kRowKind = 'R';
constexpr uint8_t kVersion = 1;
constexpr size_t kTimesBytes = 16;
constexpr std::array<std::string_view, 5> kBucketNames = {"none", "minutes", "hours", "days", "months"};

// Text that sorts as its bytes and ends where it says: 0 becomes 0 0xff, the end is 0 0.
void append_ordered_text(std::string& key, std::string_view text) {
  for (const char byte : text) {
    key.push_back(byte);
    if (byte == 0) key.push_back('\xff');
  }
  key.append(2, '\0');
}

bool take_ordered_text(std::string_view& key, std::string& text) {
  text.clear();
  for (size_t at = 0; at + 1 < key.size(); ++at) {
    if (key[at] != 0) {
      text.push_back(key[at]);
    } else if (key[at + 1] == 0) {
      key.remove_prefix(at + 2);
      return true;
    } else {
      text.push_back('\0');
      ++at;
    }
  }
  return false;
}

// Later times sort first.
void append_descending(std::string& key, int64_t ms) {
  append_big_endian64(key, ~(static_cast<uint64_t>(ms) ^ (uint64_t{1} << 63)));
}
int64_t load_descending(const char* bytes) {
  return static_cast<int64_t>(~load_big_endian64(bytes) ^ (uint64_t{1} << 63));
}

std::string table_prefix(std::string_view table) {
  std::string key(1, kRowKind);
  append_ordered_text(key, table);
  return key;
}

std::string series_prefix(std::string_view table, const AggregateSeries& series) {
  std::string key = table_prefix(table);
  append_ordered_text(key, series.gateway);
  append_ordered_text(key, series.metric_type);
  append_ordered_text(key, series.metric_attribute);
  return key;
}

void append_times(std::string& key, AggregateBucket bucket, int64_t window_start_ms) {
  append_descending(key, bucket_start_ms(bucket, window_start_ms));
  append_descending(key, window_start_ms);
}

// A series' keys have 16 bytes behind the prefix, so this is behind all of them and before the next series.
std::string behind_series(std::string prefix) {
  return std::move(prefix.append(kTimesBytes + 1, '\xff'));
}

std::string encode_row(const AggregateRow& row) {
  std::string value(1, static_cast<char>(kVersion));
  append_little_endian(value, row.window_end_ms);
  append_little_endian(value, row.sample_count);
  append_little_endian(value, row.min);
  append_little_endian(value, row.max);
  append_little_endian(value, row.sum_units);
  append_little_endian(value, row.average_units);
  return value;
}

std::optional<AggregateRow> decode_row(std::string_view times, std::string_view value) {
  ByteReader reader(value);
  const auto version = reader.little_endian<uint8_t>();
  AggregateRow row;
  row.window_end_ms = reader.little_endian<int64_t>();
  row.sample_count = reader.little_endian<int64_t>();
  row.min = reader.little_endian<double>();
  row.max = reader.little_endian<double>();
  row.sum_units = reader.little_endian<__int128>();
  row.average_units = reader.little_endian<__int128>();
  if (!reader.ok() || reader.remaining() != 0 || version != kVersion || times.size() != kTimesBytes)
    return std::nullopt;
  row.window_start_ms = load_descending(times.data() + 8);
  return row;
}

Error damaged(std::string_view table) {
  return corrupt(
      fmt::format("table {} has an entry that cannot be read; run 'meterstream doctor', and restore the data "
                  "directory from a copy",
                  table));
}

}  // namespace

std::string_view name_of(AggregateBucket bucket) {
  return kBucketNames[static_cast<size_t>(bucket)];
}

std::optional<AggregateBucket> parse_aggregate_bucket(std::string_view name) {
  for (size_t index = 0; index < kBucketNames.size(); ++index) {
    if (kBucketNames[index] == name) return static_cast<AggregateBucket>(index);
  }
  return std::nullopt;
}

int64_t bucket_start_ms(AggregateBucket bucket, int64_t window_start_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> start{milliseconds(window_start_ms)};
  switch (bucket) {
    case AggregateBucket::kNone:
      return 0;
    case AggregateBucket::kMinutes:
      return floor<minutes>(start).time_since_epoch() / milliseconds(1);
    case AggregateBucket::kHours:
      return floor<hours>(start).time_since_epoch() / milliseconds(1);
    case AggregateBucket::kDays:
      return floor<days>(start).time_since_epoch() / milliseconds(1);
    case AggregateBucket::kMonths: {
      const year_month_day date(floor<days>(start));
      return sys_days(date.year() / date.month() / day(1)).time_since_epoch() / milliseconds(1);
    }
  }
  return 0;
}

void put_table(const AggregateTableDefinition& table, WriteBatch& batch) {
  std::string value(1, static_cast<char>(kVersion));
  append_little_endian(value, static_cast<uint8_t>(table.bucket));
  append_little_endian(value, table.window_ms);
  batch.put(Space::kTable, kDefinitionKind + table.name, std::move(value));
}

void put_row(const AggregateTableDefinition& table, const AggregateSeries& series, const AggregateRow& row,
             WriteBatch& batch) {
  std::string key = series_prefix(table.name, series);
  append_times(key, table.bucket, row.window_start_ms);
  batch.put(Space::kTable, std::move(key), encode_row(row));
}

Result<std::vector<AggregateTableDefinition>> list_tables(const KeyValueStore& store) {
  std::vector<AggregateTableDefinition> tables;
  const auto cursor = store.cursor(Space::kTable);
  for (cursor->seek(std::string(1, kDefinitionKind)); cursor->valid(); cursor->next()) {
    if (cursor->key().front() != kDefinitionKind) break;
    AggregateTableDefinition table;
    table.name = std::string(cursor->key().substr(1));
    ByteReader reader(cursor->value());
    const auto version = reader.little_endian<uint8_t>();
    const auto bucket = reader.little_endian<uint8_t>();
    table.window_ms = reader.little_endian<int64_t>();
    if (!reader.ok() || reader.remaining() != 0 || version != kVersion || bucket >= kBucketNames.size())
      return damaged(table.name);
    table.bucket = static_cast<AggregateBucket>(bucket);
    tables.push_back(std::move(table));
  }
  RETURN_IF_ERROR(cursor->status());
  return tables;
}

Result<AggregateTable> AggregateTable::open(const KeyValueStore& store, std::string_view name) {
  ASSIGN_OR_RETURN(const auto tables, list_tables(store));
  std::string names;
  for (const AggregateTableDefinition& table : tables) {
    if (table.name == name) return AggregateTable(store, table);
    names += (names.empty() ? "" : ", ") + table.name;
  }
  return not_found(fmt::format("table '{}' does not exist; {}", name,
                               names.empty() ? "there are no tables yet" : "there are: " + names));
}

Result<AggregateTable::Page> AggregateTable::rows(const AggregateSeries& series, const Query& query) const {
  Page page;
  if (query.from_ms >= query.to_ms) return page;
  const std::string prefix = series_prefix(definition_.name, series);
  const bool newest_first = query.order == Order::kNewestFirst;
  const auto cursor = store_->cursor(Space::kTable);
  // Bounds at the ends of time have no bucket of their own; there the series itself is the bound.
  if (newest_first) {
    std::string first = prefix;
    if (query.to_ms != INT64_MAX) append_times(first, definition_.bucket, query.to_ms - 1);
    cursor->seek(first);
  } else {
    std::string first = prefix;
    if (query.from_ms == INT64_MIN)
      first = behind_series(std::move(first));
    else
      append_times(first, definition_.bucket, query.from_ms);
    cursor->seek_for_previous(first);
  }
  for (; cursor->valid() && cursor->key().starts_with(prefix); newest_first ? cursor->next() : cursor->previous()) {
    const auto row = decode_row(cursor->key().substr(prefix.size()), cursor->value());
    if (!row) return damaged(definition_.name);
    if (newest_first ? row->window_start_ms < query.from_ms : row->window_start_ms >= query.to_ms) break;
    if (page.rows.size() == query.limit) {
      page.next = query;
      if (newest_first)
        page.next->to_ms = row->window_start_ms + 1;
      else
        page.next->from_ms = row->window_start_ms;
      break;
    }
    page.rows.push_back(*row);
  }
  RETURN_IF_ERROR(cursor->status());
  return page;
}

Result<std::vector<AggregateSeries>> AggregateTable::series(std::string_view gateway_prefix, size_t limit,
                                                            const AggregateSeries* after) const {
  std::vector<AggregateSeries> found;
  const std::string prefix = table_prefix(definition_.name);
  std::string first = prefix;
  append_ordered_text(first, gateway_prefix);
  first.resize(first.size() - 2);  // a prefix has no end
  if (after != nullptr) first = std::max(first, behind_series(series_prefix(definition_.name, *after)));
  const auto cursor = store_->cursor(Space::kTable);
  cursor->seek(first);
  while (cursor->valid() && cursor->key().starts_with(prefix) && found.size() < limit) {
    std::string_view rest = cursor->key().substr(prefix.size());
    AggregateSeries series;
    if (!take_ordered_text(rest, series.gateway) || !take_ordered_text(rest, series.metric_type) ||
        !take_ordered_text(rest, series.metric_attribute) || rest.size() != kTimesBytes)
      return damaged(definition_.name);
    if (!series.gateway.starts_with(gateway_prefix)) break;
    // One seek a series, however many rows it has.
    cursor->seek(behind_series(series_prefix(definition_.name, series)));
    found.push_back(std::move(series));
  }
  RETURN_IF_ERROR(cursor->status());
  return found;
}

}  // namespace meterstream
