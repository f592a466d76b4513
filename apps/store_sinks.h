// Purpose: writers of sinks into stores outside of the process. A build without a connector has without_<connector>.cc in
//          place of these functions; they are kInvalid then, with what to do.
// Ownership: all that a SinkSurroundings names must outlive the writers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/configuration.h"
#include "base/clock.h"
#include "metering/schema_store.h"
#include "state/aggregate_store.h"
#include "state/latest_content.h"
#include "stream/sink_deployment.h"

namespace meterstream {

/// A writer's own retries end after this: its task tries again, and is asked for other things meanwhile.
inline constexpr int64_t kSinkRetryForMs = 2'000;

struct SinkSurroundings {
  const Configuration& configuration;
  SchemaStore& schemas;
  const Clock& clock;
};

/// The option `contents` of a sink of latest readings.
LatestContent latest_content(const SinkSpec& sink);
ValueFormat value_format(const SinkSpec& sink);

Result<std::unique_ptr<SinkWriter>> redis_sink_writer(const SinkSpec& sink, const SinkSurroundings& around);
Result<std::unique_ptr<SinkWriter>> lake_sink_writer(const SinkSpec& sink, PartitionId partition,
                                                     const SinkSurroundings& around);
/// What the sink says itself, over what is configured.
CassandraSettings cassandra_settings_of(const SinkSpec& sink, const CassandraSettings& configured);
/// Connects with the first call that needs it.
Result<std::unique_ptr<AggregateStore>> cassandra_store(const CassandraSettings& settings);

/// Of windows of a minute, ten minutes, an hour and a day.
Result<std::vector<AggregateTableDefinition>> default_cassandra_tables();
/// The statements that make them.
Result<std::string> cassandra_schema(const CassandraSettings& settings,
                                     std::span<const AggregateTableDefinition> tables);
/// How options of those tables that exist differ from the settings, and whether the keyspace asks for more nodes than there are,
/// for people.
Result<std::vector<std::string>> cassandra_schema_differences(const CassandraSettings& settings,
                                                              std::span<const AggregateTableDefinition> tables);

}  // namespace meterstream
