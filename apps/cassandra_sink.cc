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

Result<StoreSchema> cassandra_schema(const CassandraSettings& settings) {
  StoreSchema schema;
  schema.tables = usual_cassandra_tables();
  schema.text = cassandra_schema_text(settings, schema.tables);
  return schema;
}

Result<std::vector<std::string>> cassandra_schema_differences(const CassandraSettings& settings) {
  return CassandraAggregateStore(settings).option_differences();
}

}  // namespace meterstream
