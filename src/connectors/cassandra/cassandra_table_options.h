// Purpose: time to live and compaction of tables of aggregates, and how those of a table that exists differ from what the
//          settings ask for.
// Units: `_s` is seconds. Thread-safety: values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/cassandra/cassandra_settings.h"
#include "state/aggregate_table.h"

namespace meterstream {

struct CassandraTableOptions {
  int64_t ttl_s = 0;
  /// Class without its package; empty where the choice is left to Cassandra.
  std::string compaction;
  /// Of TimeWindowCompactionStrategy.
  std::string window_unit = "DAYS";
  int64_t window_size = 1;
};

/// Of a table with rows.
CassandraTableOptions cassandra_table_options(const CassandraSettings& settings);
/// Of the list of its buckets.
CassandraTableOptions cassandra_buckets_options(const CassandraSettings& settings, AggregateBucket bucket);
/// As CREATE TABLE takes it.
std::string cassandra_compaction_text(const CassandraTableOptions& options);
/// `compaction`: a map as Cassandra's function toJson gives it.
CassandraTableOptions parse_cassandra_table_options(int64_t ttl_s, std::string_view compaction);

/// A sentence for people for each option that differs, with the statement that would change it.
std::vector<std::string> cassandra_option_differences(std::string_view table, const CassandraTableOptions& existing,
                                                      const CassandraTableOptions& wanted);

}  // namespace meterstream
