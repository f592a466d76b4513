#include "state/embedded_aggregate_table.h"

#include <algorithm>
#include <tuple>

#include "base/bytes.h"
#include "state/embedded_aggregate_store.h"
#include "state/ordered_text.h"

namespace meterstream {
namespace {

constexpr char kRowKind = 'R';
constexpr uint8_t kVersion = 1;         // the revision is the sample count
constexpr uint8_t kRevisedVersion = 2;  // it follows the row
constexpr size_t kTimesBytes = 16;

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

std::string encode_row(const AggregateRow& row, int64_t revision) {
  const bool is_counted = revision == row.sample_count;
  std::string value(1, static_cast<char>(is_counted ? kVersion : kRevisedVersion));
  append_little_endian(value, row.window_end_ms);
  append_little_endian(value, row.sample_count);
  append_little_endian(value, row.min);
  append_little_endian(value, row.max);
  append_little_endian(value, row.sum_units);
  append_little_endian(value, row.average_units);
  if (!is_counted) append_little_endian(value, revision);
  return value;
}

struct DecodedRow {
  AggregateRow row;
  int64_t revision = 0;
};

std::optional<DecodedRow> decode_row(std::string_view times, std::string_view value) {
  ByteReader reader(value);
  const auto version = reader.little_endian<uint8_t>();
  DecodedRow decoded;
  AggregateRow& row = decoded.row;
  row.window_end_ms = reader.little_endian<int64_t>();
  row.sample_count = reader.little_endian<int64_t>();
  row.min = reader.little_endian<double>();
  row.max = reader.little_endian<double>();
  row.sum_units = reader.little_endian<__int128>();
  row.average_units = reader.little_endian<__int128>();
  decoded.revision = version == kRevisedVersion ? reader.little_endian<int64_t>() : row.sample_count;
  const bool is_known = version == kVersion || version == kRevisedVersion;
  if (!reader.ok() || reader.remaining() != 0 || !is_known || times.size() != kTimesBytes) return std::nullopt;
  row.window_start_ms = load_descending(times.data() + 8);
  return decoded;
}

}  // namespace

EmbeddedAggregateTable::EmbeddedAggregateTable(KeyValueStore& store, AggregateTableDefinition definition,
                                               Durability durability, std::shared_ptr<KnownWindows> known)
    : store_(store), definition_(std::move(definition)), durability_(durability), known_(std::move(known)) {}

/// Of the entries of each key the one that wins among them.
std::vector<EmbeddedAggregateTable::Candidate> EmbeddedAggregateTable::candidates(
    std::span<const AggregateEntry> entries) const {
  std::vector<Candidate> all;
  all.reserve(entries.size());
  for (const AggregateEntry& entry : entries) {
    std::string key = series_prefix(definition_.name, entry.series);
    append_times(key, definition_.bucket, entry.row.window_start_ms);
    all.push_back({std::move(key), &entry});
  }
  std::ranges::stable_sort(all, [](const Candidate& a, const Candidate& b) {
    return std::tie(a.key, a.entry->revision) < std::tie(b.key, b.entry->revision);
  });
  std::vector<Candidate> best;
  best.reserve(all.size());
  for (size_t index = 0; index < all.size(); ++index) {
    if (index + 1 == all.size() || all[index].key != all[index + 1].key) best.push_back(std::move(all[index]));
  }
  return best;
}

void EmbeddedAggregateTable::learn_window(const AggregateRow& row, WriteBatch& batch) {
  const int64_t window_ms = row.window_end_ms - row.window_start_ms;
  if (definition_.window_ms == window_ms) return;
  definition_.window_ms = window_ms;
  put_table(definition_, batch);
}

/// Start of the newest window of a series; INT64_MIN when it has none.
Result<int64_t> EmbeddedAggregateTable::latest_of(std::string_view series) const {
  if (const int64_t* known = known_->latest_ms(series)) return *known;
  const auto cursor = store_.cursor(Space::kTable);
  cursor->seek(series);
  RETURN_IF_ERROR(cursor->status());
  if (!cursor->valid() || !cursor->key().starts_with(series)) return INT64_MIN;
  if (cursor->key().size() != series.size() + kTimesBytes) return damaged_table(definition_.name);
  return load_descending(cursor->key().data() + series.size() + 8);
}

Result<bool> EmbeddedAggregateTable::is_outdated(const Candidate& candidate) const {
  ASSIGN_OR_RETURN(const auto stored, store_.get(Space::kTable, candidate.key));
  if (!stored) return false;
  const auto row =
      decode_row(std::string_view(candidate.key).substr(candidate.key.size() - kTimesBytes), stored->bytes);
  if (!row) return damaged_table(definition_.name);
  return row->revision > candidate.entry->revision;
}

Status EmbeddedAggregateTable::write(std::span<const AggregateEntry> entries) {
  if (entries.empty()) return {};
  std::vector<Candidate> best = candidates(entries);
  WriteBatch batch;
  const std::scoped_lock lock(known_->mutex);
  learn_window(entries.back().row, batch);
  std::string series;
  int64_t latest_ms = 0;
  for (Candidate& candidate : best) {
    const auto own_series = std::string_view(candidate.key).substr(0, candidate.key.size() - kTimesBytes);
    const int64_t start_ms = candidate.entry->row.window_start_ms;
    if (series != own_series) {
      series = own_series;
      ASSIGN_OR_RETURN(latest_ms, latest_of(series));
      // Of a series the newest window comes first.
      if (start_ms > latest_ms) known_->set(series, start_ms);
    }
    if (start_ms <= latest_ms) {
      ASSIGN_OR_RETURN(const bool outdated, is_outdated(candidate));
      if (outdated) continue;
    }
    batch.put(Space::kTable, std::move(candidate.key), encode_row(candidate.entry->row, candidate.entry->revision));
  }
  if (batch.empty()) return {};
  RETURN_IF_ERROR(store_.write(batch, Durability::kBuffered));
  is_flushed_ = false;
  return {};
}

Status EmbeddedAggregateTable::flush() {
  if (is_flushed_ || durability_ == Durability::kBuffered) return {};
  WriteBatch marker;
  put_table(definition_, marker);
  RETURN_IF_ERROR(store_.write(marker, Durability::kSync));
  is_flushed_ = true;
  return {};
}

Result<AggregateTable::Page> EmbeddedAggregateTable::rows(const AggregateSeries& series, const Query& query) {
  Page page;
  if (query.from_ms >= query.to_ms) return page;
  const std::string prefix = series_prefix(definition_.name, series);
  const bool newest_first = query.order == Order::kNewestFirst;
  const auto cursor = store_.cursor(Space::kTable);
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
    const auto decoded = decode_row(cursor->key().substr(prefix.size()), cursor->value());
    if (!decoded) return damaged_table(definition_.name);
    const AggregateRow* row = &decoded->row;
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

Result<std::vector<AggregateSeries>> EmbeddedAggregateTable::series(std::string_view gateway_prefix, size_t limit,
                                                                    const AggregateSeries* after) {
  std::vector<AggregateSeries> found;
  const std::string prefix = table_prefix(definition_.name);
  std::string first = prefix;
  append_ordered_text_start(first, gateway_prefix);
  if (after != nullptr) first = std::max(first, behind_series(series_prefix(definition_.name, *after)));
  const auto cursor = store_.cursor(Space::kTable);
  cursor->seek(first);
  while (cursor->valid() && cursor->key().starts_with(prefix) && found.size() < limit) {
    std::string_view rest = cursor->key().substr(prefix.size());
    AggregateSeries series;
    if (!take_ordered_text(rest, series.gateway) || !take_ordered_text(rest, series.metric_type) ||
        !take_ordered_text(rest, series.metric_attribute) || rest.size() != kTimesBytes)
      return damaged_table(definition_.name);
    if (!series.gateway.starts_with(gateway_prefix)) break;
    // One seek a series, however many rows it has.
    cursor->seek(behind_series(series_prefix(definition_.name, series)));
    found.push_back(std::move(series));
  }
  RETURN_IF_ERROR(cursor->status());
  return found;
}

}  // namespace meterstream
