#include "apps/kafka_connection.h"

#include "connectors/registry/schema_source.h"

namespace meterstream {
namespace {

class NoSchemas final : public SchemaStore {
 public:
  Result<std::string> schema(SchemaId /*id*/) override { return error(); }
  Result<SchemaId> register_schema(std::string_view /*subject*/, std::string_view /*schema*/) override {
    return error();
  }

 private:
  static Error error() {
    return invalid(
        "no schemas: name the registry with --registry URL ([registry] url), or the id that records carry with "
        "--schema-id N ([registry] schema_id)");
  }
};

}  // namespace

KafkaSettings kafka_settings(const Configuration& configuration) {
  const ClusterSettings& cluster = configuration.kafka;
  KafkaSettings settings;
  settings.brokers = cluster.brokers;
  settings.client_id = cluster.client_id;
  settings.request_timeout_ms = cluster.request_timeout_ms;
  settings.transaction_timeout_ms = cluster.transaction_timeout_ms;
  settings.replication = static_cast<int32_t>(cluster.replication_factor);
  settings.librdkafka = cluster.librdkafka;
  return settings;
}

Result<std::unique_ptr<SchemaStore>> open_schemas(const Configuration& configuration) {
  const RegistrySettings& registry = configuration.registry;
  if (registry.urls.empty() && registry.schema_id == 0 && registry.schema_file.empty()) {
    return std::unique_ptr<SchemaStore>(std::make_unique<NoSchemas>());
  }
  return open_schema_source(registry);
}

}  // namespace meterstream
