// Purpose: the tables of aggregates in Cassandra as text, and how a table that exists differs from what is wanted.
// Shape: for each table of aggregates two more. NAME_buckets lists the buckets that a series has rows in, so that a range
//        without ends can be walked in order; NAME_series lists the series by name, in kSeriesSlots partitions.
//        Length of windows and bucket stand in the table's comment.
// Units: milliseconds; `_s` is seconds. Thread-safety: values and pure functions.
// Errors: kInvalid for a name that Cassandra does not take; kConflict names every difference and what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/cassandra/cassandra_settings.h"
#include "state/aggregate_table.h"

namespace meterstream {

inline constexpr size_t kCassandraNameLength = 48;
/// Partitions of NAME_series.
inline constexpr int32_t kSeriesSlots = 16;

/// Small letters, digits and _, a letter first: what needs no quotes.
bool is_cassandra_name(std::string_view name);
/// kInvalid unless the table and its companions can have such names.
Status check_cassandra_table_name(std::string_view name);

std::string cassandra_buckets_name(std::string_view table);
std::string cassandra_series_name(std::string_view table);

std::string cassandra_keyspace_ddl(const CassandraSettings& settings);
/// Statements without semicolon that make the table and its companions unless they exist, the table last.
std::vector<std::string> cassandra_table_ddl(const CassandraSettings& settings,
                                             const AggregateTableDefinition& definition);
/// The whole schema of a new keyspace, for people and cqlsh.
std::string cassandra_schema_text(const CassandraSettings& settings,
                                  std::span<const AggregateTableDefinition> definitions);
/// The usual tables: metrics_aggregates_60, _600, _3600 and _86400 with their usual buckets.
std::vector<AggregateTableDefinition> usual_cassandra_tables();

std::string cassandra_table_comment(const AggregateTableDefinition& definition);
/// What the comment says about a table of this name; nullopt for a comment of something else.
std::optional<AggregateTableDefinition> parse_cassandra_table_comment(std::string_view name, std::string_view comment);

/// A column as system_schema.columns describes it.
struct CassandraColumn {
  std::string name;
  std::string kind;  ///< partition_key, clustering, regular or static
  int32_t position = -1;
  std::string type;
  std::string order;  ///< none, asc or desc
  bool operator==(const CassandraColumn&) const = default;
};

std::vector<CassandraColumn> cassandra_columns(AggregateBucket bucket);
/// kConflict with each difference that matters; more columns outside of the key do not.
Status check_cassandra_columns(std::string_view table, AggregateBucket bucket,
                               std::span<const CassandraColumn> existing);

}  // namespace meterstream
