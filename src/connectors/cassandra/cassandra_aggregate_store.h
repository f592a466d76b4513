// Purpose: tables of aggregates in a Cassandra keyspace. Makes keyspace and tables on demand.
// Wanted rights: SELECT and MODIFY on the keyspace; CREATE and ALTER only where something must be made.
// Thread-safety, blocking, errors, ownership: see the port. The settings are checked when the cluster is first needed.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/cassandra/cassandra_client.h"
#include "connectors/cassandra/cassandra_settings.h"
#include "state/aggregate_store.h"

namespace meterstream {

class CassandraAggregateStore final : public AggregateStore {
 public:
  /// Does not wait for the cluster.
  explicit CassandraAggregateStore(CassandraSettings settings);

  Result<std::vector<AggregateTableDefinition>> tables() override;
  Result<std::unique_ptr<AggregateTable>> open(std::string_view name) override;
  Result<std::unique_ptr<AggregateTable>> create(const AggregateTableDefinition& definition) override;
  /// How time to live and compaction of those of the tables that exist differ from the settings: a sentence for people for
  /// each, with the statement that would change it.
  Result<std::vector<std::string>> option_differences(std::span<const AggregateTableDefinition> tables);
  /// See CassandraClient.
  Result<std::string> replication_shortage() { return client_.replication_shortage(); }

 private:
  struct Listed {
    std::string name;
    std::string comment;
  };
  Result<bool> has_keyspace();
  Result<std::vector<Listed>> listed();
  Status check_columns(const AggregateTableDefinition& definition);
  Result<AggregateTableDefinition> checked(const AggregateTableDefinition& wanted, const Listed& existing);
  Status make(const AggregateTableDefinition& definition, const std::vector<Listed>& existing);

  CassandraClient client_;
  std::mutex creating_;
};

}  // namespace meterstream
