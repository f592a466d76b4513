#include "connectors/cassandra/cassandra_aggregate_store.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "connectors/cassandra/cassandra_aggregate_table.h"
#include "connectors/cassandra/cassandra_schema.h"
#include "connectors/cassandra/cassandra_table_options.h"
#include "connectors/cassandra/cassandra_values.h"

namespace meterstream {
namespace {

constexpr size_t kPageRows = 1'000;

/// Calls `take_row` for each row of all pages.
template <class Take>
Status select_all(CassandraClient& client, std::string_view statement, std::string_view values, Take take_row) {
  std::string paging;
  do {
    ASSIGN_OR_RETURN(auto page, client.select_schema(statement, values, kPageRows, paging));
    CassandraValueReader reader(page.values);
    for (size_t index = 0; index < page.count; ++index) take_row(reader);
    if (!reader.ok()) return corrupt("Cassandra: system_schema is not as expected; is this Cassandra 3 or newer?");
    paging = std::move(page.paging);
  } while (!paging.empty());
  return {};
}

}  // namespace

CassandraAggregateStore::CassandraAggregateStore(CassandraSettings settings) : client_(std::move(settings)) {}

Result<bool> CassandraAggregateStore::has_keyspace() {
  std::string values;
  append_cassandra_text(values, client_.settings().keyspace);
  bool is_there = false;
  RETURN_IF_ERROR(select_all(client_, "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?",
                             values,
                             [&](CassandraValueReader& row) { is_there = row.text() == client_.settings().keyspace; }));
  return is_there;
}

Result<std::vector<CassandraAggregateStore::Listed>> CassandraAggregateStore::listed() {
  std::string values;
  append_cassandra_text(values, client_.settings().keyspace);
  std::vector<Listed> found;
  RETURN_IF_ERROR(select_all(client_, "SELECT table_name, comment FROM system_schema.tables WHERE keyspace_name = ?",
                             values, [&](CassandraValueReader& row) {
                               std::string name(row.text());
                               found.push_back({std::move(name), std::string(row.text())});
                             }));
  return found;
}

Result<std::vector<AggregateTableDefinition>> CassandraAggregateStore::tables() {
  ASSIGN_OR_RETURN(const auto all, listed());
  std::vector<AggregateTableDefinition> found;
  for (const Listed& table : all) {
    if (auto definition = parse_cassandra_table_comment(table.name, table.comment))
      found.push_back(*std::move(definition));
  }
  std::ranges::sort(found, {}, &AggregateTableDefinition::name);
  return found;
}

Result<std::vector<std::string>> CassandraAggregateStore::option_differences(
    std::span<const AggregateTableDefinition> tables) {
  const CassandraSettings& settings = client_.settings();
  std::string values;
  append_cassandra_text(values, settings.keyspace);
  std::map<std::string, CassandraTableOptions> existing;
  RETURN_IF_ERROR(select_all(client_,
                             "SELECT table_name, default_time_to_live, toJson(compaction) FROM system_schema.tables "
                             "WHERE keyspace_name = ?",
                             values, [&](CassandraValueReader& row) {
                               std::string name(row.text());
                               const int32_t ttl_s = row.integer();
                               existing.emplace(std::move(name), parse_cassandra_table_options(ttl_s, row.text()));
                             }));
  std::vector<std::string> differences;
  const auto compare = [&](const std::string& table, const CassandraTableOptions& wanted) {
    const auto found = existing.find(table);
    if (found == existing.end()) return;
    const std::string name = fmt::format("{}.{}", settings.keyspace, table);
    for (std::string& one : cassandra_option_differences(name, found->second, wanted))
      differences.push_back(std::move(one));
  };
  for (const AggregateTableDefinition& definition : tables) {
    compare(definition.name, cassandra_table_options(settings));
    compare(cassandra_buckets_name(definition.name), cassandra_buckets_options(settings, definition.bucket));
  }
  return differences;
}

Result<std::unique_ptr<AggregateTable>> CassandraAggregateStore::open(std::string_view name) {
  ASSIGN_OR_RETURN(const auto known, tables());
  std::string names;
  for (const AggregateTableDefinition& definition : known) {
    if (definition.name == name) {
      RETURN_IF_ERROR(check_columns(definition));
      return std::make_unique<CassandraAggregateTable>(client_, definition);
    }
    names += (names.empty() ? "" : ", ") + definition.name;
  }
  return not_found(fmt::format("table '{}' does not exist in Cassandra's keyspace {}; {}", name,
                               client_.settings().keyspace,
                               names.empty() ? "there are no tables yet" : "there are: " + names));
}

Status CassandraAggregateStore::check_columns(const AggregateTableDefinition& definition) {
  std::string values;
  append_cassandra_text(values, client_.settings().keyspace);
  append_cassandra_text(values, definition.name);
  std::vector<CassandraColumn> columns;
  RETURN_IF_ERROR(
      select_all(client_,
                 "SELECT column_name, kind, position, type, clustering_order FROM system_schema.columns WHERE "
                 "keyspace_name = ? AND table_name = ?",
                 values, [&](CassandraValueReader& row) {
                   CassandraColumn column;
                   column.name = row.text();
                   column.kind = row.text();
                   column.position = row.integer();
                   column.type = row.text();
                   column.order = row.text();
                   columns.push_back(std::move(column));
                 }));
  return check_cassandra_columns(definition.name, definition.bucket, columns);
}

Result<AggregateTableDefinition> CassandraAggregateStore::checked(const AggregateTableDefinition& wanted,
                                                                  const Listed& existing) {
  const auto definition = parse_cassandra_table_comment(existing.name, existing.comment);
  if (!definition) {
    RETURN_IF_ERROR(check_columns(wanted));
    return conflict(
        fmt::format("Cassandra: table {}.{} does not say its bucket. If its rows are in buckets of {}, say so: ALTER "
                    "TABLE {}.{} WITH comment = '{}'",
                    client_.settings().keyspace, wanted.name, name_of(wanted.bucket), client_.settings().keyspace,
                    wanted.name, cassandra_table_comment(wanted)));
  }
  if (definition->bucket != wanted.bucket)
    return conflict(
        fmt::format("Cassandra: table {}.{} has buckets of {}, not of {}; name another table or drop this one",
                    client_.settings().keyspace, wanted.name, name_of(definition->bucket), name_of(wanted.bucket)));
  RETURN_IF_ERROR(check_columns(*definition));
  return *definition;
}

Status CassandraAggregateStore::make(const AggregateTableDefinition& definition, const std::vector<Listed>& existing) {
  const auto is_there = [&](std::string_view name) {
    return std::ranges::find(existing, name, &Listed::name) != existing.end();
  };
  const bool is_bucketed = definition.bucket != AggregateBucket::kNone;
  if (is_there(definition.name) && is_there(cassandra_series_name(definition.name)) &&
      (!is_bucketed || is_there(cassandra_buckets_name(definition.name))))
    return {};
  ASSIGN_OR_RETURN(const bool is_kept, has_keyspace());
  if (!is_kept) RETURN_IF_ERROR(client_.execute(cassandra_keyspace_ddl(client_.settings())));
  for (const std::string& statement : cassandra_table_ddl(client_.settings(), definition)) {
    RETURN_IF_ERROR(client_.execute(statement));
  }
  return {};
}

Result<std::unique_ptr<AggregateTable>> CassandraAggregateStore::create(const AggregateTableDefinition& definition) {
  RETURN_IF_ERROR(check_cassandra_table_name(definition.name));
  const std::scoped_lock lock(creating_);
  ASSIGN_OR_RETURN(auto existing, listed());
  auto found = std::ranges::find(existing, definition.name, &Listed::name);
  if (found != existing.end()) {
    RETURN_IF_ERROR(checked(definition, *found));
    // It may be of this moment, by another process. A node that is away must not keep the others from work.
    (void)client_.agree();
  }
  RETURN_IF_ERROR(make(definition, existing));
  if (found == existing.end()) {
    // Another process may have made it at the same time, and differently.
    ASSIGN_OR_RETURN(existing, listed());
    found = std::ranges::find(existing, definition.name, &Listed::name);
    if (found == existing.end())
      return unavailable(fmt::format("Cassandra: table {} is not there after it was made; try again", definition.name));
  }
  ASSIGN_OR_RETURN(auto known, checked(definition, *found));
  return std::make_unique<CassandraAggregateTable>(client_, std::move(known));
}

}  // namespace meterstream
