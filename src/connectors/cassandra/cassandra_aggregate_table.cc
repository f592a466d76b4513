#include "connectors/cassandra/cassandra_aggregate_table.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "connectors/cassandra/cassandra_schema.h"
#include "connectors/cassandra/cassandra_values.h"

namespace meterstream {
namespace {

constexpr size_t kPageRows = 5'000;
constexpr size_t kPageBuckets = 1'000;

void append_series(std::string& out, const AggregateSeries& series) {
  append_cassandra_text(out, series.gateway);
  append_cassandra_text(out, series.metric_type);
  append_cassandra_text(out, series.metric_attribute);
}

std::string_view order_text(AggregateTable::Order order) {
  return order == AggregateTable::Order::kNewestFirst ? "DESC" : "ASC";
}

AggregateRow take_row(CassandraValueReader& reader) {
  AggregateRow row;
  row.window_start_ms = reader.bigint();
  row.window_end_ms = reader.bigint();
  row.sample_count = reader.bigint();
  row.min = reader.real();
  row.max = reader.real();
  row.sum_units = reader.decimal_units();
  row.average_units = reader.decimal_units();
  return row;
}

/// One more than the limit shows that there is a next page.
size_t wanted_rows(const AggregateTable::Query& query) {
  return query.limit == SIZE_MAX ? SIZE_MAX : query.limit + 1;
}

}  // namespace

CassandraAggregateTable::CassandraAggregateTable(CassandraClient& client, AggregateTableDefinition definition)
    : client_(client), definition_(std::move(definition)), writer_(client, definition_) {}

Error CassandraAggregateTable::damaged() const {
  return corrupt(
      fmt::format("Cassandra: table {}.{} has a row that is none of ours (a column is empty or its number too long); "
                  "look at it with cqlsh and delete it",
                  client_.settings().keyspace, definition_.name));
}

Status CassandraAggregateTable::learn_window(const AggregateRow& row) {
  if (definition_.window_ms != 0 || row.window_end_ms <= row.window_start_ms) return {};
  AggregateTableDefinition learnt = definition_;
  learnt.window_ms = row.window_end_ms - row.window_start_ms;
  RETURN_IF_ERROR(client_.execute(fmt::format("ALTER TABLE {}.{} WITH comment = '{}'", client_.settings().keyspace,
                                              definition_.name, cassandra_table_comment(learnt))));
  definition_.window_ms = learnt.window_ms;
  return {};
}

Status CassandraAggregateTable::write(std::span<const AggregateEntry> entries) {
  if (entries.empty()) return {};
  RETURN_IF_ERROR(learn_window(entries.back().row));
  return writer_.add(entries);
}

Status CassandraAggregateTable::flush() {
  return writer_.flush();
}

Result<AggregateTable::Page> CassandraAggregateTable::rows(const AggregateSeries& series, const Query& query) {
  Page page;
  if (query.from_ms >= query.to_ms) return page;
  if (definition_.bucket == AggregateBucket::kNone)
    RETURN_IF_ERROR(read_partition(series, std::nullopt, query, page));
  else
    RETURN_IF_ERROR(read_buckets(series, query, page));
  if (page.rows.size() <= query.limit) return page;
  const int64_t first_left_out_ms = page.rows.back().window_start_ms;
  page.rows.pop_back();
  page.next = query;
  if (query.order == Order::kNewestFirst)
    page.next->to_ms = first_left_out_ms + 1;
  else
    page.next->from_ms = first_left_out_ms;
  return page;
}

Status CassandraAggregateTable::read_buckets(const AggregateSeries& series, const Query& query, Page& page) {
  const std::string statement = fmt::format(
      "SELECT bucket FROM {}.{} WHERE gateway = ? AND metric = ? AND attribute = ? AND bucket >= ? AND bucket < ? "
      "ORDER BY bucket {}",
      client_.settings().keyspace, cassandra_buckets_name(definition_.name), order_text(query.order));
  std::string values;
  append_series(values, series);
  const bool is_open = query.from_ms == INT64_MIN;
  append_cassandra_bigint(values, is_open ? INT64_MIN : bucket_start_ms(definition_.bucket, query.from_ms));
  append_cassandra_bigint(values, query.to_ms);
  std::string paging;
  do {
    ASSIGN_OR_RETURN(auto buckets, client_.select(statement, values, kPageBuckets, paging));
    CassandraValueReader reader(buckets.values);
    for (size_t index = 0; index < buckets.count; ++index) {
      const int64_t bucket_ms = reader.bigint();
      if (!reader.ok()) return damaged();
      RETURN_IF_ERROR(read_partition(series, bucket_ms, query, page));
      if (page.rows.size() >= wanted_rows(query)) return {};
    }
    paging = std::move(buckets.paging);
  } while (!paging.empty());
  return {};
}

Status CassandraAggregateTable::read_partition(const AggregateSeries& series, std::optional<int64_t> bucket_ms,
                                               const Query& query, Page& page) {
  const std::string statement = fmt::format(
      "SELECT windowstart, windowend, samplecount, min, max, sum, average FROM {}.{} WHERE gateway = ? AND metric = ? "
      "AND "
      "attribute = ? {}AND windowstart >= ? AND windowstart < ? ORDER BY windowstart {}",
      client_.settings().keyspace, definition_.name, bucket_ms ? "AND bucket = ? " : "", order_text(query.order));
  std::string values;
  append_series(values, series);
  if (bucket_ms) append_cassandra_bigint(values, *bucket_ms);
  append_cassandra_bigint(values, query.from_ms);
  append_cassandra_bigint(values, query.to_ms);
  const size_t wanted = wanted_rows(query);
  std::string paging;
  do {
    const size_t page_rows = std::min(kPageRows, wanted - page.rows.size());
    ASSIGN_OR_RETURN(auto found, client_.select(statement, values, page_rows, paging));
    CassandraValueReader reader(found.values);
    for (size_t index = 0; index < found.count; ++index) page.rows.push_back(take_row(reader));
    if (!reader.ok() || !reader.at_end()) return damaged();
    paging = std::move(found.paging);
  } while (!paging.empty() && page.rows.size() < wanted);
  return {};
}

Result<std::vector<AggregateSeries>> CassandraAggregateTable::series(std::string_view gateway_prefix, size_t limit,
                                                                     const AggregateSeries* after) {
  std::vector<AggregateSeries> found;
  if (limit == 0) return found;
  for (int32_t slot = 0; slot < kSeriesSlots; ++slot) {
    RETURN_IF_ERROR(read_slot(slot, gateway_prefix, limit, after, found));
  }
  std::ranges::sort(found);
  if (found.size() > limit) found.resize(limit);
  return found;
}

Status CassandraAggregateTable::read_slot(int32_t slot, std::string_view gateway_prefix, size_t limit,
                                          const AggregateSeries* after, std::vector<AggregateSeries>& found) {
  const bool is_behind = after != nullptr && after->gateway >= gateway_prefix;
  const std::string statement = fmt::format("SELECT gateway, metric, attribute FROM {}.{} WHERE slot = ? AND {}",
                                            client_.settings().keyspace, cassandra_series_name(definition_.name),
                                            is_behind ? "(gateway, metric, attribute) > (?, ?, ?)" : "gateway >= ?");
  std::string values;
  append_cassandra_int(values, slot);
  if (is_behind)
    append_series(values, *after);
  else
    append_cassandra_text(values, gateway_prefix);
  size_t count = 0;
  std::string paging;
  do {
    ASSIGN_OR_RETURN(auto page, client_.select(statement, values, std::min(kPageRows, limit - count), paging));
    CassandraValueReader reader(page.values);
    for (size_t index = 0; index < page.count; ++index, ++count) {
      AggregateSeries series{std::string(reader.text()), std::string(reader.text()), std::string(reader.text())};
      if (!reader.ok()) return damaged();
      if (!series.gateway.starts_with(gateway_prefix)) return {};
      found.push_back(std::move(series));
    }
    paging = std::move(page.paging);
  } while (!paging.empty() && count < limit);
  return {};
}

}  // namespace meterstream
