#include "apps/store_sinks.h"
#include "connectors/cassandra/cassandra_aggregate_store.h"
#include "connectors/cassandra/cassandra_schema.h"

namespace meterstream {

Result<std::unique_ptr<AggregateStore>> cassandra_store(const CassandraSettings& settings) {
  if (settings.hosts.empty()) {
    return invalid(
        "no Cassandra cluster is configured; name its nodes: [cassandra] hosts = \"HOST:PORT,...\" in "
        "meterstream.toml");
  }
  RETURN_IF_ERROR(check_cassandra_settings(settings));
  return std::make_unique<CassandraAggregateStore>(settings);
}

Result<std::vector<AggregateTableDefinition>> default_cassandra_tables() {
  return usual_cassandra_tables();
}

Result<std::string> cassandra_schema(const CassandraSettings& settings,
                                     std::span<const AggregateTableDefinition> tables) {
  return cassandra_schema_text(settings, tables);
}

Result<std::vector<std::string>> cassandra_schema_differences(const CassandraSettings& settings,
                                                              std::span<const AggregateTableDefinition> tables) {
  CassandraAggregateStore store(settings);
  ASSIGN_OR_RETURN(auto differences, store.option_differences(tables));
  ASSIGN_OR_RETURN(std::string shortage, store.replication_shortage());
  if (!shortage.empty()) differences.push_back(std::move(shortage));
  return differences;
}

}  // namespace meterstream
