#include "apps/store_sinks.h"

namespace meterstream {
namespace {

Error no_cassandra() {
  return invalid("this build has no connector for Cassandra; configure it with -DMETERSTREAM_CASSANDRA=ON");
}

}  // namespace

Result<std::unique_ptr<AggregateStore>> cassandra_store(const CassandraSettings& /*settings*/) {
  return no_cassandra();
}

Result<std::vector<AggregateTableDefinition>> default_cassandra_tables() {
  return no_cassandra();
}

Result<std::string> cassandra_schema(const CassandraSettings& /*settings*/,
                                     std::span<const AggregateTableDefinition> /*tables*/) {
  return no_cassandra();
}

Result<std::vector<std::string>> cassandra_schema_differences(const CassandraSettings& /*settings*/,
                                                              std::span<const AggregateTableDefinition> /*tables*/) {
  return no_cassandra();
}

}  // namespace meterstream
