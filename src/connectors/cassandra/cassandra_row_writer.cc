#include "connectors/cassandra/cassandra_row_writer.h"

#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "connectors/cassandra/cassandra_schema.h"
#include "connectors/cassandra/cassandra_values.h"

namespace meterstream {
namespace {

constexpr size_t kKnownEntries = 200'000;
constexpr size_t kOutboxBytes = size_t{1} << 20;

// A table that was there before may have another time to live than this writer is to give its rows, or none.
std::string row_statement(const CassandraSettings& settings, const AggregateTableDefinition& definition) {
  const bool is_bucketed = definition.bucket != AggregateBucket::kNone;
  return fmt::format(
      "INSERT INTO {}.{} (gateway, metric, attribute, {}windowstart, windowend, samplecount, min, max, sum, average) "
      "VALUES (?, ?, ?, {}?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?{}",
      settings.keyspace, definition.name, is_bucketed ? "bucket, " : "", is_bucketed ? "?, " : "",
      settings.ttl_s == 0 ? "" : fmt::format(" AND TTL {}", settings.ttl_s));
}

void append_series(std::string& out, const AggregateSeries& series) {
  append_cassandra_text(out, series.gateway);
  append_cassandra_text(out, series.metric_type);
  append_cassandra_text(out, series.metric_attribute);
}

}  // namespace

int32_t cassandra_series_slot(std::string_view gateway) {
  return static_cast<int32_t>(XXH64(gateway.data(), gateway.size(), 0) % kSeriesSlots);
}

Result<int64_t> cassandra_write_time(const AggregateRow& row, int64_t revision) {
  int64_t time_us = 0;
  if (revision < 0 || __builtin_mul_overflow(row.window_end_ms, 1000, &time_us) ||
      __builtin_add_overflow(time_us, revision, &time_us) || time_us == INT64_MIN)
    return invalid(fmt::format("Cassandra: a window that ends at {} ms with revision {} has no time of writing",
                               row.window_end_ms, revision));
  return time_us;
}

bool CassandraRowWriter::KnownSet::insert(const Hash& hash) {
  if (older_.contains(hash)) return false;
  if (!recent_.insert(hash).second) return false;
  if (recent_.size() >= kKnownEntries) {
    older_ = std::move(recent_);
    recent_ = {};
  }
  return true;
}

void CassandraRowWriter::KnownSet::clear() {
  recent_.clear();
  older_.clear();
}

CassandraRowWriter::CassandraRowWriter(CassandraClient& client, const AggregateTableDefinition& definition)
    : client_(client), definition_(definition) {}

Status CassandraRowWriter::open() {
  if (rows_.writer) return {};
  const std::string& keyspace = client_.settings().keyspace;
  ASSIGN_OR_RETURN(series_.writer, client_.open_writer(fmt::format(
                                       "INSERT INTO {}.{} (slot, gateway, metric, attribute) VALUES (?, ?, ?, ?)",
                                       keyspace, cassandra_series_name(definition_.name))));
  if (definition_.bucket != AggregateBucket::kNone) {
    ASSIGN_OR_RETURN(buckets_.writer, client_.open_writer(fmt::format(
                                          "INSERT INTO {}.{} (gateway, metric, attribute, bucket) VALUES (?, ?, ?, ?)",
                                          keyspace, cassandra_buckets_name(definition_.name))));
  }
  ASSIGN_OR_RETURN(rows_.writer, client_.open_writer(row_statement(client_.settings(), definition_)));
  return {};
}

Status CassandraRowWriter::add(std::span<const AggregateEntry> entries) {
  if (entries.empty()) return {};
  if (Status opened = open(); !opened) return forget(std::move(opened).error());
  for (const AggregateEntry& entry : entries) {
    if (Status added = add_entry(entry); !added) return forget(std::move(added).error());
  }
  if (Status sent = send_all(); !sent) return forget(std::move(sent).error());
  return {};
}

Status CassandraRowWriter::add_entry(const AggregateEntry& entry) {
  const AggregateRow& row = entry.row;
  ASSIGN_OR_RETURN(const int64_t time_us, cassandra_write_time(row, entry.revision));
  Group& group = group_of(entry, bucket_start_ms(definition_.bucket, row.window_start_ms));
  group.values += group.key;
  append_cassandra_bigint(group.values, row.window_start_ms);
  append_cassandra_bigint(group.values, row.window_end_ms);
  append_cassandra_bigint(group.values, row.sample_count);
  append_cassandra_double(group.values, row.min);
  append_cassandra_double(group.values, row.max);
  append_cassandra_decimal(group.values, row.sum_units);
  append_cassandra_decimal(group.values, row.average_units);
  append_cassandra_bigint(group.values, time_us);
  ++pending_;
  if (++group.rows == static_cast<uint32_t>(client_.settings().batch_rows)) take(group);
  const auto most = static_cast<size_t>(client_.settings().pending_rows);
  if (pending_ >= most || groups_.size() >= most) take_all();
  return rows_.values.size() >= kOutboxBytes ? send_all() : Status();
}

CassandraRowWriter::Group& CassandraRowWriter::group_of(const AggregateEntry& entry, int64_t bucket_ms) {
  key_.clear();
  append_series(key_, entry.series);
  const size_t series_size = key_.size();
  if (definition_.bucket != AggregateBucket::kNone) append_cassandra_bigint(key_, bucket_ms);
  const auto [found, is_new] = group_by_key_.try_emplace(key_, groups_.size());
  if (!is_new) return groups_[found->second];
  const auto hash_of = [&](size_t size) {
    const XXH128_hash_t hash = XXH3_128bits(key_.data(), size);
    return Hash{hash.low64, hash.high64};
  };
  if (known_series_.insert(hash_of(series_size))) note_series(entry.series);
  if (definition_.bucket != AggregateBucket::kNone && known_buckets_.insert(hash_of(key_.size())))
    note_bucket(entry.series, bucket_ms);
  groups_.push_back({key_, {}, 0});
  return groups_.back();
}

void CassandraRowWriter::note_series(const AggregateSeries& series) {
  append_cassandra_int(series_.values, cassandra_series_slot(series.gateway));
  append_series(series_.values, series);
  series_.batch_rows.push_back(1);
}

void CassandraRowWriter::note_bucket(const AggregateSeries& series, int64_t bucket_ms) {
  append_series(buckets_.values, series);
  append_cassandra_bigint(buckets_.values, bucket_ms);
  buckets_.batch_rows.push_back(1);
}

void CassandraRowWriter::take(Group& group) {
  if (group.rows == 0) return;
  rows_.values += group.values;
  rows_.batch_rows.push_back(group.rows);
  pending_ -= group.rows;
  group.values.clear();
  group.rows = 0;
}

void CassandraRowWriter::take_all() {
  for (Group& group : groups_) take(group);
  groups_.clear();
  group_by_key_.clear();
  pending_ = 0;
}

Status CassandraRowWriter::send(Outbox& outbox) {
  if (outbox.batch_rows.empty()) return {};
  Status sent = outbox.writer->submit(outbox.values, outbox.batch_rows);
  outbox.values.clear();
  outbox.batch_rows.clear();
  return sent;
}

Status CassandraRowWriter::send_all() {
  RETURN_IF_ERROR(send(series_));
  RETURN_IF_ERROR(send(buckets_));
  return send(rows_);
}

Status CassandraRowWriter::flush() {
  if (!rows_.writer) return {};
  take_all();
  Status sent = send_all();
  for (Outbox* outbox : {&series_, &buckets_, &rows_}) {
    if (!sent || !outbox->writer) continue;
    sent = outbox->writer->wait();
  }
  return sent ? std::move(sent) : forget(std::move(sent).error());
}

Status CassandraRowWriter::forget(Error error) {
  for (Outbox* outbox : {&series_, &buckets_, &rows_}) {
    // The next one may be of another session.
    if (outbox->writer) (void)outbox->writer->wait();
    outbox->writer.reset();
    outbox->values.clear();
    outbox->batch_rows.clear();
  }
  groups_.clear();
  group_by_key_.clear();
  pending_ = 0;
  known_series_.clear();
  known_buckets_.clear();
  return error;
}

}  // namespace meterstream
