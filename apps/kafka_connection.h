// Purpose: from the configuration to what Kafka's and the registry's clients want.
// Thread-safety: pure functions.
#pragma once

#include <memory>

#include "apps/configuration.h"
#include "connectors/kafka/kafka_settings.h"
#include "metering/schema_store.h"

namespace meterstream {

KafkaSettings kafka_settings(const Configuration& configuration);

/// The registry, or the schemas that the configuration names. When it names none, the store says so to whoever asks, so
/// that commands which need no schema work. kInvalid: settings that cannot work.
Result<std::unique_ptr<SchemaStore>> open_schemas(const Configuration& configuration);

}  // namespace meterstream
